import { type Kysely, Migrator, type Transaction } from 'kysely'
import { HubError } from '../../schema/errors.ts'
import type { RunStore } from '../ports/run-store.ts'
import type { Scope } from '../ports/scope.ts'
import { chosenRuns } from './chosen.ts'
import { countRuns } from './counts.ts'
import { breachedRuns, failedInRow, failedRuns } from './happened.ts'
import { keepLineage, lineageOf, newestLineages } from './lineages.ts'
import { keepLines, linesOf } from './logs.ts'
import { checkTexts, endedRow, isKept, keptText, lostRow, queuedRow, type RunRow, storedRun } from './rows.ts'
import { type Database, hasNotEnded, isUnderWay, isWaiting, migrations, migrationTables } from './schema.ts'
import { totalRuns } from './totals.ts'
import { fixSpans, moveWatermarks, spansOf, watermarksOf } from './watermarks.ts'
import { noteWorker, seenWorkers } from './workers.ts'

/**
 * The runs over any engine kysely speaks to, their tables brought up to date first. Closing it closes `db`. Whatever moves a run between worker and queue does so alone among all; what a worker says of its own run is
 * one statement, which finds it or not.
 */
export async function openRuns(db: Kysely<Database>): Promise<RunStore> {
  const { error } = await new Migrator({ db, provider: { getMigrations: async () => migrations }, ...migrationTables }).migrateToLatest()
  if (error) throw error

  const alone = <T>({ signal }: Scope, work: (tx: Transaction<Database>) => Promise<T>): Promise<T> =>
    db.transaction().execute(async tx => {
      await tx.updateTable('run_writer').set(eb => ({ turns: eb('turns', '+', 1) })).execute()
      // Nobody would work on what is given to a worker that left while it waited.
      signal.throwIfAborted()
      return work(tx)
    })

  const find = (from: Kysely<Database>, { tenant }: Scope, runId: string) => from.selectFrom('run').selectAll().where('tenant', '=', tenant).where('run_id', '=', runId).executeTakeFirst()
  const change = (from: Kysely<Database>, { tenant, run_id }: Pick<RunRow, 'tenant' | 'run_id'>, to: Partial<RunRow>) => from.updateTable('run').set(to).where('tenant', '=', tenant).where('run_id', '=', run_id)
  const waiting = (from: Kysely<Database>, nowMs: number) => from.selectFrom('run').where(isWaiting).where(eb => eb.or([eb('not_before_ms', 'is', null), eb('not_before_ms', '<=', nowMs)]))
  const overdue = (from: Kysely<Database>, nowMs: number) => from.selectFrom('run').where(isUnderWay).where('lease_until_ms', '<=', nowMs)

  return {
    async enqueue(scope, run, held) {
      scope.signal.throwIfAborted()
      checkTexts(run)
      return alone(scope, async tx => {
        const ofTenant = tx.selectFrom('run').selectAll().where('tenant', '=', scope.tenant)
        const same = run.key !== undefined && (await ofTenant.where('run_key', '=', run.key).executeTakeFirst())
        if (same) return storedRun(scope.clock.now(), same)
        const other = !run.allowConcurrent && (await ofTenant.where('application', '=', run.application).where('subject', '=', run.subject).where('kind', '=', run.kind).where(hasNotEnded).executeTakeFirst())
        if (other) throw new HubError('CONFLICT', `The ${run.kind} "${run.subject}" of "${run.application}" has the run "${other.run_id}" already, which is ${other.state}. Wait until it ends, cancel it, or allow runs at the same time.`, { runId: other.run_id })
        const row = await tx.insertInto('run').values(queuedRow(scope, run, held)).onConflict(conflict => conflict.columns(['tenant', 'run_id']).doNothing()).returningAll().executeTakeFirst()
        if (!row) throw new HubError('CONFLICT', `There is a run "${run.runId}" already. Give this one an id of its own, or a key where it is the same.`, { runId: run.runId })
        return storedRun(scope.clock.now(), row)
      })
    },

    async claim(scope, { worker, leaseMs, mostOfApplication }) {
      scope.signal.throwIfAborted()
      // Most who ask find nothing, and then hold nobody up.
      if (!(await waiting(db, scope.clock.now()).select('run_id').limit(1).executeTakeFirst())) return undefined
      return alone(scope, async tx => {
        const nowMs = scope.clock.now()
        let may = waiting(tx, nowMs)
        if (mostOfApplication !== undefined) {
          may = may.where(eb => eb.not(eb(eb.refTuple('tenant', 'application'), 'in',
            eb.selectFrom('run').select(['tenant', 'application']).where(isUnderWay).groupBy(['tenant', 'application']).having(eb.fn.countAll(), '>=', mostOfApplication).$asTuple('tenant', 'application'))))
        }
        const next = await may.select(['tenant', 'run_id']).orderBy('queued_at_ms').orderBy('run_id').orderBy('tenant').limit(1).executeTakeFirst()
        return next && storedRun(nowMs, await change(tx, next, { state: 'RUNNING', worker: keptText(worker), started_at_ms: nowMs, lease_until_ms: nowMs + leaseMs }).returningAll().executeTakeFirstOrThrow())
      })
    },

    async renew(scope, { runId, attempt }, leaseMs, { record }) {
      scope.signal.throwIfAborted()
      if (!isKept(runId)) return 'LOST'
      const held = await change(db, { tenant: scope.tenant, run_id: runId }, { lease_until_ms: scope.clock.now() + leaseMs, record: JSON.stringify(record) })
        .where(isUnderWay).where('attempt', '=', attempt).returning('asked_to_stop').executeTakeFirst()
      if (!held) return 'LOST'
      return held.asked_to_stop === 1 ? 'CANCEL' : 'GO_ON'
    },

    async finish(scope, { runId, attempt }, ending) {
      scope.signal.throwIfAborted()
      if (!isKept(runId)) return false
      const nowMs = scope.clock.now()
      const end = (from: Kysely<Database>) => change(from, { tenant: scope.tenant, run_id: runId }, endedRow(nowMs, ending)).where(isUnderWay).where('attempt', '=', attempt).returningAll().executeTakeFirst()
      const { lineage, mark } = ending
      if (!lineage && mark === undefined) return (await end(db)) !== undefined
      const whole = async (tx: Transaction<Database>) => {
        const ended = await end(tx)
        if (ended && lineage) await keepLineage(tx, ended, nowMs, lineage)
        if (ended?.state === 'SUCCEEDED' && mark !== undefined) await moveWatermarks(tx, ended, nowMs, mark)
        return ended !== undefined
      }
      // Two that move one watermark would each not see the other's.
      return mark === undefined ? db.transaction().execute(whole) : alone(scope, whole)
    },

    async cancel(scope, runId) {
      scope.signal.throwIfAborted()
      const nowMs = () => scope.clock.now()
      return alone(scope, async tx => {
        const found = isKept(runId) ? await find(tx, scope, runId) : undefined
        if (!found) throw new HubError('NOT_FOUND', `There is no run "${runId}".`, { runId })
        const asked: Partial<RunRow> = found.state === 'QUEUED' ? { asked_to_stop: 1, state: 'CANCELLED', ended_at_ms: nowMs() } : { asked_to_stop: 1 }
        // Its worker may end it meanwhile, as that waits for nobody.
        const row = await change(tx, found, asked).where(hasNotEnded).returningAll().executeTakeFirst()
        if (row) return storedRun(nowMs(), row)
        const ended = (await find(tx, scope, runId)) ?? found
        throw new HubError('CONFLICT', `The run "${runId}" has ended already: it is ${ended.state}.`, { runId, state: ended.state })
      })
    },

    async reclaim(scope) {
      scope.signal.throwIfAborted()
      if (!(await overdue(db, scope.clock.now()).select('run_id').limit(1).executeTakeFirst())) return []
      return alone(scope, async tx => {
        const nowMs = scope.clock.now()
        const handled: RunRow[] = []
        for (const run of await overdue(tx, nowMs).selectAll().orderBy('queued_at_ms').orderBy('run_id').execute()) {
          // Its worker may renew or end it meanwhile.
          const row = await change(tx, run, lostRow(nowMs, run)).where(isUnderWay).where('lease_until_ms', '<=', nowMs).returningAll().executeTakeFirst()
          if (row) handled.push(row)
        }
        return handled.map(row => storedRun(nowMs, row))
      })
    },

    async run(scope, runId) {
      scope.signal.throwIfAborted()
      const row = isKept(runId) ? await find(db, scope, runId) : undefined
      return row && storedRun(scope.clock.now(), row)
    },

    async breaches(scope, span) {
      scope.signal.throwIfAborted()
      return (await breachedRuns(db, span)).map(row => storedRun(scope.clock.now(), row))
    },

    async failures(scope, span) {
      scope.signal.throwIfAborted()
      return (await failedRuns(db, span)).map(row => storedRun(scope.clock.now(), row))
    },

    async streak(scope, subject, toMs) {
      scope.signal.throwIfAborted()
      return failedInRow(db, scope, subject, toMs)
    },

    async runs(scope, filter, limit, after) {
      scope.signal.throwIfAborted()
      let query = chosenRuns(db, scope, filter).selectAll()
      if (after) query = query.where(eb => eb(eb.refTuple('queued_at_ms', 'run_id'), '<', eb.tuple(after.queuedAtMs, after.runId)))
      const rows = await query.orderBy('queued_at_ms', 'desc').orderBy('run_id', 'desc').limit(limit).execute()
      return rows.map(row => storedRun(scope.clock.now(), row))
    },

    async counts(scope, filter, by) {
      scope.signal.throwIfAborted()
      return countRuns(db, scope, filter, by)
    },

    async totals(scope, filter) {
      scope.signal.throwIfAborted()
      return totalRuns(db, scope, filter)
    },

    async log(scope, held, lines) {
      scope.signal.throwIfAborted()
      await keepLines(db, scope, held, lines)
    },

    async logged(scope, runId, limit, after) {
      scope.signal.throwIfAborted()
      return linesOf(db, scope, runId, limit, after)
    },

    async lineage(scope, runId) {
      scope.signal.throwIfAborted()
      return isKept(runId) ? lineageOf(db, scope, runId) : undefined
    },

    async watermarks(scope, application, subject) {
      scope.signal.throwIfAborted()
      return isKept(application) && isKept(subject) ? watermarksOf(db, scope, application, subject) : []
    },

    async spans(scope, mark) {
      scope.signal.throwIfAborted()
      return isKept(mark) ? spansOf(db, scope, mark) : []
    },

    async fix(scope, { runId, attempt }, mark, spans) {
      scope.signal.throwIfAborted()
      if (!isKept(runId)) return false
      return alone(scope, async tx => {
        const held = await tx.selectFrom('run').select('run_id').where('tenant', '=', scope.tenant).where('run_id', '=', runId).where('attempt', '=', attempt).where(isUnderWay).executeTakeFirst()
        if (held) await fixSpans(tx, scope, mark, spans)
        return held !== undefined
      })
    },

    async lineages(scope) {
      scope.signal.throwIfAborted()
      return newestLineages(db, scope)
    },

    async queue(scope) {
      scope.signal.throwIfAborted()
      const { depth, oldest } = await waiting(db, scope.clock.now()).select(eb => [eb.fn.countAll().as('depth'), eb.fn.min(eb.fn.coalesce('not_before_ms', 'queued_at_ms')).as('oldest')]).executeTakeFirstOrThrow()
      return oldest === null ? { depth: Number(depth) } : { depth: Number(depth), oldestAtMs: Number(oldest) }
    },

    async seen(scope, worker) {
      scope.signal.throwIfAborted()
      await noteWorker(db, scope, worker)
    },

    async workers(scope) {
      scope.signal.throwIfAborted()
      return seenWorkers(db, scope)
    },

    close: () => db.destroy(),
  }
}
