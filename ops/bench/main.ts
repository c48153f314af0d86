import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { writeDemo } from '../../gateway/demo/write.ts'
import { fanOut, type Publish } from './fan-out.ts'
import { growthErrors, growthFindings, measureGrowth } from './growth/index.ts'
import { checkGateway, compareGateways, type GatewayOptions } from './gateway/index.ts'
import { version } from './gateway/gateways.ts'
import { writeSection } from './gateway/results.ts'
import { hubErrors, hubFindings, measureHub } from './hub/index.ts'
import { exchangesFindings, measureExchanges } from './exchanges/index.ts'
import { ask, bodyOf, drive, post, setReady, type Figures, type LoadOptions } from './load.ts'
import { startServer, type Server } from './processes.ts'
import { measurePipelines, pipelinesFindings } from './pipelines/index.ts'
import { findingsMarkdown, findingsText, table, type Findings, type Measured } from './report.ts'
import { fanOutScenarios, requestScenarios, type FanOutScenario, type RequestScenario } from './scenarios.ts'

const usage = `npm run bench -- [engines | region | gateway | check | hub | growth | pipelines | exchanges] [options]
  gateway              instead: the gateway over remote subgraphs, and the hub, beside their peers, which are installed below ops/bench/gateway/peers
  check                instead: a short run of ours against what RESULTS.md has stored; fails on a severe loss
  hub                  instead: reads, SQL and durable transactions over one region, in process and over HTTP, each alone and all together
  growth               instead: a read with more and more entries, then 10,000 documents: what planning takes, and what they leave in memory
  pipelines            instead: a pipeline beside SQL that does the same in DuckDB, and beside Spark where Python finds pyspark
  exchanges            instead: a day of files through pipelines of hubs that are killed meanwhile; fails where a row or a run is lost or doubled
  engines              instead: the adapters of real engines beside what they replace, then the hub on Ignite; where they are is read
                       from the environment (npm run engines -- env)
  region               instead: the layout of the embedded regions, beside a Map of objects
  --only NAME          only scenarios whose name holds this text
  --connections N      connections of the client (default 32)
  --scale X            factor on every count of requests (default 1)
  --sockets N          subscribers of the fan-outs (default 1000); each side needs a descriptor for each (ulimit -n)
  --catalog FILE       another catalog that has the demo's fields
  --bare               only the bare server, without the hub
  --json               figures as JSON
 of gateway and check, beside --only, --connections and --scale (check: a fifth unless told)
  --rounds N           turns of each contender (default 5)
  --users N            users in the hub's regions (default 1000000)
  --peers NAME,…       only peers whose name holds one of these
  --write              what was measured becomes a section of ops/bench/RESULTS.md
 of hub, beside --only, --connections, --scale and --write
  --records N          entries of the region (default 1000000); TMPDIR says on which disk they are
 of growth, beside --connections, --scale, --rounds and --write
  --users N            most users of a region: it is measured with 10,000, 1,000,000 and 10,000,000 of them, up to this (default 1000000)
  --requests N         requests over the documents (default 1000000)
 of pipelines, beside --rounds and --write
  --rows N             most rows: it is measured with 1,000,000, 10,000,000 and 50,000,000 of them, up to this (default 10000000); TMPDIR says on which disk they are
 of exchanges, beside --write
  --exchanges N        files of the day (default 5000)
  --applications N     that exchange them (default 20)
  --kills N            times a hub is killed (default 10)
  --freezes N          times one is held until its runs are taken over, and goes on then (default 2)
  --hubs N             hubs that share their runs in POSTGRES_URL (default 2); one keeps them in its data folder
  --seed N             another day, and other moments of kills (default 1)
  --data FOLDER        where all of it lies, and stays; absent: a folder that is removed when nothing is wrong`

const root = join(import.meta.dirname, '../..')
const command = `npm run bench -- ${process.argv.slice(2).join(' ')}`
/** Comparisons of adapters, by the variable that says where the engine is. */
const adapters = [['IGNITE_HOST_1', 'ignite.ts'], ['IGNITE_HOST_1', 'cluster.ts'], ['TRINO_URL', 'trino.ts'], ['KAFKA_BROKER', 'kafka.ts']] as const

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', default: '' }, connections: { type: 'string', default: '32' }, scale: { type: 'string' }, sockets: { type: 'string', default: '1000' }, catalog: { type: 'string' },
    bare: { type: 'boolean', default: false }, json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '5' }, users: { type: 'string', default: '1000000' }, peers: { type: 'string' }, records: { type: 'string', default: '1000000' }, requests: { type: 'string', default: '1000000' }, rows: { type: 'string', default: '10000000' }, exchanges: { type: 'string', default: '5000' }, applications: { type: 'string', default: '20' }, kills: { type: 'string', default: '10' }, freezes: { type: 'string', default: '2' }, hubs: { type: 'string', default: '2' }, seed: { type: 'string', default: '1' }, data: { type: 'string' }, write: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(usage)
