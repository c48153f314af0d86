import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { gunzipSync } from 'node:zlib'
import { csvRecords } from '../../connectors/files/csv-head.ts'
import { jest } from '@jest/globals'
import { expectedDelays, layFlights, own } from '../support/flights.ts'
import { openflights } from '../support/openflights.ts'
import { maskKey } from '../support/pipeline-runs.ts'
import { startProgram } from '../support/program.ts'

// Several programs are started one after the other.
jest.setTimeout(180_000)

const applications = 'config/applications/flights'
const env = { TRIBUTARY_SECRET_MASK: maskKey }

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-'))
})
afterEach(() => rm(folder, { recursive: true }))

const run = (...argv: readonly string[]) => startProgram(['run', ...argv], { cwd: folder, env }).ended

async function write(path: string, content: string): Promise<void> {
  await mkdir(join(folder, path, '..'), { recursive: true })
  await writeFile(join(folder, path), content)
}

const pipeline = (inside: string) => `<pipeline id="small" version="1.0" layer="service"><metadata><owner>o</owner></metadata>\n${inside}\n</pipeline>`

const real = openflights.present ? test : test.skip
real('D-26 D-92 the flights of a quarter go from files over staging and standardization to an export and a database', async () => {
  await layFlights(folder)
  const crm = new DatabaseSync(join(folder, own, 'crm.sqlite'))
  crm.exec("CREATE TABLE delays (origin TEXT PRIMARY KEY, city TEXT, flights INTEGER, mean_delay REAL, worst_delay INTEGER, note TEXT); INSERT INTO delays VALUES ('LAX', 'old', 0, 0, 0, 'kept'), ('XXX', 'gone', 0, 0, 0, 'kept')")

  const { airports, flights, delays } = await expectedDelays()
  const results: Record<string, { state: string; rowsWritten: number; rowsRejected: number; error?: unknown }> = {}
  for (const file of ['staging/pipelines/airports', 'staging/pipelines/flights', 'standardization/pipelines/airports', 'standardization/pipelines/flights', 'service/pipelines/delays']) {
    const { out, err } = await run(`${applications}/${file}.xml`, '--json', '--param', 'runDate=2001-03-31')
    expect(err).toBe('')
    results[file] = JSON.parse(out)
  }
  expect(Object.values(results).map(({ state, rowsWritten, rowsRejected, error }) => [state, rowsWritten, rowsRejected, error])).toEqual([
    ['SUCCEEDED', airports.all, 0, undefined], ['SUCCEEDED', 20_000, 0, undefined], ['SUCCEEDED', airports.named, 0, undefined], ['SUCCEEDED', flights, 0, undefined], ['SUCCEEDED', 2 * delays.length, 0, undefined],
  ])

  const lines = gunzipSync(await readFile(join(folder, own, 'service/delays/2001/03/31/delays_export.csv.gz'))).toString().trimEnd().split('\n')
  expect(lines[0]).toBe('origin,city,flights,mean_delay,worst_delay')
  expect(csvRecords(lines.slice(1).join('\n'), { quote: '"', delimiter: ',' }, 10_000).map(([origin, city, count, mean, worst]) => [origin, city, Number(count), Number(mean), Number(worst)])).toEqual(delays.map(({ origin, city, count, mean, worst }) => [origin, city, count, expect.closeTo(mean, 9), worst]))
  const merged = crm.prepare('SELECT origin, flights, note FROM delays ORDER BY origin').all() as { origin: string; flights: number; note: string | null }[]
  expect(merged).toHaveLength(delays.length + 1)
  expect(merged.filter(({ note }) => note !== null)).toEqual([{ origin: 'LAX', flights: delays.find(({ origin }) => origin === 'LAX')?.count, note: 'kept' }, { origin: 'XXX', flights: 0, note: 'kept' }])
  crm.close()
})

/** What the files hold, told without a SQL engine. */

