import { basename } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import { HubError } from '../../schema/errors.ts'
import { openPostgresDatabase } from '../metadata/postgres-database.ts'
import { NodeSqliteDialect } from '../metadata/sqlite-dialect.ts'
import type { Log } from '../ports/scope.ts'
import type { Database } from './schema.ts'
import { type OpenedTokenVault, openVault } from './vault.ts'

export type { OpenedTokenVault } from './vault.ts'

/** The vault in one SQLite file, which may be the metadata store's, or in memory for `:memory:`; what was answered survives a loss of power. A file that is no database → UPSTREAM_REJECTED. */
export async function openSqliteTokenVault({ file }: { readonly file: string }): Promise<OpenedTokenVault> {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { timeout: 0, allowExtension: false })
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    return await openVault(new Kysely<Database>({ dialect: new NodeSqliteDialect(database) }))
  } catch (error) {
    if (database?.isOpen) database.close()
    if (error instanceof HubError) throw error
    const said = error instanceof Error ? error.message : String(error)
    throw new HubError('UPSTREAM_REJECTED', `The file "${basename(file)}" cannot be opened for the token vault: ${said}. Check the path and that the file is the hub's own.`, {}, { cause: error })
  }
}

/** The vault in a PostgreSQL database beside the metadata store's tables, shared by every hub that names it. Fails as the store does: UPSTREAM_UNAVAILABLE or UPSTREAM_REJECTED, without the password. */
export async function openPostgresTokenVault({ url, log }: { readonly url: string; readonly log: Log }): Promise<OpenedTokenVault> {
  const { opened: vault, told } = await openPostgresDatabase<Database, OpenedTokenVault>({ url, log }, openVault)
  return {
    put: (scope, tokens) => told(vault.put(scope, tokens), scope),
    find: (scope, tokens) => told(vault.find(scope, tokens), scope),
    close: () => vault.close(),
  }
}
