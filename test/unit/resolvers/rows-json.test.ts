import { openMemoryRegions } from '../../../connectors/memory/index.ts'
import type { Member } from '../../../connectors/ports/region-store.ts'
import type { SqlEngine } from '../../../connectors/ports/sql-engine.ts'
import type { Context } from '../../../resolvers/context.ts'
import { boundedRows, completeRows } from '../../../resolvers/rows.ts'
import type { EntityModel, Model } from '../../../schema/model.ts'
import { MovedClock, testScope } from '../../support/scope.ts'

const entity = {
  kind: 'region', name: 'orders', type: 'Order', key: ['id'],
  fields: [{ name: 'id', field: 'id', type: 'String', nullable: false }, { name: 'total', field: 'total', type: 'Int', nullable: true }],
} as unknown as EntityModel
const noEngine = {} as SqlEngine
const members: readonly Member[] = [{ name: 'sum', column: 'total', as: 'Int' }, { name: 'id', column: 'id', as: 'String', required: true }]

async function open() {
  const clock = new MovedClock()
  const scope = testScope({ clock })
  const store = await openMemoryRegions({ clock, log: scope.log })
  const region = await store.define({
    name: 'orders', columns: [{ name: 'id', type: 'String', nullable: false }, { name: 'total', type: 'Int', nullable: true }], key: ['id'], indexes: [], atomicity: 'ATOMIC', expiry: {}, maxEntries: 100, durable: false, tenancy: 'SHARED',
  })
  await region.putMany(scope, [{ id: 'a', total: 1 }, { id: 'b', total: null }])
  const context = (more: Partial<Context> = {}): Context => ({ scope, at: '', live: undefined, perFetch: new Map(), ...more }) as Context
  return { clock, region, rows: completeRows({} as Model, entity, region, noEngine, () => undefined), context }
}

test('rows in memory are written as JSON, null for one that is not there', async () => {
  const { rows, context } = await open()
  expect(await rows.json?.(context(), ['b', 'none', 'a'], members)).toBe('[{"sum":null,"id":"b"},null,{"sum":1,"id":"a"}]')
})

test('they are read instead where somebody wants to know of each, where a member is none of the columns, and where one is not what was asked for', async () => {
  const { rows, context } = await open()
  expect(await rows.json?.(context({ explain: () => undefined }), ['a'], members)).toBeUndefined()
  expect(await rows.json?.(context(), ['a'], [{ name: 'x', column: 'x' }])).toBeUndefined()
  expect(await rows.json?.(context(), ['b'], [{ name: 'sum', column: 'total', required: true }])).toBeUndefined()
})

test('rows that are too old for the read are not written: their source is asked', async () => {
  const { clock, rows, context } = await open()
  const bounded = boundedRows(rows, rows, () => clock.now() - 1_000)
  const within = (maxStalenessMs: number) => context({ scope: { ...context().scope, consistency: { level: 'BOUNDED_STALENESS', maxStalenessMs, from: 'header' } } })
  expect(await bounded.json?.(within(1_000), ['a'], members)).toBe('[{"sum":1,"id":"a"}]')
  expect(await bounded.json?.(within(999), ['a'], members)).toBeUndefined()
})
