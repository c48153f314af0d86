import type { Alert, AlertCause, AlertRule, AlertStore } from '../../../connectors/ports/alert-store.ts'
import type { RunSpan, RunStore, StoredRun } from '../../../connectors/ports/run-store.ts'
import { pause, type Scope } from '../../../connectors/ports/scope.ts'
import { asHubError } from '../../../schema/errors.ts'
import { instant } from '../../../schema/values.ts'
import { type JobEvent, noticesOf } from '../notify/notices.ts'
import type { Teller } from '../notify/teller.ts'
import type { Registry } from '../registry.ts'
import type { JobRecord } from '../run/job-record.ts'
import { alertNotices } from './notices.ts'

export interface AlertWatchOptions {
  readonly store: RunStore
  readonly alerts: AlertStore
  readonly registry: Pick<Registry, 'jobs'>
  readonly teller: Pick<Teller, 'send' | 'tellable' | 'consoleUrl'>
  /** Its signal ends it. */
  readonly scope: Scope
  /** Hears of every alert that was raised here, and not of what is one more event of an earlier one. */
  readonly raised: (alert: Alert) => void
}

const lookMs = 1_000
/** What happened while no hub was there is told within this time. */
const catchUpMs = 24 * 60 * 60 * 1000
/** How far back each look goes behind the one before: clocks of hubs differ, and what is stored at a moment may be seen later. */
const overlapMs = 60_000
/** How much of the past is looked at at once. */
const spanMs = 10 * 60_000

/**
 * Raises alerts where the rules of a tenant say so, and tells whom the rules and jobs name, as soon as it happens. Every hub of a store does so: what is told has a key in the store, and is told by one of them. What happened before a rule
 * was declared is not told. Ends when the scope's signal aborts.
 */
export async function watchAlerts(options: AlertWatchOptions): Promise<void> {
  const { scope } = options
  const watch = new Watch(options)
  let seenMs = scope.clock.now() - catchUpMs
  while (!scope.signal.aborted) {
    const nowMs = scope.clock.now()
    try {
      for (let fromMs = seenMs - overlapMs; fromMs <= nowMs; fromMs += spanMs) await watch.look({ fromMs, untilMs: Math.min(fromMs + spanMs, nowMs + 1) })
      seenMs = nowMs
      watch.forget(nowMs - 2 * overlapMs)
    } catch (error) {
      if (!scope.signal.aborted) scope.log.warn('Whether there is something to alert of could not be looked at.', { reason: asHubError(error).message })
    }
    await pause(scope, lookMs)
  }
}

type Watched = StoredRun & { readonly kind: Alert['subject']['kind'] }

class Watch {
  readonly #options: AlertWatchOptions
  /** What was handled from here, and when it happened: looks overlap. */
  readonly #handled = new Map<string, number>()

  constructor(options: AlertWatchOptions) {
    this.#options = options
  }

  async look(span: RunSpan): Promise<void> {
    const { store, scope } = this.#options
    for (const run of (await store.breaches(scope, span)).filter(isWatched)) await this.#once(`breach ${run.tenant} ${run.runId}`, run.slaAtMs ?? 0, () => this.#breached(run, run.slaAtMs ?? 0))
    for (const run of (await store.failures(scope, span)).filter(isWatched)) await this.#once(`failure ${run.tenant} ${run.runId}`, run.endedAtMs ?? 0, () => this.#failed(run, run.endedAtMs ?? 0))
  }

