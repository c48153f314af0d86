import { writeFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDuckDb, type DuckDatabase } from '../../connectors/duckdb/database.ts'
import { openDuckDbEngine } from '../../connectors/duckdb/engine.ts'
import { allRows, type SqlEngine } from '../../connectors/ports/sql-engine.ts'
import { MovedClock, testScope } from '../support/scope.ts'
import { column, liveTable, viewTable } from '../support/sql-tables.ts'

let folder: string
let database: DuckDatabase
let engine: SqlEngine
const clock = new MovedClock()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-injection-'))
  await writeFile(join(folder, 'secret.csv'), 'word\nhunter2\n')
  database = await openDuckDb()
  const connection = await database.connect()
  await connection.run("CREATE TABLE inside AS SELECT 'hunter2' AS word")
  connection.disconnectSync()
  engine = await openDuckDbEngine(database, { clock, log: testScope().log })
  await engine.mount([
    liveTable('accounts', [column('owner', 'String'), column('secret', 'String')], tenant => [{ owner: tenant, secret: `secret of ${tenant}` }]),
    viewTable('owners', [column('owner', 'String')], 'SELECT owner FROM accounts'),
  ])
})

afterAll(async () => {
  await engine.close()
  await database.close()
  await rm(folder, { recursive: true })
})

const rows = async (sql: string, tenant = 'mallory', params?: string[]) => allRows(await engine.query(testScope({ clock, tenant }), { sql, params }))
const refusal = async (sql: string, params?: string[]): Promise<{ code: string; message: string }> => {
  try {
    const found = await rows(sql, 'mallory', params)
    return { code: 'ANSWERED', message: JSON.stringify(found) }
  } catch (error) {
    return error as { code: string; message: string }
  }
}
const refusals = /^(SQL_UNSUPPORTED|SQL_ERROR|READ_ONLY_SQL|BAD_USER_INPUT)$/

test.each([
  "SELECT * FROM read_csv('FILE')", "SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM read_blob('/etc/passwd')", "SELECT * FROM read_json('FILE')", "SELECT * FROM read_parquet('FILE')",
  "SELECT * FROM glob('/etc/*')", "SELECT * FROM 'FILE'", 'SELECT * FROM "FILE"', "SELECT * FROM TABLE(read_csv('FILE'))", "SELECT * FROM sniff_csv('FILE')", "SELECT * FROM (read_csv('FILE')) t",
  "SELECT * FROM LATERAL (SELECT * FROM 'FILE') t", "WITH t AS (SELECT * FROM 'FILE') SELECT * FROM t", "SELECT (SELECT max(word) FROM 'FILE')", "SELECT 1 WHERE EXISTS (SELECT * FROM 'FILE')",
  "SELECT * FROM accounts JOIN 'FILE' ON true", "SELECT 1 UNION SELECT word FROM 'FILE'", "SELECT * FROM UNNEST(read_text('FILE')) AS t(x)",
])('no file is read: %s', async sql => {
  const { code, message } = await refusal(sql.replaceAll('FILE', join(folder, 'secret.csv')))
  expect(code).toMatch(refusals)
  expect(message).not.toContain('hunter2')
})

test.each([
  "ATTACH 'x.db' AS x", "COPY accounts TO 'x.csv'", "COPY (SELECT 1) TO 'x.csv'", 'PRAGMA database_list', 'SET threads = 1', "SET SESSION x = 1", 'INSTALL httpfs', "LOAD 'x'", 'CALL pragma_version()',
  'EXPORT DATABASE \'x\'', 'CHECKPOINT', 'USE x', 'BEGIN', 'SHOW TABLES', 'DESCRIBE accounts', 'EXPLAIN SELECT 1', 'SELECT * INTO x FROM accounts', 'SELECT * FROM accounts FOR UPDATE', 'VACUUM',
  'CREATE MACRO f(x) AS x', 'DROP SCHEMA trino CASCADE', 'SELECT 1; DROP TABLE inside', 'SELECT 1; SELECT 2', 'WITH x AS (DELETE FROM inside) SELECT 1', 'SELECT * FROM (INSERT INTO inside SELECT 1) t',
  'FROM accounts SELECT 1; ATTACH \'x\'',
])('no command runs: %s', async sql => {
  expect((await refusal(sql)).code).toMatch(refusals)
})

test.each([
  'SELECT * FROM inside', 'SELECT * FROM main.inside', 'SELECT * FROM memory.main.inside', 'SELECT * FROM "main"."inside"', 'SELECT * FROM information_schema.tables', 'SELECT * FROM duckdb_settings()',
  'SELECT * FROM pg_catalog.pg_class', 'SELECT * FROM sqlite_master', 'SELECT * FROM duckdb_functions()', 'SELECT * FROM temp.stage_0', 'SELECT * FROM system.main.duckdb_tables',
])('nothing of the engine itself is a table: %s', async sql => {
  expect((await refusal(sql)).code).toMatch(refusals)
})

