import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { parse, stringify } from 'yaml'
import { parseCatalog, parseEntry, type CatalogInput } from '../../../schema/catalog.ts'
import { nameProblem, singular } from '../../../schema/catalog-names.ts'
import { durationMs } from '../../../schema/duration.ts'
import { pathText } from '../../../schema/findings.ts'

const region = { key: 'id', fields: { id: 'ID!' } }
const first = (input: unknown) => parseCatalog(input).findings.map(({ path, message }) => `${pathText(path)}: ${message}`)

test('defaults are filled in, durations are milliseconds, and one text may stand for a list of one', () => {
  const notes = { key: ['a', 'B_COL'], fields: { a: 'ID', b: { type: 'Int', column: 'B_COL' }, added_by: 'String', c: { type: 'Long!', description: 'C.' } } }
  expect(parseEntry('region', 'notes', notes)).toEqual({
    name: 'notes', type: 'Note', key: ['a', 'B_COL'], strategies: [], arguments: [], indexes: [], unique: [], atomicity: 'TRANSACTIONAL', maxEntries: 10_000_000, evictionPolicy: 'LRU', tenancy: 'TENANT', mode: 'PARTITIONED', backups: 1,
    expiry: {},
    fields: [
      { name: 'a', field: 'a', type: 'String', nullable: false, id: true },
      { name: 'B_COL', field: 'b', type: 'Int', nullable: false, id: false },
      { name: 'added_by', field: 'addedBy', type: 'String', nullable: true, id: false },
      { name: 'c', field: 'c', type: 'Long', nullable: false, id: false, description: 'C.' },
    ],
  })
  expect(parseEntry('region', 'airports', { key: 'id', load: { source: 'lake', table: 't' }, expiry: { create: 'PT1H', access: 'P1DT12H' }, indexes: ['iata', ['country', 'city']] })).toMatchObject({
    type: 'Airport', load: { source: 'lake', table: 't', eager: false }, strategies: ['READ_THROUGH'], tenancy: 'SHARED', expiry: { createMs: 3_600_000, accessMs: 129_600_000 },
    indexes: [['iata'], ['country', 'city']],
  })
  expect(parseEntry('view', 'busiest_routes', { key: 'origin', sql: 'SELECT 1', materialize: { every: 'PT10M' } })).toMatchObject({ type: 'BusiestRoute', materialize: { everyMs: 600_000 }, descriptions: {} })
  expect(parseEntry('source', 'db', { type: 'postgresql', host: 'h', port: '5433', database: 'd' })).toMatchObject({ connection: { host: 'h', port: 5433, database: 'd' }, schema: 'public' })
  expect(parseEntry('source', 'lake', { type: 'files', root: '/data', tables: { t: 't.csv' } })).toMatchObject({ root: '/data', tables: { t: { file: 't.csv' } } })
  expect(parseEntry('relation', '', { from: 'BusiestRoute.origin', to: 'Airport.id', as: 'airport' })).toEqual({ from: { type: 'BusiestRoute', column: 'origin' }, to: { type: 'Airport', column: 'id' }, as: 'airport' })
})

test('H-07 an entry that is not a map, or lacks its key, is refused by the rules of the file', () => {
  expect(() => parseEntry('region', 'user_sessions', [])).toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR' }))
  expect(() => parseEntry('region', 'user_sessions', { fields: { id: 'ID' } })).toThrow('"key" is missing')
})

test('H-08 a name that is empty, too long, not made of letters, digits and "_", or a reserved word is refused with the rule', () => {
  for (const name of ['', 'a'.repeat(64), '9lives', 'a-b', 'a b', '_x', 'select', 'ORDER', '__proto__']) {
    expect(() => parseEntry('region', name, region)).toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR', details: { problems: [expect.objectContaining({ path: 'name' })] } }))
  }
  expect(parseEntry('region', 'a'.repeat(63), { ...region, type: 'Long63' }).name).toHaveLength(63)
})

test('H-08 every word the embedded engine reserves is refused as a name', async () => {
  const database = await DuckDBInstance.create(':memory:')
  const connection = await database.connect()
  const rows = (await connection.runAndReadAll("SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'")).getRows()
  connection.closeSync()
  database.closeSync()
  expect(rows.length).toBeGreaterThan(50)
  expect(rows.flat().filter(word => nameProblem(String(word)) === undefined)).toEqual([])
})

