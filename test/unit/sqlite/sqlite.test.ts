import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { SourceConnector } from '../../../connectors/ports/source-connector.ts'
import { openSqlite } from '../../../connectors/sqlite/index.ts'
import { introspect } from '../../../connectors/sqlite/introspect.ts'
import type { Row } from '../../../schema/values.ts'
import { testScope } from '../../support/scope.ts'

let folder: string
let file: string
let database: DatabaseSync
const sources: SourceConnector[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-sqlite-'))
  file = join(folder, 'test.db')
  database = new DatabaseSync(file)
})
afterEach(async () => {
  for (const source of sources.splice(0)) await source.close()
  database.close()
  await rm(folder, { recursive: true })
})

async function opened(sql: string): Promise<SourceConnector> {
  database.exec(sql)
  const source = await openSqlite({ name: 'lite', file })
  sources.push(source)
  return source
}
async function rows(source: SourceConnector, table: string): Promise<Row[]> {
  const all: Row[] = []
  for await (const batch of source.scan(testScope(), { table })) all.push(...batch)
  return all
}
/** The type and values of the one column `c`, declared and filled so. */
async function column(declared: string, values: string): Promise<{ type: string | undefined; values: unknown[] }> {
  const source = await opened(`CREATE TABLE t(c ${declared}); INSERT INTO t VALUES ${values}`)
  const [table] = await source.tables(testScope())
  return { type: table?.columns[0]?.type, values: (await rows(source, 't')).map(row => row['c']) }
}

test.each<[string, string, string, unknown[]]>([
  ['INTEGER', '(1), (NULL), (-2)', 'Int', [1, null, -2]], ['INTEGER', '(1), (3000000000)', 'Long', [1, 3_000_000_000]], ['BIGINT', '(1)', 'Long', [1]],
  ['INTEGER', "(1), ('many')", 'String', ['1', 'many']], ['INTEGER', '(1), (1.5)', 'Float', [1, 1.5]], ['', "(1), (2)", 'Int', [1, 2]], ['', "('a'), (1.5)", 'String', ['a', '1.5']],
  ['REAL', '(1), (2.5), (9e999)', 'Float', [1, 2.5, null]], ['DECIMAL(10,2)', '(1.25), (2)', 'Float', [1.25, 2]], ['NUMERIC', '(1), (2)', 'Int', [1, 2]],
  ['BOOLEAN', '(0), (1), (NULL)', 'Boolean', [false, true, null]], ['BOOLEAN', '(0), (2)', 'Int', [0, 2]], ['TEXT', "('007'), ('')", 'String', ['007', '']],
  ['DATE', "('2024-02-29')", 'Date', ['2024-02-29']], ['DATE', "('2024-02-30')", 'String', ['2024-02-30']], ['DATETIME', "('2024-02-30 00:00:00')", 'String', ['2024-02-30 00:00:00']], ['DATE', '(20240229)', 'Int', [20_240_229]],
  ['DATETIME', "('2024-01-31 23:59:59'), ('2024-01-31T23:59:59.120')", 'LocalDateTime', ['2024-01-31T23:59:59', '2024-01-31T23:59:59.12']],
  ['TIMESTAMP', "('2024-01-31T23:59:59Z'), ('2024-01-31 23:59:59.500Z')", 'DateTime', ['2024-01-31T23:59:59Z', '2024-01-31T23:59:59.5Z']],
  ['TIMESTAMP', "('2024-01-31T23:59:59Z'), ('2024-01-31T23:59:59')", 'String', ['2024-01-31T23:59:59Z', '2024-01-31T23:59:59']],
  ['UUID', "('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11')", 'UUID', ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11']], ['UUID', "('x')", 'String', ['x']],
  ['BLOB', "(x'deadbeef')", 'Bytes', ['3q2+7w==']], ['JSON', `('{"a":[1]}')`, 'JSON', [{ a: [1] }]], ['JSON', "('{')", 'String', ['{']], ['INTEGER', '(NULL)', 'Int', [null]],
])('a column declared %p with %s is %s', async (declared, values, type, read) => {
  expect(await column(declared, values)).toEqual({ type, values: read })
})

test('keys, foreign keys, composite ones, and views are found', async () => {
  const source = await opened(`
    CREATE TABLE a(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE);
    CREATE TABLE b(x TEXT, y INT, a_id INT REFERENCES a, PRIMARY KEY (y, x)) WITHOUT ROWID;
    CREATE TABLE c(p INT, q TEXT, code TEXT REFERENCES a(code), FOREIGN KEY (p, q) REFERENCES b(y, x));
    CREATE VIEW v AS SELECT code FROM a;
    INSERT INTO a VALUES (1, 'x');`)
  const tables = new Map((await source.tables(testScope())).map(table => [table.name, table]))
  expect([...tables.keys()]).toEqual(['a', 'b', 'c', 'v'])
  expect(tables.get('a')).toMatchObject({ key: ['id'], rowCount: 1, columns: [{ name: 'id', nullable: false }, { name: 'code', nullable: false }] })
  expect(tables.get('b')).toMatchObject({ key: ['y', 'x'], foreignKeys: [{ columns: ['a_id'], table: 'a', references: ['id'] }] })
  expect(tables.get('c')).toMatchObject({ key: [], foreignKeys: [{ columns: ['code'], table: 'a', references: ['code'] }, { columns: ['p', 'q'], table: 'b', references: ['y', 'x'] }] })
  expect(await rows(source, 'v')).toEqual([{ code: 'x' }])
})

test('what another process commits is seen by the next read, also while one is open', async () => {
  const source = await opened('PRAGMA journal_mode = WAL; CREATE TABLE t(n INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)')
  const reading = source.scan(testScope(), { table: 't' })[Symbol.asyncIterator]()
  await reading.next()
  database.exec('INSERT INTO t VALUES (2)')
  expect(await rows(source, 't')).toEqual([{ n: 1 }, { n: 2 }])
  await reading.return?.()
})

test('a value of another kind that came after the look is refused, not guessed', async () => {
  const source = await opened('CREATE TABLE t(n); INSERT INTO t VALUES (1)')
  await source.tables(testScope())
  database.exec("INSERT INTO t VALUES ('many')")
  await expect(rows(source, 't')).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('"many"') })
  expect((await source.tables(testScope()))[0]?.columns[0]?.type).toBe('String')
  expect(await rows(source, 't')).toEqual([{ n: '1' }, { n: 'many' }])
})

test('the columns of a text key are read so that its index serves', async () => {
  database.exec("CREATE TABLE t(code TEXT, id UUID, PRIMARY KEY (code, id)); INSERT INTO t VALUES ('a', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')")
  const [table] = introspect(database)
  const expressions = table?.columns.map(({ expression }) => expression).join(', ')
  const plan = database.prepare(`EXPLAIN QUERY PLAN SELECT 1 FROM t WHERE (${expressions}) IN (VALUES (?, ?))`).all('a', 'b')
  expect(JSON.stringify(plan)).toContain('SEARCH t USING')
})

test('the file is opened for reading only, and a missing or foreign one is refused by name', async () => {
  await expect(openSqlite({ name: 'lite', file: join(folder, 'none.db') })).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('none.db') })
  await writeFile(join(folder, 'text.db'), 'these are my notes '.repeat(100))
  await expect(openSqlite({ name: 'lite', file: join(folder, 'text.db') })).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED' })
})
