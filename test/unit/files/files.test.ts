import { mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type DuckDatabase, openDuckDb } from '../../../connectors/duckdb/database.ts'
import { type FilesConnector, openFiles } from '../../../connectors/files/index.ts'
import type { FilesOptions } from '../../../connectors/files/options.ts'
import type { SourceTable } from '../../../connectors/ports/source-connector.ts'
import type { Row } from '../../../schema/values.ts'
import { testScope } from '../../support/scope.ts'

let database: DuckDatabase
let root: string
const sources: FilesConnector[] = []

beforeAll(async () => {
  database = await openDuckDb()
})
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tributary-files-'))
})
afterEach(async () => {
  for (const source of sources.splice(0)) await source.close()
  await rm(root, { recursive: true })
})
afterAll(() => database.close())

async function put(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(root, file)), { recursive: true })
  await writeFile(join(root, file), content)
}
async function open(options: Partial<FilesOptions> = {}): Promise<FilesConnector> {
  const source = await openFiles({ name: 'lake', root, database, ...options })
  sources.push(source)
  return source
}
async function only(options: Partial<FilesOptions> = {}): Promise<SourceTable> {
  const [table] = await (await open(options)).tables(testScope())
  if (!table) throw new Error('There is no table.')
  return table
}
async function rows(source: FilesConnector, table: string): Promise<Row[]> {
  const all: Row[] = []
  for await (const batch of source.scan(testScope(), { table })) all.push(...batch)
  return all
}
const typesOf = (table: SourceTable) => Object.fromEntries(table.columns.map(({ name, type }) => [name, type]))
const one = (file: string, more: object = {}) => ({ tables: { t: { file, ...more } } })

describe('types of a csv', () => {
  test.each<[string, string[], string]>([
    ['small integers', ['1', '-2', '0'], 'Int'], ['the ends of 32 bit', ['2147483647', '-2147483648'], 'Int'], ['one integer beyond 32 bit', ['1', '2147483648'], 'Long'],
    ['the ends of 64 bit', ['9223372036854775807', '-9223372036854775808'], 'Long'], ['an integer beyond 64 bit', ['9223372036854775808'], 'Decimal'], ['an integer of 39 digits', ['1'.repeat(39)], 'String'],
    ['fractions', ['1.5', '-.25', '2e-3'], 'Float'], ['fractions among integers', ['1', '2.5'], 'Float'], ['a number too large for a double', ['1e999'], 'String'],
    ['leading zeros', ['007', '008'], 'String'], ['zeros', ['0', '0'], 'Int'], ['a plus sign', ['+49', '+1'], 'String'], ['blanks around numbers', [' 1', '2 '], 'String'],
    ['one text among integers', ['1', '2', 'x'], 'String'], ['Y and N', ['Y', 'N'], 'String'], ['true and false', ['true', 'FALSE'], 'Boolean'], ['one number among booleans', ['true', '1'], 'String'],
    ['dates', ['2024-02-29', '1999-12-31'], 'Date'], ['a date that is none', ['2024-02-30'], 'String'], ['dates with strokes', ['2001/01/01 00:47'], 'String'],
    ['local times', ['2024-01-31T23:59:59.123456', '2024-01-31 00:00:00'], 'LocalDateTime'], ['instants', ['2024-01-31T23:59:59Z', '2024-01-31 23:59:59.5+02:00'], 'DateTime'],
    ['a time without and one with a zone', ['2024-01-31T23:59:59Z', '2024-01-31T23:59:59'], 'String'], ['nothing but nulls', ['', ''], 'String'], ['nulls among integers', ['', '5'], 'Int'],
    ['NaN among fractions', ['1.5', 'NaN'], 'String'],
  ])('%s are typed by every value', async (_, values, type) => {
    await put('t.csv', `c,x\n${values.map(value => `${value},x`).join('\n')}\n`)
    expect(typesOf(await only(one('t.csv')))).toEqual({ c: type, x: 'String' })
  })

  test('one value far behind the others decides', async () => {
    await put('t.csv', `a,b,c\n${Array.from({ length: 30_000 }, (_, n) => `${n},${n}.5,true`).join('\n')}\nlate,3000000000,7\n`)
    expect(typesOf(await only(one('t.csv')))).toEqual({ a: 'String', b: 'Float', c: 'String' })
  })

  test('values keep what was written: leading zeros, quotes, line ends, and an empty text that is not null', async () => {
    await put('t.csv', 'a,b\r\n007,"say ""hi"", \n you"\r\n"",\r\n')
    const source = await open(one('t.csv'))
    expect(await rows(source, 't')).toEqual([{ a: '007', b: 'say "hi", \n you' }, { a: '', b: null }])
  })

  test('an instant is read in UTC', async () => {
    await put('t.csv', 'at\n2024-01-31 23:59:59.50+02:00\n')
    expect(await rows(await open(one('t.csv')), 't')).toEqual([{ at: '2024-01-31T21:59:59.5Z' }])
  })

  test('only the key is never null', async () => {
    await put('t.csv', 'id,name\n1,a\n2,b\n')
    expect((await only(one('t.csv', { key: 'id' }))).columns.map(({ nullable }) => nullable)).toEqual([false, true])
    expect((await only(one('t.csv'))).columns.map(({ nullable }) => nullable)).toEqual([true, true])
  })
})