else if (positionals[0] === 'gateway') {
  const errors = await compareGateways(gatewayOptions('1'), values.write)
  if (errors > 0) fail(`${errors} answers were errors: these figures do not count.`)
} else if (positionals[0] === 'check') {
  const lost = await checkGateway(gatewayOptions('0.2'))
  if (lost.length > 0) fail(`A severe loss against ops/bench/RESULTS.md, at a second look too: ${lost.join('; ')}.`)
} else if (positionals[0] === 'hub') {
  if (values.write && values.only !== '') throw new RangeError('--write takes all of it: leave out --only.')
  const figures = await measureHub({ records: whole('records', values.records, 1_000), only: values.only, connections: whole('connections', values.connections), scale: positive('scale', values.scale ?? '1'), progress: onTerminal })
  await show(figures, hubFindings(figures), hubErrors(figures))
} else if (positionals[0] === 'growth') {
  const figures = await measureGrowth({ ...gatewayOptions('1'), requests: whole('requests', values.requests, 10) })
  await show(figures, growthFindings(figures), growthErrors(figures))
} else if (positionals[0] === 'pipelines') {
  const figures = await measurePipelines({ rows: whole('rows', values.rows), rounds: whole('rounds', values.rounds), progress: onTerminal })
  await show(figures, pipelinesFindings(figures), 0)
} else if (positionals[0] === 'exchanges') await exchange()
else if (positionals.some(name => name !== 'engines' && name !== 'region')) throw new RangeError(`There is no bench "${positionals.join(' ')}".\n${usage}`)
else if (positionals.includes('region')) await run('region.ts')
else {
  if (positionals.length > 0) for (const [variable, program] of adapters) await beside(variable, program)
  const measured = await measure({ connections: positive('connections', values.connections), scale: positive('scale', values.scale ?? '1'), progress: onTerminal })
  onTerminal('')
  console.log(values.json ? JSON.stringify(measured, null, 2) : table(measured))
  if (measured.some(({ hub, bare }) => (hub?.errors ?? 0) + bare.errors > 0)) fail('Some answers were errors: these figures do not count.')
}

/** Prints what was found, and makes it a section of the results when told and nothing failed. */
async function show(figures: unknown, findings: Findings, errors: number): Promise<void> {
  onTerminal('')
  console.log(values.json ? JSON.stringify(figures, null, 2) : findingsText(findings))
  if (errors > 0) fail(`${errors} answers were errors: these figures do not count.`)
  else if (values.write) await writeSection(findings.name, command, `- Tributary: ${version()}`, [findingsMarkdown(findings)])
}

/** What is wrong is told one by one, and what it is told of stays. */
async function exchange(): Promise<void> {
  const { data } = values
  const folder = data === undefined ? await mkdtemp(join(tmpdir(), 'tributary-exchanges-')) : resolve(data)
  await mkdir(folder, { recursive: true })
  const log = createWriteStream(join(folder, 'hubs.log'))
  const interrupted = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort(new Error(`Interrupted by ${name}.`)))
  try {
    const figures = await measureExchanges({
      exchanges: whole('exchanges', values.exchanges), applications: whole('applications', values.applications), kills: whole('kills', values.kills, 0), freezes: whole('freezes', values.freezes, 0), hubs: whole('hubs', values.hubs), seed: whole('seed', values.seed, 0), folder,
      postgresUrl: process.env['POSTGRES_URL'], progress: nowAndThen(), signal: interrupted.signal, heard: text => log.write(text),
    })
    await show(figures, exchangesFindings(figures), 0)
    for (const one of figures.wrong) fail(one)
    if (data === undefined && figures.wrong.length === 0) await rm(folder, { recursive: true })
    else console.error(`Everything of it, and what the hubs wrote, is in ${folder}.`)
  } catch (error) {
    console.error(`It did not end; what there is of it, and what the hubs wrote, is in ${folder}.`)
    throw error
  } finally {
    log.end()
  }
}

/** On a terminal one line that is written over; elsewhere a line each ten seconds. */
function nowAndThen(): (line: string) => void {
  let toldMs = Number.NEGATIVE_INFINITY
  return line => {
    if (process.stderr.isTTY) return onTerminal(line)
    if (performance.now() - toldMs < 10_000) return
    toldMs = performance.now()
    console.error(line)
  }
}

function fail(why: string): void {
  console.error(why)
  process.exitCode = 1
}

function gatewayOptions(scale: string): GatewayOptions {
  return {
    connections: positive('connections', values.connections), scale: positive('scale', values.scale ?? scale), rounds: whole('rounds', values.rounds), users: whole('users', values.users),
    only: values.only, peers: values.peers?.split(','), progress: onTerminal, command,
  }
}

