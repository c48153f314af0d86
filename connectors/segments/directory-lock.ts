import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { HubError } from '../../schema/errors.ts'

/** What holds the locks: without it, a lock whose answer nobody keeps would be given back by the garbage collector. */
const held = new Set<DatabaseSync>()

/**
 * Takes a directory for this opener alone, making it if need be; the answer gives it back. Held by another process, or a second time by this one → CONFLICT naming the
 * holder. The lock is the operating system's, taken through an SQLite file, so it ends with the process, however that ends: there is no stale lock.
 */
export function lockDirectory(directory: string): () => void {
  mkdirSync(directory, { recursive: true })
  const owner = join(directory, 'owner')
  const database = new DatabaseSync(join(directory, 'lock'))
  try {
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    throw heldBy(directory, owner, cause)
  }
  held.add(database)
  writeFileSync(owner, `${process.pid}\n`)
  return () => {
    held.delete(database)
    database.close()
  }
}

function heldBy(directory: string, owner: string, cause: unknown): HubError {
  let holder = 'another process'
  try {
    const pid = Number.parseInt(readFileSync(owner, 'utf8'), 10)
    if (Number.isInteger(pid)) holder = pid === process.pid ? `this process (${pid})` : `process ${pid}`
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return new HubError('CONFLICT', `The directory "${basename(directory)}" is in use by ${holder}. Stop it, or give this one another directory.`, { holder }, { cause })
}
