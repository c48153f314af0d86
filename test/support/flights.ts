import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { gunzipSync } from 'node:zlib'
import { csvRecords } from '../../connectors/files/csv-head.ts'
import { eventually } from './eventually.ts'
import { type RunningHub, startHub } from './hub.ts'
import { maskKey } from './pipeline-runs.ts'

const data = resolve(import.meta.dirname, '../../../shared/data')
/** Where an application of flights has its data. */
export const own = 'data/applications/flights'

/** The documents of test/flows/flights with the real files they read, in a folder. */
export async function layFlights(folder: string): Promise<void> {
  await cp(resolve(import.meta.dirname, '../flows/flights'), folder, { recursive: true })
  await mkdir(join(folder, own, 'landing'), { recursive: true })
  await cp(join(data, 'openflights/airports.dat'), join(folder, own, 'landing/airports.dat'))
  await cp(join(data, 'flights/flights-20k.json'), join(folder, own, 'landing/flights-20k.json'))
  const countries = csvRecords(await readFile(join(data, 'openflights/countries.dat'), 'utf8'), { quote: '"', delimiter: ',' }, 1_000)
  await lay(folder, 'config/common/lookups/countries.csv', `country,iso_code\n${countries.map(([name, iso]) => `"${name}",${iso}\n`).join('')}`)
  await lay(folder, 'config/common/lookups/countries.avsc', JSON.stringify({ type: 'record', name: 'countries', keys: ['country'], fields: [{ name: 'country', type: 'string' }, { name: 'iso_code', type: ['null', 'string'] }] }))
}

async function lay(folder: string, path: string, content: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), content)
}

/** What the documents make of the files, by plain JavaScript. */
export async function expectedDelays() {
  const airports = csvRecords(await readFile(join(data, 'openflights/airports.dat'), 'utf8'), { quote: '"', delimiter: ',', escape: '\\' }, 100_000)
  const cities = new Map(airports.flatMap(([, , city = '', , iata = '']) => (iata === '\\N' || iata === '' ? [] : [[iata, city] as const])))
  const rows = JSON.parse(await readFile(join(data, 'flights/flights-20k.json'), 'utf8')) as { date: string; delay: number; origin: string; destination: string }[]
  const latest = new Map<string, { origin: string; delay: number }>()
  for (const { date, origin, destination, delay } of rows) {
    const key = JSON.stringify([date, origin, destination])
    const known = latest.get(key)
    if (!known || known.delay < delay) latest.set(key, { origin, delay })
  }
  const placed = [...latest.values()].filter(({ origin }) => cities.has(origin))
  const delays = [...Map.groupBy(placed, ({ origin }) => origin)].map(([origin, all]) => ({
    origin, city: cities.get(origin) ?? '', count: all.length, mean: all.reduce((sum, { delay }) => sum + delay, 0) / all.length, worst: Math.max(...all.map(({ delay }) => delay)),
  }))
  return { airports: { all: airports.length, named: cities.size }, flights: placed.length, delays: delays.sort((a, b) => (a.origin < b.origin ? -1 : 1)) }
}

/** One line of what the flights came to, wherever it went. */
export interface Delay {
  readonly origin: string
  readonly city: string
  readonly count: number
  readonly mean: number
  readonly worst: number
}

const regionPipeline = `<pipeline id="delays_region" version="1.0" layer="service"><metadata><owner>flights-team</owner></metadata>
  <sources><csv id="delays" path="service/delays/%Y/%m/%d/*.csv.gz" inferSchema="true"/></sources>
  <targets><region name="delays" mode="overwrite"/></targets></pipeline>`
const catalog = `regions:
  delays: { type: Delay, key: origin, fields: { origin: ID!, city: String, flights: Int, mean_delay: Float, worst_delay: Int } }
`

/** The job of the flights in a hub, with a region behind it: what it left in the export, the database and the graph, and the hub, which is to be closed. */
export async function flightsHub(folder: string, flags: readonly string[] = []) {
  await layFlights(folder)
  await lay(folder, 'hub.yaml', catalog)
  await lay(folder, 'secrets/mask', maskKey)
  await lay(folder, 'config/applications/flights/service/pipelines/delays_region.xml', regionPipeline)
  const nightly = 'config/applications/flights/service/jobs/nightly.xml'
  const job = await readFile(join(folder, nightly), 'utf8')
  await lay(folder, nightly, job.replace(/<notifications>[\s\S]*<\/notifications>/, '').replace('</pipelines>', '<pipelineRef id="delays_region" dependsOn="delays_export"/></pipelines>'))
  const sink = new DatabaseSync(join(folder, own, 'crm.sqlite'))
  sink.exec('CREATE TABLE delays (origin TEXT PRIMARY KEY, city TEXT, flights INTEGER, mean_delay REAL, worst_delay INTEGER)')
  sink.close()

  const hub = await startHub({ catalog: join(folder, 'hub.yaml'), flags: [`--pipelines-folder=${folder}/config`, `--pipelines-secrets-folder=${folder}/secrets`, ...flags] })
  const { data: begun, errors } = await hub.query<{ runJob: { runId: string } }>('mutation { runJob(app: "flights", id: "flights_nightly", params: { runDate: "2001-03-31" }) { runId } }')
  if (errors) throw new Error(JSON.stringify(errors))
  const look = async () => (await hub.query<{ jobRun: { state: string; steps: { pipelineId: string; state: string; error: unknown }[] } }>('query ($runId: ID!) { jobRun(runId: $runId) { state steps { pipelineId state error { message } } } }', { runId: begun?.runJob.runId })).data?.jobRun
  await eventually('the job ends', async () => !['QUEUED', 'RUNNING', undefined].includes((await look())?.state), 200_000)
  return { hub, job: await look(), exported: await exported(folder), merged: merged(folder), entities: await entities(hub) }
}

async function exported(folder: string): Promise<readonly Delay[]> {
  const [, ...lines] = gunzipSync(await readFile(join(folder, own, 'service/delays/2001/03/31/delays_export.csv.gz'))).toString().trimEnd().split('\n')
  return csvRecords(lines.join('\n'), { quote: '"', delimiter: ',' }, 10_000).map(([origin = '', city = '', count, mean, worst]) => ({ origin, city, count: Number(count), mean: Number(mean), worst: Number(worst) }))
}

function merged(folder: string): readonly Delay[] {
  const database = new DatabaseSync(join(folder, own, 'crm.sqlite'), { readOnly: true })
  const rows = database.prepare('SELECT origin, city, flights AS count, mean_delay AS mean, worst_delay AS worst FROM delays ORDER BY origin').all()
  database.close()
  return rows.map(row => ({ ...row }) as unknown as Delay)
}

async function entities(hub: RunningHub): Promise<readonly Delay[]> {
  const { data, errors } = await hub.query<{ delays: { nodes: Delay[] } }>('{ delays(first: 1000, orderBy: [{ origin: ASC }]) { nodes { origin city count: flights mean: meanDelay worst: worstDelay } } }')
  if (!data) throw new Error(JSON.stringify(errors))
  return data.delays.nodes
}
