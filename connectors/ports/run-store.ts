import type { RunLineage } from '../../schema/lineage.ts'
import type { ColumnType, Json } from '../../schema/values.ts'
import type { Scope } from './scope.ts'

/**
 * Runs of pipelines and jobs of every hub that shares the store: what waits, what is under way, what was. Of a tenant, but `claim`, `reclaim`, `queue`, `breaches` and `failures`, which are the hub's own and see all, as do `seen` and `workers`. Every method is
 * one transaction, durable when answered. Moments are on the scope's clock, in milliseconds.
 */
export interface RunStore {
  /**
   * Puts a run into the queue. One with the key of another is that one: nothing is put in, and the other is answered. Another run of the same subject that waits or goes on → CONFLICT naming it, unless `allowConcurrent`;
   * a run of the same id → CONFLICT. With `held` it never waits: it is that worker's from the beginning. A text that cannot be kept, as it is too long or has a NUL → VALIDATION_ERROR.
   */
  enqueue(scope: Scope, run: NewRun, held?: Pick<Claim, 'worker' | 'leaseMs'>): Promise<StoredRun>
  /** The run that waits longest among those that may begin, for one of all who ask; undefined: there is none. It is the worker's for `leaseMs`. */
  claim(scope: Scope, worker: Claim): Promise<StoredRun | undefined>
  /**
   * Keeps a run for `leaseMs` more, and stores how far it is. CANCEL: it was asked to stop, and is kept all the same. LOST: it is not this worker's any more, and nothing was stored. A lease that ran out is lost
   * once someone has reclaimed it, and not before.
   */
  renew(scope: Scope, held: HeldRun, leaseMs: number, progress: RunProgress): Promise<'GO_ON' | 'CANCEL' | 'LOST'>
  /** Stores how it ended. False: it is not this worker's any more, and nothing was stored. One that succeeded moves the watermarks of its spans in the same transaction, none of them back; the spans are let go of then. */
  finish(scope: Scope, held: HeldRun, ending: RunEnding): Promise<boolean>
  /** Asks for an end: a run that waits is CANCELLED now, one under way is told when it is renewed. One that has ended → CONFLICT; none → NOT_FOUND. */
  cancel(scope: Scope, runId: string): Promise<StoredRun>
  /**
   * Runs whose worker did not come back in time, each for one of all who ask: it goes back to its place in the queue with one attempt more. What was asked to stop ends as CANCELLED, and what has had
   * as many attempts as it may as FAILED of category SYSTEM with a message that begins with LOST. Answers them as they are now.
   */
  reclaim(scope: Scope): Promise<readonly StoredRun[]>
  run(scope: Scope, runId: string): Promise<StoredRun | undefined>
  /** Runs of all tenants that waited or went on when their time was over, where that was in the span; by when it was. */
  breaches(scope: Scope, span: RunSpan): Promise<readonly StoredRun[]>
  /** Runs of all tenants that ended as FAILED in the span; by when they did. */
  failures(scope: Scope, span: RunSpan): Promise<readonly StoredRun[]>
  /** How many runs of a subject have failed, to a moment and with it, since the last that succeeded or had no data, and when that was; 0 where there is none. */
  streak(scope: Scope, subject: RunSubject, toMs: number): Promise<{ readonly failures: number; readonly sinceMs: number }>
  /** Newest first, by when they were put in and then by id; at most `limit`, those behind `after`. */
  runs(scope: Scope, filter: RunFilter, limit: number, after?: RunPlace): Promise<readonly StoredRun[]>
  /** How many runs there are of each subject and day, week (of ISO 8601: from Monday) or category of failure, the earliest first. Days and weeks are those a run was put in, in UTC. By category only those that failed are counted. */
  counts(scope: Scope, filter: CountFilter, by: CountedBy): Promise<readonly RunCount[]>
  /** What the runs of each subject add up to, by application, subject and kind. */
  totals(scope: Scope, filter: CountFilter): Promise<readonly RunTotals[]>
  /** Adds lines behind those of the same attempt. Of an attempt the first thousand and at most 256 KiB are kept, and one behind them that says that there were more. Of a run that is not this worker's any more nothing is stored. */
  log(scope: Scope, held: HeldRun, lines: readonly RunLogLine[]): Promise<void>
  /** What a run logged, by attempt and in its order; at most `limit`, those behind `after`. */
  logged(scope: Scope, runId: string, limit: number, after?: LogPlace): Promise<readonly StoredLogLine[]>
  /** Of a run; undefined where there is none, or no such run. */
  lineage(scope: Scope, runId: string): Promise<RunLineage | undefined>
  /** Where the sources of a pipeline go on, by their names. */
  watermarks(scope: Scope, application: string, subject: string): Promise<readonly Watermark[]>
  /** What was fixed under a mark, by the names of the sources. */
  spans(scope: Scope, mark: string): Promise<readonly Span[]>
  /** Fixes what a run has read, before anything of it is in place, so that whoever repeats it reads the same. What is fixed under the mark already stays. False: the run is not this worker's any more, and nothing was stored. */
  fix(scope: Scope, held: HeldRun, mark: string, spans: readonly Span[]): Promise<boolean>
  /** Of every pipeline of the tenant, that of the run with one which ended last; by application and pipeline. */
  lineages(scope: Scope): Promise<readonly PipelineLineage[]>
  /** What waits and may begin, of all tenants: how many, and since when the longest. */
  queue(scope: Scope): Promise<{ readonly depth: number; readonly oldestAtMs?: number }>
  /** Tells that a worker is there now. Of those that were not seen for a day nothing is kept. A name has at most 255 characters. */
  seen(scope: Scope, worker: string): Promise<void>
  /** Those that were seen within a day, by their names. */
  workers(scope: Scope): Promise<readonly SeenWorker[]>
  close(): Promise<void>
}

