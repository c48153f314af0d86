import type { Column, Row } from '../../schema/values.ts'
import type { Scope } from './scope.ts'

/**
 * Computes pipelines. Statements are single SELECTs of Trino's dialect over the datasets of their run, named as they are there, in quotes; nothing else can be read by them. Whatever fails with a statement does as
 * in `SqlEngine`. A file that cannot be read → UPSTREAM_REJECTED; more rows than memory and temporary space hold → RESULT_TOO_LARGE.
 */
export interface PipelineEngine {
  /** `duckdb` or `trino`. */
  readonly name: string
  /** Datasets of one run, none yet. An engine that is not there → UPSTREAM_UNAVAILABLE, its sentence begins with ENGINE_UNAVAILABLE. The scope's clock is the moment of every statement; its signal stops what is computed. */
  begin(scope: Scope): Promise<Workspace>
}

/** The datasets of one run. A name is given once, whatever the case of its letters. Calls come one after the other, but `rows`. */
export interface Workspace {
  /** Makes a dataset of files. They are read when something is computed of it, as often as it is; csv and parquet are not held. Columns of a csv without a schema are texts, unless they are to be told by their values. */
  files(dataset: string, source: FileSource): Promise<readonly DatasetColumn[]>
  /** Makes a dataset of rows, all read before this ends. Answers how many. Several may be made at a time. */
  rows(dataset: string, columns: readonly Column[], batches: AsyncIterable<readonly Row[]>): Promise<number>
  describe(select: string): Promise<readonly Column[]>
  /** Makes a dataset by a statement that has these columns, as `describe` says. */
  define(dataset: string, select: string, columns: readonly Column[]): Promise<void>
  /** Computes what was only defined and holds it: it is not computed again, however often it is read. Answers its rows. */
  keep(dataset: string): Promise<number>
  /** Makes a dataset that has other texts in some columns, made of theirs one by one; null stays. The columns are texts then, whatever they were. `change` is called within statements, with values in no promised order, perhaps more than once; what it throws fails the statement. */
  change(dataset: string, of: string, columns: readonly string[], change: (text: string) => string): Promise<void>
  /** The rows of a statement, in its order. The iteration must be ended or closed. */
  read(select: string): Promise<{ readonly columns: readonly Column[]; readonly batches: AsyncIterable<readonly Row[]> }>
  /** Writes the rows of a statement, in its order, into files below a folder that is there and empty. */
  write(select: string, into: FilesInto): Promise<Written>
  /** What was read of a dataset of files by all that was computed so far. */
  reading(dataset: string): Promise<Reading>
  /** The most memory its datasets and statements had at a time, as far as was seen. */
  readonly peakMemoryBytes: number
  /** Ends what is computed and forgets everything. */
  close(): Promise<void>
}

/** A column, and of a Decimal how it is written. */
export interface DatasetColumn extends Column {
  /** Digits, and those of them behind the point. Absent: 38 and as many as are there, or 9 where values are not looked at. */
  readonly precision?: number
  readonly scale?: number
}

export interface FileSource {
  readonly format: 'csv' | 'json' | 'parquet'
  /** Absolute paths, one at least. All have the same columns; in a csv with a header, in any order. */
  readonly paths: readonly string[]
  /** What the columns are, and all of them: one that is missing, or not among them → UPSTREAM_REJECTED with both lists. A row that does not fit is left out and told by `reading`. Absent: what the files have. */
  readonly columns?: readonly DatasetColumn[]
  /** Whether columns that are not among them are left out, and told by `reading`. */
  readonly leavesOut?: boolean
  /** Of a csv. */
  readonly header?: boolean
  readonly delimiter?: string
  /** Of a csv: a text that stands for no value, beside an empty field. */
  readonly null?: string
  /** Whether types of a csv are told by its values, all of which are looked at. */
  readonly infer?: boolean
  /** Columns that stand in the paths, as `/day=2026-01-31/`. */
  readonly partitionBy?: readonly Column[]
}

/** Every file's name begins with `name`; with `partitionBy` each lies in `column=value/` for each of these columns, which are not in it then. */
export type FilesInto = { readonly folder: string; readonly name: string } & (
  | { readonly format: 'csv'; readonly header: boolean; readonly delimiter: string; readonly compression: 'gzip' | 'none' }
  | { readonly format: 'parquet'; readonly partitionBy?: readonly string[] }
  /** An object a line, called `NAME.ndjson`, with values as the graph writes them. */
  | { readonly format: 'json' }
)

export interface Written {
  readonly rows: number
  /** Below the folder, with `/` between, in the order of names. A csv and a json are always one file, a parquet without rows too. */
  readonly files: readonly { readonly path: string; readonly bytes: number }[]
}

export interface Reading {
  /** Those that could be read. Absent: not known. */
  readonly rows?: number
  /** Those that were left out. */
  readonly rejected: number
  /** Columns the files have beside those that were asked for; absent: none. */
  readonly leftOut?: readonly string[]
  /** The first hundred. */
  readonly samples: readonly { readonly path: string; readonly place: string; readonly reason: string }[]
}
