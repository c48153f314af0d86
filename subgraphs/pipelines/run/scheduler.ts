import { CronExpressionParser } from 'cron-parser'
import type { NewRun, RunStore } from '../../../connectors/ports/run-store.ts'
import { pause, type Scope } from '../../../connectors/ports/scope.ts'
import { asHubError, HubError } from '../../../schema/errors.ts'
import { instant } from '../../../schema/values.ts'
import { type Registry, versionText } from '../registry.ts'

export interface SchedulerOptions {
  readonly store: RunStore
  readonly registry: Registry
  /** Of the tenant whose runs they are; its signal ends it. */
  readonly scope: Scope
  /** Something was put into the queue. */
  readonly wake: () => void
}

const lookMs = 1_000
/** A moment that passed while no hub was there is made up for within this time. */
const catchUpMs = 24 * 60 * 60 * 1000

/**
 * Puts runs of pipelines and jobs into the queue at the moments their schedules say, in UTC. Every hub of a store does so: the run of a moment has a key, and is there once. Of moments that passed while no hub was there only the last is made up
 * for, and only of what ran by its schedule before; one that has come to have a schedule begins with the next moment. While a run goes on, the moment of another is left out. Ends when the scope's signal aborts.
 */
export async function schedule({ store, registry, scope, wake }: SchedulerOptions): Promise<void> {
  /** The last moment that was looked at, by subject and schedule. */
  const handled = new Map<string, number>()
  while (!scope.signal.aborted) {
    try {
      for (const scheduled of await everyScheduled(registry)) {
        const place = `${keyOf(scheduled)} ${scheduled.schedule}`
        const dueMs = lastMoment(scheduled.schedule, scope.clock.now())
        const knownMs = handled.get(place) ?? (await begin(store, scope, scheduled, dueMs))
        if (dueMs > knownMs && (await put(store, scope, scheduled, dueMs))) wake()
        handled.set(place, Math.max(dueMs, knownMs))
      }
    } catch (error) {
      if (!scope.signal.aborted) scope.log.warn('Schedules could not be looked at.', { reason: asHubError(error).message })
    }
    await pause(scope, lookMs)
  }
}

interface Scheduled extends Pick<NewRun, 'kind' | 'application' | 'subject' | 'version' | 'layer'> {
  readonly schedule: string
  readonly slaMs?: number
}

async function everyScheduled(registry: Registry): Promise<readonly Scheduled[]> {
  const pipelines = (await registry.pipelines()).flatMap(({ application, id: subject, document }): Scheduled[] => {
    const { schedule: when, slaMs, layer } = document ?? {}
    return document && when !== undefined ? [{ kind: 'pipeline', application, subject, version: versionText(document), schedule: when, ...(layer && { layer }), ...(slaMs !== undefined && { slaMs }) }] : []
  })
  const jobs = (await registry.jobs()).flatMap(({ application, id: subject, document }): Scheduled[] => (document?.schedule === undefined ? [] : [{ kind: 'job', application, subject, version: versionText(document), schedule: document.schedule }]))
  return [...pipelines, ...jobs]
}

/** What keys of its runs begin with. */
function keyOf({ kind, application, subject }: Scheduled): string {
  return `${kind === 'job' ? 'schedule-job' : 'schedule'} ${application}/${subject}`
}

/** From where moments count: behind the last run of the schedule, where that is not too long ago; else from now. */
async function begin(store: RunStore, scope: Scope, { kind, application, subject }: Scheduled, dueMs: number): Promise<number> {
  const runs = await store.runs(scope, { kind, application, subject, sinceMs: scope.clock.now() - catchUpMs }, 100)
  const last = runs.find(({ trigger }) => trigger === 'SCHEDULE')
  return last ? Math.min(dueMs, Date.parse(String((last.parameters as { readonly runDate?: string }).runDate))) : dueMs
}

/** The last moment of a cron expression that has come. */
export function lastMoment(schedule: string, nowMs: number): number {
  return CronExpressionParser.parse(schedule, { tz: 'UTC', currentDate: new Date(nowMs + 1) }).prev().getTime()
}

/** The moments that come next. */
export function nextMoments(schedule: string, nowMs: number, count: number): readonly string[] {
  return CronExpressionParser.parse(schedule, { tz: 'UTC', currentDate: new Date(nowMs) }).take(count).map(moment => instant(moment.getTime()))
}

async function put(store: RunStore, scope: Scope, scheduled: Scheduled, atMs: number): Promise<boolean> {
  const { schedule: _, slaMs, ...run } = scheduled
  const runDate = instant(atMs)
  try {
    await store.enqueue(scope, {
      ...run, runId: crypto.randomUUID(), trigger: 'SCHEDULE', parameters: { runDate }, key: `${keyOf(scheduled)} ${runDate}`, ...(slaMs !== undefined && { slaAtMs: scope.clock.now() + slaMs }),
    })
    return true
  } catch (error) {
    if (!(error instanceof HubError && error.code === 'CONFLICT')) throw error
    scope.log.warn('A moment of a schedule is left out: the run before still goes on.', { app: run.application, [run.kind]: run.subject, at: runDate })
    return false
  }
}
