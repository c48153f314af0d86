import type { Database } from '../../../connectors/ports/database.ts'
import type { EventLog } from '../../../connectors/ports/event-log.ts'
import type { IndexWriter } from '../../../connectors/ports/index-writer.ts'
import type { Lake } from '../../../connectors/ports/lake.ts'
import type { ObjectStore, RunObjects } from '../../../connectors/ports/object-store.ts'
import type { PipelineEngine, Workspace } from '../../../connectors/ports/pipeline-engine.ts'
import type { Region } from '../../../connectors/ports/region-store.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import type { Secrets } from '../../../connectors/ports/secrets.ts'
import type { TokenVault } from '../../../connectors/ports/token-vault.ts'
import type { RunDataset } from '../../../schema/lineage.ts'
import type { BucketPath } from '../bucket-path.ts'
import type { Analyse } from '../lineage/origins.ts'
import type { FoundSchema } from '../plan/data-check.ts'
import type { Bindings } from './parameters.ts'
import type { Places } from './places.ts'
import type { Watermarks } from './watermarks.ts'

/** What runs of one application have to do with. */
export interface RunParts {
  readonly engine: PipelineEngine
  /** The application's files. */
  readonly objects: ObjectStore
  /** Lets go of what a run has of them on this machine, when it has ended. Absent: nothing. */
  readonly release?: () => Promise<void>
  readonly lake: Lake
  readonly secrets: Secrets
  readonly vault: TokenVault
  openDatabase(jdbcUrl: string, credentials: Credentials | undefined): Promise<Database>
  /** A schema by the path a document says. */
  schemaText(path: string): Promise<FoundSchema>
  /** A query by the path a document says; undefined where there is none. */
  queryText(path: string): Promise<string | undefined>
  /** Tables to look things up in, that are files. */
  readonly lookups: Lookups
  readonly analyse: Analyse
  /** Absent: there are none where this runs. */
  readonly regions?: Regions
  /** The cluster behind a source of the catalog. None of the name, or one that has no indices → VALIDATION_ERROR with those that have. Absent: there is no catalog where this runs. */
  readonly indices?: (connection: string) => Promise<IndexWriter>
  /** Absent: there are none where this runs. */
  readonly topics?: Topics
  /** Absent: there is no catalog where this runs. */
  readonly buckets?: Buckets
}

export type BucketUse = 'read' | 'write'

/** Buckets of the catalog's sources, as one application may use them now. */
export interface Buckets {
  /** The source that a key, or the pattern of some, is in. A bucket that no source has → VALIDATION_ERROR with those that the application may use; what it may not use → FORBIDDEN. */
  find(path: BucketPath, use: BucketUse): Promise<GrantedBucket>
}

export interface GrantedBucket {
  /** Its name in the catalog. */
  readonly source: string
  /** What the keys of its objects begin with: ends with `/`, or is empty. Paths of the store are what follows. */
  readonly prefix: string
  open(): RunObjects
}

/** Regions of the hub, as they are declared now. */
export interface Regions {
  names(): Promise<readonly string[]>
  find(name: string): Promise<WritableRegion | undefined>
}

export interface WritableRegion {
  readonly region: Region
  /** The table its rows come from: nobody else writes them. */
  readonly filledFrom?: string
}

/** Topics of the hub. */
export interface Topics {
  readonly events: EventLog
  /** What other programs call a tenant's topic, where it is not the hub's own log that keeps it. */
  readonly datasetOf?: (tenant: string, topic: string) => Pick<RunDataset, 'namespace' | 'name'>
}

export interface Credentials {
  readonly user: string
  readonly password: string
}

export interface Lookups {
  names(): Promise<readonly string[]>
  find(name: string): Promise<LookupFile | undefined>
}

export interface LookupFile {
  readonly format: 'csv' | 'json' | 'parquet'
  /** On this machine. */
  readonly path: string
  /** Of the schema beside it, with its name. */
  readonly schema?: { readonly text: string; readonly file: string }
}

/** One run while it goes on. */
export interface RunContext {
  readonly scope: Scope
  readonly parts: RunParts
  readonly workspace: Workspace
  readonly places: Places
  readonly runId: string
  /** Marks what it writes. */
  readonly writeId: string
  readonly pipelineId: string
  readonly bindings: Bindings
  /** Text of the parameter that every run has. */
  readonly runDate: string
  readonly watermarks: Watermarks
}