describe('formats of a csv', () => {
  test('delimiter, quote, escape, null and comment are as declared', async () => {
    await put('t.txt', "# made by hand\n'a;1';NULL;'it\\'s'\n# more\nb;2;'NULL'\n")
    const source = await open({ tables: { t: { file: 't.txt', columns: ['x', 'y', 'z'], format: { type: 'csv', header: false, delimiter: ';', quote: "'", escape: '\\', null: 'NULL', comment: '#' } } } })
    expect(await rows(source, 't')).toEqual([{ x: 'a;1', y: null, z: "it's" }, { x: 'b', y: 2, z: 'NULL' }])
  })

  test.each([['comments', '# made by hand\n# twice\na,b\n# inside\n1,2\n'], ['blank lines', '\n\na,b\n\n1,2\n\n'], ['Windows line ends', '\r\na,b\r\n1,2\r\n']])('%s around header and rows are nothing', async (_, text) => {
    await put('t.csv', text)
    const source = await open(one('t.csv', { format: { type: 'csv', comment: '#' } }))
    expect((await source.tables(testScope()))[0]?.quarantine.count).toBe(0)
    expect(await rows(source, 't')).toEqual([{ a: 1, b: 2 }])
  })

  test('lines are counted from the first of the file, whatever stands in front of the header', async () => {
    await put('t.csv', '# made by hand\n\na,b\n1,2\n3\n')
    expect((await only(one('t.csv', { format: { type: 'csv', comment: '#' } }))).quarantine.samples).toEqual([{ line: 5, reason: 'has too few values, 2 are expected' }])
  })

  test('a blank line in a single column is nothing, an empty text in quotes is one', async () => {
    await put('t.csv', 'a\nx\n\n""\n\n')
    expect(await rows(await open(one('t.csv')), 't')).toEqual([{ a: 'x' }, { a: '' }])
  })

  test('columns without names are numbered by the usual width', async () => {
    await put('t.csv', '1,2\n3,4\n5\n6,7\n')
    expect((await only(one('t.csv', { format: { type: 'csv', header: false } }))).columns.map(({ name }) => name)).toEqual(['column1', 'column2'])
  })

  test('names that are empty or met twice are made different', async () => {
    await put('t.csv', '\uFEFFid,,ID,id\n1,2,3,4\n')
    expect((await only(one('t.csv'))).columns.map(({ name }) => name)).toEqual(['id', 'column2', 'ID_2', 'id_3'])
  })

  test('a tsv is split at tabs', async () => {
    await put('t.tsv', 'a\tb\n1\tx,y\n')
    expect(await rows(await open(one('t.tsv')), 't')).toEqual([{ a: 1, b: 'x,y' }])
  })

  test('a path that looks like a pattern names itself', async () => {
    await put('a[1]*.csv', 'a\n1\n')
    await put('a1x.csv', 'a\n2\n')
    await put('year=2024/b.csv', 'a\n3\n')
    const source = await open({ tables: { odd: { file: 'a[1]*.csv' }, hive: { file: 'year=2024/b.csv' } } })
    expect(await rows(source, 'odd')).toEqual([{ a: 1 }])
    expect(await rows(source, 'hive')).toEqual([{ a: 3 }])
  })
})

