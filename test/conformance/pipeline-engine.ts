import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { FileSource, PipelineEngine, Workspace } from '../../connectors/ports/pipeline-engine.ts'
import type { Column, ColumnType, Row } from '../../schema/values.ts'
import { must } from '../support/conformance.ts'
import type { TestScope } from '../support/scope.ts'

/** A pipeline engine under test, with a run that has begun and a folder of its own. */
export interface PipelineEngineSubject {
  readonly engine: PipelineEngine
  readonly run: Workspace
  readonly scope: TestScope
  /** Writes a file and answers its path. */
  file(name: string, content: string | Uint8Array): Promise<string>
  /** A folder that is there and empty. */
  folder(): Promise<string>
  close(): Promise<void>
}

const column = (name: string, type: ColumnType, nullable = true): Column => ({ name, type, nullable })
const csv = (...paths: string[]): FileSource => ({ format: 'csv', paths, header: true, delimiter: ',' })

async function* batches(...rows: Row[][]): AsyncGenerator<Row[], void, void> {
  yield* rows
}

const define = async (run: Workspace, dataset: string, select: string) => run.define(dataset, select, await run.describe(select))

async function rowsOf(run: Workspace, select: string): Promise<Row[]> {
  const rows: Row[] = []
  for await (const batch of (await run.read(select)).batches) rows.push(...batch)
  return rows
}

const written = async (folder: string, files: readonly { readonly path: string }[]) => (await Promise.all(files.map(({ path }) => readFile(join(folder, path), 'utf8')))).join('')

