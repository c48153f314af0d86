import fc from 'fast-check'
import { type DuckDatabase, openDuckDb } from '../../connectors/duckdb/database.ts'
import { openDuckDbEngine } from '../../connectors/duckdb/engine.ts'
import { type MemoryRegion, openMemoryRegions } from '../../connectors/memory/index.ts'
import type { RegionDefinition } from '../../connectors/ports/region-store.ts'
import { allRows, type SqlEngine, type Statement } from '../../connectors/ports/sql-engine.ts'
import { HubError } from '../../schema/errors.ts'
import type { Column, Row, Value } from '../../schema/values.ts'
import { MovedClock, testScope } from '../support/scope.ts'

const names = ['id', 'name', 'size', 'large', 'ratio', 'price', 'open', 'day', 'code', 'at', 'extra'] as const
type Name = (typeof names)[number]
const types: Record<Name, Column['type']> = { id: 'Int', name: 'String', size: 'Int', large: 'Long', ratio: 'Float', price: 'Decimal', open: 'Boolean', day: 'Date', code: 'UUID', at: 'DateTime', extra: 'JSON' }
const uuids = ['0f8fad5b-d9cb-469f-a165-70867728950e', 'ff8fad5b-d9cb-469f-a165-70867728950e', '00000000-0000-0000-0000-000000000000']

/** Values rows have. */
const held: Record<Exclude<Name, 'id'>, readonly Value[]> = {
  name: [null, '', 'a', 'A', 'ab', 'é', "o'hara", '\ud800', '\ufffd', '\uffff', '😀', 'a '],
  size: [null, -1, 0, 1, 5, 2_147_483_647, -2_147_483_648],
  large: [null, 0, 1, 5, -5, 9_007_199_254_740_991, 9_007_199_254_740_993n, 9_223_372_036_854_775_807n, -9_223_372_036_854_775_808n],
  ratio: [null, 0, -0, 0.1, 0.30000000000000004, 1, 5, 1e300, -1e-300],
  price: [null, '0', '-0.00', '1', '1.0', '1.505', '1.50', '1.51', '-5', '5', '0.1000000000000000055', '99999999999999999.5'],
  open: [null, true, false],
  day: [null, '2024-01-31', '2024-02-29', '1969-12-31', '9999-12-31'],
  code: [null, ...uuids],
  at: [null, '2024-01-31T00:00:00Z', '2024-01-31T00:00:00.5Z'],
  extra: [null, 'a', 5, { a: 1 }, []],
}

/** A row with any of the held values. */
const row = (id: number) => fc.record(Object.fromEntries(Object.entries(held).map(([name, values]) => [name, fc.constantFrom(...values)]))).map(rest => ({ id, ...rest }) as Row)

