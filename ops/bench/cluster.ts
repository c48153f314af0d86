import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheNames, destroyCache, openIgnite } from '../../connectors/ignite/index.ts'
import { systemClock, type Scope } from '../../connectors/ports/scope.ts'
import { writeDemo } from '../../gateway/demo/write.ts'
import { fanOut } from './fan-out.ts'
import { ask, bodyOf, drive, type Figures } from './load.ts'
import { startServer, type Server } from './processes.ts'
import { fanOutScenario, requestScenarios } from './scenarios.ts'

/**
 * `IGNITE_HOST_1=… [KAFKA_BROKER=…] node ops/bench/cluster.ts`: hubs whose regions are on Ignite. A person read by key, from the cluster and from the near cache, beside the least
 * a server with our client can do (`bare-ignite.ts`); and how long a change takes from its put at one hub to a subscriber of another, told by continuous query and through Kafka.
 */
const host = process.env['IGNITE_HOST_1']
if (!host) throw new Error('IGNITE_HOST_1 says where Ignite is; it is not set.')
const namespace = `bench_${randomBytes(4).toString('hex')}`
const folder = await mkdtemp(join(tmpdir(), 'tributary-bench-'))
const { catalog } = await writeDemo(join(folder, 'demo'))
const options = { connections: 32, scale: 1, progress() {} }
const get = requestScenarios.find(({ name }) => name === 'get')!
const put = { ...fanOutScenario, subscribers: 1, mutations: 500, warmUp: 100 }
const servers: Server[] = []
try {
  const bare = await started(startServer(join(import.meta.dirname, 'bare-ignite.ts'), []))
  const alone = [await hub(0, {}), await hub(1, {})] as const
  const figures = await drive(bare, get, options)
  for (const [name, level] of [['get from the cluster', 'STRONG'], ['get, near cache', 'EVENTUAL']] as const) {
    printGet(name, await drive(alone[0], { ...get, requests: 20_000, warmUp: 20_000, headers: { 'x-consistency': level } }, options), figures)
  }
  printPut('put at one hub → subscriber of another, continuous query', await latency(alone))
  await Promise.all(alone.map(server => server.stop()))
  if (process.env['KAFKA_BROKER']) printPut('put at one hub → subscriber of another, Kafka', await latency([await hub(0, { KAFKA_BROKER: process.env['KAFKA_BROKER'] }), await hub(1, { KAFKA_BROKER: process.env['KAFKA_BROKER'] })]))
} finally {
  await Promise.all(servers.map(server => server.stop()))
  await removeCaches()
  await rm(folder, { recursive: true, force: true })
}

/** A hub with its regions on Ignite, everything else embedded but what `env` names. */
function hub(nth: number, env: NodeJS.ProcessEnv): Promise<Server> {
  const { KAFKA_BROKER: _, TRINO_URL: __, POSTGRES_URL: ___, REDIS_URL: ____, ...rest } = process.env
  const args = ['start', '--catalog', catalog, '--port', '0', '--data', join(folder, `data-${nth}`)]
  return started(startServer(join(import.meta.dirname, '../../gateway/cli.ts'), args, { ...rest, IGNITE_NAMESPACE: namespace, ...env }))
}

async function started(starting: Promise<Server>): Promise<Server> {
  const server = await starting
  servers.push(server)
  return server
}

function latency([here, there]: readonly [Server, Server]): Promise<Figures> {
  return fanOut(here, put, n => ask(there.url, bodyOf(put.mutation, put.variables(n))), options)
}

function printGet(name: string, hub: Figures, bare: Figures): void {
  console.log(`${name.padEnd(58)} CPU ${hub.cpuMicros.toFixed(1)} µs, bare ${bare.cpuMicros.toFixed(1)} µs (${(hub.cpuMicros / bare.cpuMicros).toFixed(2)}×); p50 ${hub.p50Ms.toFixed(2)} ms, p99 ${hub.p99Ms.toFixed(2)} ms, bare ${bare.p50Ms.toFixed(2)} and ${bare.p99Ms.toFixed(2)} ms; ${hub.errors + bare.errors} errors`)
}

function printPut(name: string, { p50Ms, p99Ms, errors }: Figures): void {
  console.log(`${name.padEnd(58)} p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms; ${errors} lost`)
}

/** What the hubs of this run left in the cluster. */
async function removeCaches(): Promise<void> {
  const client = openIgnite({ hosts: [host!] })
  const scope: Scope = {
    requestId: 'bench', tenant: 'bench', caller: { subject: 'bench', scopes: new Set() }, signal: AbortSignal.timeout(60_000), deadlineMs: Date.now() + 60_000, clock: systemClock, log: console, later() {},
  }
  const names = await cacheNames(scope, client)
  for (const name of names) if (name.startsWith(namespace)) await destroyCache(scope, client, name)
  client.close()
}