export const pipelineEngineChecks = [
  must<PipelineEngineSubject>('PE01', 'a csv without a schema is texts; an empty field is none, an empty text in quotes is one', async ({ run, file }) => {
    expect(await run.files('c', csv(await file('c.csv', 'id,name\n007,Ann\n8,\n9,""\n')))).toEqual([column('id', 'String'), column('name', 'String')])
    expect(await rowsOf(run, 'SELECT * FROM "c" ORDER BY id')).toEqual([{ id: '007', name: 'Ann' }, { id: '8', name: null }, { id: '9', name: '' }])
  }),
  must<PipelineEngineSubject>('PE02', 'types of a csv can be told by all its values', async ({ run, file }) => {
    const path = await file('c.csv', `id,day,at,rate,ok\n${Array.from({ length: 6000 }, (_, nth) => `${nth},2026-01-31,2026-01-31T10:00:00,${nth}.5,true\n`).join('')}9000000000,2026-02-01,2026-02-01 11:00:00,1e3,false\n`)
    expect(await run.files('c', { ...csv(path), infer: true })).toEqual([column('id', 'Long'), column('day', 'Date'), column('at', 'LocalDateTime'), column('rate', 'Float'), column('ok', 'Boolean')])
    expect(await rowsOf(run, 'SELECT * FROM "c" WHERE id > 6000')).toEqual([{ id: 9_000_000_000, day: '2026-02-01', at: '2026-02-01T11:00:00', rate: 1000, ok: false }])
  }),
  must<PipelineEngineSubject>('PE03', 'D-12 rows with a wrong number of values or of a wrong type are left out, and told with where they stand', async ({ run, file, folder }) => {
    const path = await file('c.csv', 'id,amount,day\n1,1.50,2026-01-31\n2,x,2026-01-31\n3,1.5\n4.5,1,2026-01-31\n5,1.234,2026-01-31\n6,2,yesterday\n,3,2026-01-31\n8,1e1,2026-01-31\n9,9,2026-01-31\n')
    await run.files('c', { ...csv(path), columns: [column('id', 'Int', false), { ...column('amount', 'Decimal'), precision: 10, scale: 2 }, column('day', 'Date')] })
    const into = await folder()
    const { rows, files } = await run.write('SELECT id, amount FROM "c" ORDER BY id', { folder: into, name: 'out', format: 'csv', header: true, delimiter: ';', compression: 'none' })
    expect([rows, await written(into, files)]).toEqual([3, 'id;amount\n1;1.50\n8;10.00\n9;9.00\n'])
    const reading = await run.reading('c')
    expect({ rejected: reading.rejected, places: reading.samples.map(({ place }) => place).sort() }).toEqual({ rejected: 6, places: ['line 4', 'line 7', 'record 2', 'record 3', 'record 4', 'record 6'] })
    expect(reading.samples.map(({ reason }) => reason)).toContain('"amount" is "x", not Decimal')
  }),
  must<PipelineEngineSubject>('PE04', 'what a statement does not ask for is looked at all the same', async ({ run, file, folder }) => {
    await run.files('c', { ...csv(await file('c.csv', 'id,n\n1,1\n2,x\n3,2026\n')), columns: [column('id', 'Int'), column('n', 'Int')] })
    expect((await run.write('SELECT id FROM "c"', { folder: await folder(), name: 'out', format: 'parquet' })).rows).toBe(2)
    expect(await run.reading('c')).toEqual({ rows: 2, rejected: 1, samples: [{ path: expect.stringMatching(/c\.csv$/), place: 'line 3', reason: '"n" is "x", not Int' }] })
  }),
  must<PipelineEngineSubject>('PE20', 'a whole number is one however it is written, and nothing that would be rounded to one', async ({ run, file, folder }) => {
    const numbers = ['0', '-1', '+2', '007', '2147483647', '-2147483648', '9007199254740993', '-9223372036854775808', '1.5', '0.5', '99.5', '.5', '15e-1', '2147483648', '9223372036854775808', 'NaN', 'Infinity', 'x', '1 2', '-']
    await run.files('c', { ...csv(await file('c.csv', `t,n\n${numbers.map((number, nth) => `${nth},${number}\n`).join('')}`)), columns: [column('t', 'Int'), column('n', 'Long')] })
    await run.files('i', { ...csv(await file('i.csv', `t,n\n${numbers.map((number, nth) => `${nth},${number}\n`).join('')}`)), columns: [column('t', 'Int'), column('n', 'Int')] })
    expect((await rowsOf(run, 'SELECT n FROM "c" ORDER BY t')).map(({ n }) => n)).toEqual([0, -1, 2, 7, 2147483647, -2147483648, 9007199254740993n, -9223372036854775808n, 2147483648])
    expect((await rowsOf(run, 'SELECT n FROM "i" ORDER BY t')).map(({ n }) => n)).toEqual([0, -1, 2, 7, 2147483647, -2147483648])
    await run.write('SELECT c.n, i.n AS m FROM "c" JOIN "i" ON c.t = i.t', { folder: await folder(), name: 'x', format: 'parquet' })
    expect([await run.reading('c'), await run.reading('i')]).toMatchObject([{ rows: 9, rejected: 11 }, { rows: 6, rejected: 14 }])
  }),
  must<PipelineEngineSubject>('PE05', 'D-36 a header that is not that of the schema is refused, with all that is missing and not wanted; its order does not matter', async ({ run, file }) => {
    const columns = [column('id', 'Int'), column('name', 'String')]
    await expect(run.files('c', { ...csv(await file('c.csv', 'id,nmae\n1,a\n')), columns })).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('lacks "name" and has "nmae", which is not expected'), details: { missing: ['name'], extra: ['nmae'] } })
    await run.files('d', { ...csv(await file('a.csv', 'id,name\n1,a\n'), await file('b.csv', 'name,id\nb,2\n'), await file('empty.csv', '')), columns })
    expect(await rowsOf(run, 'SELECT * FROM "d" ORDER BY id')).toEqual([{ id: 1, name: 'a' }, { id: 2, name: 'b' }])
  }),
  must<PipelineEngineSubject>('PE23', 'D-113 columns of files beside those that were asked for may be left out, and are told once', async ({ run, file }) => {
    const columns = [column('id', 'Long')]
    const one = async (dataset: string, source: FileSource) => {
      expect(await run.files(dataset, { ...source, columns, leavesOut: true })).toEqual(columns)
      return [await rowsOf(run, `SELECT * FROM "${dataset}" ORDER BY id`), (await run.reading(dataset)).leftOut]
    }
    expect(await one('c', csv(await file('a.csv', 'x,id\na,1\n'), await file('b.csv', 'id,y,x\n2,b,c\n'), await file('c.csv', 'id\n3\n')))).toEqual([[{ id: 1 }, { id: 2 }, { id: 3 }], ['x', 'y']])
    expect(await one('j', { format: 'json', paths: [await file('a.json', '{"id":1,"x":[1]}')] })).toEqual([[{ id: 1 }], ['x']])
    expect(await one('n', csv(await file('d.csv', 'id\n1\n')))).toEqual([[{ id: 1 }], undefined])
    await expect(run.files('m', { ...csv(await file('m.csv', 'x\n1\n')), columns, leavesOut: true })).rejects.toMatchObject({ details: { missing: ['id'], extra: ['x'] } })
  }),
  must<PipelineEngineSubject>('PE06', 'a csv may have another delimiter, no header, and be in gzip', async ({ run, file }) => {
    const path = await file('c.csv.gz', gzipSync('1|"a|b"\n2|c\n'))
    expect((await run.files('c', { ...csv(path), header: false, delimiter: '|' })).map(({ name }) => name)).toEqual(['column1', 'column2'])
    expect(await rowsOf(run, 'SELECT * FROM "c" ORDER BY column1')).toEqual([{ column1: '1', column2: 'a|b' }, { column1: '2', column2: 'c' }])
  }),
  must<PipelineEngineSubject>('PE19', 'a text may stand for no value in a csv', async ({ run, file }) => {
    await run.files('c', { ...csv(await file('c.csv', 'id,n\n1,\\N\n2,\n3,"\\N"\n4,5\n')), columns: [column('id', 'Int'), column('n', 'String')], null: '\\N' })
    expect((await rowsOf(run, 'SELECT n FROM "c" ORDER BY id')).map(({ n }) => n)).toEqual([null, null, '\\N', '5'])
  }),
  must<PipelineEngineSubject>('PE07', 'JSON is read as lines and as lists, with types that every value has or those of a schema', async ({ run, file }) => {
    const lines = await file('a.json', '{"id":1,"tags":["x"]}\n{"id":2}\nno\n')
    const list = await file('b.json', '[{"id":3,"more":true}]')
    expect(await run.files('j', { format: 'json', paths: [lines, list] })).toEqual([column('id', 'Int'), column('tags', 'JSON'), column('more', 'Boolean')])
    expect(await rowsOf(run, 'SELECT id, more FROM "j" ORDER BY id')).toEqual([{ id: 1, more: null }, { id: 2, more: null }, { id: 3, more: true }])
    expect(await run.reading('j')).toMatchObject({ rows: 3, rejected: 1, samples: [{ place: 'line 3', reason: 'is not valid JSON' }] })
    await run.files('k', { format: 'json', paths: [await file('c.json', '{"id":"1"}\n{"id":"x"}\n')], columns: [column('id', 'Long', false)] })
    expect(await rowsOf(run, 'SELECT * FROM "k"')).toEqual([{ id: 1 }])
    expect(await run.reading('k')).toMatchObject({ rows: 1, rejected: 1 })
  }),
  must<PipelineEngineSubject>('PE08', 'what is written as parquet is read again with its types, also below folders of partitions', async ({ run, file, folder }) => {
    await run.files('c', { ...csv(await file('c.csv', 'id,day,city\n1,2026-01-31,Rome\n2,2026-02-01,"a/b=c d"\n3,2026-02-01,\n')), columns: [column('id', 'Long'), column('day', 'Date'), column('city', 'String')] })
    const into = await folder()
    const { rows, files } = await run.write('SELECT * FROM "c"', { folder: into, name: 'part', format: 'parquet', partitionBy: ['day', 'city'] })
    expect([rows, files.length, files[0]?.path]).toEqual([3, 3, expect.stringMatching(/^day=2026-01-31\/city=Rome\/part-\w+\.parquet$/)])
    expect(await run.files('p', { format: 'parquet', paths: files.map(({ path }) => join(into, path)), partitionBy: [column('day', 'Date'), column('city', 'String')] })).toEqual([column('id', 'Long'), column('day', 'Date'), column('city', 'String')])
    expect(await rowsOf(run, 'SELECT * FROM "p" ORDER BY id')).toEqual([{ id: 1, day: '2026-01-31', city: 'Rome' }, { id: 2, day: '2026-02-01', city: 'a/b=c d' }, { id: 3, day: '2026-02-01', city: null }])
    expect(await run.reading('p')).toEqual({ rows: 3, rejected: 0, samples: [] })
  }),
  must<PipelineEngineSubject>('PE09', 'rows from elsewhere keep every type', async ({ run }) => {
    const row: Row = { i: -5, l: 9_007_199_254_740_993n, f: 1.5, d: '-12.50', b: true, day: '2026-01-31', t: '23:59:59.123', at: '2026-01-31T23:59:59.123456Z', local: '2026-01-31T23:59:59', u: '0f8fad5b-d9cb-469f-a165-70867728950e', x: 'AAH/', j: { a: [1] }, s: 'ä' }
    const types: Record<string, ColumnType> = { i: 'Int', l: 'Long', f: 'Float', d: 'Decimal', b: 'Boolean', day: 'Date', t: 'Time', at: 'DateTime', local: 'LocalDateTime', u: 'UUID', x: 'Bytes', j: 'JSON', s: 'String' }
    const none = Object.fromEntries(Object.keys(row).map(name => [name, null]))
    expect(await run.rows('r', Object.entries(types).map(([name, type]) => column(name, type)), batches([row], [none]))).toBe(2)
    expect(await rowsOf(run, 'SELECT * FROM "r" ORDER BY i NULLS LAST')).toEqual([row, none])
  }),
  must<PipelineEngineSubject>('PE10', 'statements read datasets by their names, those defined by other statements too, and nothing else', async ({ run, file }) => {
    const path = await file('c.csv', 'id,n\n1,2\n2,3\n')
    await run.files('c', { ...csv(path), infer: true })
    await define(run, '1-sum', 'SELECT sum(n) AS total, count(*) AS "how many" FROM "c"')
    expect(await run.describe('SELECT * FROM "1-sum"')).toEqual([expect.objectContaining({ name: 'total', type: expect.stringMatching(/Long|Decimal/) }), expect.objectContaining({ name: 'how many', type: 'Long' })])
    expect((await rowsOf(run, 'SELECT total + 0 AS total, "how many" FROM "1-sum"')).map(row => ({ ...row, total: Number(row['total']) }))).toEqual([{ total: 5, 'how many': 2 }])
    await expect(run.describe('SELECT * FROM "d"')).rejects.toMatchObject({ code: 'SQL_ERROR', message: expect.stringContaining('There is no table "d"') })
    await expect(run.describe(`SELECT * FROM read_csv('${path}')`)).rejects.toMatchObject({ code: expect.stringMatching(/^SQL_/) })
    await expect(run.describe(`SELECT * FROM "${path}"`)).rejects.toMatchObject({ code: 'SQL_ERROR' })
  }),
  must<PipelineEngineSubject>('PE11', 'what is kept is computed once and has its number of rows', async ({ run, file }) => {
    await run.files('c', { ...csv(await file('c.csv', 'id\n1\n2\n')), columns: [column('id', 'Int')] })
    await define(run, 'k', 'SELECT id, random() AS r FROM "c"')
    expect(await run.keep('k')).toBe(2)
    expect(await rowsOf(run, 'SELECT id, r FROM "k" ORDER BY id')).toEqual(await rowsOf(run, 'SELECT id, r FROM "k" ORDER BY id'))
    expect((await run.reading('c')).rows).toBe(2)
  }),
  must<PipelineEngineSubject>('PE12', 'texts of columns can be changed one by one; null stays, other columns too', async ({ run, folder }) => {
    const many = Array.from({ length: 5000 }, (_, id) => ({ id, secret: id === 7 ? null : id * 2, day: '2026-01-31' }))
    await run.rows('r', [column('id', 'Int'), column('secret', 'Int'), column('day', 'Date')], batches(many))
    await run.change('m', 'r', ['secret', 'day'], text => `<${text}>`)
    expect(await run.describe('SELECT * FROM "m"')).toMatchObject([{ type: 'Int' }, { type: 'String' }, { type: 'String' }])
    expect(await rowsOf(run, 'SELECT * FROM "m" WHERE id IN (6, 7, 4999) ORDER BY id')).toEqual([{ id: 6, secret: '<12>', day: '<2026-01-31>' }, { id: 7, secret: null, day: '<2026-01-31>' }, { id: 4999, secret: '<9998>', day: '<2026-01-31>' }])
    await run.change('f', 'r', ['secret'], () => { throw new Error('of the key') })
    await expect(run.write('SELECT * FROM "f"', { folder: await folder(), name: 'x', format: 'parquet' })).rejects.toMatchObject({ message: expect.not.stringContaining('of the key') })
  }),
  must<PipelineEngineSubject>('PE13', 'a csv is one file in the order of its statement, also without rows, and in gzip', async ({ run, folder }) => {
    await run.rows('r', [column('id', 'Int'), column('s', 'String')], batches(Array.from({ length: 3000 }, (_, nth) => ({ id: 3000 - nth, s: nth === 2999 ? '' : nth === 2998 ? null : 'a "b", c' }))))
    const into = await folder()
    const { files } = await run.write('SELECT id, s FROM "r" ORDER BY id', { folder: into, name: 'out', format: 'csv', header: false, delimiter: ',', compression: 'gzip' })
    expect(files.map(({ path }) => path)).toEqual(['out.csv.gz'])
    const lines = gunzipSync(await readFile(join(into, 'out.csv.gz'))).toString().trimEnd().split('\n')
    expect([lines.length, ...lines.slice(0, 3), lines.at(-1)]).toEqual([3000, '1,""', '2,', '3,"a ""b"", c"', '3000,"a ""b"", c"'])
    const none = await folder()
    expect(await written(none, (await run.write('SELECT id FROM "r" WHERE id < 0', { folder: none, name: 'out', format: 'csv', header: true, delimiter: ',', compression: 'none' })).files)).toBe('id\n')
  }),
  must<PipelineEngineSubject>('PE14', 'the moment of every statement is that of the run', async ({ run, scope }) => {
    await run.rows('r', [column('id', 'Int')], batches([{ id: 1 }]))
    await define(run, 'now', 'SELECT current_timestamp AS at FROM "r"')
    const began = new Date(scope.clock.now()).toISOString().replace('.000Z', 'Z')
    scope.clock.advance(5_000)
    expect(await rowsOf(run, 'SELECT at FROM "now"')).toEqual([{ at: began }])
    expect(await rowsOf(run, 'SELECT current_timestamp AS at FROM "r"')).toEqual([{ at: began }])
  }),
  must<PipelineEngineSubject>('PE15', 'an aborted signal ends what is computed', async ({ run, scope, folder }) => {
    await run.rows('r', [column('id', 'Int')], batches(Array.from({ length: 4000 }, (_, id) => ({ id }))))
    const computed = run.write('SELECT count(*) AS n FROM "r" a, "r" b, "r" c WHERE a.id + b.id + c.id = 17', { folder: await folder(), name: 'x', format: 'parquet' })
    scope.abort(new Error('gone'))
    await expect(computed).rejects.toMatchObject({ code: 'CANCELLED' })
  }),
  must<PipelineEngineSubject>('PE16', 'files that cannot be read are told by their names, without the folders above', async ({ run, file }) => {
    const path = await file('p.parquet', 'no parquet')
    const refused = expect.objectContaining({ code: 'UPSTREAM_REJECTED', message: expect.stringMatching(/^The files of "p" cannot be read: .*p\.parquet/) })
    await expect(run.files('p', { format: 'parquet', paths: [path] })).rejects.toEqual(refused)
    await expect(run.files('p', { format: 'parquet', paths: [path] })).rejects.not.toMatchObject({ message: expect.stringContaining('/') })
  }),
  must<PipelineEngineSubject>('PE17', 'runs have nothing to do with each other', async ({ engine, run, scope }) => {
    await run.rows('r', [column('id', 'Int')], batches([{ id: 1 }]))
    const other = await engine.begin(scope)
    await expect(other.describe('SELECT * FROM "r"')).rejects.toMatchObject({ code: 'SQL_ERROR' })
    await other.rows('r', [column('id', 'Int')], batches([{ id: 2 }]))
    await other.close()
    expect(await rowsOf(run, 'SELECT * FROM "r"')).toEqual([{ id: 1 }])
  }),
  must<PipelineEngineSubject>('PE18', 'a wrong value within a statement fails it, with what was wrong', async ({ run, folder }) => {
    await run.rows('r', [column('s', 'String')], batches([{ s: 'x' }]))
    await define(run, 'd', 'SELECT CAST(s AS integer) AS n FROM "r"')
    await expect(run.write('SELECT * FROM "d"', { folder: await folder(), name: 'x', format: 'parquet' })).rejects.toMatchObject({ code: 'SQL_ERROR', message: expect.stringContaining('x') })
  }),
  must<PipelineEngineSubject>('PE21', 'as many rows are told as are written, whatever the statement is', async ({ run, folder }) => {
    await run.rows('a', [column('id', 'Int')], batches(Array.from({ length: 10 }, (_, id) => ({ id }))))
    await run.rows('b', [column('c', 'Int')], batches([{ c: 0 }, { c: 3 }, { c: 6 }, { c: null }]))
    const rows = async (select: string) => (await run.write(select, { folder: await folder(), name: 'x', format: 'parquet' })).rows
    expect(await rows('SELECT id FROM "a" WHERE EXISTS (SELECT 1 FROM "b" WHERE b.c = a.id AND b.c + a.id > 1)')).toBe(2)
    expect(await rows('SELECT id FROM "a" WHERE NOT EXISTS (SELECT 1 FROM "b" WHERE b.c = a.id AND b.c + a.id > 1)')).toBe(8)
    expect(await rows('WITH x AS (SELECT id + 1 AS i FROM "a") SELECT x.i FROM x JOIN x AS y ON x.i = y.i')).toBe(10)
    expect(await rows('SELECT id FROM "a" UNION ALL SELECT c FROM "b"')).toBe(14)
    await define(run, 'k', 'SELECT id FROM "a" WHERE EXISTS (SELECT 1 FROM "b" WHERE b.c = a.id AND b.c + a.id > 1)')
    expect(await run.keep('k')).toBe(2)
  }),
  must<PipelineEngineSubject>('PE24', 'json is written as an object a line, with every digit, and as canonical values', async ({ run, folder }) => {
    await run.rows('r', [column('n', 'Long'), column('d', 'Decimal'), column('at', 'DateTime'), column('s', 'String'), column('b', 'Bytes')], batches([{ n: 9_007_199_254_740_993n, d: '12.50', at: '2026-01-31T10:00:00.5Z', s: 'a\n"b"', b: 'AQI=' }, { n: 1, d: null, at: null, s: '', b: null }]))
    const into = await folder()
    const written = await run.write('SELECT n, d, at, s, b FROM "r" ORDER BY n', { folder: into, name: 'x', format: 'json' })
    const content = await readFile(join(into, 'x.ndjson'), 'utf8')
    expect(written).toEqual({ rows: 2, files: [{ path: 'x.ndjson', bytes: Buffer.byteLength(content) }] })
    expect(content.trimEnd().split('\n').map(line => JSON.parse(line))).toEqual([{ n: 1, d: null, at: null, s: '', b: null }, { n: '9007199254740993', d: '12.50', at: '2026-01-31T10:00:00.5Z', s: 'a\n"b"', b: 'AQI=' }])
    expect(await run.write('SELECT n FROM "r" WHERE n < 0', { folder: await folder(), name: 'x', format: 'json' })).toEqual({ rows: 0, files: [{ path: 'x.ndjson', bytes: 0 }] })
  }),
  must<PipelineEngineSubject>('PE22', 'a sum of whole numbers is written with every digit', async ({ run, folder }) => {
    await run.rows('r', [column('id', 'Int'), column('n', 'Long')], batches([{ id: 1, n: 9_007_199_254_740_992n }, { id: 1, n: 1 }, { id: 2, n: null }]))
    const into = await folder()
    const { files } = await run.write('SELECT id, sum(n) AS total FROM "r" GROUP BY id', { folder: into, name: 'x', format: 'parquet' })
    await run.files('p', { format: 'parquet', paths: files.map(({ path }) => join(into, path)) })
    expect(await run.describe('SELECT * FROM "p"')).toMatchObject([{ name: 'id', type: 'Int' }, { name: 'total', type: 'Long' }])
    expect(await rowsOf(run, 'SELECT total FROM "p" WHERE id = 1')).toEqual([{ total: 9_007_199_254_740_993n }])
  }),
]