export type RunState = 'QUEUED' | 'RUNNING' | EndedState

/** How a run ended. SKIPPED_NO_DATA: a source had nothing, and that was nothing to do. */
export type EndedState = 'SUCCEEDED' | 'SKIPPED_NO_DATA' | 'FAILED' | 'CANCELLED'

export interface NewRun {
  /** No other run of the tenant has it. At most 64 characters, as `jobRunId` and `rerunOf`; a key at most 512, other texts 255. */
  readonly runId: string
  /** An export is of a dataset of the application, on demand. */
  readonly kind: 'pipeline' | 'job' | 'export'
  readonly application: string
  /** Of the pipeline or the job; of an export the dataset. Kind, application and this are the run's subject. */
  readonly subject: string
  readonly version: string
  /** Of a pipeline. */
  readonly layer?: string
  readonly trigger: 'MANUAL' | 'SCHEDULE' | 'JOB' | 'RERUN'
  readonly parameters: Json
  /** The same for what must run once, as `schedule orders 2026-01-31T10:00`. Absent: it is its own. */
  readonly key?: string
  /** Of the job's run it belongs to. */
  readonly jobRunId?: string
  /** Of the run it repeats. */
  readonly rerunOf?: string
  readonly allowConcurrent?: boolean
  /** How often workers may begin it, where they do not come back. Default: 2. */
  readonly mostAttempts?: number
  /** What stands in the place of what its worker will tell, as steps of an earlier run that it takes over. Absent: null. */
  readonly record?: Json
  /** When its time is over; absent: never. */
  readonly slaAtMs?: number
  /** Not before this; absent: now. */
  readonly notBeforeMs?: number
}

export interface Claim {
  readonly worker: string
  readonly leaseMs: number
  /** Runs of one application of a tenant under way at a time, of all workers. Absent: as many as there are workers. */
  readonly mostOfApplication?: number
}

export interface RunLogLine {
  readonly atMs: number
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: Json
}

export interface LogPlace {
  readonly attempt: number
  /** 1 for the first of the attempt. */
  readonly line: number
}

export interface StoredLogLine extends RunLogLine, LogPlace {}

export interface SeenWorker {
  readonly worker: string
  readonly seenAtMs: number
  /** Under way with it, of all tenants. */
  readonly running: number
  /** Those of the caller's tenant, by their ids. */
  readonly runIds: readonly string[]
}

export interface PipelineLineage {
  /** Another for every other lineage. */
  readonly id: string
  readonly application: string
  readonly subject: string
  readonly runId: string
  readonly endedAtMs: number
  readonly lineage: RunLineage
}

/** A run as its claim answered it. The attempt tells a worker that lost it from whoever has it now, also where that is the same worker. */
export type HeldRun = Pick<StoredRun, 'runId' | 'attempt' | 'jobRunId'>

export interface RunProgress {
  readonly record: Json
}

