import type { Database, TableWrite } from '../../connectors/ports/database.ts'
import { openPostgresDatabase } from '../../connectors/postgres/database.ts'
import type { PostgresDatabaseOptions } from '../../connectors/postgres/options.ts'
import { quoteIdentifier } from '../../schema/quote.ts'
import type { Column, Row } from '../../schema/values.ts'
import { type DatabaseSubject, databaseChecks } from '../conformance/database.ts'
import { conforms } from '../support/conformance.ts'
import { eventually } from '../support/eventually.ts'
import { expectRefusedInSilence, keptLog } from '../support/kept-log.ts'
import { type PostgresServer, postgresBin, startPostgres } from '../support/postgres.ts'
import { testScope } from '../support/scope.ts'

const suite = postgresBin ? describe : describe.skip

suite('needs PostgreSQL: server programs below /usr/lib/postgresql', () => {
  let server: PostgresServer
  let count = 0
  const opened: Database[] = []
  const log = keptLog()
  const open = (given: Partial<PostgresDatabaseOptions> = {}): Database => {
    const database = openPostgresDatabase({ host: '127.0.0.1', port: server.port, database: 'postgres', user: 'hub', password: server.password, log, ...given })
    opened.push(database)
    return database
  }
  const int = (name: string): Column => ({ name, type: 'Int', nullable: true })
  const into = (given: Partial<TableWrite> = {}): TableWrite => ({ table: 'kept', columns: [int('n')], mode: 'append', batchSize: 100, mark: `mark ${count++}`, ...given })
  async function* of(...rows: readonly Row[]): AsyncGenerator<readonly Row[], void, void> {
    yield rows
  }
  const write = async (database: Database, given: Partial<TableWrite>, ...rows: readonly Row[]) => (await database.write(testScope(), into(given), of(...rows))).commit()
  const read = async (database: Database, sql: string): Promise<Row[]> => {
    const rows: Row[] = []
    for await (const batch of (await database.read(testScope(), { texts: [sql], values: [], fetchSize: 100 })).batches) rows.push(...batch)
    return rows
  }
  /** What the server runs of statements that have the text. */
  const running = async (watcher: Database, text: string): Promise<Row[]> =>
    read(watcher, `SELECT pid, wait_event_type FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%${text}%'`)

  beforeAll(async () => {
    server = await startPostgres()
  })

  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close()
    await server.exec('DROP SCHEMA IF EXISTS own CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public')
  })

  afterAll(() => server.stop())

  conforms('D-45 database in PostgreSQL', databaseChecks, async (): Promise<DatabaseSubject> => {
    const schema = `Conf "${count++}"`
    const quoted = `"${schema.replaceAll('"', '""')}"`
    await server.exec(`CREATE SCHEMA ${quoted}`)
    const [database, other] = [open({ schemas: [schema], maxConnections: 2 }), open({ schemas: [schema], maxConnections: 2 })]
    return {
      database, other, schema, quoted: quoteIdentifier,
      types: {
        String: 'text', Int: 'int4', Long: 'int8', Float: 'float8', Decimal: 'numeric', Boolean: 'bool', Date: 'date', Time: 'time', DateTime: 'timestamptz', LocalDateTime: 'timestamp', UUID: 'uuid', Bytes: 'bytea', JSON: 'jsonb',
      },
      readAs: {},
      exec: (...statements) => server.exec([`SET search_path TO ${quoted}`, ...statements].join(';\n')),
      async close() {
        await Promise.all([database.close(), other.close()])
        await server.exec(`DROP SCHEMA ${quoted} CASCADE`)
      },
    }
  })

  test('an aborted read is stopped at the server', async () => {
    const database = open()
    const scope = testScope()
    const reason = new Error('the client left')
    const reading = database.read(scope, { texts: ['SELECT pg_sleep(', ') AS endless'], values: [600], fetchSize: 7 }).then(async ({ batches }) => {
      for await (const batch of batches) expect(batch).toEqual([])
    })
    const watcher = open()
    await eventually('the statement runs', async () => (await running(watcher, 'FETCH 7 FROM')).length > 0)
    scope.abort(reason)
    await expect(reading).rejects.toBe(reason)
    await eventually('the statement is stopped', async () => (await running(watcher, 'FETCH 7 FROM')).length === 0)
  })

  test('D-50 a function that writes is refused in a read, whatever is set before, and what is set stays in the read', async () => {
    await server.exec(`CREATE TABLE kept(n int); CREATE FUNCTION touch() RETURNS int LANGUAGE sql VOLATILE AS 'INSERT INTO kept VALUES (1) RETURNING n'`)
    const database = open({ maxConnections: 1 })
    for (const sql of ['SELECT touch()', `SELECT set_config('transaction_read_only', 'off', false) AS a, touch() AS b`, `SELECT 1 AS one FROM kept FOR UPDATE`]) await expect(read(database, sql)).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED' })
    await read(database, `SELECT set_config('search_path', 'nowhere', false) AS a, set_config('TimeZone', 'Asia/Tokyo', false) AS b`)
    expect(await read(database, `SELECT count(*) AS n, current_setting('TimeZone') AS zone FROM kept`)).toEqual([{ n: 0, zone: 'UTC' }])
  })

  test('a write that waits for another is stopped at the server when its caller leaves', async () => {
    await server.exec('CREATE TABLE kept(n int)')
    const database = open()
    const first = await database.write(testScope(), into({ mode: 'overwrite' }), of({ n: 1 }))
    const scope = testScope()
    const reason = new Error('the client left')
    const second = database.write(scope, into({ mode: 'overwrite' }), of({ n: 2 }))
    await eventually('the second waits for the lock', async () => (await running(database, 'LOCK TABLE')).length > 0)
    scope.abort(reason)
    await expect(second).rejects.toBe(reason)
    await first.commit()
    expect(await read(database, 'SELECT n FROM kept')).toEqual([{ n: 1 }])
  })

  test('many who are the first to write into a schema all do', async () => {
    await server.exec('CREATE TABLE kept(n int)')
    const databases = Array.from({ length: 4 }, () => open())
    await Promise.all(Array.from({ length: 16 }, (_, n) => write(databases[n % 4] as Database, {}, { n })))
    expect(await read(open(), 'SELECT count(*) AS rows, (SELECT count(*) FROM tributary_write) AS marks FROM kept')).toEqual([{ rows: 16, marks: 16 }])
  })

  test('two tables of one schema are written at the same time, also when there are no marks yet', async () => {
    await server.exec('CREATE TABLE kept(n int); CREATE TABLE more(n int)')
    const database = open()
    const first = await database.write(testScope(), into(), of({ n: 1 }))
    const second = await database.write(testScope(), into({ table: 'more' }), of({ n: 1 }))
    await second.commit()
    await first.commit()
    expect(await read(database, 'SELECT n FROM kept UNION ALL SELECT n FROM more')).toEqual([{ n: 1 }, { n: 1 }])
  })

  test('values are as strict as their column: lengths, enums, domains, arrays and documents', async () => {
    await server.exec(`CREATE TYPE mood AS ENUM ('happy', 'sad'); CREATE DOMAIN small AS int CHECK (VALUE < 10);
      CREATE TABLE kept(v varchar(3), c char(3), m mood, s small, ints int[], j json, d numeric(5, 2), b bytea, t text)`)
    const database = open()
    const column = (name: string, type: Column['type']): Column => ({ name, type, nullable: true })
    const columns = [column('v', 'String'), column('m', 'String'), column('s', 'Int'), column('ints', 'JSON'), column('j', 'String'), column('d', 'Decimal'), column('t', 'Bytes')]
    await write(database, { columns }, { v: 'abc', m: 'sad', s: 9, ints: [1, null, 3], j: '{"a": [1]}', d: '12.5', t: '3q2+7w==' })
    expect(await read(database, 'SELECT * FROM kept')).toEqual([{ v: 'abc', c: null, m: 'sad', s: 9, ints: [1, null, 3], j: { a: [1] }, d: '12.50', b: null, t: '3q2+7w==' }])
    const wrong: readonly Row[] = [{ v: 'abcd' }, { m: 'cross' }, { s: 10 }, { ints: ['x'] }, { j: '{' }, { d: '1234' }, { v: 'a\0b' }]
    for (const row of wrong) await expect(write(database, { columns }, row)).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED' })
    expect(await read(database, 'SELECT count(*) AS n FROM kept')).toEqual([{ n: 1 }])
  })

  test('keys are one as their column has it', async () => {
    await server.exec(`CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false); CREATE TABLE kept(k text COLLATE caseless PRIMARY KEY, n int)`)
    const database = open()
    const merge = { columns: [{ name: 'k', type: 'String', nullable: false }, int('n')], mode: 'merge', keys: ['k'] } as const
    await write(database, merge, { k: 'a', n: 1 })
    await write(database, merge, { k: 'A', n: 2 })
    expect(await read(database, 'SELECT n FROM kept')).toEqual([{ n: 2 }])
    await expect(write(database, merge, { k: 'b', n: 1 }, { k: 'B', n: 2 })).rejects.toMatchObject({ code: 'VALIDATION_ERROR', details: { key: { k: 'B' } } })
  })

  test('a constraint that waits for the commit fails the write before it', async () => {
    await server.exec('CREATE TABLE parent(n int PRIMARY KEY); CREATE TABLE kept(n int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)')
    await expect(open().write(testScope(), into(), of({ n: 1 }))).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('foreign key') })
  })

  test('D-49 of two that cannot both be, the later is told to come again', async () => {
    await server.exec('CREATE TABLE kept(n int PRIMARY KEY, v int)')
    const database = open()
    const merge = { columns: [int('n'), int('v')], mode: 'merge', keys: ['n'], isolation: 'REPEATABLE_READ' } as const
    await write(database, merge, { n: 1, v: 0 })
    const first = await database.write(testScope(), into(merge), of({ n: 1, v: 1 }))
    const second = database.write(testScope(), into(merge), of({ n: 1, v: 2 }))
    await eventually('the second waits for the first', async () => (await running(database, 'ON CONFLICT')).some(row => row['wait_event_type'] === 'Lock'))
    await first.commit()
    await expect(second).rejects.toMatchObject({ code: 'TX_CONFLICT', info: { retry: true } })
    expect(await read(database, 'SELECT v FROM kept')).toEqual([{ v: 1 }])
  })

  test('D-49 a repeatable read sees one moment', async () => {
    await server.exec('CREATE TABLE kept AS SELECT generate_series(1, 10) AS n')
    const database = open()
    const { batches } = await database.read(testScope(), { texts: ['SELECT n FROM kept'], values: [], fetchSize: 2, isolation: 'REPEATABLE_READ' })
    await write(database, { mode: 'overwrite' }, { n: 99 })
    let sum = 0
    for await (const batch of batches) for (const row of batch) sum += Number(row['n'])
    expect(sum).toBe(55)
  })

  test('D-51 a schema that is not on the path is named with its table; the path says where the others are', async () => {
    await server.exec('CREATE SCHEMA own; CREATE TABLE own.kept(n int); CREATE TABLE public.other(n int)')
    const database = open()
    await expect(write(database, {}, { n: 1 })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(write(database, { table: 'own.keept' }, { n: 1 })).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('"own.kept"') })
    await write(database, { table: 'own.kept' }, { n: 1 })
    await write(open({ schemas: ['own', 'public'] }), {}, { n: 2 })
    expect(await read(database, 'SELECT count(*) AS n FROM own.kept UNION ALL SELECT count(*) FROM own.tributary_write')).toEqual([{ n: 2 }, { n: 2 }])
  })

  test('what a query asks is read as a source reads it: arrays, ranges, padded texts and numbers that are none', async () => {
    const rows = await read(open(), `SELECT ARRAY[1, NULL] AS a, '10.0.0.1'::inet AS i, 'ab'::char(4) AS c, 'NaN'::float8 AS nan, 'infinity'::date AS d, int4range(1, 5) AS g, NULL AS nothing, 'x' AS word`)
    expect(rows).toEqual([{ a: [1, null], i: '10.0.0.1', c: 'ab', nan: null, d: null, g: '[1,5)', nothing: null, word: 'x' }])
  })

  test('a connection that is lost while a write waits for its commit leaves nothing', async () => {
    await server.exec('CREATE TABLE kept(n int)')
    const database = open()
    const prepared = await database.write(testScope(), into(), of({ n: 1 }))
    await server.exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tributary' AND state = 'idle in transaction'`)
    await expect(prepared.commit()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
    expect(await read(database, 'SELECT n FROM kept')).toEqual([])
  })

  test('the password is in no message, and a database that is down may be asked again', async () => {
    const password = 'hunter2/hunter2@'
    for (const given of [{ password }, { password, port: 1 }, { password, database: password }, { password, user: encodeURIComponent(password) }, { password, host: `${encodeURIComponent(password)}.invalid` }, { password, ssl: 'verify-full' as const }]) {
      await expectRefusedInSilence(/hunter2/, log, [read(open(given), 'SELECT 1 AS one'), write(open(given), {}, { n: 1 })])
    }
    await expect(read(open({ port: 1 }), 'SELECT 1 AS one')).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', info: { retry: true } })
  })
})
