import type { Problem } from '../../schema/errors.ts'
import type { LoadedCatalog } from '../catalog/load.ts'
import type { Config, Environment } from '../config.ts'
import type { Flag } from './arguments.ts'
import type { Proposal } from './init.ts'

/** What commands need of the hub itself. Each fails with a HubError, whose problems are shown to the user. */
export interface CommandActions {
  /** Serves until it is told to stop. Answers the exit code. */
  start(config: Config): Promise<number>
  /** Looks into sources and SQL of a catalog whose files are right; every mistake found there, with its place. */
  check(config: Config, catalog: LoadedCatalog): Promise<readonly Problem[]>
  /** A catalog for what a folder, a SQLite file or a PostgreSQL URL holds. Paths as given or absolute; a URL as given, with its password. */
  propose(from: string, config: Config): Promise<Proposal>
  /** Everything that can be said against pipelines and jobs in XML: of a file, or of all `.xml` files below a folder, in the order of their names. */
  validate(path: string): Promise<readonly ValidatedFile[]>
  /** Packs a job with all it names into a zip, at `to`, or beside where the command was called under `APP-JOB-VERSION.zip`. One that may not run as it is written → CATALOG_INVALID with what is wrong. */
  pack(job: string, to: { readonly folder: string; readonly file: string | undefined }): Promise<PackedJob>
  /** Runs the pipeline or the job of a file. One that may not run as it is written → CATALOG_INVALID with what is wrong, parameters that do not fit → VALIDATION_ERROR; what goes wrong later is in what it answers. */
  run(order: RunCommand): Promise<FinishedRun | FinishedJob>
  /** Serves one subgraph over HTTP until it is told to stop. Answers the exit code. */
  subgraph(name: string, config: Config): Promise<number>
  /** Serves the graph of a supergraph's file until it is told to stop. Answers the exit code. */
  gateway(supergraph: string, config: Config): Promise<number>
}

/** A document of pipelines, and what stands against it. */
export interface ValidatedFile {
  /** As given, or below what was given. */
  readonly file: string
  /** Absent: it could not be told. */
  readonly kind?: 'pipeline' | 'job'
  readonly findings: readonly {
    readonly severity: 'ERROR' | 'WARNING'
    readonly code: string
    readonly line: number
    readonly column: number
    readonly path: string
    readonly message: string
    readonly proposal?: string
  }[]
}

export interface PackedJob {
  /** Where the pack is. */
  readonly file: string
  readonly bytes: number
  /** What is in it, below the folder with the applications. */
  readonly files: readonly string[]
}

/** A run as the command line asks for it. */
export interface RunCommand {
  readonly file: string
  readonly parameters: Readonly<Record<string, string>>
  /** The folder of the application's data; absent: as the place of the file says. */
  readonly files: string | undefined
  readonly config: Config
  readonly env: Environment
  /** Hears of the steps as they go on; those of a job are pipelines. */
  readonly listener: (steps: readonly FinishedStep[]) => void
}

/** What a run did. */
export interface FinishedRun {
  readonly kind: 'pipeline'
  readonly runId: string
  readonly pipelineId: string
  readonly version: string
  readonly engine: string
  readonly state: 'SUCCEEDED' | 'SKIPPED_NO_DATA' | 'FAILED' | 'CANCELLED'
  readonly startedAtMs: number
  readonly endedAtMs: number
  readonly steps: readonly FinishedStep[]
  readonly findings: ValidatedFile['findings']
  readonly error?: { readonly category: string; readonly message: string; readonly step?: string }
}

/** What the run of a job did. */
export interface FinishedJob extends Pick<FinishedRun, 'runId' | 'version' | 'state' | 'startedAtMs' | 'endedAtMs' | 'findings' | 'error'> {
  readonly kind: 'job'
  readonly jobId: string
  readonly steps: readonly FinishedPipeline[]
  /** What was not done beside the run, and why. */
  readonly warnings: readonly string[]
}

/** A pipeline of a job. */
export interface FinishedPipeline {
  readonly pipelineId: string
  readonly state: string
  readonly attempts: number
  readonly runIds: readonly string[]
  /** What ran in its place. */
  readonly fallback?: string
  readonly startedAtMs?: number
  readonly endedAtMs?: number
  readonly rowsRead?: number
  readonly rowsWritten?: number
  readonly rowsRejected?: number
  readonly error?: FinishedRun['error']
}

export interface FinishedStep {
  readonly id: string
  readonly kind: string
  readonly type: string
  readonly state: string
  readonly rows?: number
  readonly rejected?: number
  readonly bytes?: number
  readonly into?: string
  readonly key?: string
  readonly samples?: readonly { readonly path: string; readonly place: string; readonly reason: string }[]
  readonly broken?: readonly { readonly rule: string; readonly severity: string; readonly rows: number }[]
}

