import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { jest } from '@jest/globals'
import { type DuckDatabase, openDuckDb } from '../../connectors/duckdb/database.ts'
import type { SourceConnector } from '../../connectors/ports/source-connector.ts'
import { s3Client } from '../../connectors/s3/client.ts'
import { openS3 } from '../../connectors/s3/index.ts'
import type { S3Options } from '../../connectors/s3/options.ts'
import { s3Place } from '../../connectors/s3/place.ts'
import type { Row } from '../../schema/values.ts'
import { withEngine } from '../support/engines.ts'
import { openBucket, type S3Bucket } from '../support/s3.ts'
import { testScope } from '../support/scope.ts'

jest.setTimeout(120_000)

withEngine('S3_ENDPOINT', 'S3', endpoint => {
  let bucket: S3Bucket
  let database: DuckDatabase
  const opened: SourceConnector[] = []
  const open = async (options: Partial<S3Options> = {}) => {
    const source = await openS3({ name: 'lake', ...bucket.reach, prefix: 'lake', database, ...options })
    opened.push(source)
    return source
  }
  const read = async (source: SourceConnector, table: string): Promise<Row[]> => {
    const rows: Row[] = []
    for await (const batch of source.scan(testScope(), { table })) rows.push(...batch)
    return rows
  }

  beforeAll(async () => {
    bucket = await openBucket(endpoint)
    database = await openDuckDb()
    const folder = await mkdtemp(join(tmpdir(), 's3-parquet-'))
    const connection = await database.connect()
    await connection.run(`COPY (SELECT n AS id, hash(n) AS noise, 9007199254740993 + n AS big, DATE '2024-01-31' AS day, {a: n} AS part FROM range(1500000) AS t(n)) TO '${join(folder, 'big.parquet')}' (COMPRESSION uncompressed)`)
    connection.disconnectSync()
    await bucket.put('lake/deep/big.parquet', await readFile(join(folder, 'big.parquet')))
    await rm(folder, { recursive: true })
    await bucket.put('lake/list.json', '[{"a":1},{"a":2}]')
    await bucket.put('lake/readme.txt', 'no table')
    await bucket.put('lake/tabbed.tsv', 'a\tb\n1\tx\n')
    await bucket.put('lakeside/other.csv', 'a\n1\n')
  })
  afterAll(async () => {
    for (const source of opened) await source.close()
    await database.close()
    await bucket.close()
  })

  test('every object of a known ending below the prefix is a table; a large one comes whole from its ranges', async () => {
    const source = await open()
    const tables = new Map((await source.tables(testScope())).map(table => [table.name, table]))
    expect([...tables.keys()].sort()).toEqual(['deep_big', 'list', 'tabbed'])
    expect(tables.get('deep_big')).toMatchObject({ rowCount: 1_500_000, columns: [{ name: 'id', type: 'Long' }, { name: 'noise', type: 'Decimal' }, { name: 'big', type: 'Long' }, { name: 'day', type: 'Date' }, { name: 'part', type: 'JSON' }] })
    const [row] = await source.lookup(testScope(), { table: 'deep_big', columns: ['id', 'big', 'day', 'part'], keyColumns: ['id'], keys: [[1_499_999]] })
    expect(row).toEqual({ id: 1_499_999, big: 9_007_199_256_240_992n, day: '2024-01-31', part: { a: 1_499_999 } })
    expect(await read(source, 'tabbed')).toEqual([{ a: 1, b: 'x' }])
  })

  test('an object lies on the disk while it is read, one at a time, and is gone afterwards', async () => {
    const folder = await mkdtemp(join(tmpdir(), 's3-place-'))
    const place = s3Place({ source: 'lake', bucket: bucket.name, prefix: 'lake/', client: s3Client({ source: 'lake', ...bucket.reach }), folder: join(folder, 'objects'), maxObjectBytes: 1 << 30, signal: new AbortController().signal })
    const first = await (await place.find('list', 'list.json')).open()
    const second = place.find('tabbed', 'tabbed.tsv').then(found => found.open())
    expect(await readFile(first.path, 'utf8')).toBe('[{"a":1},{"a":2}]')
    expect(await readdir(join(folder, 'objects'))).toHaveLength(1)
    await first.done()
    const { path, done } = await second
    expect(await readFile(path, 'utf8')).toBe('a\tb\n1\tx\n')
    expect(await readdir(join(folder, 'objects'))).toEqual([basename(path)])
    await done()
    expect(await readdir(join(folder, 'objects'))).toEqual([])
    await rm(folder, { recursive: true })
  })

  test('an object that is written over between its ranges is not mixed: the read fails and may be asked again', async () => {
    await bucket.put('lake/moving.csv', `a\n${'1\n'.repeat(6_000_000)}`)
    const client = s3Client({ source: 'lake', ...bucket.reach })
    const { signal } = new AbortController()
    const head = await client.head(signal, 'lake/moving.csv')
    expect(await client.range(signal, 'lake/moving.csv', head?.etag ?? '', 0, 3)).toEqual(new Uint8Array(Buffer.from('a\n1\n')))
    await bucket.put('lake/moving.csv', 'a\n2\n')
    await expect(client.range(signal, 'lake/moving.csv', head?.etag ?? '', 0, 3)).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', info: { retry: true } })
    await bucket.remove('lake/moving.csv')
  })

  test('an object that changed is read again, at a look at the tables and when it is watched', async () => {
    await bucket.put('lake/changing.csv', 'a\n1\n')
    const source = await open({ tables: { changing: 'changing.csv' } })
    const scope = testScope()
    expect(await read(source, 'changing')).toEqual([{ a: 1 }])
    await bucket.put('lake/changing.csv', 'a\n2\n')
    await source.tables(scope)
    expect(await read(source, 'changing')).toEqual([{ a: 2 }])
    await bucket.put('lake/changing.csv', 'a\n3\n')
    await source.look?.(scope)
    expect(await read(source, 'changing')).toEqual([{ a: 2 }])
    const looked = await source.look?.(scope)
    expect(looked?.troubles).toEqual([])
    expect(await read(source, 'changing')).toEqual([{ a: 3 }])
    await bucket.remove('lake/changing.csv')
    await source.look?.(scope)
    expect((await source.look?.(scope))?.troubles).toEqual([{ table: 'changing', message: expect.stringContaining('not below the prefix') }])
    expect(await read(source, 'changing')).toEqual([{ a: 3 }])
  })

  test('an object above the limit is refused by its name, and so is one that is not there, with the nearest', async () => {
    const large = await open({ maxObjectBytes: 1000, tables: { big: 'deep/big.parquet' } })
    await expect(large.tables(testScope())).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringMatching(/deep\/big\.parquet.*more than the limit of 1000/) })
    const missing = await open({ tables: { list: 'lists.json' } })
    await expect(missing.tables(testScope())).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('"list.json"') })
  })

  test.each(['../lakeside/other.csv', 'deep/../../lakeside/other.csv', './list.json', '..'])('the key %s leads nowhere else', async file => {
    const source = await open({ tables: { t: { file, format: { type: 'csv' } } } })
    await expect(source.tables(testScope())).rejects.toMatchObject({ code: 'CATALOG_INVALID' })
  })

  test('an empty object is said to be empty, and a wrong one what is wrong with it', async () => {
    await bucket.put('lake/empty.csv', '')
    await bucket.put('lake/wrong.parquet', 'no parquet')
    for (const file of ['empty.csv', 'wrong.parquet']) {
      const source = await open({ tables: { t: file } })
      const error: unknown = await source.tables(testScope()).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining(`"${file}"`) })
      expect(String(error)).not.toContain(tmpdir())
      await bucket.remove(`lake/${file}`)
    }
  })

  test('a store that is down is unavailable; a bucket or keys it does not take are refused; no message has the secret', async () => {
    const secretAccessKey = 'hunter2-hunter2'
    const down = await open({ endpoint: 'http://127.0.0.1:1', secretAccessKey })
    const unknown = await open({ bucket: `${bucket.name}-none` })
    const stranger = await open({ secretAccessKey })
    for (const [source, code] of [[down, 'UPSTREAM_UNAVAILABLE'], [unknown, 'UPSTREAM_REJECTED'], [stranger, 'UPSTREAM_REJECTED']] as const) {
      const error: unknown = await source.tables(testScope()).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code })
      expect(String(error)).not.toContain(secretAccessKey)
    }
  })
})
