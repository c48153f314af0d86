import { openMemoryRegions, type MemoryRegionStore } from '../../../connectors/memory/index.ts'
import type { Region, RegionStore } from '../../../connectors/ports/region-store.ts'
import type { Hub } from '../../../gateway/hub.ts'
import { answeredError } from '../../../gateway/http/errors.ts'
import { transactionRoutes } from '../../../gateway/rest/transactions.ts'
import type { Context } from '../../../resolvers/context.ts'
import { addDecimals, decimalText, plainText } from '../../../schema/decimal.ts'
import { HubError } from '../../../schema/errors.ts'
import type { Model } from '../../../schema/model.ts'
import { transactionFields } from '../../../subgraphs/regions/transactions.ts'
import { accounts } from '../../conformance/region-transactions.ts'
import { testScope } from '../../support/scope.ts'
import { region } from '../lineage/fixture.ts'

const model: Model = { entities: [{ ...region('accounts', 'Account', ['id'], accounts.columns), writable: true, complete: true }], links: [], foreign: [] }
const options = { isolation: 'SERIALIZABLE', timeoutMs: 5_000 } as const
const all = ['cache:read', 'cache:write']

/** Runs a transaction as its field does; `between` happens when its work is done and its commit is not. */
async function execute(store: RegionStore, operations: readonly unknown[], { grants = all, between = async () => undefined as unknown } = {}): Promise<unknown> {
  const transact: RegionStore['transact'] = (scope, given, work) => store.transact(scope, given, async tx => {
    const result = await work(tx)
    await between()
    return result
  })
  const fields = transactionFields({ model, region: name => store.region(name), transact, transaction: (scope, id) => store.transaction(scope, id) })
  const field = fields['Mutation']?.['executeTransaction'] as (source: unknown, args: unknown, context: Pick<Context, 'scope'>) => Promise<unknown>
  return field(undefined, { input: { operations, ...options } }, { scope: testScope({ caller: { scopes: new Set(grants) } }) })
}

const failureOf = (promise: Promise<unknown>) => promise.then(() => undefined, (error: unknown) => error as HubError)

describe('executeTransaction', () => {
  let store: MemoryRegionStore
  let balances: Region
  const scope = testScope()
  beforeEach(async () => {
    store = await openMemoryRegions({ clock: scope.clock, log: scope.log })
    balances = await store.define({ ...accounts, indexes: [['owner']], unique: [['owner']] })
    await balances.putMany(scope, [{ id: 'a', balance: 1, owner: 'ada' }, { id: 'b', balance: 2 }])
  })
  afterEach(() => store.close())

  const add = (key: string) => ({ region: 'accounts', op: 'UPDATE', key, increments: { balance: 1 } })

  test('H-34 a conflict names the operation whose entry others changed', async () => {
    const failure = await failureOf(execute(store, [add('a'), add('b')], { between: () => balances.putMany(scope, [{ id: 'b', balance: 9 }]) }))
    expect(failure).toMatchObject({ code: 'TX_CONFLICT', details: { operation: 1, region: 'accounts', key: 'b' } })
    expect(failure?.message).toMatch(/^operations\[1\]: Entry "b"/)
    expect((await balances.getMany(scope, ['a', 'b'])).map(entry => entry?.row['balance'])).toEqual([1, 9])
  })

  test('H-30 a value a unique index refuses names the operation that wrote it', async () => {
    const failure = await failureOf(execute(store, [add('a'), { region: 'accounts', op: 'UPDATE', key: 'b', set: { owner: 'ada' } }]))
    expect(failure).toMatchObject({ code: 'CONFLICT', details: { operation: 1, keys: ['b'] } })
  })

  test('a put without a guard conflicts with nobody, and one with a guard does', async () => {
    const put = { region: 'accounts', op: 'PUT', key: 'b', value: { balance: 5 } }
    const between = () => balances.putMany(scope, [{ id: 'b', balance: 9 }])
    expect(await execute(store, [put], { between })).toMatchObject({ state: 'COMMITTED' })
    expect(await failureOf(execute(store, [{ ...put, expect: {} }], { between }))).toMatchObject({ code: 'TX_CONFLICT' })
  })

  test('it takes the scope to read, since it answers entries, and the one to write unless it only reads', async () => {
    const get = { region: 'accounts', op: 'GET', key: 'a' }
    expect(await execute(store, [get], { grants: ['cache:read'] })).toMatchObject({ results: [{ value: { balance: 1 } }] })
    expect(await failureOf(execute(store, [get, add('a')], { grants: ['cache:read'] }))).toMatchObject({ code: 'FORBIDDEN', details: { needs: 'cache:write' } })
    expect(await failureOf(execute(store, [add('a')], { grants: ['cache:write'] }))).toMatchObject({ code: 'FORBIDDEN', details: { needs: 'cache:read' } })
  })

  test('more operations than the limit are refused before anything is read', async () => {
    expect(await failureOf(execute(store, Array.from({ length: 10_001 }, () => add('a'))))).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
  })
})

test('H-34 over REST a conflict is 409 and says when to come back; what cannot be run again does not', () => {
  const [route] = transactionRoutes({} as Hub)
  const answered = (error: HubError) => route?.failure?.(answeredError(error, { requestId: 'r', log: testScope().log }))
  expect(answered(new HubError('TX_CONFLICT', 'Others were first.', { operation: 1 }))).toMatchObject({ status: 409, headers: { 'retry-after': '1' }, body: expect.stringContaining('"operation":1') })
  expect(answered(new HubError('PRECONDITION_FAILED', 'Not so.'))?.headers).not.toHaveProperty('retry-after')
})

test('H-35 decimals are read and added exactly, whatever their scale and sign', () => {
  const sums = [['0.1', '0.2', '0.3'], ['1000.00', '-100.00', '900.00'], ['-0.05', '0.05', '0.00'], ['-1', '0.5', '-0.5'], ['99999999999999999999999999999999999999', '1', '100000000000000000000000000000000000000'], ['0', '-0.001', '-0.001']] as const
  for (const [a, b, sum] of sums) expect([addDecimals(a, b), addDecimals(b, a)]).toEqual([sum, sum])
  const texts = [[-100, '-100'], [0.1, '0.1'], [1e-7, '0.0000001'], [1.5e-10, '0.00000000015'], [1e21, '1000000000000000000000'], [9007199254740991, '9007199254740991'], ['-100.00', '-100.00'], [12n, '12']] as const
  for (const [given, text] of texts) expect(decimalText(given)).toBe(text)
  for (const none of [0.1 + 0.2, 2 ** 53 + 2, 1e38, Number.NaN, Infinity, '1e3', '.5', '', ' 1', '1'.repeat(39), null, true, {}]) expect([none, decimalText(none)]).toEqual([none, undefined])
  expect([plainText('1.25e-3'), plainText('-1.25e+3'), plainText('12')]).toEqual(['0.00125', '-1250', '12'])
})
