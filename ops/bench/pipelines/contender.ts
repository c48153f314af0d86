import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openDuckDb } from '../../../connectors/duckdb/database.ts'
import { environment, readConfig } from '../../../gateway/config.ts'
import { runFile } from '../../../gateway/pipelines/run.ts'
import { memoryLimit, pipelineOf, schemas, sqlOf, type Workload, writeWorkload } from './work.ts'

/** One contender in a process of its own: does the work once, after some of it over a thousand rows, and writes what it took. */
const [who = '', given = ''] = process.argv.slice(2)
const workload = JSON.parse(given) as Workload
// The first statement of a process waits for code to be compiled, which is no work over rows.
const small: Workload = { ...workload, rows: 1_000, folder: join(workload.folder, 'small') }
await writeWorkload(small)
for (let turn = 0; turn < 3; turn++) await work(small)
const startedMs = performance.now()
const before = process.cpuUsage()
await work(workload)
const { user, system } = process.cpuUsage(before)
process.stdout.write(JSON.stringify({ wallMs: performance.now() - startedMs, cpuMs: (user + system) / 1000, peakBytes: process.resourceUsage().maxRSS * 1024 }))

async function work(load: Workload): Promise<void> {
  if (who === 'tributary') await runPipeline(load)
  else await runSql(load)
}

async function runPipeline({ folder, format }: Workload): Promise<void> {
  await mkdir(join(folder, 'schemas'), { recursive: true })
  for (const [name, text] of Object.entries(schemas)) await writeFile(join(folder, 'schemas', name), text)
  await writeFile(join(folder, 'work.xml'), pipelineOf(format))
  const config = readConfig([`--pipelines-memory-limit=${memoryLimit}`, '--pipelines-temp-limit=200GB'], {}, folder)
  const { state, error } = await runFile({ file: join(folder, 'work.xml'), parameters: {}, files: folder, config, env: environment, listener: () => undefined })
  if (state !== 'SUCCEEDED') throw new Error(error?.message ?? state)
}

async function runSql(load: Workload): Promise<void> {
  const database = await openDuckDb({ memoryLimit, tempLimit: '200GB' })
  const connection = await database.connect()
  await connection.run(sqlOf(load))
  connection.disconnectSync()
  await database.close()
}
