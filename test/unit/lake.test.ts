import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
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