/** Where a command writes, and what it knows of who reads. */
export interface Terminal {
  /** Lines of the answer. */
  out(text: string): void
  /** Lines about what went wrong. */
  err(text: string): void
  /** Whether styles are wanted: a terminal that has them, and no NO_COLOR. */
  readonly color: boolean
  /** Working directory: what relative paths start from. */
  readonly folder: string
  /** Rewrites the last line of what went wrong, for work that takes long; absent: who reads does not see it as it comes. */
  readonly progress?: (line: string) => void
}

/** Loads what a command needs of the hub, once it is needed: help and mistakes are said without it. */
export type LoadActions = () => Promise<Partial<CommandActions>>

/** What a command is called with, beside its configuration. */
export interface Call {
  readonly terminal: Terminal
  readonly env: Environment
  /** Whether the answer is for programs. */
  readonly asJson: boolean
  readonly actions: LoadActions
}

export interface Command {
  readonly name: string
  readonly summary: string
  /** As the usage line shows them. */
  readonly usage: string
  readonly details: string
  /** Least and most positional arguments. */
  readonly takes: readonly [number, number]
  /** Beside those of the configuration and --help. */
  readonly flags: readonly (Flag & { readonly description: string })[]
}

const json = { name: '--json', takes: 'nothing', description: 'Answer in JSON, for programs.' } as const

export const commands: readonly Command[] = [
  {
    name: 'start', usage: 'start [CATALOG]', takes: [0, 1], flags: [],
    summary: 'Serves the catalog.',
    details: 'Serves the graph of a catalog, a file or a folder, until it is told to stop. Without one: hub.yaml, or the demo.',
  },
  {
    name: 'check', usage: 'check [CATALOG]', takes: [0, 1], flags: [json],
    summary: 'Says what is wrong with a catalog and its configuration.',
    details: 'Reads configuration and catalog, looks into the sources and at every statement, and says all mistakes with file, line and column. Starts nothing.',
  },
  {
    name: 'init', usage: 'init --from SOURCE [--to FILE]', takes: [0, 0],
    flags: [
      { name: '--from', takes: 'value', description: 'A folder of files, a SQLite file, or a postgresql://, cassandra://, elasticsearch+http:// or s3:// URL.' },
      { name: '--to', takes: 'value', description: 'The file to write; never one that exists. Default hub.yaml.' },
      json,
    ],
    summary: 'Writes a catalog for what a source holds.',
    details: 'Looks at the tables, keys and references of a source and writes a catalog that serves them.',
  },
  {
    name: 'validate', usage: 'validate PATH', takes: [1, 1], flags: [json],
    summary: 'Says what is wrong with pipelines and jobs in XML.',
    details: 'Reads a document, or every .xml file below a folder, and says all mistakes with file, line and column. Runs nothing and reads no data.',
  },
  {
    name: 'pack', usage: 'pack JOB [--to FILE]', takes: [1, 1],
    flags: [{ name: '--to', takes: 'value', description: 'The zip to write, in the place of one that is there. Default APP-JOB-VERSION.zip.' }, json],
    summary: 'Packs a job with its pipelines into a zip.',
    details: 'Packs a job, the pipelines it names, and the schemas, queries and lookups of their layers. The zip runs by "run", and unpacks into the folder of a hub. The same files are the same zip.',
  },
  {
    name: 'run', usage: 'run FILE [--param NAME=VALUE …] [--files FOLDER]', takes: [1, 1],
    flags: [
      { name: '--param', takes: 'value', description: 'A parameter of the run, as runDate=2026-01-31; once for each.' },
      { name: '--files', takes: 'value', description: 'Folder of the application\'s data. Default: data/applications/APP beside the folder with the applications that the file lies in, else the folder of the file.' },
      json,
    ],
    summary: 'Runs a pipeline or a job in XML, or a packed job.',
    details: 'Reads what the pipeline names, computes it and writes its targets: all of them once everything is ready, or none. A job runs those of its application that it names, in the order they depend on each other.',
  },
  {
    name: 'subgraph', usage: 'subgraph NAME [--catalog CATALOG]', takes: [1, 1], flags: [],
    summary: 'Serves one subgraph of the hub alone.',
    details: 'Serves one Federation 2 subgraph of the hub, such as regions or views, over HTTP, for a gateway somewhere else.',
  },
  {
    name: 'gateway', usage: 'gateway --supergraph FILE', takes: [0, 0],
    flags: [{ name: '--supergraph', takes: 'value', description: 'The composed SDL, as any Federation 2 composition writes it; read again when the file changes.' }],
    summary: 'Serves a supergraph over subgraphs that run elsewhere.',
    details: 'Serves the graph of a composed supergraph over the subgraphs it names: a federation gateway alone, without catalog and data.',
  },
  { name: 'help', usage: 'help [COMMAND]', takes: [0, 1], flags: [], summary: 'Shows this, or the options of a command.', details: 'Shows the commands, or one command with every option.' },
]