describe('json', () => {
  test('keys come in the order met, numbers and texts keep their kind, nested values are JSON', async () => {
    await put('t.json', '[{"b":1,"a":"7"},{"a":"x","c":{"d":[1,2]},"b":2.5},{"e/~":true,"c":"text","n":null,"n2":12345678901}]')
    const source = await open(one('t.json'))
    const [table] = await source.tables(testScope())
    expect(table && typesOf(table)).toEqual({ b: 'Float', a: 'String', c: 'JSON', 'e/~': 'Boolean', n: 'String', n2: 'Long' })
    expect(await rows(source, 't')).toEqual([
      { b: 1, a: '7', c: null, 'e/~': null, n: null, n2: null }, { b: 2.5, a: 'x', c: { d: [1, 2] }, 'e/~': null, n: null, n2: null }, { b: null, a: null, c: 'text', 'e/~': true, n: null, n2: 12_345_678_901 },
    ])
  })

  test('digits in quotes stay text, dates in quotes become dates', async () => {
    await put('t.ndjson', '{"code":"1","day":"2024-01-31"}\n{"code":"2","day":null}\n')
    expect(typesOf(await only(one('t.ndjson')))).toEqual({ code: 'String', day: 'Date' })
  })

  test('lines that are no object are left out by number, blank ones are nothing', async () => {
    await put('t.ndjson', '{"a":1}\n\n{"a":2\n[3]\n{"a":4}\n')
    const source = await open(one('t.ndjson'))
    const [table] = await source.tables(testScope())
    expect(table?.quarantine).toEqual({ count: 2, samples: [{ line: 3, reason: 'is not valid JSON' }, { line: 4, reason: 'line is array, not an object' }] })
    expect(await rows(source, 't')).toEqual([{ a: 1 }, { a: 4 }])
  })

  test('a table may take some keys only', async () => {
    await put('t.json', '[{"a":1,"b":2,"c":3}]')
    expect(await rows(await open(one('t.json', { columns: ['c', 'a'] })), 't')).toEqual([{ c: 3, a: 1 }])
  })
})

describe('parquet', () => {
  test('types are those of the file', async () => {
    const connection = await database.connect()
    await connection.run(`COPY (SELECT 1::TINYINT AS tiny, 4294967295::UINTEGER AS wide, 18446744073709551615::UBIGINT AS huge, 1.50::DECIMAL(9,2) AS dec, 0.1::FLOAT AS f, 'NaN'::DOUBLE AS nan, true AS b,
      DATE '2024-02-29' AS d, TIME '01:02:03.5' AS t, TIMESTAMP '2024-01-31 23:59:59' AS ts, TIMESTAMPTZ '2024-01-31 23:59:59+02' AS tstz, 'x'::BLOB AS bin, [1, 2] AS list, {'a': 1} AS obj, 'text' AS s)
      TO '${join(root, 't.parquet')}' (FORMAT parquet)`)
    connection.disconnectSync()
    const source = await open(one('t.parquet'))
    const [table] = await source.tables(testScope())
    expect(table && typesOf(table)).toEqual({
      tiny: 'Int', wide: 'Long', huge: 'Decimal', dec: 'Decimal', f: 'Float', nan: 'Float', b: 'Boolean', d: 'Date', t: 'Time', ts: 'LocalDateTime', tstz: 'DateTime', bin: 'Bytes', list: 'JSON', obj: 'JSON', s: 'String',
    })
    expect(await rows(source, 't')).toEqual([{
      tiny: 1, wide: 4_294_967_295, huge: '18446744073709551615', dec: '1.50', f: 0.1, nan: null, b: true, d: '2024-02-29', t: '01:02:03.5', ts: '2024-01-31T23:59:59', tstz: '2024-01-31T21:59:59Z', bin: 'eA==',
      list: [1, 2], obj: { a: 1 }, s: 'text',
    }])
  })

  test('a file cut short is refused by name', async () => {
    await put('t.parquet', 'PAR1 and then nothing')
    await expect(only(one('t.parquet'))).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('"t.parquet"') })
  })
})

