import { asHubError, HubError } from '../../schema/errors.ts'
import { type DuckDbOptions, openDuckDb } from '../duckdb/database.ts'
import type { PipelineEngine } from '../ports/pipeline-engine.ts'
import { openTrino } from '../trino/client.ts'
import type { TrinoOptions } from '../trino/options.ts'
import { openTrinoWorkspace } from './trino-workspace.ts'

export interface TrinoPipelineOptions {
  readonly trino: TrinoOptions
  /** Where rows are held while a run goes on: any catalog that can be written. One of Iceberg or Hive holds what its store does; one of memory is quick, and holds 128 MB a node unless it is told otherwise (`memory.max-data-per-node`). */
  readonly catalog: string
  /** What the names of the schemas made there begin with, in lower case; default `tributary_run`. One that is older than a day is dropped. */
  readonly schema?: string
  /** Of what reads and writes files, which are those of this machine. */
  readonly duck: DuckDbOptions
}

/**
 * Pipelines computed by Trino. Files are read and written by a DuckDB of the run, so that rows are left out for the same reasons as there; what is read is sent to Trino once, when something is computed of it, and held there until the run ends. Beginning a run costs some ten
 * milliseconds, each statement fifty and more; some fifty to a hundred thousand rows are sent in a second.
 */
export function trinoPipelines({ trino, catalog, schema = 'tributary_run', duck }: TrinoPipelineOptions): PipelineEngine {
  return {
    name: 'trino',
    async begin(scope) {
      const client = openTrino(trino)
      await client.check(scope.signal).catch(async (error: unknown) => {
        await client.close()
        scope.signal.throwIfAborted()
        const { code, message } = asHubError(error)
        throw new HubError(code, `ENGINE_UNAVAILABLE: ${message} Runs are computed there; nothing was read, and nothing written.`, {}, { cause: error })
      })
      return openTrinoWorkspace(scope, { client, place: { catalog, schema }, openDuck: () => openDuckDb(duck) })
    },
  }
}