  forget(beforeMs: number): void {
    for (const [event, atMs] of this.#handled) if (atMs < beforeMs) this.#handled.delete(event)
  }

  async #once(event: string, atMs: number, handle: () => Promise<void>): Promise<void> {
    if (this.#handled.has(event)) return
    await handle()
    this.#handled.set(event, atMs)
  }

  async #breached(run: Watched, slaAtMs: number): Promise<void> {
    const { store } = this.#options
    const scope = { ...this.#options.scope, tenant: run.tenant }
    const ofJob = run.kind === 'job' ? run : run.jobRunId === undefined ? undefined : await store.run(scope, run.jobRunId)
    const jobRun = ofJob && isWatched(ofJob) ? ofJob : undefined
    for (const rule of await this.#rules(scope, run, 'SLA_BREACH', slaAtMs)) {
      const { subject } = rule
      const about = subject ? [run, jobRun].find(one => one?.kind === subject.kind && one.subject === subject.id) : run
      if (about) await this.#raise(scope, rule, about, { event: `sla ${about.runId}`, group: 'sla', atMs: slaAtMs, message: breachText(about, run, slaAtMs) })
    }
    if (jobRun) await this.#tellJob(scope, jobRun, run)
  }

  /** One group are the failures since the last run that succeeded: one behind the next is another alert, also within the quiet time. */
  async #failed(run: Watched, endedAtMs: number): Promise<void> {
    const scope = { ...this.#options.scope, tenant: run.tenant }
    const rules = (await this.#rules(scope, run, 'REPEATED_FAILURE', endedAtMs)).filter(({ subject }) => !subject || (subject.kind === run.kind && subject.id === run.subject))
    if (rules.length === 0) return
    const { failures, sinceMs } = await this.#options.store.streak(scope, run, endedAtMs)
    for (const rule of rules) {
      if (failures >= (rule.failures ?? 1)) await this.#raise(scope, rule, run, { event: `failure ${run.runId}`, group: `since ${sinceMs}`, atMs: endedAtMs, message: failureText(run, failures) })
    }
  }

  async #rules(scope: Scope, { application }: StoredRun, kind: AlertRule['kind'], atMs: number): Promise<readonly AlertRule[]> {
    return (await this.#options.alerts.rules(scope, application)).filter(rule => rule.kind === kind && rule.changedAtMs <= atMs)
  }

  async #raise(scope: Scope, rule: AlertRule, { kind, subject, runId }: Watched, { group, ...cause }: Pick<AlertCause, 'event' | 'group' | 'atMs' | 'message'>): Promise<void> {
    const { alerts, teller, raised } = this.#options
    const done = await alerts.raise(scope, { ...cause, rule, group: JSON.stringify([kind, subject, group]), subject: { kind, id: subject }, runId })
    if (!done?.isNew) return
    raised(done.alert)
    teller.send(scope, done.alert.application, alertNotices(done.alert, rule.targets, teller.consoleUrl))
  }

  /** Jobs have no time of their own: one takes too long where a pipeline in it does. */
  async #tellJob(scope: Scope, jobRun: StoredRun, { kind, subject }: StoredRun): Promise<void> {
    const { alerts, registry, teller } = this.#options
    const { runId, application, startedAtMs, endedAtMs = scope.clock.now() } = jobRun
    const document = (await registry.jobs()).find(one => one.application === application && one.id === jobRun.subject)?.document
    const notices = document && noticesOf({ document: teller.tellable(document), runId, application, ...(teller.consoleUrl !== undefined && { consoleUrl: teller.consoleUrl }) }, {
      event: 'sla_breach' satisfies JobEvent, state: jobRun.state as 'QUEUED' | 'RUNNING' | JobRecord['state'], ...(startedAtMs !== undefined && { durationMs: endedAtMs - startedAtMs }), ...(kind === 'pipeline' && { pipeline: subject }),
    })
    if (notices && notices.length > 0 && (await alerts.once(scope, `sla of job ${runId}`))) teller.send(scope, application, notices)
  }
}

/** Who asked for an export looks for its end. */
function isWatched(run: StoredRun): run is Watched {
  return run.kind !== 'export'
}

function failureText({ kind, subject, runId, message = 'No reason was told.' }: StoredRun, failures: number): string {
  return `${kind === 'job' ? 'Job' : 'Pipeline'} "${subject}" failed ${failures === 1 ? 'once' : `${failures} times in a row`}; why the run "${runId}" did: ${message}`
}

function breachText(about: StoredRun, run: StoredRun, slaAtMs: number): string {
  const { state, endedAtMs } = about
  const whose = about === run ? 'its time' : `the time of its pipeline "${run.subject}"`
  return `${about.kind === 'job' ? 'Job' : 'Pipeline'} "${about.subject}" ${endedAtMs === undefined ? 'takes' : 'took'} longer than it may: ${whose} was over at ${instant(slaAtMs)}, and the run "${about.runId}" ${endedAtMs === undefined ? `is ${state}` : `ended as ${state} at ${instant(endedAtMs)}`}.`
}
