import type { RunFailure, RunRecord } from './record.ts'

export type JobStepState = 'PENDING' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'SKIPPED' | 'RETRYING' | 'CANCELLED' | 'FELL_BACK'

/** What one run of a job did. */
export interface JobRecord {
  readonly runId: string
  readonly jobId: string
  readonly version: string
  readonly application: string
  readonly state: 'SUCCEEDED' | 'FAILED' | 'CANCELLED'
  readonly startedAtMs: number
  readonly endedAtMs: number
  /** Of all its pipelines, each counted as its last run ended. */
  readonly rowsRead: number
  readonly rowsWritten: number
  readonly rowsRejected: number
  /** In the order of the document. */
  readonly steps: readonly JobStepRecord[]
  /** The first failure that nothing made up for; its step is a pipeline. */
  readonly error?: RunFailure
}

/** One pipeline of a job. */
export interface JobStepRecord extends Partial<Pick<RunRecord, 'rowsRead' | 'rowsWritten' | 'rowsRejected'>> {
  readonly pipelineId: string
  readonly state: JobStepState
  /** How often it was begun; what ran in its place is not counted. */
  readonly attempts: number
  /** Of its attempts in their order, then of what ran in its place. */
  readonly runIds: readonly string[]
  /** The pipeline that ran in its place. */
  readonly fallback?: string
  readonly startedAtMs?: number
  readonly endedAtMs?: number
  /** Why its last run that failed did, also where it was made up for. */
  readonly error?: RunFailure
}
