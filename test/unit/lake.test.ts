import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLake } from '../../connectors/lake/index.ts'
import { openFolder } from '../../connectors/objects/folder.ts'
import type { LakeTable, NewLakeVersion } from '../../connectors/ports/lake.ts'
import { testScope } from '../support/scope.ts'

const scope = testScope()
const columns = [{ name: 'id', type: 'Int', nullable: true }, { name: 'day', type: 'Date', nullable: true }] as const
const homes: string[] = []

async function world() {
  const home = await mkdtemp(join(tmpdir(), 'tributary-lake-'))
  homes.push(home)
  const objects = await openFolder(home)
  const lake = openLake(objects)
  const next = async (mark: string, paths: readonly string[], keep: LakeTable['files'] = []): Promise<NewLakeVersion> => {
    const { folder } = await objects.scratch(scope)
    const add = await Promise.all(paths.map(async (path, nth) => {
      await writeFile(join(folder, String(nth)), mark)
      return { path, from: join(folder, String(nth)), bytes: mark.length }
    }))
    return { columns, partitionBy: ['day'], keep, add, mark, about: null }
  }
  const files = async () => (await objects.find(scope, 'staging/t/**')).map(({ path }) => path.replace('staging/t/', ''))
  return { home, lake, next, files }
}

afterAll(async () => {
  for (const home of homes) await rm(home, { recursive: true, force: true })
})

test('a table is as its newest version says, with the marks of those before', async () => {
  const { lake, next } = await world()
  expect(await lake.table(scope, 'staging.t')).toBeUndefined()
  const first = await lake.commit(scope, 'staging.t', 0, await next('a', ['day=2026-01-31/a.parquet']))
  expect(first).toEqual({ name: 'staging.t', version: 1, columns, partitionBy: ['day'], files: [{ path: 'day=2026-01-31/a.parquet', bytes: 1 }], marks: ['a'] })
  const second = await lake.commit(scope, 'staging.t', 1, await next('b', ['day=2026-02-01/b.parquet'], first.files))
  expect(await lake.table(scope, 'staging.t')).toEqual(second)
  expect([second.version, second.files.length, second.marks]).toEqual([2, 2, ['b', 'a']])
  expect(await Promise.all((await lake.paths(scope, second)).map(path => readFile(path, 'utf8')))).toEqual(['a', 'b'])
  expect(await lake.names(scope)).toEqual(['staging.t'])
})

test('of two who write over the same version one is refused, and leaves nothing', async () => {
  const { lake, next, files } = await world()
  await lake.commit(scope, 'staging.t', 0, await next('a', ['a.parquet']))
  const both = await Promise.allSettled([lake.commit(scope, 'staging.t', 1, await next('b', ['b.parquet'])), lake.commit(scope, 'staging.t', 1, await next('c', ['c.parquet']))])
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  const refused = both.find(one => one.status === 'rejected')
  expect(refused?.reason).toMatchObject({ code: 'CONFLICT', message: 'Table "staging.t" was at version 1 when it was read, and has been written since. Run it again over what is there now.' })
  const table = await lake.table(scope, 'staging.t')
  expect(await files()).toEqual(['a.parquet', ...(table?.files ?? []).map(({ path }) => path)])
})

test('what says how it stands over another version is made over the one that was made meanwhile', async () => {
  const { lake, next } = await world()
  const first = await lake.commit(scope, 'staging.t', 0, await next('a', ['a.parquet']))
  await lake.commit(scope, 'staging.t', 1, await next('b', ['b.parquet'], first.files))
  const third = await lake.commit(scope, 'staging.t', 1, { ...(await next('c', ['c.parquet'], first.files)), over: ({ files }) => ({ columns, keep: files }) })
  expect([third.version, third.marks, await Promise.all((await lake.paths(scope, third)).map(path => readFile(path, 'utf8')))]).toEqual([3, ['c', 'b', 'a'], ['a', 'b', 'c']])
})

test('what cannot stand over the other version says so, and leaves nothing', async () => {
  const { lake, next, files } = await world()
  await lake.commit(scope, 'staging.t', 0, await next('a', ['a.parquet']))
  const refused = { ...(await next('b', ['b.parquet'])), over: () => { throw new RangeError('Not over this one.') } }
  await expect(lake.commit(scope, 'staging.t', 0, refused)).rejects.toThrow('Not over this one.')
  expect(await files()).toEqual(['a.parquet'])
})

