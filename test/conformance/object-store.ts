import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectStore } from '../../connectors/ports/object-store.ts'
import { must } from '../support/conformance.ts'
import type { TestScope } from '../support/scope.ts'

export interface ObjectStoreSubject {
  readonly objects: ObjectStore
  readonly scope: TestScope
  close(): Promise<void>
}

async function put({ objects, scope }: ObjectStoreSubject, path: string, content: string): Promise<void> {
  const scratch = await objects.scratch(scope)
  await writeFile(join(scratch.folder, 'x'), content)
  await objects.put(scope, path, join(scratch.folder, 'x'))
  await scratch.close()
}

const text = async ({ objects, scope }: ObjectStoreSubject, path: string) => {
  const bytes = await objects.read(scope, path, 1000)
  return bytes && Buffer.from(bytes).toString()
}

export const objectStoreChecks = [
  must<ObjectStoreSubject>('OS01', 'what is put is found by its path, and read; what is put there again takes its place', async subject => {
    const { objects, scope } = subject
    expect(await objects.read(scope, 'a/b.csv', 10)).toBeUndefined()
    await put(subject, 'a/b.csv', 'one')
    await put(subject, 'a/b.csv', 'other')
    expect(await text(subject, 'a/b.csv')).toBe('other')
    expect(await readFile(await objects.local(scope, 'a/b.csv'), 'utf8')).toBe('other')
    expect(await objects.find(scope, 'a/b.csv')).toEqual([{ path: 'a/b.csv', bytes: 5, modifiedAtMs: expect.any(Number) }])
    await expect(objects.local(scope, 'a/c.csv')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(objects.read(scope, 'a/b.csv', 4)).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
  }),
  must<ObjectStoreSubject>('OS02', 'patterns stand for characters and for parts; what begins with a dot or an underscore is found by those that write it', async subject => {
    const { objects, scope } = subject
    for (const path of ['in/a.csv', 'in/b.csv', 'in/b.csv.gz', 'in/c[1].csv', 'in/2026/d.csv', 'in/2026/01/e.csv', 'in/_versions/v.csv', 'in/.hidden.csv', 'out.csv', 'day=1/part-a+b (1) {x}^$|.csv']) await put(subject, path, 'x')
    const found = async (pattern: string) => (await objects.find(scope, pattern)).map(({ path }) => path)
    expect(await found('in/*.csv')).toEqual(['in/a.csv', 'in/b.csv', 'in/c[1].csv'])
    expect(await found('in/?.csv')).toEqual(['in/a.csv', 'in/b.csv'])
    expect(await found('in/c[1].csv')).toEqual(['in/c[1].csv'])
    expect(await found('in/**/*.csv')).toEqual(['in/2026/01/e.csv', 'in/2026/d.csv', 'in/a.csv', 'in/b.csv', 'in/c[1].csv'])
    expect(await found('in/**')).toEqual(['in/2026/01/e.csv', 'in/2026/d.csv', 'in/a.csv', 'in/b.csv', 'in/b.csv.gz', 'in/c[1].csv'])
    expect(await found('in/_versions/*')).toEqual(['in/_versions/v.csv'])
    expect(await found('*.csv')).toEqual(['out.csv'])
    expect(await found('day=1/part-a+b (1) {x}^$|.*')).toEqual(['day=1/part-a+b (1) {x}^$|.csv'])
    expect(await found('nowhere/*')).toEqual([])
  }),
  must<ObjectStoreSubject>('OS03', 'of several who make a file one does, and it is whole', async subject => {
    const { objects, scope } = subject
    const made = await Promise.all(Array.from({ length: 20 }, (_, nth) => objects.create(scope, 'v/1.json', `${nth}`)))
    expect(made.filter(Boolean)).toHaveLength(1)
    expect(await text(subject, 'v/1.json')).toBe(String(made.indexOf(true)))
    expect(await objects.create(scope, 'v/1.json', 'later')).toBe(false)
    expect((await objects.find(scope, 'v/*')).map(({ path }) => path)).toEqual(['v/1.json'])
  }),
  must<ObjectStoreSubject>('OS04', 'D-91 no path leads out', async subject => {
    const { objects, scope } = subject
    for (const path of ['../x', 'a/../../x', '/etc/passwd', 'a//b', './a', '', 'a\0b', 'a\\..\\b', '.scratch/x']) {
      await expect(objects.read(scope, path, 10)).rejects.toMatchObject({ code: 'FORBIDDEN' })
      await expect(objects.create(scope, path, 'x')).rejects.toMatchObject({ code: 'FORBIDDEN' })
      await expect(objects.remove(scope, path)).rejects.toMatchObject({ code: 'FORBIDDEN' })
    }
    await expect(objects.find(scope, '../*')).rejects.toMatchObject({ code: 'FORBIDDEN' })
  }),
  must<ObjectStoreSubject>('OS05', 'a scratch folder is empty, its own, and gone when it is closed; what is removed is gone', async subject => {
    const { objects, scope } = subject
    const [one, other] = await Promise.all([objects.scratch(scope), objects.scratch(scope)])
    expect([one.folder === other.folder, await readdir(one.folder)]).toEqual([false, []])
    await writeFile(join(one.folder, 'x'), 'x')
    await one.close()
    await expect(readdir(one.folder)).rejects.toMatchObject({ code: 'ENOENT' })
    await other.close()
    await put(subject, 'a', 'x')
    await objects.remove(scope, 'a')
    await objects.remove(scope, 'a')
    expect(await objects.find(scope, '**')).toEqual([])
  }),
  must<ObjectStoreSubject>('OS06', 'D-21 a file is read in parts, which tell whether they are of one file', async subject => {
    const { objects, scope } = subject
    expect(await objects.slice(scope, 'a.csv', 0, 10)).toBeUndefined()
    await put(subject, 'a.csv', 'abcdef')
    const [first, second, behind] = [await objects.slice(scope, 'a.csv', 0, 4), await objects.slice(scope, 'a.csv', 4, 4), await objects.slice(scope, 'a.csv', 9, 4)]
    expect([first, second, behind].map(slice => [slice?.content.toString(), slice?.bytes])).toEqual([['abcd', 6], ['ef', 6], ['', 6]])
    expect([second?.version, behind?.version]).toEqual([first?.version, first?.version])
    await put(subject, 'a.csv', 'ABCDEF')
    expect((await objects.slice(scope, 'a.csv', 4, 4))?.version).not.toBe(first?.version)
    await put(subject, 'folder/x', 'x')
    expect(await objects.slice(scope, 'folder', 0, 1)).toBeUndefined()
    await expect(objects.slice(scope, '../a', 0, 1)).rejects.toMatchObject({ code: 'FORBIDDEN' })
  }),
]
