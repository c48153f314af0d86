import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { BinaryType, type Cache, type CacheConfiguration, cacheNames, destroyCache, ensureCache, fieldOf, type IgniteClient, type IgniteOptions, openCache, openIgnite, rowsOf, valuesOf } from '../../connectors/ignite/index.ts'
import type { EngineNode, Site } from '../../ops/engines/engine.ts'
import { ignite } from '../../ops/engines/ignite.ts'
import { isTaken } from '../../ops/engines/process.ts'
import type { Column, ColumnType, Row, Value } from '../../schema/values.ts'
import { eventually } from './eventually.ts'
import { testScope, type TestScope } from './scope.ts'

/** Every node the environment names. */
export function igniteHosts(): string[] {
  return Object.entries(process.env).flatMap(([name, value]) => (/^IGNITE_HOST_\d+$/.test(name) && value ? [value] : []))
}

/** Removes every cache whose name begins so. */
export async function dropNamespace(hosts: readonly string[], namespace: string): Promise<void> {
  const client = openIgnite({ hosts, requestTimeoutMs: 30_000, connectTimeoutMs: 20_000 })
  const scope = testScope()
  for (const name of await cacheNames(scope, client)) if (name.startsWith(`${namespace}_`)) await destroyCache(scope, client, name)
  client.close()
}

export interface IgniteSubject {
  readonly client: IgniteClient
  readonly scope: TestScope
  /** A name no other test has, also not after this run: types outlive their caches. */
  fresh(): string
  /** Makes the cache and removes it with the subject. */
  ensure(configuration: CacheConfiguration): Promise<void>
  /** A cache of its own with these columns as `fieldOf` lays them. */
  table(columns: readonly Column[], more?: Partial<CacheConfiguration>): Promise<IgniteTable>
  close(): Promise<void>
}

export interface IgniteTable {
  readonly configuration: CacheConfiguration
  readonly type: BinaryType
  readonly rows: Cache<Value, Row>
}

let count = 0

export function igniteSubject(options: Partial<IgniteOptions> = {}): IgniteSubject {
  const client = openIgnite({ hosts: igniteHosts(), ...options })
  const scope = testScope()
  const made = new Set<string>()
  const subject: IgniteSubject = {
    client, scope,
    fresh: () => `test_${Date.now().toString(36)}_${process.pid}_${++count}`,
    async ensure(configuration) {
      made.add(configuration.name)
      await ensureCache(scope, client, configuration)
    },
    async table(columns, more = {}) {
      const name = subject.fresh()
      const configuration: CacheConfiguration = {
        name, table: name.toUpperCase(), mode: 'PARTITIONED', atomicity: 'TRANSACTIONAL', backups: 1, key: [{ name: 'ID', property: 'id', type: 'string' }], valueType: `tests.${name}_1`,
        fields: columns.map(fieldOf), indexes: [], ...more,
      }
      await subject.ensure(configuration)
      const type = new BinaryType(configuration.valueType, configuration.fields)
      const [key] = configuration.key
      return { configuration, type, rows: await openCache(scope, client, name, valuesOf(key!.type), rowsOf(type)) }
    },
    async close() {
      for (const name of made) await destroyCache(scope, client, name)
      client.close()
    },
  }
  return subject
}

export const column = (name: string, type: ColumnType, nullable = true): Column => ({ name, type, nullable })

/** One column of every type, each named after it. */
export const everyColumn: readonly Column[] = (['String', 'Int', 'Long', 'Float', 'Decimal', 'Boolean', 'Date', 'Time', 'DateTime', 'LocalDateTime', 'UUID', 'Bytes', 'JSON'] as const)
  .map(type => column(`a_${type.toLowerCase()}`, type))

export const everyValue: Row = {
  a_string: 'é🚀"\\\n日本', a_int: -2_147_483_648, a_long: 9_007_199_254_740_993n, a_float: 5e-324, a_decimal: '-12345678901234567890.0123456789', a_boolean: true, a_date: '2024-02-29', a_time: '23:59:59.123456',
  a_datetime: '2024-01-31T23:59:59.123456Z', a_localdatetime: '2024-01-31T23:59:59', a_uuid: '123e4567-e89b-12d3-a456-426614174000', a_bytes: 'AAEC/w==', a_json: { list: [1, 'x', null] },
}

export interface IgniteNodes {
  readonly hosts: readonly string[]
  /** Ends the node's process without a word of farewell. */
  kill(index: number): Promise<void>
  /** Starts the node again, empty, and waits until it answers. */
  start(index: number): Promise<void>
  stop(): Promise<void>
}

/** Nodes of a cluster of their own, for tests that end them. Artifacts are those of `npm run engines`. */
export async function startIgnite(nodes: number, portOffset: number, javaOptions: readonly string[] = []): Promise<IgniteNodes> {
  const home = process.env['TRIBUTARY_ENGINES'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tributary', 'engines')
  const folder = await mkdtemp(join(tmpdir(), 'tributary-ignite-'))
  // A node may be started again long after the first time.
  const site = (): Site => ({ home, portOffset, signal: AbortSignal.timeout(900_000), say: () => {} })
  const processes: (ChildProcess | undefined)[] = []
  await ignite.fetch(site())

  const nodeAt = async (index: number): Promise<EngineNode> => {
    const data = join(folder, `node-${index}`)
    await mkdir(data, { recursive: true })
    const ports = Object.fromEntries(Object.entries(ignite.ports(index + 1)).map(([purpose, port]) => [purpose, port + portOffset]))
    return { name: `ignite-${index}`, number: index + 1, ports: { ...ports, client: ports['client']! }, data }
  }
  const start = async (index: number) => {
    const node = await nodeAt(index)
    for (const port of Object.values(node.ports)) if (await isTaken(port)) throw new Error(`Port ${port} is taken; the tests' own Ignite needs it.`)
    const { command, args, reach } = await ignite.launch(site(), node)
    const main = args.indexOf('-cp')
    const log = await open(join(node.data, 'log'), 'w')
    const child = spawn(command, [...args.slice(0, main), ...javaOptions, ...args.slice(main)], { cwd: node.data, env: { ...process.env, TZ: 'UTC' }, stdio: ['ignore', log.fd, log.fd] })
    await log.close()
    processes[index] = child
    await eventually(`node ${index} of Ignite answers`, async () => {
      if (child.exitCode !== null) throw new Error(`Ignite ended with ${child.exitCode}; its log is in ${node.data}.`)
      return ignite.answers({ ports: node.ports, reach }, AbortSignal.timeout(3_000)).then(() => true, () => false)
    }, 240_000)
  }
  const kill = async (index: number) => {
    const child = processes[index]
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
  for (let index = 0; index < nodes; index++) await start(index)
  return {
    hosts: Array.from({ length: nodes }, (_, index) => `127.0.0.1:${ignite.ports(index + 1).client + portOffset}`),
    kill, start,
    async stop() {
      for (let index = 0; index < nodes; index++) await kill(index)
      await rm(folder, { recursive: true, force: true })
    },
  }
}
