import { openPostgresDatabase, type Told } from '../metadata/postgres-database.ts'
import { openSqliteDatabase } from '../metadata/sqlite-database.ts'
import type { AlertStore } from '../ports/alert-store.ts'
import type { Log } from '../ports/scope.ts'
import type { Database } from './schema.ts'
import { openAlerts } from './store.ts'

/** The rules and alerts in one SQLite file, which may be the run store's, or in memory for `:memory:`; what was answered survives a loss of power. A file that is no database → UPSTREAM_REJECTED. */
export async function openSqliteAlertStore({ file }: { readonly file: string }): Promise<AlertStore> {
  return openSqliteDatabase<Database, AlertStore>({ file, called: 'the alert store' }, openAlerts)
}

/** The rules and alerts in a PostgreSQL database beside the run store's tables, shared by every hub that names it. Fails as that does: UPSTREAM_UNAVAILABLE or UPSTREAM_REJECTED, without the password. */
export async function openPostgresAlertStore({ url, log }: { readonly url: string; readonly log: Log }): Promise<AlertStore> {
  const { opened: store, told } = await openPostgresDatabase<Database, AlertStore>({ url, log }, openAlerts)
  return guarded(store, told)
}

function guarded(store: AlertStore, told: Told): AlertStore {
  return {
    putRule: (scope, rule) => told(store.putRule(scope, rule), scope),
    removeRule: (scope, application, name) => told(store.removeRule(scope, application, name), scope),
    rules: (scope, application) => told(store.rules(scope, application), scope),
    raise: (scope, cause) => told(store.raise(scope, cause), scope),
    once: (scope, event) => told(store.once(scope, event), scope),
    alerts: (scope, filter, limit, after) => told(store.alerts(scope, filter, limit, after), scope),
    acknowledge: (scope, id, comment) => told(store.acknowledge(scope, id, comment), scope),
    keepDead: (scope, dead) => told(store.keepDead(scope, dead), scope),
    deadNotices: (scope, filter, limit, after) => told(store.deadNotices(scope, filter, limit, after), scope),
    deadNotice: (scope, id) => told(store.deadNotice(scope, id), scope),
    dropDead: (scope, id) => told(store.dropDead(scope, id), scope),
    close: () => store.close(),
  }
}