test('H-11 a region is TRANSACTIONAL unless it says otherwise, and no other value is taken', () => {
  expect(parseEntry('region', 'notes', region).atomicity).toBe('TRANSACTIONAL')
  expect(parseEntry('region', 'notes', { ...region, atomicity: 'ATOMIC' }).atomicity).toBe('ATOMIC')
  expect(() => parseEntry('region', 'notes', { ...region, atomicity: 'atomc' })).toThrow('"atomc" is not one of "TRANSACTIONAL" or "ATOMIC". Did you mean "ATOMIC"?')
})

test('H-12 strategies are one value or a list, and an unknown one is refused with the nearest', () => {
  const load = { source: 's', table: 't' }
  expect(parseEntry('region', 'notes', { key: 'id', load, strategies: 'READ_THROUGH' }).strategies).toEqual(['READ_THROUGH'])
  expect(parseEntry('region', 'notes', { key: 'id', load, strategies: ['READ_THROUGH'] }).strategies).toEqual(['READ_THROUGH'])
  expect(() => parseEntry('region', 'notes', { key: 'id', load, strategies: 'READ_THRU' })).toThrow('Did you mean "READ_THROUGH"?')
  expect(() => parseEntry('region', 'notes', { key: 'id', load, strategies: ['WRITE_THROUGH'] })).toThrow('not available yet')
})

test('H-13 an expiry of zero, below it or of another form is refused', () => {
  for (const create of ['PT0S', '-PT1H', '1h', 'P1Y', 'PT', 'P', '', 3600]) expect(() => parseEntry('region', 'notes', { ...region, expiry: { create } })).toThrow('not an ISO 8601 duration')
})

test('H-14 a mistake in an index names its position', () => {
  expect(first({ regions: { notes: { ...region, indexes: ['id', ['id', 'id']] } } })).toEqual(['regions.notes.indexes[1][1]: Column "id" stands here twice.'])
  expect(first({ regions: { notes: { ...region, indexes: ['id', { columns: ['id', 'id'], unique: true }] } } })).toEqual(['regions.notes.indexes[1].columns[1]: Column "id" stands here twice.'])
  expect(first({ regions: { notes: { ...region, indexes: ['id', { columns: 'idd', unique: true }] } } })).toEqual(['regions.notes.indexes[1].columns: Column "idd" is not among the fields. Did you mean "id"?'])
  expect(first({ regions: { notes: { ...region, indexes: ['id', { columns: ['id'], unique: true }] } } })).toEqual(['regions.notes.indexes[1]: Index (id) stands here twice, first as indexes[0].'])
  expect(first({ regions: { notes: { ...region, indexes: ['id', { columns: 'id', uniqe: true }] } } })).toEqual(['regions.notes.indexes[1].uniqe: Unknown key "uniqe". Did you mean "unique"?'])
  expect(first({ regions: { notes: { ...region, indexes: [{ unique: true }] } } })).toEqual(['regions.notes.indexes[0].columns: "columns" is missing; expected text or a list.'])
  expect(first({ regions: { notes: { ...region, indexes: [{ columns: 'id', unique: 'yes' }] } } })).toEqual(['regions.notes.indexes[0].unique: "yes" is not true or false.'])
  expect(first({ regions: { notes: { ...region, indexes: [5] } } })).toEqual(['regions.notes.indexes[0]: 5 is not a column, a list of columns, or a map with "columns" and "unique".'])
})

test('H-14 an index is a column, several, or a map that says whether it is unique', () => {
  const indexes = ['id', ['id', 'text'], { columns: 'text', unique: true }, { columns: ['text', 'id'], unique: true }, { columns: ['text', 'at'] }]
  const fields = { id: 'ID', text: 'String', at: 'DateTime' }
  expect(parseEntry('region', 'notes', { ...region, fields, indexes })).toMatchObject({ indexes: [['id'], ['id', 'text'], ['text'], ['text', 'id'], ['text', 'at']], unique: [['text'], ['text', 'id']] })
})

