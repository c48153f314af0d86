import type { Database, Isolation, PreparedWrite, Query, TableWrite, WriteMode } from '../../connectors/ports/database.ts'
import type { Column, ColumnType, Row, Value } from '../../schema/values.ts'
import { must } from '../support/conformance.ts'
import { testScope } from '../support/scope.ts'

/** A database without tables, and a second handle on the same. */
export interface DatabaseSubject {
  readonly database: Database
  readonly other: Database
  /** How a column is declared that holds every value of the type. */
  readonly types: Readonly<Record<ColumnType, string>>
  /** What such a column is read as where the system has no type of its own. */
  readonly readAs: Partial<Record<ColumnType, ColumnType>>
  /** The schema that tables are made in. */
  readonly schema: string
  /** A name as queries quote it; what `exec` runs quotes them as SQL does. */
  quoted(name: string): string
  /** Runs statements, each for itself. */
  exec(...statements: readonly string[]): Promise<void>
  close(): Promise<void>
}

const int = (name: string): Column => ({ name, type: 'Int', nullable: false })
const text = (name: string): Column => ({ name, type: 'String', nullable: true })

let marks = 0
const into = (given: Partial<TableWrite> = {}): TableWrite => ({ table: 'places', columns: [int('id'), text('name')], mode: 'append', batchSize: 2, mark: `mark ${marks++}`, ...given })
const place = (id: number, name: string | null = `place ${id}`): Row => ({ id, name })
const upTo = (count: number): Row[] => Array.from({ length: count }, (_, id) => place(id))

async function* of(...batches: readonly (readonly Row[])[]): AsyncGenerator<readonly Row[], void, void> {
  yield* batches
}

/** Rows, and then nothing more until the iteration is given up. */
async function* stuckAfter(rows: readonly Row[], stuck: () => void): AsyncGenerator<readonly Row[], void, void> {
  yield rows
  stuck()
  await new Promise(() => {})
}

async function* brokenAfter(rows: readonly Row[], error: Error): AsyncGenerator<readonly Row[], void, void> {
  yield rows
  throw error
}

function query(sql: string, values: readonly Value[] = [], fetchSize = 100): Query {
  return { texts: sql.split('?'), values, fetchSize }
}

async function readAll(database: Database, asked: Query): Promise<{ columns: readonly Column[]; rows: Row[] }> {
  const { columns, batches } = await database.read(testScope(), asked)
  const rows: Row[] = []
  for await (const batch of batches) rows.push(...batch)
  return { columns, rows }
}

async function read(database: Database, sql: string, ...values: readonly Value[]): Promise<Row[]> {
  return (await readAll(database, query(sql, values))).rows
}

async function write(database: Database, given: Partial<TableWrite>, ...batches: readonly (readonly Row[])[]): Promise<PreparedWrite> {
  const prepared = await database.write(testScope(), into(given), of(...batches))
  await prepared.commit()
  return prepared
}

const makePlaces = 'CREATE TABLE places (id INTEGER PRIMARY KEY, name TEXT)'
const places = (database: Database) => read(database, 'SELECT id, name FROM places ORDER BY id')

const values: Readonly<Record<ColumnType, readonly Value[]>> = {
  String: ['', 'plain', "it's", 'München 東京 🗼\n\t"\\'],
  Int: [0, -2_147_483_648, 2_147_483_647],
  Long: [0, Number.MAX_SAFE_INTEGER, 9_007_199_254_740_993n, 9_223_372_036_854_775_807n, -9_223_372_036_854_775_808n],
  Float: [0.1, -1.5, 1e300, 5e-324, 0.30000000000000004],
  Decimal: ['12.50', '-0.10', '1234567890123456789012345678901234567.890'],
  Boolean: [true, false],
  Date: ['2024-02-29', '1040-01-01'],
  Time: ['23:59:59', '23:59:59.123456', '00:00:00'],
  DateTime: ['2024-01-31T23:59:59Z', '2024-01-31T23:59:59.123456Z', '1999-12-31T00:00:00.1Z'],
  LocalDateTime: ['2024-01-31T23:59:59', '2024-01-31T23:59:59.123456'],
  UUID: ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '00000000-0000-0000-0000-000000000000'],
  Bytes: ['', '3q2+7w==', Buffer.from(Uint8Array.from({ length: 256 }, (_, index) => index)).toString('base64')],
  JSON: [{ a: 1, b: [null, true, { 'c"d': 'e' }] }, [], 'text', '"', 7, 1.5, true, [[1]]],
}
const modes: readonly WriteMode[] = ['append', 'overwrite', 'merge', 'truncateInsert']
const isolations: readonly Isolation[] = ['READ_COMMITTED', 'READ_UNCOMMITTED', 'REPEATABLE_READ', 'SERIALIZABLE']
const attack = "'; DROP TABLE places; --"