describe('bad input', () => {
  test('rows of the wrong width or with an open quote are left out by line, the rest is served', async () => {
    await put('t.csv', 'a,b\n1,2\n3\n4,5,6\n7,8\n9,"open\n')
    const source = await open(one('t.csv'))
    const [table] = await source.tables(testScope())
    expect(table?.quarantine).toEqual({ count: 3, samples: [
      { line: 3, reason: 'has too few values, 2 are expected' }, { line: 4, reason: 'has too many values, 2 are expected' }, { line: 6, reason: 'has a quote that is not closed, or text behind a closing quote' },
    ] })
    expect(await rows(source, 't')).toEqual([{ a: 1, b: 2 }, { a: 7, b: 8 }])
  })

  test('too many bad rows fail the load and say how many', async () => {
    await put('t.csv', `a,b\n${'1,2\n'.repeat(10)}${'3\n'.repeat(3)}`)
    await expect(only({ ...one('t.csv'), quarantineLimit: 2 })).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringMatching(/3 of its 13 rows.*limit of 2.*line 12 has too few/) })
    expect((await only({ ...one('t.csv'), quarantineLimit: 3 })).quarantine.count).toBe(3)
  })

  test('without a limit a thousand bad rows pass, one more does not, and a tenth passes where that is more', async () => {
    await put('t.csv', `a,b\n${'1,2\n'.repeat(50)}${'3\n'.repeat(1000)}`)
    expect((await only(one('t.csv'))).quarantine.count).toBe(1000)
    await put('u.csv', `a,b\n${'1,2\n'.repeat(50)}${'3\n'.repeat(1001)}`)
    await expect(only(one('u.csv'))).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED' })
    await put('v.csv', `a,b\n${'1,2\n'.repeat(20_000)}${'3\n'.repeat(1500)}`)
    expect((await only(one('v.csv'))).quarantine.count).toBe(1500)
  })

  test('a file none of whose rows can be read is refused, however few', async () => {
    await put('t.csv', 'a,b\n1\n2\n')
    await expect(only(one('t.csv'))).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('none can') })
  })

  test.each<[string, Buffer, string]>([
    ['in the middle of a line', Buffer.from([97, 10, 98, 99, 0xe4, 10]), 'byte 4 (line 2)'], ['at the end of the file', Buffer.from([97, 10, 0xe2, 0x82]), 'byte 2 (line 2)'],
    ['behind the first MiB', Buffer.concat([Buffer.from(`a\n${'é\n'.repeat(400_000)}`), Buffer.from([0xff, 10])]), 'byte 1200002 (line 400002)'],
  ])('a file that is not UTF-8 is refused with the place, %s', async (_, bytes, place) => {
    await put('t.csv', bytes)
    await expect(only(one('t.csv'))).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining(place) })
  })

  test('JSON cut short is refused with the engine\'s words and without the server\'s paths', async () => {
    await put('t.json', '[{"a":1},{"a":')
    const error: unknown = await only(one('t.json')).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('Malformed JSON in file "t.json"') })
    expect(String(error)).not.toContain(root)
  })

  test('a JSON file that is no array says what it is', async () => {
    await put('t.json', '{"a":1}\n{"a":2}\n')
    await expect(only(one('t.json'))).rejects.toMatchObject({ message: expect.stringContaining('ndjson') })
  })

  test('an empty file has no columns unless they are declared', async () => {
    await put('t.csv', '')
    await put('t.json', '[]')
    await expect(only(one('t.csv'))).rejects.toMatchObject({ message: expect.stringContaining('empty') })
    await expect(only(one('t.json'))).rejects.toMatchObject({ message: expect.stringContaining('empty') })
    expect(await rows(await open(one('t.json', { columns: ['a'] })), 't')).toEqual([])
    expect(await rows(await open(one('t.csv', { columns: ['a'] })), 't')).toEqual([])
  })

  test('a missing file is not found, and the nearest is named', async () => {
    await put('data/flights.csv', 'a\n1\n')
    await expect(only(one('data/flight.csv'))).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('"data/flights.csv"') })
  })

  test('every table that cannot be read is listed at once', async () => {
    await put('good.csv', 'a\n1\n')
    const source = await open({ tables: { good: { file: 'good.csv' }, x: { file: 'x.csv' }, y: { file: '../y.csv' } } })
    await expect(source.tables(testScope())).rejects.toMatchObject({ details: { problems: [{ path: 'sources.lake.tables.x' }, { path: 'sources.lake.tables.y' }] } })
    expect(await rows(source, 'good')).toEqual([{ a: 1 }])
  })

  test('a key that is null or repeated is refused with an example', async () => {
    await put('t.csv', 'id,n\n1,a\n2,b\n1,c\n')
    await expect(only(one('t.csv', { key: 'id' }))).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining("'1' stands in 2") })
    await put('u.csv', 'id,n\n1,a\n,b\n')
    await expect(only(one('u.csv', { key: 'id' }))).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('null') })
    await expect(only(one('u.csv', { key: 'ix' }))).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED' })
  })

  test('a root that does not exist and options that do not are refused', async () => {
    await expect(openFiles({ name: 'lake', root: join(root, 'nowhere'), database })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(openFiles({ name: 'lake', root, database, quarantineLimit: -1 })).rejects.toMatchObject({ code: 'CATALOG_INVALID', details: { problems: [{ path: 'sources.lake.quarantineLimit' }] } })
    await put('t.dat', 'a\n')
    await expect(only(one('t.dat'))).rejects.toMatchObject({ code: 'CATALOG_INVALID', message: expect.stringContaining('format') })
  })
})