interface Piece {
  readonly sql: string
  readonly params: readonly (Value | readonly Value[])[]
}
const piece = (sql: string, ...params: (Value | readonly Value[])[]): Piece => ({ sql, params })
const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`

/** Ways to write an operand: as it compares with the column, as it may, and as it does only by a conversion. */
const operands: Record<Name, readonly Piece[]> = {
  id: [piece('3'), piece('?', 7), piece('CAST(? AS bigint)', 4), piece('NULL'), piece('2.5'), piece('-1'), piece('3.00')],
  name: [...held.name.filter(value => typeof value === 'string' && value.isWellFormed()).map(value => piece(quoted(String(value)))), ...held.name.map(value => piece('?', value)), piece('CAST(? AS varchar)', 'a'), piece("CAST('ab' AS varchar(1))"), piece('?', 'a\0b')],
  size: [piece('5'), piece('5.0'), piece('5e0'), piece('5.00000000000000000001'), piece('4.99999999999999999999'), piece('?', 5), piece('?', 0.5), piece('?', 5_000_000_000), piece('?', '5'), piece('CAST(? AS integer)', 1), piece('CAST(1.5 AS integer)'), piece('CAST(? AS decimal(5, 0))', '4.5'), piece('-2147483648'), piece('9223372036854775808'), piece('?', null)],
  large: [piece('5'), piece('9007199254740993'), piece('9007199254740992e0'), piece('9007199254740991.5'), piece('?', 9_007_199_254_740_993n), piece('?', 9_007_199_254_740_991), piece('99999999999999999999'), piece('CAST(? AS bigint)', -5), piece('CAST(? AS double)', 9_007_199_254_740_993n), piece('-9223372036854775808')],
  ratio: [piece('0.1'), piece('0.30000000000000004'), piece('3e-1'), piece('0.3'), piece('?', 0.1), piece('?', 5), piece('-0.0'), piece('CAST(? AS double)', 0.30000000000000004), piece('CAST(? AS decimal(3, 1))', '0.1'), piece('1e300'), piece('1e999')],
  price: [piece('1.5'), piece('1.505'), piece('1'), piece('1e0'), piece('0.1'), piece('?', 5), piece('?', 1.5), piece('?', 0.1), piece('?', '1.505'), piece('?', '1.5'), piece('CAST(? AS decimal(38, 3))', '1.505'), piece('CAST(? AS decimal(38, 1))', '1.505'), piece('CAST(? AS decimal(38, 1))', '1.5'), piece('0.1000000000000000055'), piece('99999999999999999.5'), piece('-0.0')],
  open: [piece('true'), piece('false'), piece('?', true), piece('CAST(? AS boolean)', false), piece('?', 'true')],
  day: [piece("DATE '2024-01-31'"), piece("DATE '2024-02-29'"), piece('?', '2024-01-31'), piece('CAST(? AS date)', '1969-12-31'), piece('?', '2024-02-30'), piece("TIMESTAMP '2024-01-31 00:00:00'"), piece('?', '2024-1-31')],
  code: [...uuids.map(value => piece('?', value)), piece('?', uuids[0]?.toUpperCase() ?? ''), piece('CAST(? AS uuid)', uuids[1] ?? ''), piece(`UUID ${quoted(uuids[2] ?? '')}`), piece('?', 'nothing')],
  at: [piece('?', '2024-01-31T00:00:00Z'), piece('?', '2024-01-31T00:00:00.5Z'), piece("TIMESTAMP '2024-01-31 00:00:00 UTC'")],
  extra: [piece('?', 'a'), piece("'5'")],
}

const comparison = fc.constantFrom(...names).chain(name => {
  const column = `@${name}`
  const operand = fc.constantFrom(...operands[name])
  const op = fc.constantFrom('=', '=', '=', '<>', '<', '<=', '>', '>=')
  return fc.oneof(
    { weight: 6, arbitrary: fc.tuple(op, operand).map(([sign, one]) => piece(`${column} ${sign} ${one.sql}`, ...one.params)) },
    { weight: 1, arbitrary: fc.tuple(op, operand).map(([sign, one]) => piece(`${one.sql} ${sign} ${column}`, ...one.params)) },
    { weight: 2, arbitrary: fc.tuple(fc.constantFrom('', 'NOT '), fc.array(operand, { minLength: 1, maxLength: 4 })).map(([not, list]) => piece(`${column} ${not}IN (${list.map(one => one.sql).join(', ')})`, ...list.flatMap(one => one.params))) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom('', 'NOT '), fc.array(fc.constantFrom(...(name === 'id' ? [1, 2, 3, 40] : held[name].filter(value => typeof value !== 'object'))), { maxLength: 3 })).map(([not, list]) => piece(`${column} ${not}IN (?)`, list)) },
    { weight: 2, arbitrary: fc.tuple(fc.constantFrom('', 'NOT '), operand, operand).map(([not, low, high]) => piece(`${column} ${not}BETWEEN ${low.sql} AND ${high.sql}`, ...low.params, ...high.params)) },
    { weight: 1, arbitrary: fc.constantFrom(piece(`${column} IS NULL`), piece(`${column} IS NOT NULL`)) },
  )
})
const joined = (parts: readonly Piece[], by: string) => piece(parts.map(part => `(${part.sql})`).join(by), ...parts.flatMap(part => part.params))
const condition = fc.oneof(
  { weight: 4, arbitrary: comparison },
  { weight: 4, arbitrary: fc.array(comparison, { minLength: 2, maxLength: 3 }).map(parts => joined(parts, ' AND ')) },
  { weight: 1, arbitrary: fc.array(comparison, { minLength: 2, maxLength: 2 }).map(parts => joined(parts, ' OR ')) },
  { weight: 1, arbitrary: comparison.map(part => piece(`NOT (${part.sql})`, ...part.params)) },
  { weight: 1, arbitrary: fc.tuple(comparison, fc.array(comparison, { minLength: 2, maxLength: 2 })).map(([first, rest]) => joined([first, joined(rest, ' OR ')], ' AND ')) },
)

/** Where a condition may stand: `%` is the table, `WHERE b` the condition on the columns of `b`. */
const statements = [
  'SELECT * FROM % b WHERE ? ORDER BY b.id',
  'SELECT * FROM % WHERE ? ORDER BY id',
  'SELECT count(*) AS n, max(b.price) AS top, sum(b.size) AS total FROM % b WHERE ?',
  'SELECT a.id AS a, b.id AS b FROM % a LEFT JOIN % b ON b.size = a.size WHERE ? ORDER BY 1, 2',
  'SELECT a.id AS a, b.id AS b FROM % a FULL JOIN % b ON b.name = a.name WHERE ? ORDER BY 1, 2',
  'SELECT a.id AS a, b.id AS b FROM % a JOIN % b ON b.name = a.name AND a.id < b.id WHERE ? ORDER BY 1, 2',
  'SELECT a.id FROM % a WHERE EXISTS (SELECT 1 FROM % b WHERE b.name = a.name AND ?) ORDER BY 1',
  'SELECT a.id FROM % a WHERE a.price IN (SELECT b.price FROM % b WHERE ?) ORDER BY 1',
  'WITH c AS (SELECT * FROM % b WHERE ?) SELECT id, price FROM c UNION ALL SELECT -1, max(price) FROM % ORDER BY 1',
  'SELECT b.price FROM % b WHERE ? GROUP BY b.price HAVING count(*) > 0 ORDER BY 1',
  'SELECT b.name, b.size, b.large, b.ratio, b.open, b.day, b.code, b.at, b.id AS i FROM % b WHERE ? ORDER BY b.id',
  'SELECT b.id AS x, b.id, b.size AS b FROM % b WHERE ? ORDER BY b.id DESC LIMIT 3',
  'SELECT b.open, b.at FROM % b WHERE ? ORDER BY b.day DESC NULLS FIRST, b.large ASC, b.open NULLS FIRST, b.id LIMIT 4',
  'SELECT b.size AS id, b.id AS n FROM % b WHERE ? ORDER BY id, n',
  'SELECT b.name, b.size FROM % AS b (id, size, name, large, ratio, price, open, day, code, at, extra) WHERE ? ORDER BY b.id',
]
const statement = fc.tuple(fc.constantFrom(...statements), condition).map(([text, { sql, params }]) => {
  const alias = text.startsWith('SELECT * FROM % WHERE') ? '' : 'b.'
  return { text: text.replace('?', () => sql.replaceAll('@', alias)), params }
})

const definition: RegionDefinition = {
  name: 'things',
  columns: names.map(name => ({ name, type: types[name], nullable: name !== 'id' })),
  key: ['id'],
  indexes: [['name'], ['size'], ['large'], ['ratio'], ['price'], ['open'], ['day'], ['code'], ['at'], ['extra'], ['name', 'size'], ['open', 'price']],
  atomicity: 'ATOMIC',
  expiry: {},
  maxEntries: 1_000,
  durable: false,
  tenancy: 'TENANT',
}

let database: DuckDatabase
let engine: SqlEngine
const clock = new MovedClock()
const scope = testScope({ clock, tenant: 'red' })

beforeAll(async () => {
  database = await openDuckDb({ threads: 1 })
  engine = await openDuckDbEngine(database, { clock, connections: 1, log: scope.log })
})
afterAll(async () => {
  await engine.close()
  await database.close()
})

/** The region twice: with its indexes, and as rows alone. */
function mount(region: MemoryRegion): Promise<void> {
  const { columns } = definition
  const rows = (tenant: string) => region.rowsNow(tenant)
  return engine.mount([
    { catalog: 'hub', name: 'things', columns, from: { kind: 'live', rows, indexes: region.indexes } },
    { catalog: 'hub', name: 'plain', columns, from: { kind: 'live', rows } },
  ])
}

/** The rows; undefined where the engine refuses the statement, as it may a comparison of different types. */
async function answer({ sql, params }: Statement): Promise<readonly Row[] | undefined> {
  try {
    return await allRows(await engine.query(scope, { sql, params }))
  } catch (error) {
    if (error instanceof HubError && ['SQL_ERROR', 'SQL_UNSUPPORTED'].includes(error.code)) return undefined
    throw error
  }
}

test('H-57 a statement answers the same rows whether it finds them through an index or reads all', async () => {
  const counts = { answered: 0, indexed: 0 }
  const world = fc.tuple(...Array.from({ length: 30 }, (_, id) => row(id)))
  await fc.assert(fc.asyncProperty(world, fc.array(statement, { minLength: 40, maxLength: 40 }), async (rows, questions) => {
    const store = await openMemoryRegions({ clock, log: scope.log })
    const region = await store.define(definition)
    await region.putMany(scope, rows)
    await region.putMany(testScope({ clock, tenant: 'blue' }), rows.map(one => ({ ...one, price: '0.123456789' })))
    await region.removeMany(scope, ['28', '29'])
    await mount(region)
    for (const { text, params } of questions) {
      const expected = await answer({ sql: text.replaceAll('%', 'plain'), params })
      if (expected === undefined) continue
      const sql = text.replaceAll('%', 'things')
      expect([sql, params, await answer({ sql, params })]).toEqual([sql, params, expected])
      counts.answered += 1
      if ((await engine.explain(scope, { sql, params })).reads.some(read => read.by)) counts.indexed += 1
    }
    await store.close()
  }), { numRuns: 10, endOnFailure: true })
  expect(counts.indexed).toBeGreaterThan(counts.answered / 4)
}, 240_000)
