import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { buildClientSchema, getIntrospectionQuery, type FormattedExecutionResult, type GraphQLSchema, type IntrospectionQuery } from 'graphql'
import { createClient } from 'graphql-ws'
import pg from 'pg'
import WebSocket from 'ws'
import { systemClock, type Clock, type Log } from '../../connectors/ports/scope.ts'
import { readConfig, type Environment } from '../../gateway/config.ts'
import type { LiveHub } from '../../gateway/assembly/live-hub.ts'
import { serve, serveSubgraph } from '../../gateway/server.ts'
import { openLog } from '../../gateway/telemetry/log.ts'
import { Team } from '../../gateway/workers/team.ts'
import { eventually } from './eventually.ts'
import { fastPath } from './fast-path.ts'
import { dropNamespace } from './ignite.ts'
import { dropChanges } from './kafka.ts'

type Variables = Readonly<Record<string, unknown>>
type Headers = Readonly<Record<string, string>>

export interface RunningHub {
  readonly url: string
  /** As of the process's environment. */
  readonly env: Environment
  readonly data: string
  readonly hub: LiveHub
  /** One operation over HTTP, as a client would send it. */
  query<Data>(query: string, variables?: Variables, headers?: Headers): Promise<FormattedExecutionResult<Data, Record<string, unknown>>>
  /** One subscription over a WebSocket of its own; headers travel as connection parameters. */
  subscribe<Data>(query: string, variables?: Variables, headers?: Headers): AsyncIterableIterator<FormattedExecutionResult<Data>, undefined> & { return(): Promise<unknown> }
  /** The graph as introspection shows it. */
  schema(): GraphQLSchema
  /** Ends when the region holds so many entries: those a read brings are kept behind its answer. */
  kept(region: string, entries: number): Promise<void>
  /** What a statement finds in its metadata store, SQLite or PostgreSQL. */
  metadata(sql: string): Promise<readonly Record<string, unknown>[]>
  /** Stops it and starts it again on the same data, with flags of its own where they are given. */
  restart(flags?: readonly string[]): Promise<RunningHub>
  /** Stops it and removes its data. */
  close(): Promise<void>
}

export interface HubStart {
  readonly catalog: string
  readonly flags?: readonly string[]
  /** As of the process's environment. */
  readonly env?: Environment
  readonly data?: string
  readonly log?: Log
  /** The machine's where the test does not move one. */
  readonly clock?: Clock
  /** Sent with everything that brings none of its own. */
  readonly headers?: Headers
  /** Serve this subgraph alone. */
  readonly subgraph?: string
}

/** With TEST_ON_ENGINES=1 hubs run on the engines the environment names, else embedded. */
const engines = process.env['TEST_ON_ENGINES'] === '1' ? Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(IGNITE_HOST_\d+|TRINO_URL|KAFKA_BROKER|POSTGRES_URL|REDIS_URL)$/.test(name))) : {}

/** With TEST_WORKERS=2 hubs have so many workers. Those go by the machine's clock. */
const workers = Number(process.env['TEST_WORKERS'] ?? 1)

/** Who keeps the entries of regions, as answers name him. */
export const keeper = engines['IGNITE_HOST_1'] ? 'ignite' : 'memory'
/** Whether hubs keep everything in their data folder, which then is theirs alone. */
export const isEmbedded = Object.keys(engines).length === 0
/** How many nodes the keeper has. */
export const keeperNodes = Math.max(1, Object.keys(engines).filter(name => name.startsWith('IGNITE_HOST_')).length)

/** Regions on a cluster are shared by all hubs of a namespace, what is declared by all of a database; those of one test are its own. */
async function onEngines(): Promise<Environment> {
  const own = `t${randomBytes(6).toString('hex')}`
  const server = engines['POSTGRES_URL']
  return { ...engines, ...(engines['IGNITE_HOST_1'] ? { IGNITE_NAMESPACE: own } : {}), ...(server ? { POSTGRES_URL: await ownDatabase(server, own) } : {}) }
}

