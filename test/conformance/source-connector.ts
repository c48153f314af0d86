import fc from 'fast-check'
import type { ScanRequest, SourceConnector } from '../../connectors/ports/source-connector.ts'
import { type Filter, matcher } from '../../schema/filter.ts'
import type { Column, Row, Value } from '../../schema/values.ts'
import { must } from '../support/conformance.ts'
import { testScope } from '../support/scope.ts'

/** A source that holds the tables below, and nothing else. */
export interface SourceSubject {
  readonly source: SourceConnector
  /** The tables as the system is able to hold them; absent: as they are written here. */
  readonly held?: Held
  close(): Promise<void>
}

/** The table `places`, key `id`. */
export const placeColumns: readonly Column[] = [
  { name: 'id', type: 'Int', nullable: false },
  { name: 'name', type: 'String', nullable: true },
  { name: 'people', type: 'Long', nullable: true },
  { name: 'area', type: 'Float', nullable: true },
  { name: 'capital', type: 'Boolean', nullable: true },
  { name: 'founded', type: 'Date', nullable: true },
  { name: 'seen', type: 'LocalDateTime', nullable: true },
  { name: 'extra', type: 'JSON', nullable: true },
]
export const places: readonly Row[] = [
  { id: 1, name: 'Oslo', people: 709_037, area: 454.5, capital: true, founded: '1040-01-01', seen: '2024-01-31T23:59:59', extra: { river: 'Akerselva', parts: [1, 2] } },
  { id: 2, name: 'oslo', people: 9_007_199_254_740_993n, area: -0.1, capital: false, founded: null, seen: '2024-01-31T23:59:59.123456', extra: [] },
  { id: 3, name: '', people: -9_223_372_036_854_775_808n, area: 1e-7, capital: null, founded: '2000-02-29', seen: null, extra: null },
  { id: 4, name: null, people: 9_223_372_036_854_775_807n, area: null, capital: false, founded: '1999-12-31', seen: '1999-12-31T00:00:00', extra: { a: null } },
  { id: 5, name: "'; DROP TABLE places; --", people: 0, area: 1e300, capital: true, founded: '2024-01-31', seen: '2024-02-01T00:00:00.1', extra: { 'a"b': 'c' } },
  { id: 6, name: '100%_done\\', people: 9_007_199_254_740_992n, area: 0.30000000000000004, capital: true, founded: '2024-01-31', seen: '2024-02-01T00:00:00', extra: [[true]] },
  { id: 7, name: 'München 東京 🗼', people: null, area: 3, capital: null, founded: null, seen: null, extra: { n: 1.5 } },
  { id: 2_147_483_647, name: 'a "quoted", name\nin [two] lines?*', people: 1, area: 454.5, capital: false, founded: '1040-01-02', seen: '2024-01-31T23:59:58.9', extra: 'text' },
]
/** The table `odd "visits"`, key `place`, `day`. */
export const visitsName = 'odd "visits"'
export const visitColumns: readonly Column[] = [
  { name: 'place', type: 'Int', nullable: false },
  { name: 'day', type: 'String', nullable: false },
  { name: 'guest; --', type: 'String', nullable: true },
]
export const visits: readonly Row[] = [
  { place: 1, day: 'mon', 'guest; --': 'Ada' }, { place: 1, day: 'tue', 'guest; --': 'Ben' }, { place: 2, day: 'mon', 'guest; --': 'Ada' },
  { place: 2, day: "o'day", 'guest; --': null }, { place: 3, day: 'mon', 'guest; --': 'Cyd' },
]
/** The table `numbers`, key `n`: 0 up to here. */
export const numberCount = 10_000

export interface HeldTable {
  readonly name: string
  readonly columns: readonly Column[]
  readonly key: readonly string[]
  readonly rows: readonly Row[]
}

export interface Held {
  readonly places: HeldTable
  readonly visits: HeldTable
  readonly numbers: HeldTable
  /** A value of a column of `places`. */
  value(column: string, value: Value): Value
}

