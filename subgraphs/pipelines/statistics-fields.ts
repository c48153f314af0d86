import type { CountFilter, RunCount, RunStore, RunTotals } from '../../connectors/ports/run-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { Context } from '../../resolvers/context.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { HubError } from '../../schema/errors.ts'
import { instant } from '../../schema/values.ts'
import { chosenApplications } from './permissions.ts'

const dayMs = 86_400_000
const usualDays = 30
const mostDays = 366

interface Span {
  readonly app?: string | null
  readonly pipeline?: string | null
  readonly since?: string | null
  readonly until?: string | null
}

/** What runs of pipelines add up to. */
export function statisticsFields({ store }: { readonly store: RunStore }): Subgraph['fields'] {
  return {
    Query: {
      runStats: async (_: unknown, { groupBy, ...span }: Span & { readonly groupBy: 'DAY' | 'WEEK' }, { scope }: Context) => {
        const counts = await store.counts(scope, filterOf(scope, span), groupBy)
        return counts.map(({ application, subject, periodAtMs, queued, running, lastFailure, ...count }) => ({ ...count, period: instant(periodAtMs ?? 0), app: application, pipelineId: subject, open: queued + running, lastFailure: lastFailure?.message ?? null }))
      },
      pipelineStats: async (_: unknown, span: Span, { scope }: Context) => (await store.totals(scope, filterOf(scope, span))).map(shownTotals),
      topFailureReasons: async (_: unknown, { limit, ...span }: Span & { readonly limit: number }, { scope }: Context) => {
        const counts = await store.counts(scope, filterOf(scope, span), 'CATEGORY')
        const reasons = [...Map.groupBy(counts, ({ category }) => category ?? 'SYSTEM')].map(([category, own]) => {
          const last = own.flatMap(({ lastFailure }) => lastFailure ?? []).sort((a, b) => b.endedAtMs - a.endedAtMs)[0]
          return { category, count: sum(own, ({ failed }) => failed), lastRunId: last?.runId ?? '', lastMessage: last?.message ?? '' }
        })
        return reasons.sort((a, b) => b.count - a.count).slice(0, Math.max(0, limit))
      },
      slaCompliance: async (_: unknown, { groupBy, ...span }: Span & { readonly groupBy: 'DAY' | 'WEEK' }, { scope }: Context) => {
        const counts = await store.counts(scope, filterOf(scope, span), groupBy)
        return [...Map.groupBy(counts, ({ periodAtMs }) => periodAtMs)].map(([periodAtMs, own]) => {
          const [met, breached] = [sum(own, ({ slaMet }) => slaMet), sum(own, ({ slaBreached }) => slaBreached)]
          return { period: instant(periodAtMs ?? 0), met, breached, rate: met + breached === 0 ? null : met / (met + breached) }
        })
      },
    },
  }
}

function shownTotals({ application, subject, timed, workMs, longestMs, slaMet, slaBreached, ...total }: RunTotals) {
  return {
    ...total, app: application, pipelineId: subject, slaMet, slaBreached, meanDurationMs: timed === 0 ? null : workMs / timed, longestDurationMs: longestMs ?? null,
    rowsReadPerSecond: workMs === 0 ? null : (total.rowsRead * 1_000) / workMs, rowsWrittenPerSecond: workMs === 0 ? null : (total.rowsWritten * 1_000) / workMs,
  }
}

/** Of applications the caller may read. */
function filterOf(scope: Scope, { app, pipeline, since, until }: Span): CountFilter {
  const applications = chosenApplications(scope, 'pipeline:read', app)
  const untilMs = until ? Date.parse(until) : scope.clock.now() + 1
  const sinceMs = since ? Date.parse(since) : untilMs - usualDays * dayMs
  if (untilMs - sinceMs > mostDays * dayMs) throw new HubError('BAD_USER_INPUT', `Between "since" and "until" lie ${Math.ceil((untilMs - sinceMs) / dayMs)} days; ${mostDays} are the limit.`, { field: 'since' })
  return { kind: 'pipeline', sinceMs, untilMs, ...(applications && { applications }), ...(pipeline && { subject: pipeline }) }
}

function sum(counts: readonly RunCount[], of: (count: RunCount) => number): number {
  return counts.reduce((total, count) => total + of(count), 0)
}
