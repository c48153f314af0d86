import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, readdir, realpath, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { HubError } from '../../schema/errors.ts'

/** The text of a file; undefined where there is none. A link, or what is no file, → UPSTREAM_REJECTED. */
export async function textAt(path: string): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    if (error.code === 'ELOOP') throw new HubError('UPSTREAM_REJECTED', `"${basename(path)}" is a link, where a document is expected. Put the document itself there.`, {}, { cause: error })
    throw error
  })
  if (!file) return undefined
  try {
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

/** Puts a text in the place of a file by one step, so that readers see the old one or the new one; undefined takes it away. Links that lead out of the folder → UPSTREAM_REJECTED. */
export async function putText(folder: string, file: string, text: string | undefined): Promise<void> {
  const path = join(folder, file)
  if (text === undefined) {
    await within(folder, dirname(path))
    await unlink(path)
    return
  }
  await mkdirWithin(folder, dirname(path))
  const scratch = join(dirname(path), `.${randomUUID()}.tmp`)
  try {
    const written = await open(scratch, 'wx')
    try {
      await written.writeFile(text)
      await written.sync()
    } finally {
      await written.close()
    }
    await rename(scratch, path)
  } catch (error) {
    await unlink(scratch).catch((gone: NodeJS.ErrnoException) => {
      if (gone.code !== 'ENOENT') throw gone
    })
    throw error
  }
  await synced(dirname(path))
}

/** Every document below `applications`, as files of the folder are named. */
export async function documentsOf(folder: string): Promise<string[]> {
  const found = await readdir(join(folder, 'applications'), { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return found.filter(one => one.isFile() && one.name.endsWith('.xml')).map(one => join(one.parentPath, one.name).slice(folder.length + 1).split(sep).join('/')).sort()
}

async function mkdirWithin(folder: string, path: string): Promise<void> {
  if (path.length > folder.length) await mkdirWithin(folder, dirname(path))
  await mkdir(path, { recursive: path === folder }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  await within(folder, path)
}

async function within(folder: string, path: string): Promise<void> {
  const [home, real] = [await realpath(folder), await realpath(path)]
  if (real !== home && !real.startsWith(home + sep)) throw new HubError('UPSTREAM_REJECTED', `"${path.slice(folder.length + 1)}" is a link that leads out of the folder of the pipelines. Put a folder in its place.`)
}

/** What was renamed survives a loss of power. */
async function synced(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