const asWritten: Held = {
  places: { name: 'places', columns: placeColumns, key: ['id'], rows: places },
  visits: { name: visitsName, columns: visitColumns, key: ['place', 'day'], rows: visits },
  numbers: { name: 'numbers', columns: [{ name: 'n', type: 'Int', nullable: false }], key: ['n'], rows: Array.from({ length: numberCount }, (_, n) => ({ n })) },
  value: (_, value) => value,
}

/** The tables of a system that has other names, types, orders or keys: `table` changes each, `type` and `value` the columns of `places`. */
export function heldAs(change: { table: (table: HeldTable) => HeldTable; types: Readonly<Record<string, Column['type']>>; value: Held['value'] }): Held {
  const { places: written, visits: visited, numbers } = asWritten
  const columns = written.columns.map(column => ({ ...column, type: change.types[column.name] ?? column.type }))
  const rows = written.rows.map(row => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, change.value(name, value)])))
  return { places: change.table({ ...written, columns, rows }), visits: change.table(visited), numbers: change.table(numbers), value: change.value }
}

const heldBy = (subject: SourceSubject): Held => subject.held ?? asWritten

/** The filter over `places` with its values as they are held. */
function heldFilter(filter: Filter, held: Held): Filter {
  if ('and' in filter) return { and: filter.and.map(part => heldFilter(part, held)) }
  if ('or' in filter) return { or: filter.or.map(part => heldFilter(part, held)) }
  if ('not' in filter) return { not: heldFilter(filter.not, held) }
  if (filter.op === 'isNull') return filter
  if (filter.op === 'in') return { ...filter, value: filter.value.map(one => held.value(filter.column, one)) }
  return { ...filter, value: filter.op === 'like' || filter.op === 'startsWith' ? filter.value : held.value(filter.column, filter.value) }
}

async function read(source: SourceConnector, request: ScanRequest): Promise<Row[]> {
  const rows: Row[] = []
  for await (const batch of source.scan(testScope(), request)) rows.push(...batch)
  return rows
}

const byId = (rows: readonly Row[]) => [...rows].sort((a, b) => Number(a['id']) - Number(b['id']))
const ids = (rows: readonly Row[]) => byId(rows).map(row => row['id'])
const expected = (filter: Filter, { places: { rows, columns } }: Held) => ids(rows.filter(matcher(filter, columns)))

