import { randomBytes } from 'node:crypto'
import { openIgnite, sqlRows } from '../../connectors/ignite/index.ts'
import { foundBy } from '../../connectors/ignite/regions/plan.ts'
import { openIgniteRegions } from '../../connectors/ignite/regions/index.ts'
import type { IgniteRegion } from '../../connectors/ignite/regions/region.ts'
import { selectStatement } from '../../connectors/ignite/regions/statement.ts'
import type { RegionDefinition, RegionStore } from '../../connectors/ports/region-store.ts'
import { systemClock, type Scope } from '../../connectors/ports/scope.ts'
import type { Filter } from '../../schema/filter.ts'
import type { Row } from '../../schema/values.ts'
import { withEngine } from '../support/engines.ts'
import { dropNamespace, igniteHosts } from '../support/ignite.ts'
import { testScope } from '../support/scope.ts'

const scope: Scope = { ...testScope(), clock: systemClock, deadlineMs: Number.MAX_SAFE_INTEGER }
const accounts: RegionDefinition = {
  name: 'accounts', columns: [{ name: 'id', type: 'String', nullable: false }, { name: 'balance', type: 'Int', nullable: false }, { name: 'bank', type: 'String', nullable: false }],
  key: ['id'], indexes: [['bank', 'balance']], atomicity: 'TRANSACTIONAL', expiry: {}, maxEntries: 10_000, durable: true, tenancy: 'SHARED',
}
const count = 40
const ids = Array.from({ length: count }, (_, number) => `account-${number}`)
const total = count * 100

withEngine('IGNITE_HOST_1', 'what readers of a cluster see', () => {
  let namespace: string
  let store: RegionStore
  beforeEach(async () => {
    namespace = `t${randomBytes(4).toString('hex')}`
    store = await openIgniteRegions({ client: openIgnite({ hosts: igniteHosts(), requestTimeoutMs: 30_000 }), clock: systemClock, log: scope.log, namespace, later: work => void work() })
  }, 120_000)
  afterEach(async () => {
    await store.close()
    await dropNamespace(igniteHosts(), namespace)
  }, 120_000)

  test('H-28 while transfers commit: a transaction sees every one whole; a read by key, a list, SQL and a count outside of it see halves', async () => {
    const region = await store.define(accounts)
    await region.putMany(scope, ids.map(id => ({ id, balance: 100, bank: 'b' })))
    const table = (region as IgniteRegion).table.layout.configuration.table
    const client = (region as IgniteRegion).home.client
    const balances = (rows: readonly (Row | undefined)[]) => rows.reduce((sum, row) => sum + Number(row?.['balance']), 0)
    const number = (rows: readonly (readonly unknown[])[]) => Number(rows[0]?.[0])
    /** Each answers what all accounts hold, or how many there are. */
    const readers: Record<string, { readonly right: number; read(): Promise<number> }> = {
      transaction: { right: total, read: async () => (await store.transact(scope, { isolation: 'READ_COMMITTED', timeoutMs: 60_000, maxAttempts: 1_000 }, tx => tx.getMany('accounts', ids))).result.reduce((sum, entry) => sum + Number(entry?.row['balance']), 0) },
      'read by key': { right: total, read: async () => balances((await region.getMany(scope, ids)).map(entry => entry?.row)) },
      list: { right: total, read: async () => balances(await region.select(scope, {})) },
      'SQL sum': { right: total, read: async () => number(await sqlRows(scope, client, `SELECT SUM(BALANCE) FROM ${table}`)) },
      'count by the index of the column that changes': { right: count, read: async () => number(await sqlRows(scope, client, `SELECT COUNT(*) FROM ${table} WHERE BANK = 'b' AND BALANCE > -1000000`)) },
    }
    const figures = Object.fromEntries(Object.keys(readers).map(name => [name, { reads: 0, wrong: 0 }]))
    const mustErr = Object.keys(readers).filter(name => name !== 'transaction' && !name.startsWith('count'))
    const untilMs = performance.now() + 60_000
    let isOver = false
    const transfer = async () => {
      while (!isOver) {
        const [from = '', to = ''] = ids.toSorted(() => Math.random() - 0.5)
        await store.transact(scope, { isolation: 'SERIALIZABLE', timeoutMs: 60_000, maxAttempts: 1_000 }, async tx => {
          const [left, right] = (await tx.getMany('accounts', [from, to])).map(entry => Number(entry?.row['balance']))
          await tx.putMany('accounts', [{ id: from, balance: Number(left) - 7, bank: 'b' }, { id: to, balance: Number(right) + 7, bank: 'b' }])
        })
      }
    }
    const look = async () => {
      while (performance.now() < untilMs && (mustErr.some(name => figures[name]?.wrong === 0) || (figures['transaction']?.reads ?? 0) < 50)) {
        for (const [name, { right, read }] of Object.entries(readers)) {
          const one = figures[name]!
          // The shortest read is the least likely to meet a commit.
          for (let times = name === 'read by key' ? 10 : 1; times > 0; times--) {
            one.reads += 1
            if ((await read()) !== right) one.wrong += 1
          }
        }
      }
      isOver = true
    }
    await Promise.all([look(), ...Array.from({ length: 8 }, transfer)])
    if (process.env['PRINT_FIGURES']) process.stderr.write(`${JSON.stringify(figures)}\n`)
    expect(figures['transaction']?.wrong).toBe(0)
    expect(mustErr.filter(name => figures[name]?.wrong === 0)).toEqual([])
    // Once nothing is on its way, all of them see the same.
    for (const { right, read } of Object.values(readers)) expect(await read()).toBe(right)
  }, 120_000)

  test.each([['SHARED', ['id']], ['SHARED', ['id', 'bank']], ['TENANT', ['id']]] as const)('H-57 a list of a %s region with the key %j is found by its key or an index wherever the embedded store would find it so', async (tenancy, key) => {
    const region = (await store.define({ ...accounts, tenancy, key: [...key] })) as IgniteRegion
    await region.putMany(scope, Array.from({ length: 1_000 }, (_, number) => ({ id: `account-${number}`, balance: number, bank: `b${number % 40}` })))
    const by = (filter?: Filter) => foundBy(scope, region, layout => selectStatement(layout, region.owner(scope.tenant), { ...(filter && { filter }) }))
    expect(await by({ column: 'id', op: 'eq', value: 'account-7' })).toEqual(['id'])
    expect(await by({ column: 'id', op: 'in', value: ['account-7', 'account-8'] })).toEqual(['id'])
    expect(await by({ and: [{ column: 'bank', op: 'eq', value: 'b1' }, { column: 'balance', op: 'gt', value: 900 }] })).toEqual(['bank', 'balance'])
    expect(await by({ column: 'bank', op: 'eq', value: 'b1' })).toEqual(['bank'])
    expect(await by({ column: 'balance', op: 'gt', value: 20 })).toBeUndefined()
    expect(await by()).toBeUndefined()
    expect(await region.select(scope, { filter: { and: [{ column: 'bank', op: 'eq', value: 'b1' }, { column: 'balance', op: 'gt', value: 900 }] } })).toHaveLength(2)
  }, 120_000)
})
