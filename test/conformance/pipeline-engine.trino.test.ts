import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { trinoPipelines } from '../../connectors/pipelines/trino.ts'
import { conforms } from '../support/conformance.ts'
import { withEngine } from '../support/engines.ts'
import { testScope } from '../support/scope.ts'
import { pipelineEngineChecks, type PipelineEngineSubject } from './pipeline-engine.ts'

jest.setTimeout(120_000)

withEngine('TRINO_URL', 'Trino', url => {
  for (const catalog of ['memory', 'iceberg', 'hive']) {
    conforms<PipelineEngineSubject>(`PipelineEngine on Trino, rows held by ${catalog}`, pipelineEngineChecks, async () => {
      const home = await mkdtemp(join(tmpdir(), 'tributary-pipelines-'))
      const scope = testScope()
      const engine = trinoPipelines({ trino: { url, user: 'tests' }, catalog, schema: 'test_conformance', duck: { memoryLimit: '512MB', threads: 2 } })
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
  }
})
