import { openPostgresDatabase } from '../metadata/postgres-database.ts'
import { openSqliteDatabase } from '../metadata/sqlite-database.ts'
import type { DraftStore } from '../ports/draft-store.ts'
import type { Log } from '../ports/scope.ts'
import type { Database } from './schema.ts'
import { openDrafts } from './store.ts'

/** The drafts in one SQLite file, which may be the metadata store's, or in memory for `:memory:`; what was answered survives a loss of power. A file that is no database → UPSTREAM_REJECTED. */
export async function openSqliteDraftStore({ file }: { readonly file: string }): Promise<DraftStore> {
  return openSqliteDatabase<Database, DraftStore>({ file, called: 'drafts of pipelines' }, openDrafts)
}

/** The drafts in a PostgreSQL database beside the metadata store's tables, shared by every hub that names it. Fails as the store does: UPSTREAM_UNAVAILABLE or UPSTREAM_REJECTED, without the password. */
export async function openPostgresDraftStore({ url, log }: { readonly url: string; readonly log: Log }): Promise<DraftStore> {
  const { opened: store, told } = await openPostgresDatabase<Database, DraftStore>({ url, log }, openDrafts)
  return {
    add: (scope, draft) => told(store.add(scope, draft), scope),
    change: (scope, at, change) => told(store.change(scope, at, change), scope),
    draft: (scope, id) => told(store.draft(scope, id), scope),
    drafts: (scope, filter, limit, after) => told(store.drafts(scope, filter, limit, after), scope),
    close: () => store.close(),
  }
}
