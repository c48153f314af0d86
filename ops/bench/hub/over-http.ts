import type { Pool } from 'undici'
import type { Counted, Told } from '../clients.ts'
import { askOver, bodyOf } from '../load.ts'
import { metricsOf } from '../metrics.ts'
import type { Server } from '../processes.ts'
import { accountId, region } from './accounts.ts'
import type { Door } from './operations.ts'
import { spread } from '../scenarios.ts'

const one = 'query ($id: ID!) { account(id: $id) { id name email team balance } }'
const many = 'query ($ids: [ID!]!) { accountsByKey(keys: $ids) { id name email team balance } }'
const sqlQuery = 'query ($sql: String!, $value: JSON!) { sqlQuery(query: $sql, params: [$value], pageSize: 100) { rows } }'
const transaction = `mutation ($from: ID!, $to: ID!) {
  executeTransaction(input: { timeoutMs: 60000, retry: { maxAttempts: 100 }, operations: [
    { region: "${region}", op: UPDATE, key: $from, increments: { balance: -1 } }, { region: "${region}", op: UPDATE, key: $to, increments: { balance: 1 } }
  ] }) { attempts }
}`

/** Ids of accounts that are read again and again. */
const hotReads = 1_000
/** Between two looks of the server at its clock, which it counts in. */
const resolutionMs = 10

/** The same over HTTP: GraphQL, from as many connections as there are clients. */
export function doorOf(server: Server, pool: Pool, headers: Readonly<Record<string, string>>, records: number, connections: number): Door {
  const ask = async (query: string, variables: unknown): Promise<string> => askOver(pool, bodyOf(query, variables), headers)
  const asked = async <Data>(query: string, variables: unknown) => {
    const text = await ask(query, variables)
    return { data: (JSON.parse(text) as { readonly data: Data }).data, bytes: text.length }
  }
  return {
    records, readers: connections, counts: { get: 10_000, getAll: 4_000, sql: 4_000, tx: 5_000 },
    async get(id) {
      const text = await ask(one, { id })
      if (!text.includes(id)) throw new Error(`Account ${id} is not there: ${text}`)
      return { bytes: text.length }
    },
    async getAll(ids) {
      const text = await ask(many, { ids })
      if (text.includes('null')) throw new Error('An account is not there.')
      return { bytes: text.length }
    },
    async sql({ sql, rows: expected }, value) {
      const { data, bytes } = await asked<{ readonly sqlQuery: { readonly rows: readonly unknown[] } }>(sqlQuery, { sql, value })
      if (data.sqlQuery.rows.length < expected) throw new Error(`"${sql}" found ${data.sqlQuery.rows.length} rows for "${value}".`)
      return { bytes }
    },
    async transfer(from, to): Promise<Told> {
      const { data, bytes } = await asked<{ readonly executeTransaction: { readonly attempts: number } }>(transaction, { from, to })
      return { attempts: data.executeTransaction.attempts, bytes }
    },
    async balances(ids) {
      const { data } = await asked<{ readonly accountsByKey: readonly ({ readonly balance: number } | null)[] }>(many, { ids })
      return data.accountsByKey.map(account => account?.balance ?? Number.NaN)
    },
    cpuMicros: server.cpuMicros,
    async watch() {
      // What it tells is since it was last asked.
      await metricsOf(server.url)
      return async () => Math.max(0, (await metricsOf(server.url))('nodejs_eventloop_lag_max_seconds') * 1_000 - resolutionMs)
    },
  }
}

/** What there is over HTTP alone. */
export function readsOf(door: Door, pool: Pool, headers: Readonly<Record<string, string>>): readonly Counted[] {
  const { records, counts: { get: calls }, readers: clients } = door
  const counted = { clients, calls, warmUp: calls / 4 }
  return [
    { ...counted, name: 'gateway.hotRead', call: n => door.get(accountId(spread(n % hotReads, records))) },
    {
      ...counted, name: 'hub.get, by REST',
      async call(n) {
        const id = accountId(spread(n, records))
        const response = await pool.request({ path: `/api/v1/dih/cache-regions/${region}/entries/${id}`, method: 'GET', headers })
        const text = await response.body.text()
        if (response.statusCode !== 200 || !text.includes(id)) throw new Error(`The server answered ${response.statusCode}: ${text.slice(0, 1_000)}`)
        return { bytes: text.length }
      },
    },
  ]
}
