import type { Json } from '../../schema/values.ts'
import type { Scope } from './scope.ts'

/**
 * Runs of pipelines and jobs of every hub that shares the store: what waits, what is under way, what was. Of a tenant, but `claim` and `reclaim`, which are the workers' and see all. Every method is
 * one transaction, durable when answered. Moments are on the scope's clock, in milliseconds.
 */
export interface RunStore {
  /** Puts a run into the queue. One with the key of another is that one: nothing is put in, and the other is answered. Another run of the same subject that waits or goes on → CONFLICT naming it, unless `allowConcurrent`. */
  enqueue(scope: Scope, run: NewRun): Promise<StoredRun>
  /** The run that waits longest among those that may begin, for one of all who ask; undefined: there is none. It is the worker's for `leaseMs`. */
  claim(scope: Scope, worker: Claim): Promise<StoredRun | undefined>
  /** Keeps a run for `leaseMs` more, and stores how far it is. CANCEL: it was asked to stop; LOST: it is not this worker's any more, and nothing was stored. */
  renew(scope: Scope, runId: string, worker: string, leaseMs: number, progress: RunProgress): Promise<'GO_ON' | 'CANCEL' | 'LOST'>
  /** Stores how it ended. False: it is not this worker's any more, and nothing was stored. */
  finish(scope: Scope, runId: string, worker: string, ending: RunEnding): Promise<boolean>
  /** Asks for an end: a run that waits is CANCELLED now, one under way is told when it is renewed. One that has ended → CONFLICT; none → NOT_FOUND. */
  cancel(scope: Scope, runId: string): Promise<StoredRun>
  /** Runs whose worker did not come back in time: each once goes back into the queue with one attempt more, and what has had `mostAttempts` ends as FAILED with `LOST`. Answers them as they are now. */
  reclaim(scope: Scope, mostAttempts: number): Promise<readonly StoredRun[]>
  run(scope: Scope, runId: string): Promise<StoredRun | undefined>
  /** Newest first, by when they were put in and then by id; at most `limit`, those behind `after`. */
  runs(scope: Scope, filter: RunFilter, limit: number, after?: RunPlace): Promise<readonly StoredRun[]>
  /** What waits, of all tenants: how many, and since when the longest. */
  queue(scope: Scope): Promise<{ readonly depth: number; readonly oldestAtMs?: number }>
  close(): Promise<void>
}

export type RunState = 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED'

export interface NewRun {
  readonly runId: string
  readonly kind: 'pipeline' | 'job'
  readonly application: string
  /** Of the pipeline or the job. Kind, application and this are the run's subject. */
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
  /** When its time is over; absent: never. */
  readonly slaAtMs?: number
  /** Not before this; absent: now. */
  readonly notBeforeMs?: number
}

export interface Claim {
  readonly worker: string
  readonly leaseMs: number
  /** Runs of all workers under way at a time: of one application, and of one subject. Absent: as many as there are workers. */
  readonly mostOfApplication?: number
}

export interface RunProgress {
  readonly record: Json
}

export interface RunEnding extends RunProgress {
  readonly state: 'SUCCEEDED' | 'FAILED' | 'CANCELLED'
  readonly category?: string
  readonly message?: string
  readonly rowsRead: number
  readonly rowsWritten: number
  readonly rowsRejected: number
}

export interface StoredRun extends Omit<NewRun, 'key' | 'allowConcurrent' | 'notBeforeMs'> {
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
  readonly worker?: string
  readonly isAskedToStop: boolean
  /** MET and BREACHED once that is known: it ended, or the time was over. NONE: it has as much time as it likes. */
  readonly sla: 'NONE' | 'PENDING' | 'MET' | 'BREACHED'
  readonly category?: string
  readonly message?: string
  readonly rowsRead: number
  readonly rowsWritten: number
  readonly rowsRejected: number
  /** What its worker told last. */
  readonly record: Json
}

export interface RunFilter {
  readonly application?: string
  readonly subject?: string
  readonly kind?: 'pipeline' | 'job'
  readonly states?: readonly RunState[]
  readonly jobRunId?: string
  /** Put in at this moment or later. */
  readonly sinceMs?: number
  /** Before this. */
  readonly untilMs?: number
}

export interface RunPlace {
  readonly queuedAtMs: number
  readonly runId: string
}
