import { basename } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import { HubError } from '../../schema/errors.ts'
import { NodeSqliteDialect } from './sqlite-dialect.ts'

/**
 * What `open` makes of the hub's own tables in one SQLite file, made if there is none, or in memory for `:memory:`; what was answered survives a loss of power. Closing it has to destroy the database it was given.
 * Several may share a file. `called` is what the file is opened for. A file that is no database → UPSTREAM_REJECTED.
 */
export async function openSqliteDatabase<Tables, T>({ file, called }: { readonly file: string; readonly called: string }, open: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { timeout: 0, allowExtension: false })
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    return await open(new Kysely<Tables>({ dialect: new NodeSqliteDialect(database) }))
  } catch (error) {
    if (database?.isOpen) database.close()
    if (error instanceof HubError) throw error
    const said = error instanceof Error ? error.message : String(error)
    throw new HubError('UPSTREAM_REJECTED', `The file "${basename(file)}" cannot be opened for ${called}: ${said}. Check the path and that the file is the hub's own.`, {}, { cause: error })
  }
}
