import { performance } from 'node:perf_hooks'
import { openTrino } from '../../connectors/trino/client.ts'
import { openTrinoEngine } from '../../connectors/trino/engine.ts'
import { systemClock, type Scope } from '../../connectors/ports/scope.ts'
import { allRows } from '../../connectors/ports/sql-engine.ts'

/**
 * The SqlEngine on Trino against the least a client can do: POST the statement, follow nextUri with fetch, JSON.parse the pages. Same statements, turn by turn, CPU of this
 * process per statement. `TRINO_URL=… node ops/bench/trino.ts [rounds]`; reads catalog tpch.
 */
const url = process.env['TRINO_URL']
if (url === undefined) throw new Error('TRINO_URL says where Trino is, as in TRINO_URL=http://127.0.0.1:18080.')
const rounds = Number(process.argv[2] ?? 20)

const client = openTrino({ url, user: 'bench', source: 'tributary-bench' })
const engine = openTrinoEngine(client, { clock: systemClock, locate: ({ name }) => ({ catalog: 'tpch', schema: 'tiny', table: name }) })
await engine.mount([{
  catalog: 'hub', name: 'lineitem', from: { kind: 'live', rows: () => [] },
  columns: [
    { name: 'orderkey', type: 'Long', nullable: true }, { name: 'quantity', type: 'Float', nullable: true }, { name: 'comment', type: 'String', nullable: true }, { name: 'shipdate', type: 'Date', nullable: true },
  ],
}])

const statements = [
  { name: 'SELECT 1', sql: 'SELECT 1 AS a', raw: 'SELECT 1 AS a', params: [] },
  { name: 'an aggregate', sql: 'SELECT count(*) AS n, sum(quantity) AS q FROM lineitem', raw: 'SELECT count(*) AS n, sum(quantity) AS q FROM tpch.tiny.lineitem', params: [] },
  { name: 'one parameter', sql: 'SELECT count(*) AS n FROM lineitem WHERE shipdate = ?', raw: "SELECT count(*) AS n FROM tpch.tiny.lineitem WHERE shipdate = DATE '1996-03-13'", params: ['1996-03-13'] },
  { name: '60,175 rows of 4 columns', sql: 'SELECT orderkey, quantity, comment, shipdate FROM lineitem', raw: 'SELECT orderkey, quantity, comment, shipdate FROM tpch.tiny.lineitem', params: [] },
]

for (const { name, sql, raw, params } of statements) {
  const ours: number[] = []
  const bare: number[] = []
  const waits: { readonly ours: number[]; readonly bare: number[] } = { ours: [], bare: [] }
  await throughEngine(sql, params)
  await throughFetch(raw)
  for (let round = 0; round < rounds; round++) {
    await measured(ours, waits.ours, () => throughEngine(sql, params))
    await measured(bare, waits.bare, () => throughFetch(raw))
  }
  const [a, b] = [median(ours), median(bare)]
  console.log(`${name.padEnd(26)} CPU ${a.toFixed(2)} ms, raw POST ${b.toFixed(2)} ms (${(a / b).toFixed(2)}×); wall ${median(waits.ours).toFixed(0)} ms, raw ${median(waits.bare).toFixed(0)} ms`)
}
await engine.close()

async function throughEngine(sql: string, params: readonly string[]): Promise<number> {
  const scope: Scope = {
    requestId: 'bench', tenant: 'bench', caller: { subject: 'bench', scopes: new Set() }, signal: AbortSignal.timeout(60_000), deadlineMs: Date.now() + 60_000, clock: systemClock,
    log: { debug() {}, info() {}, warn: console.error, error: console.error }, later: work => void work().catch(console.error),
  }
  return (await allRows(await engine.query(scope, { sql, params }))).length
}

async function throughFetch(sql: string): Promise<number> {
  const headers = { 'x-trino-user': 'bench' }
  let page = await (await fetch(`${url}/v1/statement`, { method: 'POST', body: sql, headers })).json() as { nextUri?: string; data?: unknown[]; error?: { message: string } }
  let rows = 0
  while (page.nextUri) {
    page = await (await fetch(page.nextUri, { headers })).json() as typeof page
    rows += page.data?.length ?? 0
  }
  if (page.error) throw new Error(page.error.message)
  return rows
}

async function measured(cpu: number[], wall: number[], work: () => Promise<unknown>): Promise<void> {
  const [before, began] = [process.cpuUsage(), performance.now()]
  await work()
  const { user, system } = process.cpuUsage(before)
  cpu.push((user + system) / 1000)
  wall.push(performance.now() - began)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