/** Runs the comparison of one adapter, which prints its own table. */
async function beside(variable: string, program: string): Promise<void> {
  if (!process.env[variable]) throw new Error(`${variable} is not set. Start the engines (npm run engines -- up ignite:2 trino kafka) and take over what "npm run --silent engines -- env" prints.`)
  console.log(`\n${program}, ${variable}=${process.env[variable]}`)
  await run(program)
}

async function run(program: string): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, program)], { stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`${program} ended with ${code}.`)
}

/** Both servers side by side, one scenario after the other, in a folder that is removed afterwards. */
async function measure(options: LoadOptions): Promise<readonly Measured[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-bench-'))
  const servers: Server[] = []
  try {
    const bare = await startServer(join(import.meta.dirname, 'bare.ts'), [])
    servers.push(bare)
    const scenarios = requestScenarios.filter(({ name }) => name.includes(values.only))
    const hub = values.bare || scenarios.length === 0 ? undefined : await startHub(folder)
    if (hub) servers.push(hub)

    const measured: Measured[] = []
    for (const scenario of scenarios) measured.push(await compare(scenario, bare, hub, options))
    for (const scenario of fanOutScenarios(positive('sockets', values.sockets)).filter(({ name }) => name.includes(values.only))) measured.push(await compareFanOut(scenario, bare, folder, options))
    return measured
  } finally {
    await Promise.all(servers.map(server => server.stop()))
    await rm(folder, { recursive: true, force: true })
  }
}

async function startHub(folder: string, flags: readonly string[] = []): Promise<Server> {
  const own = await mkdtemp(join(folder, 'hub-'))
  const catalog = values.catalog ?? (await writeDemo(join(own, 'demo'))).catalog
  return startServer(join(root, 'gateway/cli.ts'), ['start', '--catalog', catalog, '--port', '0', '--data', join(own, 'data'), ...flags])
}

async function compare(scenario: RequestScenario, bare: Server, hub: Server | undefined, options: LoadOptions): Promise<Measured> {
  const { name, document, variables } = scenario
  const sample = hub ? await ask(hub.url, bodyOf(document, variables(0))) : { data: { sample: 'x'.repeat(150) } }
  await setReady(bare, sample)
  const hubFigures = hub && (await labelled(name, () => drive(hub, scenario, options)))
  return { name, unit: 'request', hub: hubFigures, bare: await drive(bare, scenario, options) }
}

/** With a hub of its own, as the scenario wants it. */
async function compareFanOut(scenario: FanOutScenario, bare: Server, folder: string, options: LoadOptions): Promise<Measured> {
  const { name, mutation, variables, subscribers, changes = 1, flags = [] } = scenario
  const hub = values.bare ? undefined : await startHub(folder, ['--subscriptions-max-per-caller', String(subscribers), '--max-connections', String(subscribers + 1_000), ...flags])
  let hubFigures: Figures | undefined
  try {
    hubFigures = hub && (await labelled(name, () => fanOut(hub, scenario, n => ask(hub.url, bodyOf(mutation, variables(n))), options)))
  } finally {
    await hub?.stop()
  }
  await setReady(bare, changeOf(hubFigures?.bytes ?? 250))
  const publishBare: Publish = () => Promise.all(Array.from({ length: changes }, () => post(`${bare.url}/publish`, 'POST', {})))
  return { name, unit: 'message', hub: hubFigures, bare: await fanOut(bare, scenario, publishBare, options) }
}

/** A change such as the hub sends, whose whole message has so many bytes. */
function changeOf(bytes: number): unknown {
  const change = (cursor: string) => ({ data: { changed: { type: 'UPDATED', key: 'note-1', after: { noteId: 'note-1', body: 'A remark.', priority: 1 }, cursor } } })
  const shortest = JSON.stringify({ id: '1', type: 'next', payload: change('') }).length
  return change('x'.repeat(Math.max(0, bytes - shortest)))
}

async function labelled(name: string, work: () => Promise<Figures>): Promise<Figures> {
  try {
    return await work()
  } catch (error) {
    throw new Error(`Scenario "${name}" failed on the hub.`, { cause: error })
  }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (value > 0 && Number.isFinite(value)) return value
  throw new RangeError(`--${name} takes a number above zero, not "${text}".`)
}

function whole(name: string, text: string, least = 1): number {
  if (text.trim() !== '' && Number.isInteger(Number(text)) && Number(text) >= least) return Number(text)
  throw new RangeError(`--${name} takes a whole number${least !== 1 ? ` of ${least} or more` : ''}, not "${text}".`)
}

/** One line that is written over, on a terminal only. */
function onTerminal(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${text}\x1b[K`)
}