test('of two attempts of one mark that write at a time one counts, also over what others wrote', async () => {
  const { lake, next, files } = await world()
  const over = ({ files: keep }: LakeTable) => ({ columns, keep })
  const both = await Promise.all([lake.commit(scope, 'staging.t', 0, { ...(await next('a', ['one.parquet'])), over }), lake.commit(scope, 'staging.t', 0, { ...(await next('a', ['other.parquet'])), over })])
  expect([both.map(({ version }) => version), await files()]).toEqual([[1, 1], both[0]?.files.map(({ path }) => path)])
  await lake.commit(scope, 'staging.t', 1, await next('b', ['b.parquet'], both[0]?.files))
  expect((await lake.commit(scope, 'staging.t', 1, await next('a', ['third.parquet']))).version).toBe(2)
  expect((await files()).length).toBe(2)
})

test('what was computed of a version that is long gone is not taken for the next one', async () => {
  const { lake, next } = await world()
  const over = ({ files: keep }: LakeTable) => ({ columns, keep })
  const first = await lake.commit(scope, 'staging.t', 0, await next('a', ['a.parquet']))
  for (let version = 1; version < 40; version++) await lake.commit(scope, 'staging.t', version, { ...(await next(`m${version}`, [])), keep: first.files })
  await expect(lake.commit(scope, 'staging.t', 1, await next('b', ['b.parquet']))).rejects.toMatchObject({ code: 'CONFLICT' })
  const late = await lake.commit(scope, 'staging.t', 1, { ...(await next('c', ['c.parquet'], first.files)), over })
  expect([late.version, late.files.map(({ path }) => path), await lake.table(scope, 'staging.t')]).toEqual([41, ['a.parquet', 'c.parquet'], late])
})

test('what was written is known for a day, however many others write meanwhile', async () => {
  const { lake, next } = await world()
  const own = testScope()
  let keep: LakeTable['files'] = []
  const commit = async (mark: string, base: number) => {
    const table = await lake.commit(own, 'staging.t', base, await next(mark, [`${mark}.parquet`], keep))
    keep = table.files
    return table
  }
  for (let version = 0; version < 150; version++) await commit(`m${version}`, version)
  own.clock.advance(60 * 60 * 1000)
  expect((await commit('later', 150)).marks).toContain('m0')
  own.clock.advance(24 * 60 * 60 * 1000)
  const { marks } = await commit('next day', 151)
  expect([marks.length, marks.includes('m0')]).toEqual([100, false])
})

test('files that a commit left which was killed go after a day', async () => {
  const { home, lake, next, files } = await world()
  const own = testScope()
  await lake.commit(own, 'staging.t', 0, await next('a', ['a.parquet']))
  for (const [name, changed] of [['left.parquet', own.clock.now() - 25 * 60 * 60 * 1000], ['new.parquet', own.clock.now()]] as const) {
    await writeFile(join(home, 'staging/t', name), 'rows')
    await utimes(join(home, 'staging/t', name), changed / 1000, changed / 1000)
  }
  const { files: keep } = (await lake.table(own, 'staging.t')) ?? { files: [] }
  for (let version = 1; version < 20; version++) await lake.commit(own, 'staging.t', version, await next(`m${version}`, [], keep))
  expect(await files()).toEqual(['a.parquet', 'new.parquet'])
})

test('versions are listed while others are taken away', async () => {
  const { lake, next } = await world()
  const write = async (nth: number) => lake.commit(scope, 'staging.t', 0, { ...(await next(`m${nth}`, [`${nth}.parquet`])), over: ({ files }) => ({ columns, keep: files }) })
  await Promise.all(Array.from({ length: 60 }, (_, nth) => write(nth)))
  expect((await lake.table(scope, 'staging.t'))?.files.length).toBe(60)
})

test('files that a version does not keep stay for one more, for who still reads them', async () => {
  const { lake, next, files } = await world()
  await lake.commit(scope, 'staging.t', 0, await next('a', ['a.parquet']))
  await lake.commit(scope, 'staging.t', 1, await next('b', ['b.parquet']))
  expect(await files()).toEqual(['a.parquet', 'b.parquet'])
  await lake.commit(scope, 'staging.t', 2, await next('c', ['c.parquet']))
  expect(await files()).toEqual(['b.parquet', 'c.parquet'])
})

test('of many versions the newest are kept', async () => {
  const { home, lake, next } = await world()
  for (let version = 0; version < 25; version++) await lake.commit(scope, 'staging.t', version, await next(`m${version}`, [`${version}.parquet`]))
  expect((await readdir(join(home, 'staging/t/_versions'))).length).toBe(20)
  expect((await lake.table(scope, 'staging.t'))?.marks.length).toBe(25)
})

test('a version that is none is refused by its number', async () => {
  const { home, lake, next } = await world()
  await lake.commit(scope, 'staging.t', 0, await next('a', ['a.parquet']))
  await writeFile(join(home, 'staging/t/_versions/00000002.json'), '{"columns": 1}')
  await expect(lake.table(scope, 'staging.t')).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('Version 2 of table "staging.t" is no record of a version: columns: ') })
})
