import { createServer, type Socket } from 'node:net'
import { openMysqlDatabase } from '../../connectors/mysql/database.ts'
import type { MysqlDatabaseOptions } from '../../connectors/mysql/options.ts'
import type { Database, TableWrite } from '../../connectors/ports/database.ts'
import type { Column, ColumnType, Row, Value } from '../../schema/values.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { expectRefusedInSilence, keptLog } from '../support/kept-log.ts'
import { type MysqlSchema, openMysqlSchema } from '../support/mysql.ts'
import { testScope } from '../support/scope.ts'

const log = keptLog()
const column = (name: string, type: ColumnType): Column => ({ name, type, nullable: true })
let count = 0
const into = (given: Partial<TableWrite> = {}): TableWrite => ({ table: 'kept', columns: [column('n', 'Int')], mode: 'append', batchSize: 100, mark: `mark ${count++}`, ...given })
async function* of(...rows: readonly Row[]): AsyncGenerator<readonly Row[], void, void> {
  yield rows
}
const write = async (database: Database, given: Partial<TableWrite>, ...rows: readonly Row[]) => (await database.write(testScope(), into(given), of(...rows))).commit()

async function read(database: Database, sql: string, ...values: readonly Value[]): Promise<Row[]> {
  const rows: Row[] = []
  for await (const batch of (await database.read(testScope(), { texts: sql.split('?'), values, fetchSize: 100 })).batches) rows.push(...batch)
  return rows
}