test.each([
  "SELECT getenv('HOME')", "SELECT current_setting('temp_directory')", 'SELECT version()', 'SELECT current_database()', "SELECT getvariable('x')", "SELECT query('SELECT 1')", "SELECT nextval('x')",
  "SELECT trino.to_text(1)", 'SELECT main.length(1)', 'SELECT "length"(\'abc\', 1)', "SELECT error('x')", 'SELECT COLUMNS(*) FROM accounts', "SELECT constructor(1)", 'SELECT toString(1)', 'SELECT __proto__(1)',
  "SELECT list_transform(array[1], x -> x)", "SELECT current_user",
])('no function runs that is not on the list: %s', async sql => {
  expect((await refusal(sql)).code).toMatch(refusals)
})

test('a tenant reads its own rows by every road', async () => {
  const roads = [
    'SELECT secret FROM accounts', 'SELECT secret FROM (SELECT * FROM accounts) a', 'WITH accounts AS (SELECT * FROM accounts) SELECT secret FROM accounts', 'SELECT (SELECT max(secret) FROM accounts) AS secret',
    "SELECT a.secret FROM accounts a JOIN owners o ON o.owner = a.owner", "SELECT secret FROM accounts WHERE owner = 'alice' OR true", "SELECT secret FROM accounts WHERE owner <> 'x' UNION SELECT secret FROM hub.accounts",
    'SELECT l.secret FROM owners o CROSS JOIN LATERAL (SELECT secret FROM accounts a WHERE a.owner = o.owner) l',
  ]
  for (const sql of roads) {
    expect([sql, await rows(sql, 'mallory')]).toEqual([sql, [{ secret: 'secret of mallory' }]])
    expect([sql, await rows(sql, 'alice')]).toEqual([sql, [{ secret: 'secret of alice' }]])
  }
})

test('statements of two tenants that run at one time do not mix', async () => {
  const tenants = Array.from({ length: 40 }, (_, index) => `tenant${index % 7}`)
  const found = await Promise.all(tenants.map(tenant => rows('SELECT secret FROM accounts JOIN owners USING (owner)', tenant)))
  expect(found).toEqual(tenants.map(tenant => [{ secret: `secret of ${tenant}` }]))
})

test('the function behind live tables cannot be called, neither by name nor with a token', async () => {
  const connection = await database.connect()
  const [[name] = []] = (await connection.runAndReadAll("SELECT function_name FROM duckdb_functions() WHERE function_name LIKE 'live_%'")).getRows()
  expect(String(name)).toMatch(/^live_[0-9a-f]{16}$/)
  await expect(connection.runAndReadAll(`SELECT * FROM "${String(name)}"('${'0'.repeat(32)}', 0)`)).rejects.toMatchObject({ message: expect.stringContaining('not open') })
  connection.disconnectSync()
  for (const sql of [`SELECT * FROM ${String(name)}('x', 0)`, `SELECT * FROM "${String(name)}"`, `SELECT ${String(name)}('x', 0)`, `SELECT * FROM UNNEST(${String(name)}('x', 0)) AS t(a)`]) {
    expect((await refusal(sql)).code).toMatch(refusals)
  }
})

test('values and names stay what they are, whatever characters they have', async () => {
  const texts = ["' OR 1=1 --", '"; DROP TABLE inside; --', "\\'; SELECT 1", '$now', '$p1', '?', '/* */', "''", '\u2028', '$' + '{x}']
  for (const text of texts) {
    expect(await rows('SELECT ? AS a', 'mallory', [text])).toEqual([{ a: text }])
    expect(await rows(`SELECT 'x${text.replaceAll("'", "''")}' AS a`)).toEqual([{ a: `x${text}` }])
    expect(await rows(`SELECT 1 AS "x${text.replaceAll('"', '""')}"`)).toEqual([{ [`x${text}`]: 1 }])
  }
})

test('a text that begins with a quote is refused rather than misread', async () => {
  expect((await refusal("SELECT '''a' || secret || '''' AS x FROM accounts")).code).toBe('SQL_UNSUPPORTED')
  expect((await refusal('SELECT 1 AS """a"')).code).toBe('SQL_UNSUPPORTED')
})

test('a column cannot become the prototype of a row', async () => {
  const [row] = await rows(`SELECT json_parse('{"polluted":1}') AS "__proto__"`)
  expect(Object.getPrototypeOf(row)).toBe(Object.prototype)
  expect((row as { polluted?: number }).polluted).toBeUndefined()
})

test('a statement nested without end is refused and the engine lives on', async () => {
  expect((await refusal(`SELECT ${'('.repeat(5000)}1${')'.repeat(5000)}`)).code).toMatch(/SQL_ERROR|SQL_UNSUPPORTED|QUERY_TOO_COMPLEX/)
  expect((await refusal(`SELECT 1 ${'+ 1 '.repeat(20_000)}`)).code).toMatch(/SQL_ERROR|SQL_UNSUPPORTED|QUERY_TOO_COMPLEX/)
  expect(await rows('SELECT 1 AS a')).toEqual([{ a: 1 }])
})

test('an error tells no path and no name from inside', async () => {
  for (const sql of ['SELECT nope FROM accounts', 'SELECT sum(secret) FROM accounts', "SELECT cast(secret AS bigint) FROM accounts", 'SELECT secret + 1 FROM accounts', 'SELECT owner, count(*) FROM accounts']) {
    const { code, message } = await refusal(sql)
    expect([sql, code]).toEqual([sql, 'SQL_ERROR'])
    expect(message).not.toMatch(/live_|stage_|trino\.|\/tmp|LINE|\n/)
  }
})
