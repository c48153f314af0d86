import type { EndedState } from '../../../connectors/ports/run-store.ts'
import type { RunLineage } from '../../../schema/lineage.ts'
import type { Environment } from '../environments/environment.ts'
import type { Finding } from '../finding.ts'
import type { Difference } from './schemas.ts'

/** Where a run failed: what operators look at first. */
export type FailureCategory = 'SOURCE' | 'SCHEMA' | 'TRANSFORM' | 'TARGET' | 'TIMEOUT' | 'CONFIG' | 'SYSTEM'

export interface RunFailure {
  readonly category: FailureCategory
  readonly message: string
  /** The step it came from. */
  readonly step?: string
}

export type StepState = 'PENDING' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'SKIPPED' | 'CANCELLED'

/** The commit of the definitions that a pipeline was read at, and a tag of it. */
export interface ConfigVersion {
  readonly commit: string
  readonly tag?: string
  /** Whose overlay it ran with. */
  readonly environment?: Environment
}

/** What one run did. */
export interface RunRecord {
  readonly runId: string
  readonly pipelineId: string
  readonly version: string
  /** Absent: the text that ran is in no newest commit. */
  readonly configVersion?: ConfigVersion
  readonly application: string
  readonly layer: string
  readonly engine: string
  readonly state: EndedState
  readonly startedAtMs: number
  readonly endedAtMs: number
  /** Of the sources that count. */
  readonly rowsRead: number
  readonly rowsWritten: number
  readonly rowsRejected: number
  readonly peakMemoryBytes: number
  readonly steps: readonly StepRecord[]
  /** What the document and its data have against each other. */
  readonly findings: readonly Finding[]
  readonly error?: RunFailure
  /** Of a run that succeeded. */
  readonly lineage?: RunLineage
}

export interface StepRecord {
  readonly id: string
  readonly kind: 'source' | 'transformation' | 'target'
  /** The element: `csv`, `join`. */
  readonly type: string
  readonly state: StepState
  /** Rows that came out of a source or a transformation, or went into a target. Absent: they flowed through, and nobody counted. */
  readonly rows?: number
  /** Of a source: rows that could not be read. */
  readonly rejected?: number
  readonly samples?: readonly { readonly path: string; readonly place: string; readonly reason: string }[]
  /** Of a source: columns that are not as its schema says. */
  readonly drift?: readonly Difference[]
  /** Of a table of the lake of which some partitions were asked for: how many were not looked at. */
  readonly partitionsPruned?: number
  /** Of a target: what was written, once it is there. */
  readonly into?: string
  readonly bytes?: number
  /** Of a `validate`: rules that rows break. */
  readonly broken?: readonly { readonly rule: string; readonly severity: 'error' | 'warning'; readonly rows: number }[]
  /** Of a `mask`: the key in use, by its name and id. */
  readonly key?: string
  readonly startedAtMs?: number
  readonly endedAtMs?: number
}

/** A failure with what kind it is and where it happened. */
export class RunFailed extends Error {
  readonly category: FailureCategory
  readonly step: string | undefined

  constructor(category: FailureCategory, cause: unknown, step?: string) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.name = 'RunFailed'
    this.category = category
    this.step = step
  }
}
