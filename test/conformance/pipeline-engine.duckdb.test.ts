import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { duckDbPipelines } from '../../connectors/pipelines/duckdb.ts'
import { conforms } from '../support/conformance.ts'
import { testScope } from '../support/scope.ts'
import { pipelineEngineChecks, type PipelineEngineSubject } from './pipeline-engine.ts'

conforms<PipelineEngineSubject>('PipelineEngine on DuckDB', pipelineEngineChecks, async () => {
  const home = await mkdtemp(join(tmpdir(), 'tributary-pipelines-'))
  const scope = testScope()
  const engine = duckDbPipelines({ memoryLimit: '512MB', threads: 2 })
  const run = await engine.begin(scope)
  let folders = 0
  return {
    engine, run, scope,
    async file(name, content) {
      await writeFile(join(home, name), content)
      return join(home, name)
    },
    async folder() {
      folders += 1
      const folder = join(home, `folder-${folders}`)
      await mkdir(folder)
      return folder
    },
    async close() {
      await run.close()
      await rm(home, { recursive: true, force: true })
    },
  }
})
