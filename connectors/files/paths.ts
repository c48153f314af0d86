import { readdir, realpath } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'

/** Files of one folder; beyond these a walk ends, so that a root chosen by mistake does not read a disk. */
const walkLimit = 10_000

/** The root itself as it stands on disk; NOT_FOUND when there is none. */
export async function realRoot(source: string, root: string): Promise<string> {
  try {
    return await realpath(resolve(root))
  } catch (error) {
    throw new HubError('NOT_FOUND', `Source "${source}" has the root "${root}", which does not exist. Paths in a catalog file are relative to that file.`, { source }, { cause: error })
  }
}

/**
 * Where a table's file really is, every link followed. A path that leads out of the root, as written or through a link → CATALOG_INVALID; no such file →
 * NOT_FOUND with the nearest names.
 */
export async function locate(root: string, table: string, file: string): Promise<string> {
  const written = resolve(root, file)
  if (isAbsolute(file) || file.includes('\0') || !isBelow(root, written)) throw outside(table, file)
  let real: string
  try {
    real = await realpath(written)
  } catch (error) {
    const known = (await walk(root)).map(path => relative(root, path))
    const near = didYouMean(file, known) || (known.length > 0 ? ` The root has ${known.slice(0, 5).join(', ')}${known.length > 5 ? ' and more' : ''}.` : ' The root is empty.')
    throw new HubError('NOT_FOUND', `Table "${table}" has the file "${file}", which is not below its source's root.${near}`, { table, file }, { cause: error })
  }
  if (!isBelow(root, real)) throw outside(table, file)
  return real
}

/** Regular files below the root, hidden ones left out, links not followed; sorted. */
export async function walk(root: string): Promise<string[]> {
  const found: string[] = []
  const folders = [root]
  for (let folder = folders.pop(); folder !== undefined && found.length < walkLimit; folder = folders.pop()) {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue
      if (entry.isDirectory()) folders.push(join(folder, entry.name))
      else if (entry.isFile()) found.push(join(folder, entry.name))
    }
  }
  return found.sort()
}

function isBelow(root: string, path: string): boolean {
  return path.startsWith(root.endsWith(sep) ? root : root + sep)
}

function outside(table: string, file: string): HubError {
  return new HubError('CATALOG_INVALID', `Table "${table}" has the file "${file}", which leads out of its source's root. Name a file below the root, or choose another root.`, { table, file })
}