export interface RunEnding extends RunProgress {
  readonly state: EndedState
  /** What ran; absent: the version it was put in with. At most 255 characters. */
  readonly version?: string
  readonly category?: string
  readonly message?: string
  readonly rowsRead: number
  readonly rowsWritten: number
  readonly rowsRejected: number
  /** Of a pipeline. Stored once for all runs of it that have the same. */
  readonly lineage?: RunLineage
  /** What its spans are fixed under; absent: it has none. */
  readonly mark?: string
}

/** How far a source was read. */
export interface Watermark {
  readonly source: string
  /** Its values grow with every row that is new or changed. */
  readonly column: string
  readonly type: ColumnType
  /** The largest that was read, in its canonical form. */
  readonly value: string
  /** The run that moved it here, and when that ended. */
  readonly runId: string
  readonly movedAtMs: number
}

/** What a run read of a source: rows behind one value, up to another. */
export interface Span extends Pick<Watermark, 'source' | 'column' | 'type'> {
  readonly after: string
  /** Absent: there were none. */
  readonly upTo?: string
}

export interface StoredRun extends Omit<NewRun, 'key' | 'allowConcurrent' | 'mostAttempts' | 'notBeforeMs'> {
  readonly tenant: string
  readonly state: RunState
  /** 1 for the first. */
  readonly attempt: number
  /** Who put it in. */
  readonly startedBy: string
  readonly queuedAtMs: number
  /** Of the last attempt; absent while it waits. */
  readonly startedAtMs?: number
  readonly endedAtMs?: number
  /** Of the last attempt; absent while it waits. */
  readonly worker?: string
  readonly isAskedToStop: boolean
  /** As of when it is read. MET: it ended before its time was over, however it ended; BREACHED: it did not, also while it goes on. PENDING: that is not known yet. NONE: it has as much time as it likes. */
  readonly sla: 'NONE' | 'PENDING' | 'MET' | 'BREACHED'
  readonly category?: string
  readonly message?: string
  readonly rowsRead: number
  readonly rowsWritten: number
  readonly rowsRejected: number
  /** What its worker told last; null: nothing yet. */
  readonly record: Json
}

export interface RunFilter {
  readonly application?: string
  /** Of any of these. Absent: of all. */
  readonly applications?: readonly string[]
  readonly subject?: string
  readonly kind?: NewRun['kind']
  readonly states?: readonly RunState[]
  readonly jobRunId?: string
  /** Put in at this moment or later. */
  readonly sinceMs?: number
  /** Before this. */
  readonly untilMs?: number
}

export type RunSubject = Pick<NewRun, 'kind' | 'application' | 'subject'>

export interface RunSpan {
  /** At this moment or later. */
  readonly fromMs: number
  /** Before this. */
  readonly untilMs: number
}

export interface RunPlace {
  readonly queuedAtMs: number
  readonly runId: string
}

export interface CountFilter extends Pick<RunFilter, 'application' | 'applications' | 'subject' | 'kind'> {
  /** Put in at this moment or later. */
  readonly sinceMs: number
  /** Before this. */
  readonly untilMs: number
}

export type CountedBy = 'DAY' | 'WEEK' | 'CATEGORY'

/** All runs of one subject. */
export interface RunTotals {
  readonly kind: NewRun['kind']
  readonly application: string
  readonly subject: string
  readonly runs: number
  readonly succeeded: number
  readonly failed: number
  readonly rowsRead: number
  readonly rowsWritten: number
  /** Those that were begun and have ended. */
  readonly timed: number
  /** How long these took in their last attempts, together, without the time they waited. */
  readonly workMs: number
  /** The longest of these; absent: there is none. */
  readonly longestMs?: number
  readonly slaMet: number
  readonly slaBreached: number
}

/** Runs of one subject that have a day, a week or a category in common. The six states add up to all of them. */
export interface RunCount {
  readonly kind: NewRun['kind']
  readonly application: string
  readonly subject: string
  /** When the day or the week begins; absent by category. */
  readonly periodAtMs?: number
  /** By category; absent: none was told. */
  readonly category?: string
  readonly queued: number
  readonly running: number
  readonly succeeded: number
  readonly skipped: number
  readonly failed: number
  readonly cancelled: number
  readonly slaMet: number
  readonly slaBreached: number
  /** Of those that failed, the one that ended last. */
  readonly lastFailure?: { readonly runId: string; readonly endedAtMs: number; readonly message?: string }
}
