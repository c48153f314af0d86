import type { MetadataStore } from '../ports/metadata-store.ts'
import type { Clock, Log } from '../ports/scope.ts'
import { openPostgresDatabase, type Told } from './postgres-database.ts'
import type { Database } from './schema.ts'
import { openMetadata } from './store.ts'

/**
 * The store in a PostgreSQL database, shared by every hub that names it; its schema and tables are made if there are none. A server that cannot be reached → UPSTREAM_UNAVAILABLE,
 * one that refuses → UPSTREAM_REJECTED; the password is in neither.
 */
export async function openPostgresMetadata({ url, clock, log }: { url: string; clock: Clock; log: Log }): Promise<MetadataStore> {
  const { opened: store, told } = await openPostgresDatabase<Database, MetadataStore>({ url, log }, db => openMetadata(db, clock))
  return guarded(store, told)
}

function guarded(store: MetadataStore, told: Told): MetadataStore {
  return {
    entries: scope => told(store.entries(scope), scope),
    history: (scope, kind, name) => told(store.history(scope, kind, name), scope),
    putEntry: (scope, entry, expectVersion) => told(store.putEntry(scope, entry, expectVersion), scope),
    dropEntry: (scope, kind, name) => told(store.dropEntry(scope, kind, name), scope),
    audit: (scope, event) => told(store.audit(scope, event), scope),
    auditTrail: (scope, limit, before) => told(store.auditTrail(scope, limit, before), scope),
    setting: (name, initial) => told(store.setting(name, initial)),
    keptAnswer: (scope, key) => told(store.keptAnswer(scope, key), scope),
    keepAnswer: (scope, key, kept) => told(store.keepAnswer(scope, key, kept), scope),
    close: () => store.close(),
  }
}
