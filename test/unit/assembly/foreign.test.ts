import { parse } from 'graphql'
import { letGo, nothing } from '../../../gateway/assembly/assemble.ts'
import { foreignEntities, openForeign } from '../../../gateway/assembly/foreign.ts'
import { remoteService } from '../../../gateway/federation/remote.ts'
import type { SubgraphService } from '../../../gateway/federation/supergraph.ts'
import { openMemoryRegions } from '../../../connectors/memory/index.ts'
import { linksOf } from '../../../schema/derive.ts'
import { serveForeign } from '../../support/foreign.ts'
import { testScope, type TestScope } from '../../support/scope.ts'

const declared = (url: string) => ({ name: 'clock', url, headers: {} })
const open = (one: { name: string; url: string }, scope: Parameters<typeof remoteService>[1]) => remoteService(one, scope)
const sdl = 'type Query { hour: Int } type Subscription { ticked: Int! }'

test('a subscription outlives a change of its subgraph\'s types', async () => {
  const begun = Promise.withResolvers<void>()
  const tick = Promise.withResolvers<void>()
  const ticks = { ticked: { subscribe: async function* () { begun.resolve(); await tick.promise; yield { ticked: 1 } } } }
  const service = await serveForeign(sdl, { Subscription: ticks })
  const scope = testScope()
  const store = await openMemoryRegions({ clock: scope.clock, log: scope.log, onFatal: error => { throw error } })
  const before = await openForeign(scope, [declared(service.url)], [], false, open)
  const document = 'subscription { ticked }'
  const events = await before.foreign[0]?.service.subscribe({ document, parsed: parse(document), variables: {}, scope, at: '' })
  if (!events || !(Symbol.asyncIterator in events)) throw new Error('The subscription was refused.')
  const first = events[Symbol.asyncIterator]().next()
  await begun.promise

  service.become(`${sdl} extend type Query { minute: Int }`, { Subscription: ticks })
  const unasked = await openForeign(scope, [declared(service.url)], before.foreign, false, open)
  expect(unasked.foreign).toEqual(before.foreign)
  const after = await openForeign(scope, [declared(service.url)], before.foreign, true, open)
  expect(after.foreign[0]?.service.sdl).toContain('minute')
  await letGo({ ...nothing, foreign: before.foreign }, { ...nothing, foreign: after.foreign }, store)
  tick.resolve()
  expect((await first).value).toEqual({ data: { ticked: 1 } })

  await letGo({ ...nothing, foreign: after.foreign }, nothing, store)
  await store.close()
  await service.close()
})

test('a subgraph that never says its types is given up after ten seconds', async () => {
  const scope: TestScope = testScope({ deadlineMs: Number.MAX_SAFE_INTEGER })
  const service = await serveForeign(sdl, {})
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  service.answer = () => void resolve()
  const opening = openForeign(scope, [declared(service.url)], [], false, open)
  await asked
  scope.clock.advance(10_000)
  expect(await opening).toEqual({ foreign: [], findings: [{ path: ['subgraphs', 'clock'], message: 'Subgraph "clock" gave no answer in time.' }] })
  await service.close()
})

function entities(text: string) {
  const service: SubgraphService = { name: 'far', sdl: text, execute: () => Promise.reject(new Error('Nobody asks.')), subscribe: () => Promise.reject(new Error('Nobody asks.')) }
  return foreignEntities({ declared: { name: 'far', url: 'http://far', headers: {} }, service })
}

test('entities are the types a subgraph resolves by a key of plain fields', () => {
  expect(entities('type A @key(fields: "id") { id: ID! n: Int list: [Int] x(y: Int): Int b: B out: Int @external } type B @key(fields: "a { id }") { a: A } type C @key(fields: "id", resolvable: false) { id: ID! } type D { id: ID! } extend type E @federation__key(fields: "x, y") { x: Int y: String! }')).toEqual([
    { type: 'A', subgraph: 'far', key: [{ field: 'id', type: 'ID!' }], fields: [{ field: 'id', type: 'ID!' }, { field: 'n', type: 'Int' }] },
    { type: 'E', subgraph: 'far', key: [{ field: 'x', type: 'Int' }, { field: 'y', type: 'String!' }], fields: [{ field: 'x', type: 'Int' }, { field: 'y', type: 'String!' }] },
  ])
})

test('a type with several keys is found by each of them', () => {
  const foreign = entities('type Weather @key(fields: "id") @key(fields: "icao") { id: ID! icao: String! }')
  const field = (name: string) => ({ name, field: name, type: 'String' as const, nullable: true })
  const entity = { kind: 'region' as const, name: 'airports', type: 'Airport', key: ['id'], fields: [field('id'), field('icao')], listField: 'airports', lookupField: 'airport', writable: false, complete: true, tenancy: 'SHARED' as const }
  const relation = (column: string) => ({ from: { type: 'Airport', column }, to: { type: 'Weather', column }, as: `by${column}`, inverse: undefined })
  expect(linksOf([relation('id'), relation('icao')], [entity], foreign).findings).toEqual([])
})
