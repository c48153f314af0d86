import { openPostgresDatabase } from '../metadata/postgres-database.ts'
import { openSqliteDatabase } from '../metadata/sqlite-database.ts'
import type { Log } from '../ports/scope.ts'
import type { Database } from './schema.ts'
import { type OpenedTokenVault, openVault } from './vault.ts'

export type { OpenedTokenVault } from './vault.ts'

/** The vault in one SQLite file, which may be the metadata store's, or in memory for `:memory:`; what was answered survives a loss of power. A file that is no database → UPSTREAM_REJECTED. */
export async function openSqliteTokenVault({ file }: { readonly file: string }): Promise<OpenedTokenVault> {
  return openSqliteDatabase<Database, OpenedTokenVault>({ file, called: 'the token vault' }, openVault)
}

/** The vault in a PostgreSQL database beside the metadata store's tables, shared by every hub that names it. Fails as the store does: UPSTREAM_UNAVAILABLE or UPSTREAM_REJECTED, without the password. */
export async function openPostgresTokenVault({ url, log }: { readonly url: string; readonly log: Log }): Promise<OpenedTokenVault> {
  const { opened: vault, told } = await openPostgresDatabase<Database, OpenedTokenVault>({ url, log }, openVault)
  return {
    put: (scope, tokens) => told(vault.put(scope, tokens), scope),
    find: (scope, tokens) => told(vault.find(scope, tokens), scope),
    append: (scope, attempt) => told(vault.append(scope, attempt), scope),
    attempts: (scope, limit) => told(vault.attempts(scope, limit), scope),
    close: () => vault.close(),
  }
}
