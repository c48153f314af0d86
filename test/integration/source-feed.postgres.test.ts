import pg from 'pg'
import { openPostgres } from '../../connectors/postgres/index.ts'
import type { SourceConnector } from '../../connectors/ports/source-connector.ts'
import type { FollowRequest, SourceCommit, SourceFeed, Told } from '../../connectors/ports/source-feed.ts'
import { systemClock, type Scope } from '../../connectors/ports/scope.ts'
import type { Row } from '../../schema/values.ts'
import { eventually } from '../support/eventually.ts'
import { keptLog } from '../support/kept-log.ts'
import { type PostgresServer, postgresBin, startPostgres } from '../support/postgres.ts'
import { testScope } from '../support/scope.ts'

const suite = postgresBin ? describe : describe.skip

suite('needs PostgreSQL: server programs below /usr/lib/postgresql', () => {
  let server: PostgresServer
  let source: SourceConnector
  let feed: SourceFeed
  const log = keptLog()
  let count = 0

  beforeAll(async () => {
    server = await startPostgres({ wal_level: 'logical', max_slot_wal_keep_size: '64MB' })
    source = await openPostgres({ name: 'pg', log, url: server.url })
    feed = source.feed as SourceFeed
  })
  afterAll(async () => {
    await source.close()
    await server.stop()
  })

  /** A table of its own for each test, and who follows it. */
  const own = async (columns: string, key: readonly string[] = ['id']): Promise<FollowRequest & { readonly table: string }> => {
    count += 1
    const table = `t${count}`
    await server.exec(`CREATE TABLE ${table}(${columns})`)
    const known = (await source.tables(testScope())).find(({ name }) => name === table)
    return { table, consumer: `follower_${count}`, lasting: true, tables: [{ table, columns: (known?.columns ?? []).map(({ name }) => name), key }] }
  }

  /** Follows on the machine's clock until `end`; waits for what is told, one after the other. */
  const following = (request: FollowRequest) => {
    const controller = new AbortController()
    const scope: Scope = { ...testScope(), clock: systemClock, log, signal: controller.signal }
    const told = feed.follow(scope, request)[Symbol.asyncIterator]()
    // Always asked for the next: a reset's rows are read in a transaction, which is over then.
    let asked = told.next()
    asked.catch(() => undefined)
    const next = async <Kind extends Told['kind']>(kind: Kind): Promise<Extract<Told, { kind: Kind }>> => {
      for (;;) {
        const { value, done } = await asked
        if (done) throw new Error('The feed has ended.')
        if (value.kind !== 'reset') {
          asked = told.next()
          asked.catch(() => undefined)
        }
        if (value.kind === kind) return value as Extract<Told, { kind: Kind }>
        if (value.kind !== 'current') throw new Error(`Told a ${value.kind}: ${JSON.stringify(value)}`)
      }
    }
    return {
      next,
      commit: (): Promise<SourceCommit> => next('commit'),
      rows: async (table: string, columns: readonly string[]) => {
        const rows: Row[] = []
        for await (const batch of (await next('reset')).rows(table, columns)) rows.push(...batch)
        asked = told.next()
        asked.catch(() => undefined) // whoever asks next sees it
        return rows
      },
      /** The rows of a reset were read. */
      go: () => {
        asked = told.next()
      },
      async end() {
        controller.abort()
        await asked
        await told.return?.()
      },
    }
  }

  const slotsOf = async (consumer: string): Promise<string[]> => {
    const client = new pg.Client({ connectionString: server.url })
    await client.connect()
    const { rows } = await client.query<{ active: boolean }>('SELECT active FROM pg_replication_slots WHERE slot_name = $1', [consumer])
    await client.end()
    return rows.map(({ active }) => (active ? 'active' : 'inactive'))
  }

  test('the rows of one moment come first, and then each commit behind it', async () => {
    const { table, ...request } = await own('id int PRIMARY KEY, name text')
    await server.exec(`INSERT INTO ${table} VALUES (1, 'a'), (2, 'b')`)
    const follower = following(request)
    expect(await follower.rows(table, ['id', 'name'])).toEqual([{ id: 1, name: 'a' }, { id: 2, name: 'b' }])
    await server.exec(`BEGIN; INSERT INTO ${table} VALUES (3, 'c'); UPDATE ${table} SET name = 'A' WHERE id = 1; DELETE FROM ${table} WHERE id = 2; UPDATE ${table} SET id = 4 WHERE id = 3; COMMIT; TRUNCATE ${table}`)
    expect((await follower.commit()).changes).toEqual([
      { kind: 'put', table, row: { id: 3, name: 'c' } },
      { kind: 'put', table, row: { id: 1, name: 'A' } },
      { kind: 'remove', table, before: { id: 2 } },
      { kind: 'put', table, row: { id: 4, name: 'c' }, before: { id: 3 } },
    ])
    expect((await follower.commit()).changes).toEqual([{ kind: 'truncate', table }])
    await follower.end()
  })

  test('who comes back with his last position misses nothing and sees nothing twice', async () => {
    const { table, ...request } = await own('id int PRIMARY KEY')
    const first = following(request)
    await first.rows(table, ['id'])
    for (const id of [1, 2]) await server.exec(`INSERT INTO ${table} VALUES (${id})`)
    const { position } = await first.commit()
    await first.end()
    await server.exec(`INSERT INTO ${table} VALUES (3)`)
    const second = following({ ...request, from: position })
    const seen = [await second.commit(), await second.commit()]
    await server.exec(`INSERT INTO ${table} VALUES (4)`)
    seen.push(await second.commit())
    await second.end()
    expect(seen.flatMap(({ changes }) => changes)).toEqual([2, 3, 4].map(id => ({ kind: 'put', table, row: { id } })))
  })

  test('values are those a scan reads, of every type', async () => {
    await server.exec(`CREATE TYPE mood AS ENUM ('happy', 'sad'); CREATE DOMAIN code AS varchar(8); CREATE TYPE pair AS (a int, b text)`)
    const { table, ...request } = await own(`id int PRIMARY KEY, i2 int2, i8 int8, o oid, num numeric(40, 3), f4 float4, f8 float8, b bool, c char(4), v varchar(9), u uuid, d date, t time, tz timetz, ts timestamp, tstz timestamptz,
      bin bytea, j json, jb jsonb, ints int[], texts text[][], m mood, dom code, p pair, pairs pair[], ip inet, span interval, r int4range, "odd ""name" money, at timestamptz[]`)
    const follower = following(request)
    await follower.rows(table, ['id'])
    await server.exec(`INSERT INTO ${table} VALUES (1, -32768, 9223372036854775807, 4294967295, '1234567890123456789012345678901234567.890', 0.1, 0.1, true, 'ab', 'v ', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '2024-02-29',
        '23:59:59.120', '01:02:03+02', '2024-01-31 23:59:59.123456', '2024-01-31 23:59:59.5+02', '\\xdeadbeef', '{"a": 1.10}', '[1, {"b": null}]', '{1,NULL,3}', '{{a,b},{c,d}}', 'sad', 'x',
        ROW(1, 'z'), ARRAY[ROW(1, 'y')::pair], '10.0.0.1', '1 day 00:00:01', '[1,5)', 12.5, '{2024-01-31 23:59:59.5+02}'),
      (2, 0, -1, 0, 'NaN', 'NaN', '-Infinity', false, '', '', NULL, 'infinity', '24:00', NULL, '-infinity', 'infinity', '', 'null', '"x"', '{}', NULL, 'happy', '', ROW(NULL, ''), '{}', '::1/64', '-1 mon', 'empty', -0.01, NULL)`)
    await server.exec(`INSERT INTO ${table}(id) VALUES (3)`)
    const seen = [...(await follower.commit()).changes, ...(await follower.commit()).changes]
    await follower.end()
    const scanned: Row[] = []
    for await (const rows of source.scan(testScope(), { table })) scanned.push(...rows)
    expect(scanned).toHaveLength(3)
    expect(seen).toEqual(scanned.map(row => ({ kind: 'put', table, row })))
  })

  test('a value too long to be sent again is as it was, unless the old row is sent whole', async () => {
    const { table, ...request } = await own('id int PRIMARY KEY, long text, n int')
    const long = Array.from({ length: 4_000 }, (_, index) => String.fromCharCode(33 + ((index * 7919) % 90))).join('').replaceAll("'", '.').replaceAll('\\', '/')
    await server.exec(`ALTER TABLE ${table} ALTER long SET STORAGE EXTERNAL; INSERT INTO ${table} VALUES (1, '${long}', 1)`)
    const follower = following(request)
    await follower.rows(table, ['id'])
    await server.exec(`UPDATE ${table} SET n = 2`)
    expect((await follower.commit()).changes).toEqual([{ kind: 'put', table, row: { id: 1, n: 2 } }])
    await server.exec(`ALTER TABLE ${table} REPLICA IDENTITY FULL`)
    await server.exec(`UPDATE ${table} SET n = 3`)
    expect((await follower.commit()).changes).toEqual([{ kind: 'put', table, row: { id: 1, long, n: 3 }, before: { id: 1, long, n: 2 } }])
    await server.exec(`DELETE FROM ${table}`)
    expect((await follower.commit()).changes).toEqual([{ kind: 'remove', table, before: { id: 1, long, n: 3 } }])
    await follower.end()
  })

  test('a row is told in the transaction it belongs to, whatever else commits meanwhile, and rolled back ones are not', async () => {
    const { table, ...request } = await own('id int PRIMARY KEY')
    const follower = following(request)
    await follower.rows(table, ['id'])
    await server.exec(`BEGIN; INSERT INTO ${table} VALUES (1); SAVEPOINT s; INSERT INTO ${table} VALUES (2); ROLLBACK TO s; INSERT INTO ${table} VALUES (3); COMMIT`)
    await server.exec(`BEGIN; INSERT INTO ${table} VALUES (4); ROLLBACK`)
    await server.exec(`INSERT INTO ${table} VALUES (5)`)
    const ids = ({ changes }: SourceCommit) => changes.map(change => (change.kind === 'put' ? change.row['id'] : change.kind))
    expect([ids(await follower.commit()), ids(await follower.commit())]).toEqual([[1, 3], [5]])
    await follower.end()
  })

  test('one at a time follows by a name; who comes meanwhile is told how far that one is, and takes over when he is gone', async () => {
    const { table, ...request } = await own('id int PRIMARY KEY')
    expect(await feed.isFollowed(testScope(), request.consumer)).toBe(false)
    const first = following(request)
    await first.rows(table, ['id'])
    await first.next('current')
    expect(await feed.isFollowed(testScope(), request.consumer)).toBe(true)
    const second = following(request)
    const beganMs = Date.now()
    while ((await second.next('current')).asOfMs < beganMs) await first.next('current')
    await server.exec(`INSERT INTO ${table} VALUES (1)`)
    await first.commit()
    await first.end()
    expect(await second.rows(table, ['id'])).toEqual([{ id: 1 }])
    await server.exec(`INSERT INTO ${table} VALUES (2)`)
    expect((await second.commit()).changes).toEqual([{ kind: 'put', table, row: { id: 2 } }])
    await second.end()
  })

  test('the slot of one who left goes when it is forgotten, and with the connection of one who asked for no more', async () => {
    const { table, ...request } = await own('id int PRIMARY KEY')
    const first = following({ ...request, lasting: false })
    await first.rows(table, ['id'])
    await first.next('current')
    await expect(feed.forget({ ...testScope(), clock: systemClock }, request.consumer)).rejects.toMatchObject({ code: 'IN_USE' })
    await first.end()
    expect(await slotsOf(request.consumer)).toEqual([])
    const third = following(request)
    await third.rows(table, ['id'])
    await third.next('current')
    await third.end()
    expect(await slotsOf(request.consumer)).toEqual(['inactive'])
    await feed.forget({ ...testScope(), clock: systemClock }, request.consumer)
    expect(await slotsOf(request.consumer)).toEqual([])
    await feed.forget({ ...testScope(), clock: systemClock }, request.consumer)
  })

  test('a slot the server gave up on means beginning anew, and why is said', async () => {
    const { table, ...request } = await own('id int PRIMARY KEY, filler text')
    const first = following(request)
    await first.rows(table, ['id'])
    await server.exec(`INSERT INTO ${table} VALUES (1, '')`)
    const { position } = await first.commit()
    await first.end()
    for (let round = 0; round < 8; round += 1) await server.exec(`INSERT INTO ${table} SELECT g + ${round * 20_000} + 2, repeat('x', 500) FROM generate_series(1, 20000) g`)
    await server.exec('SELECT pg_switch_wal()')
    await server.exec('CHECKPOINT')
    const second = following({ ...request, from: position })
    const { reason, rows } = await second.next('reset')
    expect(reason).toContain('max_slot_wal_keep_size')
    let read = 0
    for await (const batch of rows(table, ['id'])) read += batch.length
    expect(read).toBe(160_001)
    second.go()
    await second.end()
  }, 120_000)

  test('a transaction that is too large to be held is taken over by reading the tables again', async () => {
    const { table, ...request } = await own('id int PRIMARY KEY')
    const follower = following(request)
    await follower.rows(table, ['id'])
    await server.exec(`INSERT INTO ${table} SELECT generate_series(1, 1000001)`)
    const { reason } = await follower.next('reset')
    expect(reason).toContain('no place to go on from')
    expect(log.lines.some(({ message }) => message.includes('more than 1000000 changes'))).toBe(true)
    follower.go()
    await follower.end()
  }, 120_000)

  test('a table whose columns changed ends the feed, and followed again it is as it is now', async () => {
    const { table, ...request } = await own('id int PRIMARY KEY, n int')
    const first = following(request)
    await first.rows(table, ['id'])
    await server.exec(`ALTER TABLE ${table} ADD COLUMN more text`)
    await server.exec(`INSERT INTO ${table} VALUES (1, 1, 'x')`)
    expect((await first.commit()).changes).toEqual([{ kind: 'put', table, row: { id: 1, n: 1 } }])
    await server.exec(`ALTER TABLE ${table} ALTER n TYPE text`)
    await server.exec(`INSERT INTO ${table} VALUES (2, 'two', '')`)
    await expect(first.commit()).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('"n" went or has another type') })
    const second = following(request)
    expect(await second.rows(table, ['id', 'n'])).toEqual([{ id: 1, n: '1' }, { id: 2, n: 'two' }])
    await second.end()
  })

  test('what stands in the way is said all at once, each with what mends it', async () => {
    await server.exec(`
      CREATE TABLE plain(id int PRIMARY KEY, other int, twice int GENERATED ALWAYS AS (other * 2) STORED);
      CREATE TABLE bare(id int, name text);
      CREATE UNLOGGED TABLE fleeting(id int PRIMARY KEY);
      CREATE TABLE parts(id int PRIMARY KEY) PARTITION BY RANGE (id);
      CREATE VIEW seen AS SELECT * FROM plain;
      CREATE ROLE reader LOGIN PASSWORD 'reader'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader`)
    await server.exec(`ALTER TABLE bare ENABLE ROW LEVEL SECURITY; CREATE POLICY above ON bare FOR SELECT USING (id > 0)`)
    const as = await openPostgres({ name: 'pg', log, url: server.url.replace(/hub:[^@]*@/, 'reader:reader@') })
    const check = (reader: SourceConnector, tables: FollowRequest['tables']) => (reader.feed as SourceFeed).check(testScope(), { consumer: 'nobody', tables }).then(found => found.map(({ table, message }) => [table, message]))
    try {
      expect(await check(source, [{ table: 'plain', columns: ['id', 'other'], key: ['id'] }])).toEqual([])
      expect(await check(source, [{ table: 'plain', columns: ['id', 'twice'], key: ['other'] }, ...['fleeting', 'parts', 'seen'].map(table => ({ table, columns: ['id'], key: ['id'] }))])).toEqual([
        ['plain', expect.stringContaining('ALTER TABLE "public"."plain" REPLICA IDENTITY FULL;')],
        ['plain', expect.stringContaining('ALTER TABLE "public"."plain" ADD UNIQUE ("other");')],
        ['plain', expect.stringContaining('"twice" of "plain" is generated')],
        ['fleeting', expect.stringContaining('is unlogged')],
        ['parts', expect.stringContaining('is partitioned')],
        ['seen', expect.stringContaining('is a view')],
      ])
      expect(await check(as, [{ table: 'bare', columns: ['id'], key: ['id'] }])).toEqual([
        [undefined, expect.stringContaining('ALTER ROLE reader WITH REPLICATION;')],
        ['bare', expect.stringContaining('has no replica identity')],
        ['bare', expect.stringContaining('ADD UNIQUE ("id")')],
        ['bare', expect.stringContaining('Row security')],
        ['bare', expect.stringContaining('CREATE PUBLICATION nobody FOR TABLE "public"."bare"')],
      ])
    } finally {
      await as.close()
    }
  })

  test('a server that keeps no logical log is told how to', async () => {
    const other = await startPostgres({ max_replication_slots: '0' })
    const plain = await openPostgres({ name: 'plain', log, url: other.url })
    try {
      await other.exec('CREATE TABLE t(id int PRIMARY KEY)')
      const request = { consumer: 'nobody', lasting: true, tables: [{ table: 't', columns: ['id'], key: ['id'] }] }
      expect((await (plain.feed as SourceFeed).check(testScope(), request)).map(({ message }) => message)).toEqual([
        expect.stringContaining(`ALTER SYSTEM SET wal_level = 'logical';`),
        expect.stringContaining('ALTER SYSTEM SET max_replication_slots = 5;'),
      ])
      await expect(async () => {
        for await (const _ of (plain.feed as SourceFeed).follow({ ...testScope(), clock: systemClock }, request)) break
      }).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('wal_level is "replica"') })
    } finally {
      await plain.close()
      await other.stop()
    }
  })

  test('an aborted signal ends a beginning that waits for somebody else\'s transaction', async () => {
    const { table, ...request } = await own('id int PRIMARY KEY')
    const other = new pg.Client({ connectionString: server.url })
    await other.connect()
    await other.query(`BEGIN; INSERT INTO ${table} VALUES (1)`)
    const follower = following(request)
    await eventually('the slot is being made', async () => (await slotsOf(request.consumer)).length === 1)
    await follower.end()
    expect(await slotsOf(request.consumer)).toEqual([])
    await other.query('ROLLBACK')
    await other.end()
  })
})
