import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFolder } from '../../connectors/objects/folder.ts'
import { conforms } from '../support/conformance.ts'
import { testScope } from '../support/scope.ts'
import { objectStoreChecks, type ObjectStoreSubject } from './object-store.ts'

const homes: string[] = []

async function home(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'tributary-objects-'))
  homes.push(made)
  return made
}

afterAll(async () => {
  for (const made of homes) await rm(made, { recursive: true, force: true })
})

conforms<ObjectStoreSubject>('ObjectStore in a folder', objectStoreChecks, async () => ({ objects: await openFolder(join(await home(), 'data')), scope: testScope(), close: async () => undefined }))

test('D-91 a link is followed within the folder, and not out of it', async () => {
  const root = await home()
  await mkdir(join(root, 'data', 'in'), { recursive: true })
  await writeFile(join(root, 'secret'), 'x')
  await writeFile(join(root, 'data', 'in', 'a'), 'inside')
  await symlink(join(root, 'secret'), join(root, 'data', 'in', 'file'))
  await symlink(root, join(root, 'data', 'in', 'folder'))
  await symlink('a', join(root, 'data', 'in', 'b'))
  const objects = await openFolder(join(root, 'data'))
  const scope = testScope()
  for (const path of ['in/file', 'in/folder/secret', 'in/folder/new']) {
    await expect(objects.read(scope, path, 10)).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect(objects.create(scope, path, 'x')).rejects.toMatchObject({ code: 'FORBIDDEN' })
  }
  expect(Buffer.from((await objects.read(scope, 'in/b', 10)) ?? []).toString()).toBe('inside')
})

test('scratch folders that a day ago were left are removed', async () => {
  const root = await home()
  const objects = await openFolder(root)
  const scope = testScope()
  const [old, young] = [await objects.scratch(scope), await objects.scratch(scope)]
  const seconds = scope.clock.now() / 1000
  await utimes(old.folder, seconds - 90_000, seconds - 90_000)
  await utimes(young.folder, seconds, seconds)
  await objects.scratch(scope)
  await expect(utimes(old.folder, seconds, seconds)).rejects.toMatchObject({ code: 'ENOENT' })
  await utimes(young.folder, seconds, seconds)
})