const conditions: readonly Filter[] = [
  { column: 'name', op: 'eq', value: 'Oslo' }, { column: 'name', op: 'ne', value: 'Oslo' }, { column: 'name', op: 'eq', value: '' }, { column: 'name', op: 'eq', value: null },
  { column: 'name', op: 'eq', value: "'; DROP TABLE places; --" }, { column: 'name', op: 'in', value: ['oslo', 'OSLO', null] }, { column: 'name', op: 'in', value: [] },
  { column: 'name', op: 'like', value: 'O%' }, { column: 'name', op: 'like', value: '%sl_' }, { column: 'name', op: 'like', value: '%\\' }, { column: 'name', op: 'like', value: '%?*' },
  { column: 'name', op: 'like', value: '%[two]%' }, { column: 'name', op: 'like', value: '%東京__' }, { column: 'name', op: 'like', value: '' }, { column: 'name', op: 'startsWith', value: '100%_' },
  { column: 'name', op: 'startsWith', value: '100%%' }, { column: 'name', op: 'startsWith', value: '' }, { column: 'name', op: 'lt', value: 'Z' }, { column: 'name', op: 'gte', value: 'a' },
  { column: 'name', op: 'isNull', value: true }, { column: 'name', op: 'isNull', value: false }, { column: 'extra', op: 'isNull', value: true },
  { column: 'people', op: 'eq', value: 9_007_199_254_740_993n }, { column: 'people', op: 'gt', value: 9_007_199_254_740_992n }, { column: 'people', op: 'lte', value: -9_223_372_036_854_775_808n },
  { column: 'people', op: 'in', value: [9_223_372_036_854_775_807n, 0, null] }, { column: 'people', op: 'lt', value: 99_999_999_999_999_999_999n },
  { column: 'id', op: 'eq', value: 4_000_000_000 }, { column: 'id', op: 'in', value: [1, 2_147_483_647, 4_000_000_000] }, { column: 'id', op: 'gt', value: 6 },
  { column: 'area', op: 'eq', value: 0.30000000000000004 }, { column: 'area', op: 'lt', value: 0.3 }, { column: 'area', op: 'gte', value: 454.5 }, { column: 'area', op: 'eq', value: 3 },
  { column: 'capital', op: 'eq', value: true }, { column: 'capital', op: 'ne', value: true }, { column: 'capital', op: 'in', value: [false] },
  { column: 'founded', op: 'lt', value: '2000-01-01' }, { column: 'founded', op: 'eq', value: '2024-01-31' }, { column: 'founded', op: 'in', value: ['2000-02-29', null] },
  { column: 'seen', op: 'gt', value: '2024-01-31T23:59:59' }, { column: 'seen', op: 'eq', value: '2024-01-31T23:59:59.123456' }, { column: 'seen', op: 'in', value: ['2024-02-01T00:00:00.1'] },
  { and: [] }, { or: [] }, { not: { column: 'capital', op: 'eq', value: true } }, { not: { column: 'name', op: 'in', value: ['Oslo', null] } },
  { or: [{ column: 'name', op: 'eq', value: null }, { column: 'id', op: 'eq', value: 3 }] },
  { and: [{ column: 'capital', op: 'eq', value: true }, { or: [{ column: 'area', op: 'gt', value: 400 }, { column: 'name', op: 'like', value: '%done%' }] }] },
  { column: 'id', op: 'in', value: Array.from({ length: 2000 }, (_, index) => index - 1000) },
  { not: { column: 'people', op: 'in', value: [...Array.from({ length: 100 }, (_, index) => index), null] } },
]

/** Filters over the columns of `places`, their values taken from its rows and from beside them. */
const anyFilter: fc.Arbitrary<Filter> = fc.letrec<{ filter: Filter }>(tie => ({
  filter: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom(...placeColumns.filter(column => column.type !== 'JSON')).chain(column => {
      const value = fc.constantFrom<Value>(...places.map(row => row[column.name] ?? null))
      return fc.oneof(
        fc.record({ column: fc.constant(column.name), op: fc.constantFrom('eq', 'ne', 'lt', 'lte', 'gt', 'gte'), value }) as fc.Arbitrary<Filter>,
        fc.record({ column: fc.constant(column.name), op: fc.constant('in' as const), value: fc.array(value, { maxLength: 4 }) }),
        fc.record({ column: fc.constant(column.name), op: fc.constant('isNull' as const), value: fc.boolean() }),
      )
    }),
    fc.record({ column: fc.constant('name'), op: fc.constant('like' as const), value: fc.string({ unit: fc.constantFrom('%', '_', 'O', 's', 'l', 'o', '\\', '1', '0', '*', '?', '['), maxLength: 5 }) }),
    fc.record({ and: fc.array(tie('filter'), { maxLength: 3 }) }),
    fc.record({ or: fc.array(tie('filter'), { maxLength: 3 }) }),
    fc.record({ not: tie('filter') }),
  ),
})).filter

