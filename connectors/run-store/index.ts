import { openPostgresDatabase, type Told } from '../metadata/postgres-database.ts'
import { openSqliteDatabase } from '../metadata/sqlite-database.ts'
import type { RunStore } from '../ports/run-store.ts'
import type { Log } from '../ports/scope.ts'
import type { Database } from './schema.ts'
import { openRuns } from './store.ts'

/** The runs in one SQLite file, which may be the metadata store's, or in memory for `:memory:`; what was answered survives a loss of power. A file that is no database → UPSTREAM_REJECTED. */
export async function openSqliteRunStore({ file }: { readonly file: string }): Promise<RunStore> {
  return openSqliteDatabase<Database, RunStore>({ file, called: 'the run store' }, openRuns)
}

/** The runs in a PostgreSQL database beside the metadata store's tables, shared by every hub that names it. Fails as the store does: UPSTREAM_UNAVAILABLE or UPSTREAM_REJECTED, without the password. */
export async function openPostgresRunStore({ url, log }: { readonly url: string; readonly log: Log }): Promise<RunStore> {
  const { opened: store, told } = await openPostgresDatabase<Database, RunStore>({ url, log }, openRuns)
  return guarded(store, told)
}

function guarded(store: RunStore, told: Told): RunStore {
  return {
    enqueue: (scope, run, held) => told(store.enqueue(scope, run, held), scope),
    claim: (scope, worker) => told(store.claim(scope, worker), scope),
    renew: (scope, held, leaseMs, progress) => told(store.renew(scope, held, leaseMs, progress), scope),
    finish: (scope, held, ending) => told(store.finish(scope, held, ending), scope),
    cancel: (scope, runId) => told(store.cancel(scope, runId), scope),
    reclaim: scope => told(store.reclaim(scope), scope),
    run: (scope, runId) => told(store.run(scope, runId), scope),
    breaches: (scope, span) => told(store.breaches(scope, span), scope),
    failures: (scope, span) => told(store.failures(scope, span), scope),
    streak: (scope, subject, toMs) => told(store.streak(scope, subject, toMs), scope),
    runs: (scope, filter, limit, after) => told(store.runs(scope, filter, limit, after), scope),
    counts: (scope, filter, by) => told(store.counts(scope, filter, by), scope),
    totals: (scope, filter) => told(store.totals(scope, filter), scope),
    log: (scope, held, lines) => told(store.log(scope, held, lines), scope),
    logged: (scope, runId, limit, after) => told(store.logged(scope, runId, limit, after), scope),
    lineage: (scope, runId) => told(store.lineage(scope, runId), scope),
    watermarks: (scope, application, subject) => told(store.watermarks(scope, application, subject), scope),
    spans: (scope, mark) => told(store.spans(scope, mark), scope),
    fix: (scope, held, mark, spans) => told(store.fix(scope, held, mark, spans), scope),
    lineages: scope => told(store.lineages(scope), scope),
    queue: scope => told(store.queue(scope), scope),
    seen: (scope, worker) => told(store.seen(scope, worker), scope),
    workers: scope => told(store.workers(scope), scope),
    close: () => store.close(),
  }
}
