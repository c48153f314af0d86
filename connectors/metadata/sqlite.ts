import { basename } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import { HubError } from '../../schema/errors.ts'
import type { MetadataStore } from '../ports/metadata-store.ts'
import type { Clock } from '../ports/scope.ts'
import type { Database } from './schema.ts'
import { NodeSqliteDialect } from './sqlite-dialect.ts'
import { openMetadata } from './store.ts'

/** The store in one SQLite file, made if there is none; what was answered survives a loss of power. A file that is no such store → UPSTREAM_REJECTED. */
export async function openSqliteMetadata({ file, clock }: { file: string; clock: Clock }): Promise<MetadataStore> {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { timeout: 0, allowExtension: false })
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    return await openMetadata(new Kysely<Database>({ dialect: new NodeSqliteDialect(database) }), clock)
  } catch (error) {
    if (database?.isOpen) database.close()
    if (error instanceof HubError) throw error
    const said = error instanceof Error ? error.message : String(error)
    throw new HubError('UPSTREAM_REJECTED', `The metadata file "${basename(file)}" cannot be opened: ${said}. Check the path and that the file is the hub's own.`, {}, { cause: error })
  }
}
