import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { HubError } from '../../schema/errors.ts'
import type { ObjectStore, Scratch, StoredObject } from '../ports/object-store.ts'
import { replaceFile, syncDirectory } from '../segments/durable-file.ts'
import { mostFiles, outside, partsOf, scratchName, tooLarge, tooMany } from './path.ts'
import { matching } from './pattern.ts'

/** What a run that was killed left. */
const forgottenMs = 24 * 60 * 60 * 1000

/** Files below a folder, made where it is not there. */
export async function openFolder(root: string): Promise<ObjectStore> {
  await mkdir(root, { recursive: true })
  const real = await realpath(root)

  /** Where the path is, every link in what is there of it followed. */
  async function located(path: string): Promise<string> {
    const parts = partsOf(path)
    for (let there = join(real, ...parts); ; there = dirname(there)) {
      const found = await realpath(there).catch(ifAbsent)
      if (found === undefined) continue
      if (found !== real && !found.startsWith(real + sep)) throw outside(path)
      return join(found, relative(there, join(real, ...parts)))
    }
  }

  async function parent(file: string): Promise<void> {
    const made = await mkdir(dirname(file), { recursive: true })
    if (made !== undefined) await syncDirectory(dirname(made))
  }

  async function scratchFolder(): Promise<string> {
    const all = join(real, scratchName)
    await mkdir(all, { recursive: true })
    return all
  }

  return {
    async find({ signal }, pattern) {
      const { folder, matches } = matching(pattern)
      const found: StoredObject[] = []
      const folders = [folder]
      let passed = 0
      for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
        signal.throwIfAborted()
        const place = at === '' ? real : await located(at)
        for (const entry of await readdir(place, { withFileTypes: true }).catch(ifAbsent) ?? []) {
          passed += 1
          if (passed > mostFiles) throw tooMany(pattern)
          const path = at === '' ? entry.name : `${at}/${entry.name}`
          if (path === scratchName) continue
          if (entry.isDirectory()) folders.push(path)
          else if (matches(path)) {
            // It may be taken away meanwhile.
            const seen = await stat(await located(path)).catch(ifAbsent)
            if (seen?.isFile()) found.push({ path, bytes: seen.size, modifiedAtMs: Math.floor(seen.mtimeMs) })
          }
        }
      }
      return found.sort((a, b) => (a.path < b.path ? -1 : 1))
    },

    async read(_scope, path, mostBytes) {
      const file = await located(path)
      const seen = await stat(file).catch(ifAbsent)
      if (!seen?.isFile()) return undefined
      if (seen.size > mostBytes) throw tooLarge(path, seen.size, mostBytes)
      return readFile(file)
    },

    async slice(_scope, path, offset, length) {
      const file = await located(path)
      if (!(await stat(file).catch(ifAbsent))?.isFile()) return undefined
      const handle = await open(file, 'r')
      try {
        const { size, ino, mtimeNs } = await handle.stat({ bigint: true })
        const content = Buffer.alloc(Math.max(0, Math.min(length, Number(size) - offset)))
        const { bytesRead } = content.length === 0 ? { bytesRead: 0 } : await handle.read(content, 0, content.length, offset)
        return { content: content.subarray(0, bytesRead), bytes: Number(size), version: `${ino}-${size}-${mtimeNs}` }
      } finally {
        await handle.close()
      }
    },

    async local(_scope, path) {
      const file = await located(path)
      if (!(await stat(file).catch(ifAbsent))?.isFile()) throw new HubError('NOT_FOUND', `There is no file "${path}".`)
      return file
    },

    async scratch({ clock }): Promise<Scratch> {
      const all = await scratchFolder()
      for (const name of await readdir(all)) {
        const seen = await stat(join(all, name)).catch(ifAbsent)
        if (seen && seen.mtimeMs < clock.now() - forgottenMs) await rm(join(all, name), { recursive: true, force: true })
      }
      const folder = join(all, randomUUID())
      await mkdir(folder)
      return { folder, close: () => rm(folder, { recursive: true, force: true }) }
    },

    async put(_scope, path, from) {
      const file = await located(path)
      await parent(file)
      const handle = await open(from, 'r')
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(from, file)
      await syncDirectory(dirname(file))
    },

    async create(_scope, path, content) {
      const file = await located(path)
      await parent(file)
      const whole = join(await scratchFolder(), randomUUID())
      try {
        await replaceFile(whole, [content])
        await link(whole, file)
        await syncDirectory(dirname(file))
        return true
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
        throw error
      } finally {
        await rm(whole, { force: true })
      }
    },

    async remove(_scope, path) {
      await rm(await located(path), { force: true })
    },
  }
}

function ifAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
  throw error
}