withEngine('MYSQL_URL', 'a database of MySQL', url => {
  let schema: MysqlSchema
  const opened: Database[] = []
  const open = (given: Partial<MysqlDatabaseOptions> = {}): Database => {
    const database = openMysqlDatabase({ ...schema.reach, log, ...given })
    opened.push(database)
    return database
  }
  /** What the server does of statements that have the text. */
  const running = async (text: string) => (await schema.ask(`SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID() AND INFO LIKE '%${text}%'`)).map(([id]) => String(id))

  beforeEach(async () => {
    schema = await openMysqlSchema(url)
  })
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close()
    await schema.close()
  })

  test('D-43 an aborted read is stopped at the server', async () => {
    const scope = testScope()
    const reason = new Error('the client left')
    const reading = open().read(scope, { texts: ['SELECT SLEEP(', ') AS endless'], values: [600], fetchSize: 7 }).then(async ({ batches }) => {
      for await (const batch of batches) expect(batch).toEqual([])
    })
    await eventually('the statement runs', async () => (await running('AS endless')).length > 0)
    scope.abort(reason)
    await expect(reading).rejects.toBe(reason)
    await eventually('the statement is stopped', async () => (await running('AS endless')).length === 0)
  })

  test('D-47 of rows that nobody reads yet most stay at the server', async () => {
    await schema.exec('CREATE TABLE kept (n BIGINT, filler CHAR(255))', "INSERT INTO kept SELECT seq, REPEAT('x', 255) FROM seq_1_to_200000")
    const { batches } = await open().read(testScope(), { texts: ['SELECT n, filler FROM kept'], values: [], fetchSize: 10 })
    const reading = batches[Symbol.asyncIterator]()
    await reading.next()
    // In so long all of them would have come, were they not waited with.
    await eventually('the server waits for its reader', async () => (await schema.ask(`SELECT 1 FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID() AND STATE = 'Writing to net' AND TIME_MS > 1500`)).length > 0)
    let rows = 10
    for (let next = await reading.next(); !next.done; next = await reading.next()) {
      expect(next.value.length).toBeLessThanOrEqual(10)
      rows += next.value.length
    }
    expect(rows).toBe(200_000)
  })

  test('D-43 values have one form by the type of their column, and none passes through a double', async () => {
    await schema.exec(`CREATE TABLE kept (big BIGINT, ubig BIGINT UNSIGNED, u INT UNSIGNED, tiny TINYINT, ok TINYINT(1), d DECIMAL(40, 3), f FLOAT, bit1 BIT(1), bit9 BIT(9), y YEAR, e ENUM('a', 'b'), s SET('x', 'y'),
      b VARBINARY(4), c CHAR(4), at TIMESTAMP(3) NULL, local_at DATETIME, t TIME(6), j JSON, g POINT, latin VARCHAR(9) CHARACTER SET latin1)`,
    `INSERT INTO kept VALUES (-9223372036854775808, 18446744073709551615, 4294967295, -128, 1, '1234567890123456789012345678901234567.890', 0.1, b'1', b'100000001', 2026, 'b', 'x,y',
      x'DEADBEEF', 'ab', '2024-01-31 23:59:59.120', '2024-02-29 00:00:00', '23:59:59.5', '{"a": [1]}', ST_GeomFromText('POINT(1 2)'), 'Zürich')`)
    const { columns, batches } = await open().read(testScope(), { texts: ['SELECT * FROM kept'], values: [], fetchSize: 10 })
    const rows: Row[] = []
    for await (const batch of batches) rows.push(...batch)
    expect(rows).toEqual([{
      big: -9_223_372_036_854_775_808n, ubig: '18446744073709551615', u: 4_294_967_295, tiny: -128, ok: true, d: '1234567890123456789012345678901234567.890', f: 0.1, bit1: true, bit9: 257, y: 2026, e: 'b', s: 'x,y',
      b: '3q2+7w==', c: 'ab', at: '2024-01-31T23:59:59.12Z', local_at: '2024-02-29T00:00:00', t: '23:59:59.5', j: { a: [1] }, g: expect.stringMatching(/^AAAAAAEBAAAAAAAAAAAA8D8AAAAAAAAAQA==$/), latin: 'Zürich',
    }])
    expect(Object.fromEntries(columns.map(({ name, type }) => [name, type]))).toEqual({
      big: 'Long', ubig: 'Decimal', u: 'Long', tiny: 'Int', ok: 'Boolean', d: 'Decimal', f: 'Float', bit1: 'Boolean', bit9: 'Long', y: 'Int', e: 'String', s: 'String',
      b: 'Bytes', c: 'String', at: 'DateTime', local_at: 'LocalDateTime', t: 'Time', j: 'JSON', g: 'Bytes', latin: 'String',
    })
  })

  test('D-43 dates that are none, and times beyond a day, are read as null', async () => {
    await schema.exec(`SET SESSION sql_mode = 'ANSI_QUOTES,ALLOW_INVALID_DATES'`, 'CREATE TABLE kept (d DATE, at DATETIME, t TIME, m DATE)', `INSERT INTO kept VALUES ('0000-00-00', '0000-00-00 00:00:00', '-25:00:00', '2024-00-10')`)
    expect(await read(open(), 'SELECT * FROM kept')).toEqual([{ d: null, at: null, t: null, m: null }])
  })

  test('D-50 values are compared as what they are: instants, large numbers, limits', async () => {
    await schema.exec('CREATE TABLE kept (n BIGINT, at TIMESTAMP(6) NULL, d DATE)', `INSERT INTO kept VALUES (9007199254740993, '2024-01-31 23:59:59.123456', '2024-01-31'), (9007199254740992, '2024-02-01 00:00:00', '2024-02-01')`)
    const database = open()
    expect(await read(database, 'SELECT n FROM kept WHERE n = ?', 9_007_199_254_740_993n)).toEqual([{ n: 9_007_199_254_740_993n }])
    expect(await read(database, 'SELECT d FROM kept WHERE at > ? AND d >= ? ORDER BY n LIMIT ?', '2024-01-31T23:59:59.123455Z', '2024-01-31', 1)).toEqual([{ d: '2024-02-01' }])
    expect(await read(database, 'SELECT d FROM kept WHERE at = ?', '2024-01-31T23:59:59.123456Z')).toEqual([{ d: '2024-01-31' }])
    await expect(database.read(testScope(), { texts: ['SELECT n FROM kept WHERE n = ?'], values: [], fetchSize: 1 })).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining(':runDate') })
  })

  test('D-50 what reads nothing of a table, or writes beside it, is refused', async () => {
    await schema.exec('CREATE TABLE kept (n INT)', 'INSERT INTO kept VALUES (1)', 'CREATE FUNCTION touch() RETURNS INT BEGIN INSERT INTO kept VALUES (2); RETURN 2; END')
    const database = open()
    const wrong = [
      `SELECT n FROM kept INTO OUTFILE '/tmp/out-${process.pid}'`, 'SELECT n INTO @kept FROM kept', 'SELECT touch() AS n', 'CALL touch()', 'SHOW TABLES', 'SET GLOBAL max_connections = 1', `LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE kept`,
      'HANDLER kept OPEN', 'LOCK TABLES kept WRITE', "PREPARE s FROM 'DELETE FROM kept'", 'SELECT 1 AS a) AS q INTO OUTFILE \'/tmp/out\' -- ',
    ]
    for (const sql of wrong) expect([sql, await read(database, sql).catch((error: unknown) => error)]).toEqual([sql, expect.objectContaining({ code: 'UPSTREAM_REJECTED' })])
    expect(await read(database, 'SELECT n, @kept AS kept FROM kept')).toEqual([{ n: 1, kept: null }])
  })

  test('D-51 names of the server\'s dialect: backticks quote them, and words that functions have may be names', async () => {
    await schema.exec('CREATE TABLE kept (count INT, "na`me" INT)', 'INSERT INTO kept VALUES (1, 2)')
    expect(await read(open(), 'SELECT count, `na``me`, "a text" AS t FROM kept')).toEqual([{ count: 1, 'na`me': 2, t: 'a text' }])
  })

  test('D-48 a table of an engine without transactions, and a view, are refused by name', async () => {
    await schema.exec('CREATE TABLE kept (n INT) ENGINE = MyISAM', 'CREATE VIEW seen AS SELECT n FROM kept')
    await expect(write(open(), {}, { n: 1 })).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringMatching(/"kept".*MyISAM.*ENGINE = InnoDB/) })
    await expect(write(open(), { table: 'seen' }, { n: 1 })).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('view') })
    expect(await schema.ask('SELECT n FROM kept')).toEqual([])
  })

  test('D-48 a merge goes by its keys, whatever other index its rows hit', async () => {
    await schema.exec('CREATE TABLE kept (id INT PRIMARY KEY, mail VARCHAR(99) UNIQUE, n INT)', `INSERT INTO kept VALUES (1, 'a', 1), (2, 'b', 2)`)
    const merge = { columns: [column('id', 'Int'), column('mail', 'String'), column('n', 'Int')], mode: 'merge', keys: ['id'] } as const
    await expect(write(open(), merge, { id: 3, mail: 'a', n: 3 })).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('Duplicate') })
    await write(open(), merge, { id: 2, mail: 'c', n: 9 }, { id: 0, mail: 'b', n: 0 })
    expect(await schema.ask('SELECT id, mail, n FROM kept ORDER BY id')).toEqual([[0, 'b', 0], [1, 'a', 1], [2, 'c', 9]])
  })

  test('D-48 keys are one as their column has it', async () => {
    await schema.exec('CREATE TABLE kept (k VARCHAR(9) COLLATE utf8mb4_general_ci PRIMARY KEY, n INT)')
    const merge = { columns: [column('k', 'String'), column('n', 'Int')], mode: 'merge', keys: ['k'] } as const
    await write(open(), merge, { k: 'a', n: 1 })
    await write(open(), merge, { k: 'A', n: 2 })
    expect(await schema.ask('SELECT n FROM kept')).toEqual([[2]])
    await expect(write(open(), merge, { k: 'b', n: 1 }, { k: 'B', n: 2 })).rejects.toMatchObject({ code: 'VALIDATION_ERROR', details: { key: { k: 'B' } } })
  })

  test('D-48 values are as strict as their column, and what it would round is refused', async () => {
    await schema.exec(`CREATE TABLE kept (v VARCHAR(3), e ENUM('happy'), j JSON, n INT, d DECIMAL(5, 2), at DATETIME(6), b BLOB, u TINYINT UNSIGNED, id INT AUTO_INCREMENT PRIMARY KEY)`)
    const database = open()
    const columns = [column('v', 'String'), column('e', 'String'), column('j', 'String'), column('n', 'Decimal'), column('d', 'Decimal'), column('at', 'DateTime'), column('b', 'Bytes'), column('u', 'Int'), column('id', 'Int')]
    await write(database, { columns }, { v: 'abc', e: 'happy', j: '{"a": [1]}', n: '7.00', d: '12.5', at: '2024-01-31T23:59:59.123456Z', b: '3q2+7w==', u: 255, id: 0 })
    expect(await read(database, 'SELECT * FROM kept')).toEqual([{ v: 'abc', e: 'happy', j: { a: [1] }, n: 7, d: '12.50', at: '2024-01-31T23:59:59.123456', b: '3q2+7w==', u: 255, id: 0 }])
    const wrong: readonly Row[] = [{ v: 'abcd' }, { e: 'cross' }, { j: '{' }, { n: '7.5' }, { n: '3000000000' }, { d: '1234' }, { u: 256 }, { u: -1 }]
    for (const [nth, row] of wrong.entries()) await expect(write(database, { columns }, { ...row, id: nth + 1 })).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED' })
    expect(await read(database, 'SELECT count(*) AS n FROM kept')).toEqual([{ n: 1 }])
  })

  test('D-47 a batch of more values than a statement may have, and of more than a packet holds, is written', async () => {
    const names = Array.from({ length: 40 }, (_, nth) => `c${nth}`)
    await schema.exec(`CREATE TABLE kept (${names.map(name => `${name} INT`).join(', ')})`, 'CREATE TABLE texts (n INT, t LONGTEXT)')
    const rows = Array.from({ length: 5000 }, (_, nth) => Object.fromEntries(names.map(name => [name, nth])))
    const long = 'x'.repeat(3 << 20)
    const database = open()
    await write(database, { columns: names.map(name => column(name, 'Int')), batchSize: 5000 }, ...rows)
    await write(database, { table: 'texts', columns: [column('n', 'Int'), column('t', 'String')], batchSize: 5000 }, ...Array.from({ length: 12 }, (_, n) => ({ n, t: long })))
    expect(await read(database, 'SELECT COUNT(*) AS n, SUM(c39) AS sum FROM kept')).toEqual([{ n: 5000, sum: '12497500' }])
    expect(await read(database, 'SELECT COUNT(*) AS n, SUM(LENGTH(t)) AS bytes FROM texts')).toEqual([{ n: 12, bytes: String(12 * long.length) }])
  })

  test('D-48 many who are the first to write into a schema all do, and two tables are written at the same time', async () => {
    await schema.exec('CREATE TABLE kept (n INT)', 'CREATE TABLE more (n INT)')
    const databases = Array.from({ length: 4 }, () => open())
    await Promise.all(Array.from({ length: 16 }, (_, n) => write(databases[n % 4] as Database, {}, { n })))
    expect(await read(open(), 'SELECT COUNT(*) AS n FROM kept UNION ALL SELECT COUNT(*) FROM tributary_write')).toEqual([{ n: 16 }, { n: 16 }])
    const first = await open().write(testScope(), into({ mode: 'overwrite' }), of({ n: 1 }))
    await write(open(), { table: 'more', mode: 'overwrite' }, { n: 1 })
    await first.commit()
    expect(await read(open(), 'SELECT n FROM kept UNION ALL SELECT n FROM more')).toEqual([{ n: 1 }, { n: 1 }])
  })

  test('D-48 a write that waits for another is stopped at the server when its caller leaves', async () => {
    await schema.exec('CREATE TABLE kept (n INT)')
    const first = await open().write(testScope(), into({ mode: 'overwrite' }), of({ n: 1 }))
    const scope = testScope()
    const reason = new Error('the client left')
    const second = open().write(scope, into({ mode: 'overwrite' }), of({ n: 2 }))
    await eventually('the second waits for its turn', async () => (await running('GET_LOCK')).length > 0)
    scope.abort(reason)
    await expect(second).rejects.toBe(reason)
    await eventually('the second is stopped', async () => (await running('GET_LOCK')).length === 0)
    await first.commit()
    expect(await read(open(), 'SELECT n FROM kept')).toEqual([{ n: 1 }])
  })

  test('D-48 of two that hold what the other wants, one is told to come again', async () => {
    await schema.exec('CREATE TABLE kept (n INT PRIMARY KEY, v INT)', 'CREATE TABLE more (n INT PRIMARY KEY, v INT)', 'INSERT INTO kept VALUES (1, 0)', 'INSERT INTO more VALUES (1, 0)')
    const merge = (table: string) => ({ table, columns: [column('n', 'Int'), column('v', 'Int')], mode: 'merge', keys: ['n'] }) as const
    await schema.exec('START TRANSACTION', 'UPDATE kept SET v = 5', 'UPDATE more SET v = 5', 'SET GLOBAL innodb_lock_wait_timeout = 1')
    try {
      await expect(write(open(), merge('kept'), { n: 1, v: 1 })).rejects.toMatchObject({ code: 'TX_CONFLICT', info: { retry: true } })
    } finally {
      await schema.exec('COMMIT', 'SET GLOBAL innodb_lock_wait_timeout = 50')
    }
    expect(await read(open(), 'SELECT v FROM kept')).toEqual([{ v: 5 }])
  })

  test('D-48 a connection that the server ends while a write waits for its commit leaves nothing', async () => {
    await schema.exec('CREATE TABLE kept (n INT)')
    const database = open()
    const prepared = await database.write(testScope(), into(), of({ n: 1 }))
    const [[id] = []] = await schema.ask(`SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID()`)
    await schema.exec(`KILL ${String(id)}`)
    await expect(prepared.commit()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
    expect(await read(database, 'SELECT n FROM kept')).toEqual([])
  })

  test('D-49 a repeatable read sees one moment', async () => {
    await schema.exec('CREATE TABLE kept (n INT)', 'INSERT INTO kept SELECT seq FROM seq_1_to_10')
    const database = open()
    const { batches } = await database.read(testScope(), { texts: ['SELECT n FROM kept'], values: [], fetchSize: 2, isolation: 'REPEATABLE_READ' })
    await write(database, { mode: 'overwrite' }, { n: 99 })
    let sum = 0
    for await (const batch of batches) for (const row of batch) sum += Number(row['n'])
    expect(sum).toBe(55)
  })

  test('D-46 the password is in no message, and a database that is down may be asked again', async () => {
    const password = 'hunter2/hunter2@'
    for (const given of [{ password }, { password, port: 1 }, { password, database: password }, { password, user: encodeURIComponent(password) }, { password, host: `${encodeURIComponent(password)}.invalid` }, { password, tls: 'verify-full' as const }]) {
      await expectRefusedInSilence(/hunter2/, log, [read(open(given), 'SELECT 1 AS one'), write(open(given), {}, { n: 1 })])
    }
    await expect(read(open({ port: 1 }), 'SELECT 1 AS one')).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', info: { retry: true } })
    await expect(read(open({ password: 'wrong' }), 'SELECT 1 AS one')).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('Access denied') })
  })

  test('D-45 a connection is encrypted when it is asked to be, to a server whose certificate is trusted unless it is said that nobody asks', async () => {
    const cipher = async (tls: MysqlDatabaseOptions['tls']) => (await read(open({ ...(tls && { tls }) }), `SELECT VARIABLE_VALUE AS cipher FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'Ssl_cipher'`))[0]?.['cipher']
    expect([await cipher('disable'), await cipher(undefined)]).toEqual(['', ''])
    expect(await cipher('require')).toMatch(/^TLS_/)
    for (const tls of ['verify-ca', 'verify-full'] as const) await expect(cipher(tls)).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('certificate') })
  })
})

