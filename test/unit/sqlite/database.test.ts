import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Database, Query, TableWrite } from '../../../connectors/ports/database.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { openSqliteDatabase } from '../../../connectors/sqlite/database.ts'
import type { Column, Row, Value } from '../../../schema/values.ts'
import { MovedClock, testScope } from '../../support/scope.ts'

let directory: string
let outside: DatabaseSync
let database: Database
let count = 0

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sqlite-database-'))
  const file = join(directory, 'data.sqlite')
  outside = new DatabaseSync(file)
  database = openSqliteDatabase({ file })
})

afterEach(async () => {
  outside.close()
  await database.close()
  await rm(directory, { recursive: true })
})

const column = (name: string, type: Column['type'] = 'String'): Column => ({ name, type, nullable: true })
const query = (sql: string, ...values: Value[]): Query => ({ texts: sql.split('?'), values, fetchSize: 100 })

async function* of(...rows: readonly Row[]): AsyncGenerator<readonly Row[], void, void> {
  yield rows
}

function write(given: Partial<TableWrite>, rows: readonly Row[], scope: Scope = testScope()) {
  return database.write(scope, { table: 't', columns: [column('v')], mode: 'append', batchSize: 10, mark: `mark ${count++}`, ...given }, of(...rows))
}

async function types(sql: string): Promise<Record<string, string>> {
  const { columns, batches } = await database.read(testScope(), query(sql))
  for await (const _ of batches) { /* Read to the end. */ }
  return Object.fromEntries(columns.map(({ name, type }) => [name, type]))
}

async function read(sql: string, ...values: Value[]): Promise<Row[]> {
  const rows: Row[] = []
  for await (const batch of (await database.read(testScope(), query(sql, ...values))).batches) rows.push(...batch)
  return rows
}

test('a column has its declared type while its values have it; an expression has the type of its values', async () => {
  outside.exec(`CREATE TABLE t (d DATE, b BOOLEAN, mixed DATE, big BIGINT); INSERT INTO t VALUES ('2024-01-31', 1, '2024-01-31', 1), ('2024-02-01', 0, 'soon', 2)`)
  expect(await types(`SELECT d, d AS day, b, mixed, big, d || '' AS text, count(*) OVER () AS n, 1.5 AS half, b + 4294967296 AS long, x'00' AS bytes, NULL AS none FROM t`)).toEqual({
    d: 'Date', day: 'Date', b: 'Boolean', mixed: 'String', big: 'Long', text: 'String', n: 'Int', half: 'Float', long: 'Long', bytes: 'Bytes', none: 'String',
  })
  expect(await types('SELECT mixed FROM t WHERE b')).toEqual({ mixed: 'Date' })
  expect(await types('SELECT d, b, big, 1 AS one FROM t WHERE false')).toEqual({ d: 'Date', b: 'Boolean', big: 'Long', one: 'String' })
})

test('bound values keep their kind', async () => {
  expect(await read('SELECT ? AS i, ? AS long, ? AS f, ? AS s, ? AS b, ? AS j, ? AS n, typeof(?) AS kind', 1, 9_007_199_254_740_993n, 1.5, 'x', true, [1], null, 7)).toEqual([
    { i: 1, long: 9_007_199_254_740_993n, f: 1.5, s: 'x', b: 1, j: '[1]', n: null, kind: 'integer' },
  ])
})

test('a decimal that the column would round is refused; where it stays what it is, it is written', async () => {
  outside.exec('CREATE TABLE t (v DECIMAL(10, 2))')
  const decimals = { columns: [column('v', 'Decimal')] }
  for (const v of ['1234567890123456789012345678901234567.890', '0.12345678901234567', '1e999']) {
    await expect(write(decimals, [{ v: '1.5' }, { v }])).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining(v) })
  }
  await (await write(decimals, [{ v: '12.50' }, { v: '-3' }, { v: '0.1' }])).commit()
  expect(await read('SELECT v FROM t')).toEqual([{ v: 12.5 }, { v: -3 }, { v: 0.1 }])
})