/** How to drop the databases made here, by their addresses. */
const databases = new Map<string, () => Promise<unknown>>()

async function ownDatabase(server: string, name: string): Promise<string> {
  await inPostgres(server, `CREATE DATABASE ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  databases.set(url.href, () => inPostgres(server, `DROP DATABASE ${name} WITH (FORCE)`))
  return url.href
}

async function inPostgres(server: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

function inSqlite(file: string, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    return database.prepare(sql).all().map(row => ({ ...row }))
  } finally {
    database.close()
  }
}

/** A hub on a free loopback port with a data folder of its own, everything real, reached over HTTP. Without a `log` it writes its errors to the output. */
export async function startHub({ catalog, flags = [], env: wanted, data, log, clock = systemClock, headers: usual = {}, subgraph }: HubStart): Promise<RunningHub> {
  const env = wanted ?? (await onEngines())
  const folder = data ?? (await mkdtemp(join(tmpdir(), 'tributary-')))
  // Ten thousand entries at once take their time where all engines share a few cores.
  const patience = isEmbedded ? {} : { HUB_REQUEST_TIMEOUT_MS: '55000' }
  const config = readConfig([`--catalog=${catalog}`, `--data=${folder}`, '--port=0', '--log-level=error', ...(workers > 1 ? [`--workers=${workers}`] : ['--limits-requests-per-minute=1000000']), ...flags], { ...(!fastPath && { HUB_FAST_PATH: 'false' }), ...patience, ...env })
  const own = log ?? openLog({ level: config.logLevel })
  const team = workers > 1 && subgraph === undefined ? new Team({ config, clock: systemClock, log: own }) : undefined
  const options = { clock, log: own, onFatal: (error: Error) => { throw error }, team }
  const server = await (subgraph === undefined ? serve({ ...config, catalog }, options) : serveSubgraph(subgraph, { ...config, catalog }, options))
  const endpoint = `${server.url}/graphql`

  const query: RunningHub['query'] = async (document, variables = {}, headers = usual) => {
    const response = await fetch(endpoint, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ query: document, variables }) })
    return (await response.json()) as never
  }
  const introspected = await query<IntrospectionQuery>(getIntrospectionQuery())
  return {
    url: server.url,
    env,
    data: folder,
    hub: server.hub,
    query,
    subscribe: (document, variables = {}, headers = usual) => {
      const client = createClient({ url: endpoint.replace('http', 'ws'), webSocketImpl: WebSocket, lazy: true, retryAttempts: 0, connectionParams: headers })
      return client.iterate({ query: document, variables: { ...variables } }) as never
    },
    schema: () => buildClientSchema(introspected.data as IntrospectionQuery),
    kept: (region, entries) => eventually(`region "${region}" holds ${entries} entries`, async () => {
      const { data } = await query<{ cacheRegion: { stats: { entries: number } } }>('query ($region: String!) { cacheRegion(name: $region) { stats { entries } } }', { region })
      return data?.cacheRegion.stats.entries === entries
    }),
    metadata: async sql => (env['POSTGRES_URL'] ? inPostgres(env['POSTGRES_URL'], sql) : inSqlite(join(folder, 'metadata.sqlite'), sql)),
    async restart(changed = flags) {
      await server.close()
      return startHub({ catalog, flags: changed, env, data: folder, log, clock, headers: usual, subgraph })
    },
    async close() {
      await server.close()
      if (env['IGNITE_HOST_1'] && env['IGNITE_NAMESPACE']) await dropNamespace([env['IGNITE_HOST_1']], env['IGNITE_NAMESPACE'])
      if (env['KAFKA_BROKER'] && env['IGNITE_NAMESPACE']) await dropChanges(env['KAFKA_BROKER'], env['IGNITE_NAMESPACE'])
      await databases.get(env['POSTGRES_URL'] ?? '')?.()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