test('H-15 H-70 maxEntries below one is refused, and its default is the configuration\'s', () => {
  expect(() => parseEntry('region', 'notes', { ...region, maxEntries: 0 })).toThrow('0 is not a whole number of entries from 1.')
  expect(parseEntry('region', 'notes', region, { maxEntries: 5, backups: 1 }).maxEntries).toBe(5)
  expect(parseEntry('region', 'notes', { ...region, maxEntries: 7 }, { maxEntries: 5, backups: 1 }).maxEntries).toBe(7)
})

test('H-15 an eviction policy is LRU, which is the default, or FIFO; another is refused with what is allowed', () => {
  expect(parseEntry('region', 'notes', region).evictionPolicy).toBe('LRU')
  expect(parseEntry('region', 'notes', { ...region, evictionPolicy: 'FIFO' }).evictionPolicy).toBe('FIFO')
  expect(() => parseEntry('region', 'notes', { ...region, evictionPolicy: 'RANDOM_2_LRU' })).toThrow(/"RANDOM_2_LRU" is not .*"LRU" or "FIFO"/)
})

test('H-21 an affinity key that is no column of the region is refused', () => {
  expect(parseEntry('region', 'notes', { ...region, affinityKey: 'id' }).affinityKey).toBe('id')
  expect(() => parseEntry('region', 'notes', { ...region, affinityKey: 'idd' })).toThrow('Column "idd" is not among the fields. Did you mean "id"?')
})

test('a region and a view of one name are refused once, with a proposal', () => {
  expect(first({ regions: { notes: region }, views: { notes: { type: 'Remark', key: 'id', sql: 'SELECT 1 AS id' } } })).toEqual([
    'views.notes: "notes" is the name of regions.notes, and SQL could not tell them apart. Call it "notes_view", for example.',
  ])
})

test('with foreign subgraphs a relation may end at a type that is declared nowhere here', () => {
  const relations = [{ from: 'Note.id', to: 'Product.sku', as: 'product' }]
  expect(first({ regions: { notes: region }, relations })).toEqual(['relations[0].to: There is no type "Product". There are: Note.'])
  expect(first({ regions: { notes: region }, relations, subgraphs: { products: { url: 'http://localhost:1/graphql' } } })).toEqual([])
})

test('what is inherited by every JavaScript object is neither a declared entry nor an option', () => {
  expect(first({ regions: { constructor: { type: 'Thing', key: 'id', load: { source: 'toString', table: 't' } } } })).toEqual(['regions.constructor.load.source: There is no source "toString". There are no sources.'])
  expect(first(JSON.parse('{"regions": {"notes": {"key": "id", "fields": {"id": "ID", "__proto__": "Int"}}}}'))).toEqual(['regions.notes.fields.__proto__: "__proto__" cannot be a name here.'])
  expect(first(JSON.parse('{"__proto__": {}}'))).toHaveLength(1)
})

test('a definition nested without end is refused, not a failure of the hub', () => {
  const nested = JSON.parse(`${'[['.repeat(20_000)}${']]'.repeat(20_000)}`) as unknown
  expect(() => parseEntry('region', 'notes', { ...region, indexes: nested })).toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR' }))
})

test('nothing but a map is a catalog', () => {
  for (const input of [null, [], 'x', 5, true]) expect(parseCatalog(input).findings).toHaveLength(1)
  expect(parseCatalog({}).catalog).toEqual({ sources: [], regions: [], views: [], relations: [], subgraphs: [], endpoints: [] })
})

test('a duration is as long as its parts together', () => {
  const part = fc.nat({ max: 500 })
  fc.assert(
    fc.property(part, part, part, part, (days, hours, minutes, seconds) => {
      const ms = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
      expect(durationMs(`P${days}DT${hours}H${minutes}M${seconds}S`)).toBe(ms === 0 ? undefined : ms)
    }),
  )
  expect(['P2W', 'PT0.5S', 'PT1,5M', 'PT1H30M', 'P1D'].map(durationMs)).toEqual([1_209_600_000, 500, 90_000, 5_400_000, 86_400_000])
  expect(['P1DT', 'PT1M1H', 'p1d', 'P1D ', 'P36501D', 'PT0.0001S', 'P1W1D'].map(durationMs)).toEqual(Array(7).fill(undefined))
})