test('keys are one as their column has it: what differs by case alone is not merged in silence', async () => {
  outside.exec('CREATE TABLE t (v TEXT COLLATE NOCASE UNIQUE, n INTEGER)')
  const merge = { columns: [column('v'), column('n', 'Int')], mode: 'merge', keys: ['v'] } as const
  await (await write(merge, [{ v: 'a', n: 1 }])).commit()
  await (await write(merge, [{ v: 'A', n: 2 }])).commit()
  expect(await read('SELECT v, n FROM t')).toEqual([{ v: 'a', n: 2 }])
  await expect(write(merge, [{ v: 'a', n: 3 }, { v: 'A', n: 4 }])).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
  await expect(write(merge, [{ v: 'b', n: 3 }, { v: 'B', n: 4 }])).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('UNIQUE') })
  expect(await read('SELECT v, n FROM t')).toEqual([{ v: 'a', n: 2 }])
})

test('what does not fit is refused by the names that the caller knows', async () => {
  outside.exec('CREATE TABLE t (v INTEGER)')
  await expect(write({}, [{ v: 'seven' }])).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('cannot store TEXT value in INTEGER column t.v') })
})

test('who waits for a lock longer than he may is told so, and the process goes on meanwhile', async () => {
  outside.exec('CREATE TABLE t (v TEXT); BEGIN IMMEDIATE')
  const clock = new MovedClock()
  const waiting = write({}, [{ v: 'a' }], testScope({ clock, deadlineMs: clock.now() + 1000 }))
  const patient = write({}, [{ v: 'b' }])
  clock.advance(1000)
  await expect(waiting).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', info: { retry: true } })
  outside.exec('COMMIT')
  await (await patient).commit()
  expect(await read('SELECT v FROM t')).toEqual([{ v: 'b' }])
})

test('a commit waits for who still reads', async () => {
  outside.exec(`CREATE TABLE t (v TEXT); INSERT INTO t VALUES ('a'), ('b')`)
  const reading = outside.prepare('SELECT v FROM t').iterate()
  reading.next()
  const late = testScope({ deadlineMs: 0 })
  await expect((await write({ mode: 'overwrite' }, [{ v: 'c' }], late)).commit()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
  const committing = (await write({ mode: 'overwrite' }, [{ v: 'd' }])).commit()
  reading.return?.()
  await committing
  expect(await read('SELECT v FROM t')).toEqual([{ v: 'd' }])
})

test('a read waits for a commit that is under way', async () => {
  outside.exec('CREATE TABLE t (v TEXT); BEGIN EXCLUSIVE')
  await expect(database.read(testScope({ deadlineMs: 0 }), query('SELECT v FROM t'))).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
  const reading = read('SELECT v FROM t')
  outside.exec(`INSERT INTO t VALUES ('a'); COMMIT`)
  expect(await reading).toEqual([{ v: 'a' }])
})

test('a file that is missing is not found, and not made; one that is no database is refused', async () => {
  const missing = openSqliteDatabase({ file: join(directory, 'missing.sqlite') })
  for (let nth = 0; nth < 2; nth++) {
    await expect(missing.read(testScope(), query('SELECT 1 AS one'))).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(missing.write(testScope(), { table: 't', columns: [column('v')], mode: 'append', batchSize: 1, mark: 'm' }, of())).rejects.toMatchObject({ code: 'NOT_FOUND' })
  }
})

test('a query changes nothing of the process that runs it', async () => {
  const settings = () => ['hard_heap_limit', 'soft_heap_limit'].map(name => outside.prepare(`PRAGMA ${name}`).get())
  const before = settings()
  for (const sql of ['PRAGMA hard_heap_limit = 100000000', '; PRAGMA soft_heap_limit = 100000000', '/* */ PRAGMA hard_heap_limit = 100000000;', 'SELECT 1; PRAGMA hard_heap_limit = 100000000', `VACUUM INTO '${join(directory, 'copy.sqlite')}'`]) {
    await expect(read(sql)).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED' })
  }
  expect(settings()).toEqual(before)
})
