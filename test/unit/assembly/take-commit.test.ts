import { openMemoryRegions } from '../../../connectors/memory/index.ts'
import type { RegionStore } from '../../../connectors/ports/region-store.ts'
import type { SourceConnector } from '../../../connectors/ports/source-connector.ts'
import type { SourceChange } from '../../../connectors/ports/source-feed.ts'
import { takeCommit, type FollowedRegion } from '../../../gateway/assembly/take-commit.ts'
import { Filled } from '../../../resolvers/filled.ts'
import type { LogEntry } from '../../../schema/change.ts'
import { parseEntry } from '../../../schema/catalog.ts'
import { regionEntity } from '../../../schema/derive.ts'
import type { Column, Row } from '../../../schema/values.ts'
import { testScope, type TestScope } from '../../support/scope.ts'

const columns: readonly Column[] = [
  { name: 'id', type: 'Int', nullable: false },
  { name: 'owner', type: 'String', nullable: true },
  { name: 'text', type: 'String', nullable: true },
]

describe('what a transaction of the source does to the regions that follow it', () => {
  let scope: TestScope
  let store: RegionStore
  let told: LogEntry[]
  /** What the source has by now, for rows the feed did not tell whole. */
  let source: Row[]
  const connector = { lookup: async (_: unknown, { keys }: { keys: readonly (readonly unknown[])[] }) => source.filter(row => keys.some(([id]) => id === row['id'])) } as unknown as SourceConnector

  beforeEach(async () => {
    scope = testScope({ tenant: '$hub' })
    store = await openMemoryRegions({ clock: scope.clock, log: scope.log, onFatal: error => { throw error } })
    told = []
    source = []
    store.changes.onCommit(entry => {
      if (entry.changes.length > 0) told.push(entry)
    })
  })
  afterEach(() => store.close())

  const region = async (name: string, more: Readonly<Record<string, unknown>> = {}, tenants: readonly string[] = []): Promise<FollowedRegion> => {
    const entry = parseEntry('region', name, { key: 'id', load: { source: 'pg', table: name, eager: true, follow: true }, ...more } as never, { maxEntries: 1_000, backups: 0 }) as FollowedRegion['entry']
    const { value: entity } = regionEntity(entry, columns)
    if (!entity) throw new Error('The region has no entity.')
    const definition = { name, columns, key: ['id'], indexes: [], atomicity: entry.atomicity, expiry: {}, maxEntries: entry.maxEntries, durable: false, tenancy: entry.tenancy }
    return { entity, entry, table: name, held: { region: await store.define(definition), definition, source: '', origin: '', tenants: new Set(tenants), flights: new Map(), filled: new Filled() } }
  }
  const put = (table: string, row: Row, before?: Row): SourceChange => ({ kind: 'put', table, row, ...(before && { before }) })
  const take = (regions: readonly FollowedRegion[], ...changes: SourceChange[]) => takeCommit(scope, changes, regions, { store, connector, durable: true })
  const rows = async ({ held }: FollowedRegion, tenant = '$hub') => (await held.region.select({ ...scope, tenant }, { order: [{ column: 'id', descending: false, nullsFirst: false }] })).map(row => Object.values(row))
  const changesOf = (entry: LogEntry | undefined) => entry?.changes.map(({ region: name, type, key }) => [name, type, key])

  test('is one commit for all of them', async () => {
    const [goods, crates] = [await region('goods'), await region('crates')]
    await take([goods, crates], put('goods', { id: 1, owner: null, text: 'a' }), put('crates', { id: 1, owner: null, text: 'b' }))
    await take([goods, crates], { kind: 'remove', table: 'goods', before: { id: 1 } }, put('crates', { id: 1, owner: null, text: 'c' }), put('crates', { id: 2, owner: null, text: 'd' }))
    expect(told.map(changesOf)).toEqual([
      [['goods', 'CREATED', '1'], ['crates', 'CREATED', '1']],
      [['goods', 'REMOVED', '1'], ['crates', 'UPDATED', '1'], ['crates', 'CREATED', '2']],
    ])
  })

  test('comes to the last of what it did to a row, and to nothing where that is what the region has', async () => {
    const goods = await region('goods')
    await take([goods], put('goods', { id: 1, owner: null, text: 'a' }), put('goods', { id: 1, owner: null, text: 'b' }), put('goods', { id: 2, owner: null, text: 'x' }), { kind: 'remove', table: 'goods', before: { id: 2 } })
    await take([goods], put('goods', { id: 1, owner: null, text: 'c' }), put('goods', { id: 1, owner: null, text: 'b' }))
    expect(told.map(changesOf)).toEqual([[['goods', 'CREATED', '1']]])
    expect(await rows(goods)).toEqual([[1, null, 'b']])
  })

  test('moves a row to another key, with what was not sent', async () => {
    const goods = await region('goods')
    await take([goods], put('goods', { id: 1, owner: 'me', text: 'long' }), put('goods', { id: 5, owner: 'me', text: 'other' }))
    await take([goods], put('goods', { id: 2, owner: 'you' }, { id: 1 }), put('goods', { id: 3, owner: 'us' }, { id: 2 }), put('goods', { id: 5, owner: 'them' }))
    expect(await rows(goods)).toEqual([[3, 'us', 'long'], [5, 'them', 'other']])
  })

  test('asks the source for what was not sent and nobody here has', async () => {
    const goods = await region('goods')
    source = [{ id: 1, owner: 'now', text: 'long' }]
    await take([goods], put('goods', { id: 1, owner: 'then' }), put('goods', { id: 2, owner: 'gone' }))
    expect(await rows(goods)).toEqual([[1, 'now', 'long']])
  })

  test('begins with an empty region where it emptied the table', async () => {
    const goods = await region('goods')
    await take([goods], ...[1, 2, 3].map(id => put('goods', { id, owner: null, text: 'a' })))
    await take([goods], put('goods', { id: 4, owner: null, text: 'lost' }), { kind: 'truncate', table: 'goods' }, put('goods', { id: 3, owner: null, text: 'a' }), put('goods', { id: 5, owner: null, text: 'b' }))
    expect(changesOf(told[1])?.toSorted()).toEqual([['goods', 'CREATED', '5'], ['goods', 'REMOVED', '1'], ['goods', 'REMOVED', '2']])
    expect(await rows(goods)).toEqual([[3, null, 'a'], [5, null, 'b']])
  })

  test('is the same for a region that takes no part in transactions', async () => {
    const goods = await region('goods', { atomicity: 'ATOMIC' })
    await take([goods], put('goods', { id: 1, owner: null, text: 'a' }), put('goods', { id: 2, owner: null, text: 'a' }))
    await take([goods], { kind: 'remove', table: 'goods', before: { id: 1 } }, put('goods', { id: 2, owner: null, text: 'b' }))
    expect(await rows(goods)).toEqual([[2, null, 'b']])
  })

  test('reaches each tenant\'s rows and no other\'s, and a row that changes hands', async () => {
    const goods = await region('goods', { tenancy: 'TENANT', tenantColumn: 'owner' }, ['ada'])
    await take([goods], put('goods', { id: 1, owner: 'ada', text: 'a' }), put('goods', { id: 2, owner: 'bob', text: 'b' }), put('goods', { id: 3, owner: null, text: 'c' }))
    await take([goods], put('goods', { id: 1, owner: 'bob', text: 'a' }))
    expect([await rows(goods, 'ada'), await rows(goods, 'bob')]).toEqual([[], [[1, 'bob', 'a'], [2, 'bob', 'b']]])
    await take([goods], { kind: 'truncate', table: 'goods' }, put('goods', { id: 4, owner: 'ada', text: 'd' }))
    expect([await rows(goods, 'ada'), await rows(goods, 'bob')]).toEqual([[[4, 'ada', 'd']], []])
  })

  test('is refused where a region that holds all rows would hold more than it may, rather than losing some', async () => {
    const goods = await region('goods', { maxEntries: 2 })
    await take([goods], put('goods', { id: 1, owner: null, text: 'a' }), put('goods', { id: 2, owner: null, text: 'a' }))
    await expect(take([goods], put('goods', { id: 3, owner: null, text: 'a' }))).rejects.toMatchObject({ code: 'RESULT_TOO_LARGE' })
    await take([goods], put('goods', { id: 3, owner: null, text: 'a' }), { kind: 'remove', table: 'goods', before: { id: 1 } })
    expect(await rows(goods)).toEqual([[2, null, 'a'], [3, null, 'a']])
  })

  test('keeps a reader who saw the row before from bringing it back', async () => {
    const goods = await region('goods', { load: { source: 'pg', table: 'goods', follow: true } })
    const mark = goods.held.region.mark()
    await take([goods], { kind: 'remove', table: 'goods', before: { id: 1 } })
    expect(await goods.held.region.fill(scope, [{ id: 1, owner: null, text: 'stale' }], mark)).toBe(0)
  })
})