test('what a run did is said step by step, and the program ends with 0', async () => {
  await write('small.xml', pipeline('<sources><csv id="c" path="in.csv"/></sources>\n<transformations><sort source="c" orderBy="n"/></transformations>\n<targets><csv path="out" mode="overwrite"/></targets>'))
  await write('in.csv', 'n\n2\n1\n3,4\n')
  const { code, out, err } = await run('small.xml')
  expect([code, err]).toEqual([1, ''])
  expect(out.replace(/[\d.]+ s on duckdb {2}run [0-9a-f-]+/, 'RUN').split('\n')).toEqual([
    'small 1.0.0  FAILED  RUN', '  c             failed     csv, 2 rows, 1 left out', '      in.csv, line 4: has too many values, 1 are expected', '  1-sort        succeeded  sort', '  target-1-csv  cancelled  csv',
    '  SOURCE in c: 1 of 3 rows of "c" cannot be read, more than the share of 0.05 that may be. The first: line 4 of "in.csv": has too many values, 1 are expected. Nothing is written.', '',
  ])
  await write('in.csv', 'n\n2\n1\n')
  const done = await run('small.xml')
  expect([done.code, done.err]).toEqual([0, ''])
  expect(done.out.replace(/[\d.]+ s on duckdb {2}run [0-9a-f-]+/, 'RUN').split('\n')).toEqual(['small 1.0.0  SUCCEEDED  RUN', '  c             succeeded  csv, 2 rows', '  1-sort        succeeded  sort', '  target-1-csv  succeeded  csv, 2 rows, 6 bytes, into out/small.csv', ''])
  expect(await readFile(join(folder, 'out/small.csv'), 'utf8')).toBe('n\n1\n2\n')
  await rm(join(folder, 'in.csv'))
  const quiet = await run('small.xml')
  expect([quiet.code, quiet.out.split('  ', 2)]).toEqual([0, ['small 1.0.0', 'SKIPPED_NO_DATA']])
})

test('D-02 a run whose engine is not there ends before it reads or writes anything', async () => {
  await write('landing/c.csv', 'id\n1\n')
  await write('service/out/small.csv', 'before\n')
  await write('small.xml', pipeline('<sources><csv id="c" path="landing/c.csv"/></sources><targets><csv path="service/out" mode="overwrite"/></targets>'))
  const closed = createServer()
  await new Promise<void>(listening => closed.listen(0, '127.0.0.1', listening))
  const { port } = closed.address() as AddressInfo
  await new Promise(ended => closed.close(ended))
  const ran = await run('small.xml', '--json', `--engines-trino-url=http://127.0.0.1:${port}`, '--pipelines-trino-catalog=memory')
  expect([ran.code, ran.err]).toEqual([1, ''])
  expect(JSON.parse(ran.out)).toMatchObject({
    state: 'FAILED', engine: 'trino', steps: [{ state: 'CANCELLED' }, { state: 'CANCELLED' }],
    error: { category: 'SYSTEM', message: `ENGINE_UNAVAILABLE: Trino at 127.0.0.1:${port} gave no answer (ECONNREFUSED). Runs are computed there; nothing was read, and nothing written.` },
  })
  expect(await readFile(join(folder, 'service/out/small.csv'), 'utf8')).toBe('before\n')
})

test('a document with mistakes, a job of pipelines that are not there, parameters that do not fit and files that are not there are refused', async () => {
  await write('wrong.xml', pipeline('<sources><csv id="c" path="in.csv"/></sources><targets><csv path="out" mode="replace"/></targets>'))
  expect(await run('wrong.xml')).toMatchObject({ code: 1, out: '', err: expect.stringContaining('"mode" of <csv> is "replace"') })
  await write('job.xml', '<jobPipeline id="all" version="1.0"><pipelines><pipelineRef id="a"/></pipelines></jobPipeline>')
  expect(await run('job.xml')).toMatchObject({ code: 2, err: 'There is no pipeline "a" in "default".\n' })
  await write('small.xml', pipeline('<sources><csv id="c" path="in.csv"/></sources><targets><csv path="out"/></targets>'))
  expect(await run('small.xml', '--param', 'day=1', '--param', 'x')).toMatchObject({ code: 2, err: expect.stringContaining('"x" is no parameter: NAME=VALUE is expected.') })
  expect(await run('small.xml', '--param', 'day=1')).toMatchObject({ code: 2, err: expect.stringContaining('There is no parameter "day".') })
  expect(await run('none.xml')).toMatchObject({ code: 1, err: expect.stringContaining('none.xml') })
})