describe('a table\'s file stays below the root', () => {
  test.each(['../secret.csv', 'sub/../../secret.csv', '/etc/hostname', 'link.csv', 'linked/secret.csv', '.'])('%s is refused', async file => {
    const outside = await mkdtemp(join(tmpdir(), 'tributary-outside-'))
    await writeFile(join(outside, 'secret.csv'), 'a\n1\n')
    await symlink(join(outside, 'secret.csv'), join(root, 'link.csv'))
    await symlink(outside, join(root, 'linked'))
    const source = await open(one(file, { format: { type: 'csv' } }))
    await expect(source.tables(testScope())).rejects.toMatchObject({ code: 'CATALOG_INVALID', message: expect.stringContaining('leads out') })
    await rm(outside, { recursive: true })
  })

  test('a link that stays inside is followed, and the root itself may be one', async () => {
    await put('real/t.csv', 'a\n1\n')
    await symlink(join(root, 'real', 't.csv'), join(root, 'link.csv'))
    await symlink(root, `${root}-link`)
    const source = await open({ root: `${root}-link`, tables: { t: { file: 'link.csv' } } })
    expect(await rows(source, 't')).toEqual([{ a: 1 }])
    await rm(`${root}-link`)
  })
})

describe('staging', () => {
  test('a file that changed is read again on tables(), and its relation keeps its name', async () => {
    await put('t.csv', 'a\n1\n')
    const source = await open(one('t.csv'))
    const [before] = await source.tables(testScope())
    await put('t.csv', 'a,b\nx,2\ny,3\n')
    expect(await rows(source, 't')).toEqual([{ a: 1 }])
    const [after] = await source.tables(testScope())
    expect(after && typesOf(after)).toEqual({ a: 'String', b: 'Int' })
    expect(after?.rowCount).toBe(2)
    expect(after?.relation).toBe(before?.relation)
    expect(await rows(source, 't')).toEqual([{ a: 'x', b: 2 }, { a: 'y', b: 3 }])
  })

  test('a change that keeps size and time is seen by the file\'s identity', async () => {
    await put('t.csv', 'a\n1\n')
    const moment = new Date(1_700_000_000_000)
    await utimes(join(root, 't.csv'), moment, moment)
    const source = await open(one('t.csv'))
    await source.tables(testScope())
    await put('new.csv', 'a\n2\n')
    await utimes(join(root, 'new.csv'), moment, moment)
    await rename(join(root, 'new.csv'), join(root, 't.csv'))
    await source.tables(testScope())
    expect(await rows(source, 't')).toEqual([{ a: 2 }])
  })

  test('a file that became unreadable leaves the rows that were there', async () => {
    await put('t.json', '[{"a":1}]')
    const source = await open(one('t.json'))
    await source.tables(testScope())
    await put('t.json', '[{"a":2},{')
    await expect(source.tables(testScope())).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED' })
    expect(await rows(source, 't')).toEqual([{ a: 1 }])
  })

  test('a look reads a file that differs once it has come to rest, and one that is refused once only', async () => {
    await put('t.csv', 'a\n1\n')
    const source = await open(one('t.csv'))
    const scope = testScope()
    await source.tables(scope)
    const look = async () => {
      const { troubles } = await source.look!(scope)
      return [await rows(source, 't'), troubles.map(({ message }) => message)]
    }
    expect(await look()).toEqual([[{ a: 1 }], []])
    for (const text of ['a\n2\n', 'a\n2\n3\n', 'a\n2\n3\n4\n']) {
      await put('t.csv', text)
      expect(await look()).toEqual([[{ a: 1 }], []])
    }
    expect(await look()).toEqual([[{ a: 2 }, { a: 3 }, { a: 4 }], []])
    await put('t.csv', Buffer.from([0xff, 10]))
    expect(await look()).toEqual([[{ a: 2 }, { a: 3 }, { a: 4 }], []])
    const refused = [[{ a: 2 }, { a: 3 }, { a: 4 }], [expect.stringContaining('not UTF-8')]]
    expect([await look(), await look()]).toEqual([refused, refused])
    await rm(join(root, 't.csv'))
    await look()
    expect(await look()).toEqual([[{ a: 2 }, { a: 3 }, { a: 4 }], [expect.stringContaining('not below its source')]])
    await put('t.csv', 'a\n5\n')
    await look()
    expect(await look()).toEqual([[{ a: 5 }], []])
  })

  test('rows are as of the last look that found the file as it was read', async () => {
    await put('t.csv', 'a\n1\n')
    const source = await open(one('t.csv'))
    const scope = testScope()
    const [table] = await source.tables(scope)
    const readMs = scope.clock.now()
    scope.clock.advance(60_000)
    expect(table?.asOfMs?.()).toBe(readMs)
    await source.look!(scope)
    expect(table?.asOfMs?.()).toBe(readMs + 60_000)
    await put('t.csv', Buffer.from([0xff, 10]))
    scope.clock.advance(60_000)
    for (let times = 0; times < 3; times += 1) await source.look!(scope)
    expect(table?.asOfMs?.()).toBe(readMs + 60_000)
  })

  test('a read does not wait for a file that is read again, nor fail with it', async () => {
    await put('t.csv', 'a\nold\n')
    const source = await open(one('t.csv'))
    await source.tables(testScope())
    await put('t.csv', Buffer.from([0xff, 10]))
    const again = expect(source.tables(testScope())).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED' })
    expect(await rows(source, 't')).toEqual([{ a: 'old' }])
    await again
  })

  test('a reader that began before the change reads the old rows to their end', async () => {
    await put('t.csv', `a\n${Array.from({ length: 20_000 }, () => 'old').join('\n')}\n`)
    const source = await open(one('t.csv'))
    const seen = new Set<unknown>()
    let count = 0
    for await (const batch of source.scan(testScope(), { table: 't' })) {
      if (count === 0) {
        await put('t.csv', 'a\nnew\n')
        await source.tables(testScope())
      }
      count += batch.length
      for (const row of batch) seen.add(row['a'])
    }
    expect([...seen]).toEqual(['old'])
    expect(count).toBe(20_000)
  })

  test('the relation holds the typed rows for the engine', async () => {
    await put('t.csv', 'a,b\n1,2024-01-31\n')
    const table = await only(one('t.csv'))
    const connection = await database.connect()
    const read = await connection.runAndReadAll(`SELECT typeof(a), typeof(b) FROM ${table.relation}`)
    connection.disconnectSync()
    expect(read.getRowsJson()).toEqual([['INTEGER', 'DATE']])
  })

  test('two sources of one name do not meet, and closing one leaves the other', async () => {
    await put('t.csv', 'a\n1\n')
    const first = await openFiles({ name: 'lake', root, database, ...one('t.csv') })
    const second = await open(one('t.csv'))
    await first.tables(testScope())
    await second.tables(testScope())
    await first.close()
    expect(await rows(second, 't')).toEqual([{ a: 1 }])
  })

  test('without declared tables every known file is one; what cannot be read is left out and logged', async () => {
    await put('a.csv', 'x\n1\n')
    await put('sub/b.json', '[{"x":1}]')
    await put('sub/c.csv', 'x\n1\n')
    await put('sub/c.ndjson', '{"x":1}\n')
    await put('package.json', '{"not":"an array"}')
    await put('notes.txt', 'nothing')
    await put('.hidden.csv', 'x\n1\n')
    const source = await open()
    const scope = testScope()
    expect((await source.tables(scope)).map(({ name }) => name)).toEqual(['a', 'sub_b', 'sub_c_csv', 'sub_c_ndjson'])
    expect(scope.entries).toMatchObject([{ level: 'warn', fields: { table: 'package' } }])
    await put('d.csv', 'x\n1\n')
    expect((await source.tables(scope)).map(({ name }) => name)).toContain('d')
  })

  test('an empty root says which files it looked for', async () => {
    await expect((await open()).tables(testScope())).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('.csv') })
  })

  test('columns that name one row each are found', async () => {
    await put('t.csv', 'id,twice,gap,code\n1,a,,x\n2,a,1,y\n3,b,2,z\n')
    expect(await (await open(one('t.csv'))).uniqueColumns(testScope(), 't')).toEqual(['id', 'code'])
  })
})

test('files of several sources are read side by side within a bound of memory that leaves each a part', async () => {
  const small = await openDuckDb({ memoryLimit: '500MB' })
  const folder = await mkdtemp(join(tmpdir(), 'tributary-files-'))
  try {
    await writeFile(join(folder, 'a.csv'), `id,text\n${Array.from({ length: 20_000 }, (_, n) => `${n},${'x'.repeat(40)}`).join('\n')}\n`)
    const counts = await Promise.all(Array.from({ length: 6 }, async (_, n) => {
      const source = await openFiles({ name: `s${n}`, root: folder, database: small })
      return (await source.tables(testScope()))[0]?.rowCount
    }))
    expect(counts).toEqual(Array.from({ length: 6 }, () => 20_000))
  } finally {
    await small.close()
    await rm(folder, { recursive: true })
  }
})