export const databaseChecks = [
  must<DatabaseSubject>('DB01', 'D-47 rows come as the statement orders them, so many at a time, with their columns', async ({ database, exec }) => {
    await exec(makePlaces)
    await write(database, { batchSize: 100 }, upTo(10))
    const { columns, batches } = await database.read(testScope(), query('SELECT id, name AS "Called" FROM places ORDER BY id DESC;', [], 4))
    expect(columns).toEqual([{ name: 'id', type: 'Int', nullable: true }, { name: 'Called', type: 'String', nullable: true }])
    const found: (readonly Row[])[] = []
    for await (const batch of batches) found.push(batch)
    expect(found.map(batch => batch.map(({ id }) => id)).filter(ids => ids.length > 0)).toEqual([[9, 8, 7, 6], [5, 4, 3, 2], [1, 0]])
    expect(found.flat()[0]).toEqual({ id: 9, Called: 'place 9' })
  }),
  must<DatabaseSubject>('DB02', 'every canonical value of every type is read as it was written, and so is null', async ({ database, types, readAs, exec }) => {
    for (const [type, list] of Object.entries(values) as [ColumnType, readonly Value[]][]) {
      await exec(`CREATE TABLE of_${type.toLowerCase()} (nth INTEGER PRIMARY KEY, v ${types[type]})`)
      const rows = [...list, null].map((v, nth): Row => ({ nth, v }))
      await write(database, { table: `of_${type.toLowerCase()}`, columns: [int('nth'), { name: 'v', type, nullable: true }], batchSize: 3 }, rows)
      const { columns, rows: found } = await readAll(database, query(`SELECT v FROM of_${type.toLowerCase()} ORDER BY nth`))
      expect([type, columns.map(column => column.type), found.map(({ v }) => v)]).toEqual([type, [readAs[type] ?? type], [...list, null]])
    }
  }),
  must<DatabaseSubject>('DB03', 'D-50 a value is bound, never part of the statement, whatever it looks like', async ({ database, exec }) => {
    await exec(makePlaces)
    await write(database, {}, [place(1, attack), place(2, 'x')])
    expect(await read(database, 'SELECT id FROM places WHERE name = ?', attack)).toEqual([{ id: 1 }])
    expect(await read(database, 'SELECT id FROM places WHERE name = ?', "x' OR '1' = '1")).toEqual([])
    await expect(read(database, 'SELECT id FROM places WHERE id = ?0', 1)).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED' })
    expect(await read(database, 'SELECT id FROM places WHERE id > ? AND name IN (?, ?) ORDER BY id', 0, 'x', attack)).toEqual([{ id: 1 }, { id: 2 }])
    expect(await places(database)).toHaveLength(2)
  }),
  must<DatabaseSubject>('DB04', 'D-50 what would write is refused, and nothing is written', async ({ database, exec }) => {
    await exec(makePlaces)
    await write(database, {}, upTo(3))
    const writing = [
      'DELETE FROM places', 'DELETE FROM places RETURNING id', "INSERT INTO places VALUES (7, 'x')", 'DROP TABLE places', 'CREATE TABLE more (n INTEGER)', 'SELECT 1; DELETE FROM places', 'COMMIT; DELETE FROM places',
      'SELECT 1) AS q; COMMIT; DELETE FROM places; --', 'WITH gone AS (DELETE FROM places RETURNING id) SELECT * FROM gone', 'COMMIT', "ATTACH DATABASE 'other' AS other", 'SELECT 1 /*', '',
    ]
    for (const sql of writing) await expect([sql, await read(database, sql).catch((error: unknown) => error)]).toEqual([sql, expect.objectContaining({ code: 'UPSTREAM_REJECTED' })])
    expect(await places(database)).toHaveLength(3)
  }),
  must<DatabaseSubject>('DB05', 'a reader who has left is told so, and what he read is given up', async ({ database, exec }) => {
    await exec(makePlaces)
    await write(database, {}, upTo(10))
    const scope = testScope()
    const { batches } = await database.read(scope, query('SELECT * FROM places', [], 2))
    const reading = batches[Symbol.asyncIterator]()
    await reading.next()
    const reason = new Error('the client left')
    scope.abort(reason)
    await expect(reading.next()).rejects.toBe(reason)
    await expect(database.read(scope, query('SELECT 1 AS one'))).rejects.toBe(reason)
    await write(database, { mode: 'truncateInsert' }, upTo(1))
    expect(await places(database)).toHaveLength(1)
  }),
  must<DatabaseSubject>('DB06', 'an iteration that is closed before it began gives up what it held', async ({ database, exec }) => {
    await exec(makePlaces)
    await write(database, {}, upTo(10))
    for (let nth = 0; nth < 20; nth++) {
      const { batches } = await database.read(testScope(), query('SELECT * FROM places', [], 2))
      await batches[Symbol.asyncIterator]().return?.()
    }
    await write(database, { mode: 'truncateInsert' }, upTo(1))
    expect(await places(database)).toHaveLength(1)
  }),
  must<DatabaseSubject>('DB07', 'two columns of one name are refused, with the alias that helps', async ({ database }) => {
    await expect(database.read(testScope(), query('SELECT 1 AS a, 2 AS b, 3 AS a'))).rejects.toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining('"a" AS "other_a"') })
  }),
  must<DatabaseSubject>('DB08', 'a query of no rows has columns; one that the database does not understand is refused with its words', async ({ database, exec }) => {
    await exec(makePlaces)
    const { columns, rows } = await readAll(database, query('SELECT id, name FROM places'))
    expect([columns.map(({ name, type }) => [name, type]), rows]).toEqual([[['id', 'Int'], ['name', 'String']], []])
    await expect(database.read(testScope(), query('SELECT nothing FROM places'))).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('nothing') })
  }),
  must<DatabaseSubject>('DB09', 'D-48 append adds rows; D-51 the table is named alone or with its schema', async ({ database, schema, exec }) => {
    await exec(makePlaces)
    expect(await write(database, {}, [place(1)], [place(2), place(3)])).toMatchObject({ rowsWritten: 3, wasWritten: false })
    expect(await write(database, { table: `${schema}.places` }, [place(4)])).toMatchObject({ rowsWritten: 1 })
    expect(await places(database)).toEqual([1, 2, 3, 4].map(id => place(id)))
    await expect(write(database, {}, [place(5), place(1)])).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED' })
    expect(await places(database)).toHaveLength(4)
  }),
  must<DatabaseSubject>('DB10', 'D-48 overwrite and truncateInsert leave the rows that come and no others', async ({ database, exec }) => {
    await exec(makePlaces)
    await write(database, {}, upTo(5))
    await write(database, { mode: 'overwrite' }, [place(3, 'x'), place(9)])
    expect(await places(database)).toEqual([place(3, 'x'), place(9)])
    await write(database, { mode: 'truncateInsert' }, [place(9, 'y')])
    expect(await places(database)).toEqual([place(9, 'y')])
    await write(database, { mode: 'overwrite' })
    expect(await places(database)).toEqual([])
  }),
  must<DatabaseSubject>('DB11', 'D-48 merge puts rows in the place of those with the same key, and adds the others', async ({ database, exec }) => {
    await exec('CREATE TABLE stays (guest INTEGER, day VARCHAR(9), note TEXT, rest VARCHAR(9) DEFAULT \'kept\', UNIQUE (day, guest))', 'CREATE TABLE loose (guest INTEGER, day VARCHAR(9), note TEXT, rest VARCHAR(9) DEFAULT \'kept\')')
    const columns = [int('guest'), text('day'), text('note')]
    const stay = (guest: number, day: string, note: string | null) => ({ guest, day, note })
    for (const table of ['stays', 'loose']) {
      await write(database, { table, columns }, [stay(1, 'mon', 'a'), stay(1, 'tue', 'b'), stay(2, 'mon', 'c')])
      const merged = await write(database, { table, columns, mode: 'merge', keys: ['guest', 'day'] }, [stay(1, 'tue', 'B'), stay(2, 'tue', 'd')], [stay(2, 'mon', null)])
      expect(merged).toMatchObject({ rowsWritten: 3 })
      const expected = [stay(1, 'mon', 'a'), stay(1, 'tue', 'B'), stay(2, 'mon', null), stay(2, 'tue', 'd')]
      expect(await read(database, `SELECT guest, day, note, rest FROM ${table} ORDER BY guest, day`)).toEqual(expected.map(row => ({ ...row, rest: 'kept' })))
      await write(database, { table, columns: columns.slice(0, 2), mode: 'merge', keys: ['guest', 'day'] }, [stay(1, 'mon', null), stay(3, 'mon', null)])
      expect(await read(database, `SELECT guest, day, note FROM ${table} ORDER BY guest, day`)).toEqual([...expected, stay(3, 'mon', null)])
      await write(database, { table, columns, mode: 'merge', keys: ['note'] }, [stay(8, 'sun', 'a')])
      expect(await read(database, `SELECT guest, day FROM ${table} WHERE note = 'a'`)).toEqual([{ guest: 8, day: 'sun' }])
    }
  }),
  must<DatabaseSubject>('DB12', 'what is rolled back was never there; the first end of a write counts', async ({ database, exec }) => {
    await exec(makePlaces)
    await write(database, {}, upTo(2))
    for (const mode of modes) {
      const prepared = await database.write(testScope(), into({ mode, keys: ['id'] }), of([place(7)]))
      await prepared.rollback()
      await prepared.rollback()
      await expect(prepared.commit()).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('"places"') })
      expect([mode, await places(database)]).toEqual([mode, upTo(2)])
    }
    const prepared = await database.write(testScope(), into(), of([place(7)]))
    await prepared.commit()
    await prepared.commit()
    await prepared.rollback()
    expect(await places(database)).toHaveLength(3)
  }),
  must<DatabaseSubject>('DB13', 'D-51 a table or a column there is not is not found, and the nearest is named', async ({ database, exec, schema }) => {
    await exec(makePlaces)
    await expect(write(database, { table: 'place' }, upTo(1))).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('Did you mean "places"?') })
    await expect(write(database, { table: `${schema}.other` }, upTo(1))).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(write(database, { columns: [int('id'), text('nome')] }, upTo(1))).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('Did you mean "name"?') })
    expect(await places(database)).toEqual([])
  }),
  must<DatabaseSubject>('DB14', 'D-51 names are taken literally, with whatever characters they have', async ({ database, quoted, exec }) => {
    const columns = [int('id'), text('na"me; --'), text("it's"), text('select'), text('v.c0 $1 ?')]
    const row = { id: 1, 'na"me; --': 'a', "it's": 'b', select: 'c', 'v.c0 $1 ?': 'd' }
    await exec('CREATE TABLE "odd ""places"" ; DROP" (id INTEGER, "na""me; --" TEXT, "it\'s" TEXT, "select" TEXT, "v.c0 $1 ?" TEXT)', 'CREATE TABLE "with.dot" (id INTEGER)', makePlaces)
    for (const mode of modes) {
      await write(database, { table: 'odd "places" ; DROP', columns, mode, keys: ['id', 'na"me; --'] }, [row])
    }
    expect(await read(database, `SELECT * FROM ${quoted('odd "places" ; DROP')}`)).toEqual([row])
    await write(database, { table: 'with.dot', columns: [int('id')] }, [{ id: 1 }])
    expect(await read(database, `SELECT id FROM ${quoted('with.dot')}`)).toEqual([{ id: 1 }])
    for (const table of ['places; DROP TABLE places', 'places" (id) VALUES (1); --', '"places"', '', '(SELECT 1)']) await expect(write(database, { table }, upTo(1))).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await places(database)).toEqual([])
  }),
  must<DatabaseSubject>('DB15', 'a mark that was committed is not written again; one that was rolled back is', async ({ database, other, quoted, exec }) => {
    await exec(makePlaces)
    const mark = `run 1 ${attack}`
    await (await database.write(testScope(), into({ mark }), of([place(1)]))).rollback()
    expect(await write(database, { mark }, [place(1)], [place(2), place(3)])).toMatchObject({ rowsWritten: 3, wasWritten: false })
    const again = await write(other, { mark, mode: 'overwrite' }, [place(8)])
    expect(again).toMatchObject({ rowsWritten: 3, wasWritten: true })
    await again.rollback()
    expect(await places(database)).toHaveLength(3)
    await write(database, { mark: 'run 2' }, [place(4)])
    expect(await places(database)).toHaveLength(4)
    expect(await read(database, `SELECT mark, ${quoted('rows')} FROM tributary_write ORDER BY mark`)).toEqual([{ mark, rows: 3 }, { mark: 'run 2', rows: 1 }])
  }),
  must<DatabaseSubject>('DB16', 'of two writers of one mark at the same time one writes', async ({ database, other, exec }) => {
    await exec(makePlaces)
    for (const mark of ['first of all', 'second']) {
      const first = await database.write(testScope(), into({ mark, mode: 'append' }), of([place(mark.length)]))
      const waiting = other.write(testScope(), into({ mark }), of([place(mark.length)]))
      await first.commit()
      const second = await waiting
      expect(second.wasWritten).toBe(true)
      await second.commit()
    }
    expect(await places(database)).toHaveLength(2)
    const first = await database.write(testScope(), into({ mark: 'third' }), of([place(7)]))
    const waiting = other.write(testScope(), into({ mark: 'third' }), of([place(7)]))
    await first.rollback()
    const second = await waiting
    expect(second.wasWritten).toBe(false)
    await second.commit()
    expect(await places(database)).toHaveLength(3)
  }),
  must<DatabaseSubject>('DB17', 'D-48 a failure in the middle of the rows leaves nothing, and is told as it was', async ({ database, exec }) => {
    await exec(makePlaces)
    await write(database, {}, upTo(2))
    const error = new Error('the source broke')
    for (const mode of modes) {
      await expect(database.write(testScope(), into({ mode, keys: ['id'], mark: 'broken' }), brokenAfter([place(5), place(6), place(7)], error))).rejects.toBe(error)
      expect([mode, await places(database)]).toEqual([mode, upTo(2)])
    }
    expect(await write(database, { mark: 'broken' }, [place(5)])).toMatchObject({ wasWritten: false })
  }),
  must<DatabaseSubject>('DB18', 'rows to merge with one key are refused, in one batch or in two, and so is a key that is null', async ({ database, exec }) => {
    await exec(makePlaces, 'CREATE TABLE loose (id INTEGER, name TEXT)')
    for (const table of ['places', 'loose']) {
      await write(database, { table }, upTo(2))
      const merge = { table, mode: 'merge', keys: ['id'] } as const
      for (const batches of [[[place(5), place(1), place(1)]], [[place(1)], [place(5)], [place(6), place(1), place(5)]]]) {
        await expect(write(database, { ...merge }, ...batches)).rejects.toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining('id = 1'), details: { key: { id: '1' } } })
      }
      await expect(write(database, { ...merge, keys: ['id', 'name'] }, [place(3), place(4, null)])).rejects.toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining('"name"') })
      await expect(write(database, { ...merge }, [{ name: 'no id' }])).rejects.toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining('"id"') })
      expect(await read(database, `SELECT * FROM ${table} ORDER BY id`)).toEqual(upTo(2))
    }
  }),
  must<DatabaseSubject>('DB19', 'a value that its column cannot hold fails the write with the database\'s words, and nothing is written', async ({ database, exec }) => {
    await exec(makePlaces, 'CREATE TABLE strict_places (id INTEGER NOT NULL, name TEXT NOT NULL)')
    for (const mode of modes) {
      await expect(write(database, { mode, keys: ['id'], columns: [text('id'), text('name')] }, [place(1), { id: 'seven', name: 'x' }])).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringMatching(/integer/i) })
      expect(await places(database)).toEqual([])
    }
    await expect(write(database, { columns: [{ name: 'id', type: 'Float', nullable: true }, text('name')] }, [{ id: 1.5, name: 'x' }])).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED' })
    await expect(write(database, { table: 'strict_places' }, [place(1), place(2, null)])).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('strict_places') })
    expect(await read(database, 'SELECT * FROM strict_places')).toEqual([])
  }),
  must<DatabaseSubject>('DB20', 'D-47 a statement has as many rows as asked, one or more than there are', async ({ database, exec }) => {
    await exec(makePlaces)
    for (const batchSize of [1, 3, 10_000]) {
      for (const mode of modes) {
        await write(database, { mode: 'overwrite' })
        expect(await write(database, { mode, keys: ['id'], batchSize }, upTo(7), [], [place(7)])).toMatchObject({ rowsWritten: 8 })
        expect([batchSize, mode, await places(database)]).toEqual([batchSize, mode, upTo(8)])
      }
    }
  }),
  must<DatabaseSubject>('DB21', 'who reads meanwhile sees what was there, until the commit', async ({ database, other, exec }) => {
    await exec(makePlaces)
    for (const mode of ['append', 'overwrite', 'merge'] as const) {
      await write(database, { mode: 'overwrite' }, upTo(2))
      const prepared = await database.write(testScope(), into({ mode, keys: ['id'] }), of([place(5)]))
      expect([mode, await places(other)]).toEqual([mode, upTo(2)])
      await prepared.commit()
      expect([mode, await places(other)]).toEqual([mode, mode === 'overwrite' ? [place(5)] : [...upTo(2), place(5)]])
    }
  }),
  must<DatabaseSubject>('DB22', 'an aborted write leaves nothing, and nobody waits for it: while rows come, while it waits for another, and before its commit', async ({ database, other, exec }) => {
    await exec(makePlaces)
    const reason = new Error('the client left')
    for (const mode of modes) {
      const scope = testScope()
      const stuck = Promise.withResolvers<void>()
      const writing = database.write(scope, into({ mode, keys: ['id'], mark: 'aborted' }), stuckAfter(upTo(5), stuck.resolve))
      await stuck.promise
      const waitingScope = testScope()
      const waiting = other.write(waitingScope, into({ mode: 'truncateInsert', mark: 'aborted' }), of([place(1)]))
      waitingScope.abort(reason)
      await expect(waiting).rejects.toBe(reason)
      scope.abort(reason)
      await expect(writing).rejects.toBe(reason)
      const late = testScope()
      const prepared = await database.write(late, into({ mode, keys: ['id'], mark: 'aborted' }), of(upTo(5)))
      late.abort(reason)
      await expect(prepared.commit()).rejects.toBe(reason)
      await expect(database.write(late, into(), of([]))).rejects.toBe(reason)
      expect(await places(database)).toEqual([])
    }
    expect(await write(other, { mode: 'truncateInsert', mark: 'aborted' }, [place(1)])).toMatchObject({ wasWritten: false })
    expect(await places(database)).toEqual([place(1)])
  }),
  must<DatabaseSubject>('DB23', 'columns beside those that are written get their defaults, in whatever order the others stand', async ({ database, exec }) => {
    await exec("CREATE TABLE places (kind VARCHAR(9) NOT NULL DEFAULT 'town', id INTEGER, name TEXT)")
    await write(database, { columns: [text('name'), int('id')] }, [{ id: 1, name: 'Oslo', kind: 'ignored' }, { id: 2 }])
    expect(await read(database, 'SELECT * FROM places ORDER BY id')).toEqual([{ kind: 'town', id: 1, name: 'Oslo' }, { kind: 'town', id: 2, name: null }])
  }),
  must<DatabaseSubject>('DB24', 'D-49 every isolation level reads and writes', async ({ database, exec }) => {
    await exec(makePlaces)
    for (const isolation of isolations) {
      for (const mode of modes) await write(database, { isolation, mode, keys: ['id'] }, [place(mode.length * 10 + isolation.length)])
      const { rows } = await readAll(database, { ...query('SELECT id FROM places'), isolation })
      expect([isolation, rows]).toEqual([isolation, [{ id: 140 + isolation.length }]])
    }
  }),
  must<DatabaseSubject>('DB25', 'D-48 a write that cannot be meant is refused before a row is looked at', async ({ database, exec }) => {
    await exec(makePlaces)
    await write(database, {}, upTo(1))
    const wrong: readonly Partial<TableWrite>[] = [
      { mode: 'merge' }, { mode: 'merge', keys: [] }, { mode: 'merge', keys: ['ident'] }, { columns: [] }, { columns: [int('id'), int('id')] }, { table: 'tributary_write', columns: [text('mark')], mode: 'overwrite' },
    ]
    for (const given of wrong) await expect(database.write(testScope(), into(given), brokenAfter([], new Error('it was looked at')))).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    expect(await places(database)).toEqual(upTo(1))
  }),
  must<DatabaseSubject>('DB26', 'a database that closes undoes what is not committed, and tells who reads and who writes', async ({ database, other, exec }) => {
    await exec(makePlaces)
    await write(database, { batchSize: 100 }, upTo(10))
    const reading = (await other.read(testScope(), query('SELECT * FROM places', [], 2))).batches[Symbol.asyncIterator]()
    const prepared = await other.write(testScope(), into(), of([place(20)]))
    await other.close()
    await expect(reading.next()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
    await expect(prepared.commit()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
    await write(database, { mode: 'truncateInsert' }, upTo(1))
    expect(await places(database)).toEqual(upTo(1))
  }),
]
