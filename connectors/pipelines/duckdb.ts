import type { DuckDbOptions } from '../duckdb/database.ts'
import { openDuckDb } from '../duckdb/database.ts'
import type { PipelineEngine } from '../ports/pipeline-engine.ts'
import { openWorkspace } from './workspace.ts'

/** DuckDB in this process, one for each run, with memory and temporary space of its own: what does not fit in memory is written into a folder of its own below `freshIn`. Beginning a run costs some ten milliseconds. */
export function duckDbPipelines(options: DuckDbOptions): PipelineEngine {
  return {
    name: 'duckdb',
    async begin(scope) {
      return openWorkspace(await openDuckDb(options), scope)
    },
  }
}
