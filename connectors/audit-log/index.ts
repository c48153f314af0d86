import { openPostgresDatabase } from '../metadata/postgres-database.ts'
import { openSqliteDatabase } from '../metadata/sqlite-database.ts'
import type { AuditLog } from '../ports/audit-log.ts'
import type { Log } from '../ports/scope.ts'
import type { Database } from './schema.ts'
import { openAudit } from './log.ts'

/** The log in one SQLite file, which may be the metadata store's, or in memory for `:memory:`; what was answered survives a loss of power. A file that is no database → UPSTREAM_REJECTED. */
export async function openSqliteAuditLog({ file }: { readonly file: string }): Promise<AuditLog> {
  return openSqliteDatabase<Database, AuditLog>({ file, called: 'the audit log' }, openAudit)
}

/** The log in a PostgreSQL database beside the metadata store's tables, shared by every hub that names it. Fails as the store does: UPSTREAM_UNAVAILABLE or UPSTREAM_REJECTED, without the password. */
export async function openPostgresAuditLog({ url, log }: { readonly url: string; readonly log: Log }): Promise<AuditLog> {
  const { opened: store, told } = await openPostgresDatabase<Database, AuditLog>({ url, log }, openAudit)
  return {
    append: (scope, entry) => told(store.append(scope, entry), scope),
    entries: (scope, filter, limit, before) => told(store.entries(scope, filter, limit, before), scope),
    verify: (scope, anchors) => told(store.verify(scope, anchors), scope),
    close: () => store.close(),
  }
}
