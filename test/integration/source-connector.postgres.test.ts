import { openPostgres } from '../../connectors/postgres/index.ts'
import type { PostgresOptions } from '../../connectors/postgres/options.ts'
import type { SourceConnector } from '../../connectors/ports/source-connector.ts'
import type { Row, Value } from '../../schema/values.ts'
import { type PostgresServer, postgresBin, startPostgres } from '../support/postgres.ts'
import { conforms } from '../support/conformance.ts'
import { eventually } from '../support/eventually.ts'
import { keptLog } from '../support/kept-log.ts'
import { testScope } from '../support/scope.ts'
import { numberCount, placeColumns, places, type SourceSubject, sourceConnectorChecks, visits } from '../conformance/source-connector.ts'

const suite = postgresBin ? describe : describe.skip

suite('needs PostgreSQL: server programs below /usr/lib/postgresql', () => {
  let server: PostgresServer
  const opened: SourceConnector[] = []
  const log = keptLog()
  const open = async (options: PostgresOptions): Promise<SourceConnector> => {
    const source = await openPostgres({ name: 'pg', log, ...options })
    opened.push(source)
    return source
  }
  const read = async (source: SourceConnector, table: string): Promise<Row[]> => {
    const rows: Row[] = []
    for await (const batch of source.scan(testScope(), { table })) rows.push(...batch)
    return rows
  }
  const literal = (value: Value, type: string) => (value === null ? 'NULL' : `'${(type === 'JSON' ? JSON.stringify(value) : String(value)).replaceAll("'", "''")}'`)

  beforeAll(async () => {
    server = await startPostgres()
    await server.exec(`
      CREATE SCHEMA conformance;
      CREATE TABLE conformance.places(id int4 PRIMARY KEY, name text, people int8, area float8, capital bool, founded date, seen timestamp, extra jsonb);
      CREATE TABLE conformance."odd ""visits"""(place int4, day text, "guest; --" text, PRIMARY KEY (place, day));
      CREATE TABLE conformance.numbers(n int4 PRIMARY KEY);
      INSERT INTO conformance.places VALUES ${places.map(row => `(${placeColumns.map(({ name, type }) => literal(row[name] ?? null, type)).join(', ')})`).join(', ')};
      INSERT INTO conformance."odd ""visits""" VALUES ${visits.map(row => `(${Object.values(row).map(value => literal(value, 'String')).join(', ')})`).join(', ')};
      INSERT INTO conformance.numbers SELECT * FROM generate_series(0, ${numberCount - 1});
      CREATE TYPE mood AS ENUM ('happy', 'sad');
      CREATE DOMAIN code AS varchar(8) NOT NULL;
      CREATE TYPE pair AS (a int, b text);
      CREATE TABLE customers(id int8 PRIMARY KEY, name text NOT NULL);
      COMMENT ON TABLE customers IS 'Who buys.';
      COMMENT ON COLUMN customers.name IS 'As on the invoice.';
      CREATE TABLE lines(order_no int, line_no int, customer int8 REFERENCES customers, PRIMARY KEY (order_no, line_no));
      CREATE TABLE parts(order_no int, line_no int, note text, FOREIGN KEY (order_no, line_no) REFERENCES lines);
      CREATE VIEW names AS SELECT name FROM customers;
      CREATE TABLE kinds(
        i2 int2, i8 int8, num numeric(40, 3), f4 float4, f8 float8, b bool, c char(4), v varchar(9), u uuid, d date, t time, tz timetz, ts timestamp, tstz timestamptz,
        bin bytea, j json, jb jsonb, ints int[], texts text[][], m mood, dom code, p pair, ip inet, span interval, r int4range, "money" money);
      INSERT INTO kinds VALUES (-32768, 9223372036854775807, '1234567890123456789012345678901234567.890', 0.1, 0.1, true, 'ab', 'v', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '2024-02-29',
        '23:59:59.120', '01:02:03+02', '2024-01-31 23:59:59.123400', '2024-01-31 23:59:59.5+02', '\\xdeadbeef', '{"a": 1}', '[1, {"b": null}]', '{1,NULL,3}', '{{a,b},{c,d}}', 'sad', 'x',
        ROW(1, 'z'), '10.0.0.1', '1 day', '[1,5)', 12.5);
      INSERT INTO kinds(dom, num, f4, f8, d, ts, tstz) VALUES ('y', 'NaN', 'Infinity', '-Infinity', 'infinity', '-infinity', 'infinity');
    `)
  })

  afterEach(async () => {
    for (const source of opened.splice(0)) await source.close()
  })

  afterAll(() => server.stop())

  conforms('postgresql', sourceConnectorChecks, async (): Promise<SourceSubject> => {
    const source = await openPostgres({ name: 'pg', log, url: server.url, schema: 'conformance', maxConnections: 4 })
    return { source, close: () => source.close() }
  })

  test('every usual type has its type and its canonical form', async () => {
    const source = await open({ url: server.url })
    const kinds = (await source.tables(testScope())).find(({ name }) => name === 'kinds')
    expect(Object.fromEntries((kinds?.columns ?? []).map(({ name, type }) => [name, type]))).toEqual({
      i2: 'Int', i8: 'Long', num: 'Decimal', f4: 'Float', f8: 'Float', b: 'Boolean', c: 'String', v: 'String', u: 'UUID', d: 'Date', t: 'Time', tz: 'String', ts: 'LocalDateTime', tstz: 'DateTime',
      bin: 'Bytes', j: 'JSON', jb: 'JSON', ints: 'JSON', texts: 'JSON', m: 'String', dom: 'String', p: 'JSON', ip: 'String', span: 'String', r: 'String', money: 'String',
    })
    expect(kinds?.columns.filter(({ nullable }) => !nullable).map(({ name }) => name)).toEqual(['dom'])
    expect((await read(source, 'kinds'))[0]).toEqual({
      i2: -32_768, i8: 9_223_372_036_854_775_807n, num: '1234567890123456789012345678901234567.890', f4: 0.1, f8: 0.1, b: true, c: 'ab', v: 'v', u: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
      d: '2024-02-29', t: '23:59:59.12', tz: '01:02:03+02', ts: '2024-01-31T23:59:59.1234', tstz: '2024-01-31T21:59:59.5Z', bin: '3q2+7w==', j: { a: 1 }, jb: [1, { b: null }], ints: [1, null, 3],
      texts: [['a', 'b'], ['c', 'd']], m: 'sad', dom: 'x', p: { a: 1, b: 'z' }, ip: '10.0.0.1', span: 'P1D', r: '[1,5)', money: '$12.50',
    })
  })

  test('what has no canonical form is null, for values and for conditions on numbers', async () => {
    const source = await open({ url: server.url })
    expect((await read(source, 'kinds'))[1]).toMatchObject({ num: null, f4: null, f8: null, d: null, ts: null, tstz: null })
    const found: Row[] = []
    for await (const batch of source.scan(testScope(), { table: 'kinds', columns: ['dom'], filter: { column: 'num', op: 'isNull', value: true } })) found.push(...batch)
    expect(found).toEqual([{ dom: 'y' }])
  })

  test.each<[string, Value]>([
    ['i2', -32_768], ['i8', 9_223_372_036_854_775_807n], ['num', '1234567890123456789012345678901234567.89'], ['f4', 0.1], ['f8', 0.1], ['b', true], ['c', 'ab'], ['v', 'v'],
    ['u', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'], ['d', '2024-02-29'], ['t', '23:59:59.12'], ['ts', '2024-01-31T23:59:59.1234'], ['tstz', '2024-01-31T21:59:59.5Z'], ['bin', '3q2+7w=='], ['m', 'sad'],
    ['dom', 'x'], ['ip', '10.0.0.1'],
  ])('a row is found by its %s, as filter and as key', async (column, value) => {
    const source = await open({ url: server.url })
    const rows: Row[] = []
    for await (const batch of source.scan(testScope(), { table: 'kinds', columns: ['dom'], filter: { column, op: 'eq', value } })) rows.push(...batch)
    expect(rows).toEqual([{ dom: 'x' }])
    expect(await source.lookup(testScope(), { table: 'kinds', columns: ['dom'], keyColumns: [column], keys: [[value]] })).toEqual([{ dom: 'x' }])
  })

  test('keys, foreign keys, comments and views are found', async () => {
    const source = await open({ url: server.url })
    const tables = new Map((await source.tables(testScope())).map(table => [table.name, table]))
    expect([...tables.keys()]).toEqual(['customers', 'kinds', 'lines', 'names', 'parts'])
    expect(tables.get('customers')).toMatchObject({ key: ['id'], description: 'Who buys.', columns: [{ name: 'id', nullable: false }, { name: 'name', nullable: false, description: 'As on the invoice.' }] })
    expect(tables.get('lines')).toMatchObject({ key: ['order_no', 'line_no'], foreignKeys: [{ columns: ['customer'], table: 'customers', references: ['id'] }] })
    expect(tables.get('parts')).toMatchObject({ key: [], foreignKeys: [{ columns: ['order_no', 'line_no'], table: 'lines', references: ['order_no', 'line_no'] }] })
    expect(tables.get('names')).toMatchObject({ key: [], columns: [{ name: 'name', type: 'String', nullable: true }] })
  })

  test('a key that the column cannot hold has no row', async () => {
    const source = await open({ url: server.url })
    expect(await source.lookup(testScope(), { table: 'kinds', keyColumns: ['u'], keys: [['not a uuid']] })).toEqual([])
    expect(await source.lookup(testScope(), { table: 'customers', keyColumns: ['id'], keys: [[99_999_999_999_999_999_999n], ['x']] })).toEqual([])
  })

  test('an aborted look-up is cancelled at the server', async () => {
    await server.exec(`CREATE OR REPLACE FUNCTION slow() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 1 FROM pg_sleep(600)';
      CREATE OR REPLACE VIEW endless AS SELECT slow() AS one;`)
    const source = await open({ url: server.url })
    await source.tables(testScope())
    const watcher = await open({ url: server.url, schema: 'pg_catalog' })
    const running = async (): Promise<number> => {
      let count = 0
      for await (const rows of watcher.scan(testScope(), { table: 'pg_stat_activity', columns: ['query'], filter: { and: [{ column: 'query', op: 'like', value: '%endless%' }, { column: 'state', op: 'eq', value: 'active' }] } })) {
        count += rows.filter(row => !String(row['query']).includes('pg_stat_activity')).length
      }
      return count
    }
    const scope = testScope()
    const reason = new Error('the client left')
    const looking = source.lookup(scope, { table: 'endless', keyColumns: ['one'], keys: [[1]] })
    while ((await running()) === 0);
    scope.abort(reason)
    await expect(looking).rejects.toBe(reason)
    // PostgreSQL stops a statement a moment after it was asked to.
    await eventually('the look-up is stopped at the server', async () => (await running()) === 0)
    expect(await source.lookup(testScope(), { table: 'customers', keyColumns: ['id'], keys: [[1]] })).toEqual([])
    await server.exec('DROP VIEW endless; DROP FUNCTION slow()')
  })

  test('an abort while waiting for a connection gives up the wait', async () => {
    const source = await open({ url: server.url, schema: 'conformance', maxConnections: 1 })
    await source.tables(testScope())
    const holding = source.scan(testScope(), { table: 'numbers' })[Symbol.asyncIterator]()
    await holding.next()
    const scope = testScope()
    const waiting = source.lookup(scope, { table: 'numbers', keyColumns: ['n'], keys: [[1]] })
    const reason = new Error('the client left')
    scope.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    await holding.return?.()
    expect(await source.lookup(testScope(), { table: 'numbers', keyColumns: ['n'], keys: [[1]] })).toEqual([{ n: 1 }])
  })

  test('when every connection is in use for too long the caller is told so', async () => {
    const source = await open({ url: server.url, schema: 'conformance', maxConnections: 1, connectTimeoutMs: 200 })
    await source.tables(testScope())
    const holding = source.scan(testScope(), { table: 'numbers' })[Symbol.asyncIterator]()
    await holding.next()
    await expect(source.lookup(testScope(), { table: 'numbers', keyColumns: ['n'], keys: [[1]] })).rejects.toMatchObject({ code: 'POOL_EXHAUSTED' })
    await holding.return?.()
  })

  test('nothing can be written through it', async () => {
    await server.exec('CREATE OR REPLACE FUNCTION touch() RETURNS int LANGUAGE sql VOLATILE AS $$ INSERT INTO customers VALUES (99, $q$x$q$) RETURNING 1 $$; CREATE VIEW writing AS SELECT touch() AS t')
    const source = await open({ url: server.url })
    await expect(read(source, 'writing')).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('read-only') })
    await expect(source.lookup(testScope(), { table: 'writing', keyColumns: ['t'], keys: [[1]] })).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED' })
    await server.exec('DROP VIEW writing; DROP FUNCTION touch()')
  })

  test('an unknown schema is not found, and the nearest is named', async () => {
    const source = await open({ url: server.url, schema: 'conformence' })
    await expect(source.tables(testScope())).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('"conformance"') })
  })

  test('a password is in no message, neither as given nor as part of a url', async () => {
    const wrong = 'hunter2-hunter2'
    const attempts: PostgresOptions[] = [
      { url: `postgresql://hub:${wrong}@127.0.0.1:${server.port}/postgres` }, { url: `postgresql://hub:${wrong}@127.0.0.1:1/postgres` },
      { host: '127.0.0.1', port: server.port, user: 'hub', password: wrong, database: wrong }, { host: '127.0.0.1', port: server.port, user: wrong, password: wrong, database: 'postgres' },
    ]
    for (const options of attempts) {
      const error: unknown = await (await open(options)).tables(testScope()).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ name: 'HubError' })
      expect(JSON.stringify([String(error), (error as { details: unknown }).details])).not.toContain(wrong)
    }
    for (const url of [`mysql://hub:${wrong}@db`, `postgresql://hub:${wrong}@@:x`, `postgresql://hub:${wrong}100%@127.0.0.1/db`]) {
      const malformed: unknown = await openPostgres({ name: 'pg', log, url }).catch((reason: unknown) => reason)
      expect(malformed).toMatchObject({ code: 'CATALOG_INVALID' })
      expect((malformed as Error).cause).toBeUndefined()
      expect(String(malformed)).not.toContain(wrong)
    }
  })

  test('a database that is down is unavailable and may be asked again', async () => {
    const source = await open({ host: '127.0.0.1', port: 1, user: 'hub', password: 'x', database: 'postgres' })
    await expect(source.tables(testScope())).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', info: { retry: true } })
  })

  test('a connection that breaks between two batches fails the read, and only the read', async () => {
    const source = await open({ url: server.url, schema: 'conformance' })
    const reading = source.scan(testScope(), { table: 'numbers' })[Symbol.asyncIterator]()
    await reading.next()
    await server.exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tributary'`)
    await expect(reading.next()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
    expect(await source.lookup(testScope(), { table: 'numbers', keyColumns: ['n'], keys: [[1]] })).toEqual([{ n: 1 }])
  })

  test('a source closes although a reader stopped halfway, and that reader is told', async () => {
    const source = await openPostgres({ name: 'pg', log, url: server.url, schema: 'conformance' })
    const reading = source.scan(testScope(), { table: 'numbers' })[Symbol.asyncIterator]()
    await reading.next()
    await source.close()
    await expect(reading.next()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
  })

  test('a connection that broke while idle is replaced', async () => {
    const source = await open({ url: server.url })
    await source.tables(testScope())
    const told = log.next(line => line.message.includes('idle connection'))
    await server.exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tributary'`)
    const line = await told
    expect(line).toEqual({ level: 'warn', message: 'An idle connection to source "pg" broke.', fields: { source: 'pg', code: 'UPSTREAM_UNAVAILABLE', reason: expect.stringContaining('administrator command') } })
    expect(JSON.stringify(line)).not.toContain(server.password)
    const again = async (): Promise<unknown> => source.lookup(testScope(), { table: 'customers', keyColumns: ['id'], keys: [[1]] })
    const first: unknown = await again().catch((error: unknown) => error)
    if (!Array.isArray(first)) expect(first).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
    expect(await again()).toEqual([])
  })
})