/** A packet of MySQL: int24 length, int8 sequence, body. */
function packet(sequence: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([body.length & 255, body.length >> 8, 0, sequence]), body])
}

test('D-45 a server that asks for a file of the hub, or for its password as it is, gets neither', async () => {
  const asks = { file: Buffer.from('\xfb/etc/hostname', 'latin1'), password: Buffer.from('\xfemysql_clear_password\0', 'latin1') }
  for (const [what, ask] of Object.entries(asks)) {
    const fine = Buffer.from([0, 0, 0, 2, 0, 0, 0])
    let received = Buffer.alloc(0)
    const sockets: Socket[] = []
    const server = createServer(socket => {
      sockets.push(socket)
      // Version 10, its name, thread 1, 8 bytes of scramble; capabilities, utf8mb4, status, 21 bytes of scramble; 12 more and the plugin.
      const hello = Buffer.concat([Buffer.from('\x0a8.0.0\0\x01\0\0\0aaaaaaaa\0', 'latin1'), Buffer.from([0xff, 0xf7, 45, 2, 0, 0xff, 0x80, 21]), Buffer.alloc(10), Buffer.from('aaaaaaaaaaaa\0mysql_native_password\0')])
      socket.write(packet(0, hello))
      let packets = 0
      socket.on('data', data => {
        received = Buffer.concat([received, data])
        // The login; the first statement; the empty packet that says there is no such file.
        const answers = what === 'file' ? [packet(2, fine), packet(1, ask), packet(3, fine)] : [packet(2, ask)]
        socket.write(answers[packets++] ?? Buffer.alloc(0))
      })
      socket.on('error', () => {})
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const database = openMysqlDatabase({ host: '127.0.0.1', port: typeof address === 'object' && address ? address.port : 0, database: 'db', user: 'hub', password: 'hunter2', log })
    await expect(read(database, 'SELECT 1 AS one')).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining(what === 'file' ? 'LOCAL INFILE' : 'mysql_clear_password') })
    expect(received.length).toBeGreaterThan(40)
    // Capability bit 7 of the login is LOCAL FILES.
    expect(received.readUInt8(4) & 128).toBe(0)
    expect(received.toString('latin1')).not.toContain('hunter2')
    await database.close()
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  }
})