export const sourceConnectorChecks = [
  must<SourceSubject>('SC01', 'every table is found with its columns in order, their types, and its key', async subject => {
    const tables = await subject.source.tables(testScope())
    const { places, visits, numbers } = heldBy(subject)
    const shape = tables.map(({ name, columns, key }) => ({ name, key, columns: columns.map(({ name: column, type, nullable }) => ({ name: column, type, nullable })) }))
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)
    expect(shape.sort(byName)).toEqual([places, visits, numbers].map(({ name, key, columns }) => ({ name, key, columns })).sort(byName))
    expect(tables.map(({ quarantine }) => quarantine.count)).toEqual([0, 0, 0])
  }),

  must<SourceSubject>('SC02', 'a scan answers every row in canonical form, 64-bit integers exact', async subject => {
    expect(byId(await read(subject.source, { table: 'places' }))).toEqual(heldBy(subject).places.rows)
  }),

  must<SourceSubject>('SC03', 'only the columns asked for are answered', async ({ source }) => {
    const rows = await read(source, { table: 'places', columns: ['name', 'id'] })
    expect(byId(rows)).toEqual(places.map(({ id, name }) => ({ name, id })))
    expect(Object.keys(rows[0] ?? {})).toEqual(['name', 'id'])
  }),

  must<SourceSubject>('SC04', 'an unknown column is refused with the nearest name', async ({ source }) => {
    await expect(read(source, { table: 'places', columns: ['nane'] })).rejects.toMatchObject({ code: 'BAD_USER_INPUT', message: expect.stringContaining('"name"') })
    await expect(read(source, { table: 'places', filter: { column: 'nane', op: 'isNull', value: true } })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
    await expect(source.lookup(testScope(), { table: 'places', keyColumns: ['ids'], keys: [[1]] })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
  }),

  must<SourceSubject>('SC05', 'an unknown table is not found, and the nearest is named', async ({ source }) => {
    const missing = { code: 'NOT_FOUND', message: expect.stringContaining('"places"') }
    await expect(read(source, { table: 'place' })).rejects.toMatchObject(missing)
    await expect(source.lookup(testScope(), { table: 'place', keyColumns: ['id'], keys: [[1]] })).rejects.toMatchObject(missing)
    await expect(read(source, { table: 'places"; DROP TABLE places; --' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  }),

  must<SourceSubject>('SC06', 'a limit bounds the rows, and 0 answers none', async ({ source }) => {
    expect(await read(source, { table: 'places', limit: 3 })).toHaveLength(3)
    expect(await read(source, { table: 'places', limit: 0 })).toEqual([])
    expect(await read(source, { table: 'places', limit: 1000 })).toHaveLength(places.length)
    for (const limit of [-1, 1.5, Number.NaN]) await expect(read(source, { table: 'places', limit })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
  }),

  must<SourceSubject>('SC07', 'each comparison passes the rows it passes in memory', async subject => {
    const held = heldBy(subject)
    const filters = conditions.map(filter => heldFilter(filter, held))
    const found: unknown[] = []
    for (const filter of filters) found.push({ filter, ids: ids(await read(subject.source, { table: 'places', columns: ['id'], filter })) })
    expect(found).toEqual(filters.map(filter => ({ filter, ids: expected(filter, held) })))
  }),

  must<SourceSubject>('SC08', 'any filter passes the rows it passes in memory', async subject => {
    const held = heldBy(subject)
    await fc.assert(fc.asyncProperty(anyFilter, async written => {
      const filter = heldFilter(written, held)
      expect(ids(await read(subject.source, { table: 'places', columns: ['id'], filter }))).toEqual(expected(filter, held))
    }), { numRuns: 150 })
  }),

  must<SourceSubject>('SC09', 'a value the column cannot have is refused, not sent', async ({ source }) => {
    const wrong: Filter[] = [{ column: 'id', op: 'eq', value: 'one' }, { column: 'founded', op: 'lt', value: 'yesterday' }, { column: 'capital', op: 'in', value: ['maybe'] }]
    for (const filter of wrong) await expect(read(source, { table: 'places', filter })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
  }),

  must<SourceSubject>('SC10', 'a look-up answers the rows of its keys once, and nothing for a key without a row', async subject => {
    const { source } = subject
    const { rows: all } = heldBy(subject).places
    const rows = await source.lookup(testScope(), { table: 'places', keyColumns: ['id'], keys: [[7], [1], [99], [1], [4_000_000_000]] })
    expect(byId(rows)).toEqual([all[0], all[6]])
    expect(await source.lookup(testScope(), { table: 'places', keyColumns: ['id'], keys: [] })).toEqual([])
  }),

  must<SourceSubject>('SC11', 'a look-up by several columns finds whole keys only', async subject => {
    const { name, rows: all } = heldBy(subject).visits
    const rows = await subject.source.lookup(testScope(), { table: name, keyColumns: ['day', 'place'], keys: [['mon', 1], ['tue', 2], ["o'day", 2]] })
    expect([...rows].sort((a, b) => Number(a['place']) - Number(b['place']))).toEqual([all[0], all[3]])
  }),

  must<SourceSubject>('SC12', 'a look-up by a column that is no key answers every row of each value', async subject => {
    const { source } = subject
    const { visits, value } = heldBy(subject)
    const rows = await source.lookup(testScope(), { table: visits.name, columns: ['place'], keyColumns: ['guest; --'], keys: [['Ada'], ['Cyd']] })
    expect(rows.map(row => row['place']).sort()).toEqual([1, 2, 3])
    const exact = await source.lookup(testScope(), { table: 'places', columns: ['id'], keyColumns: ['people'], keys: [[9_007_199_254_740_993n]] })
    expect(exact).toEqual([{ id: 2 }])
    const moment = await source.lookup(testScope(), { table: 'places', columns: ['id'], keyColumns: ['seen'], keys: [[value('seen', '2024-02-01T00:00:00.1')]] })
    expect(moment).toEqual([{ id: 5 }])
  }),

  must<SourceSubject>('SC13', 'a look-up takes thousands of keys', async ({ source }) => {
    const keys = Array.from({ length: numberCount + 2000 }, (_, n) => [n])
    expect(await source.lookup(testScope(), { table: 'numbers', keyColumns: ['n'], keys })).toHaveLength(numberCount)
  }),

  must<SourceSubject>('SC14', 'a large table comes whole, in batches', async ({ source }) => {
    let largest = 0
    const seen = new Set<Value>()
    for await (const batch of source.scan(testScope(), { table: 'numbers' })) {
      largest = Math.max(largest, batch.length)
      for (const row of batch) seen.add(row['n'] ?? null)
    }
    expect(seen.size).toBe(numberCount)
    expect(largest).toBeLessThanOrEqual(5000)
  }),

  must<SourceSubject>('SC15', 'a reader may leave early, and the next one reads on', async ({ source }) => {
    for (let round = 0; round < 30; round++) {
      for await (const batch of source.scan(testScope(), { table: 'numbers' })) {
        expect(batch.length).toBeGreaterThan(0)
        break
      }
    }
    expect(await read(source, { table: 'numbers', columns: ['n'] })).toHaveLength(numberCount)
  }),

  must<SourceSubject>('SC16', 'an aborted signal ends a read with its reason', async ({ source }) => {
    await source.tables(testScope())
    const reason = new Error('the client left')
    const before = testScope()
    before.abort(reason)
    await expect(source.scan(before, { table: 'numbers' })[Symbol.asyncIterator]().next()).rejects.toBe(reason)
    await expect(source.lookup(before, { table: 'numbers', keyColumns: ['n'], keys: [[1]] })).rejects.toBe(reason)

    const midway = testScope()
    const rows = source.scan(midway, { table: 'numbers' })[Symbol.asyncIterator]()
    expect((await rows.next()).done).toBe(false)
    midway.abort(reason)
    await expect(rows.next()).rejects.toBe(reason)
    expect(await read(source, { table: 'numbers' })).toHaveLength(numberCount)
  }),

  must<SourceSubject>('SC17', 'readers at the same time do not disturb each other', async ({ source }) => {
    const reads = await Promise.all(Array.from({ length: 12 }, (_, n) => read(source, { table: 'numbers', filter: { column: 'n', op: 'lt', value: n * 100 } })))
    expect(reads.map(rows => rows.length)).toEqual(Array.from({ length: 12 }, (_, n) => n * 100))
  }),
]