test('type names come from the singular of an entry\'s name', () => {
  expect(['busiest_routes', 'entries', 'classes', 'boxes', 'cities', 'airport', 'status', 'glass', 'analysis', 'days'].map(singular)).toEqual(['busiest_route', 'entry', 'class', 'box', 'city', 'airport', 'status', 'glass', 'analysis', 'day'])
})

const word = fc.stringMatching(/^[a-z][a-z0-9]{2,8}$/).map(text => `n_${text}`)
const duration = fc.constantFrom('PT1S', 'PT10M', 'P1D', 'P2W')
const sentence = fc.string({ minLength: 1, maxLength: 40 }).filter(text => text.trim() !== '')
const fields = fc.uniqueArray(fc.tuple(word, fc.constantFrom('ID!', 'String', 'Int!', 'Decimal', 'DateTime')), { minLength: 1, maxLength: 4, selector: ([name]) => name })
const written = fc.record(
  { fields, description: sentence, expiry: fc.record({ create: duration, access: duration }, { requiredKeys: [] }), maxEntries: fc.integer({ min: 1, max: 1e9 }), atomicity: fc.constantFrom('ATOMIC' as const, 'TRANSACTIONAL' as const) },
  { requiredKeys: ['fields'] },
)
const loaded = fc.record({ table: sentence, eager: fc.boolean(), description: sentence }, { requiredKeys: ['table'] })
const view = fc.record({ sql: sentence, description: sentence, materialize: fc.record({ every: duration }) }, { requiredKeys: ['sql'] })
const catalogs = fc
  .tuple(fc.uniqueArray(word, { minLength: 4, maxLength: 8, selector: name => singular(name) }), fc.array(written, { maxLength: 2 }), fc.array(loaded, { maxLength: 2 }), fc.array(view, { maxLength: 2 }), sentence)
  .map(([names, own, from, views, root]): CatalogInput => {
    const rest = [...names]
    const entry = <T, U>(items: readonly T[], make: (item: T) => U) => Object.fromEntries(items.flatMap(item => { const name = rest.pop(); return name === undefined ? [] : [[`${name}_list`, { type: `T_${name}`, ...make(item) }]] }))
    return {
      sources: { lake: { type: 'files', root } },
      regions: {
        ...entry(own, ({ fields: columns, ...other }) => ({ ...other, key: columns[0]?.[0] ?? '', fields: Object.fromEntries(columns) })),
        ...entry(from, ({ table, eager, ...other }) => ({ ...other, key: ['id'], load: { source: 'lake', table, eager } })),
      },
      views: entry(views, one => ({ ...one, key: 'id' })),
    }
  })

test('a catalog of the declared form is taken, means the same after a way through YAML, and keeps what it says', () => {
  fc.assert(
    fc.property(catalogs, input => {
      const there = parseCatalog(input)
      expect(there.findings).toEqual([])
      const back = parseCatalog(parse(stringify(input)))
      expect(back).toEqual(there)
      for (const entry of there.catalog?.regions ?? []) {
        const said = input.regions?.[entry.name]
        expect({ ...entry, maxEntries: said?.maxEntries ?? 10_000_000, description: said?.description }).toEqual(entry)
        expect(entry.fields?.map(field => field.name)).toEqual(said?.fields && Object.keys(said.fields))
        expect(entry.expiry.createMs).toBe(said?.expiry?.create === undefined ? undefined : durationMs(said.expiry.create))
      }
    }),
    { numRuns: 60 },
  )
})

test('one changed letter in the name of any option is refused at that option, with the right name', () => {
  fc.assert(
    fc.property(catalogs, fc.nat(), (input, pick) => {
      const options = ['regions', 'views'].flatMap(section => Object.entries((input as Record<string, Record<string, object>>)[section] ?? {}).flatMap(([name, entry]) => Object.keys(entry).map(option => ({ section, name, option }))))
      fc.pre(options.length > 0)
      const { section, name, option } = options[pick % options.length] ?? { section: '', name: '', option: '' }
      const wrong = `${option}q`
      const copy = structuredClone(input) as Record<string, Record<string, Record<string, unknown>>>
      const entry = copy[section]?.[name] ?? {}
      entry[wrong] = entry[option]
      delete entry[option]
      expect(first(copy)).toContainEqual(expect.stringContaining(`${section}.${name}.${wrong}: Unknown key "${wrong}". Did you mean "${option}"`))
    }),
    { numRuns: 60 },
  )
})
