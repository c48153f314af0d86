import type { Column, Json } from '../../schema/values.ts'
import type { Scope } from './scope.ts'

/** Tables of parquet files, by their names `layer.table`. A version of a table is a list of files that never changes; a commit makes the next one, or nothing. */
export interface Lake {
  /** The newest version; undefined where there is no such table. */
  table(scope: Scope, name: string): Promise<LakeTable | undefined>
  /** Every name, in order. */
  names(scope: Scope): Promise<readonly string[]>
  /** Where on this machine the files of a version can be read, for as long as it is one of the two newest. */
  paths(scope: Scope, table: LakeTable): Promise<readonly string[]>
  /**
   * Makes the version after `base` (0: there is none), and answers it: files in it that it does not keep are removed once it is two versions old. Where another was made meanwhile, it is made `over` that, or → CONFLICT, and
   * nothing has changed. Where the other is of the same mark, that is the answer: it is written already.
   */
  commit(scope: Scope, name: string, base: number, next: NewLakeVersion): Promise<LakeTable>
}

export interface LakeTable {
  readonly name: string
  /** From 1, by one. */
  readonly version: number
  /** Those of its partitions last. */
  readonly columns: readonly Column[]
  readonly partitionBy: readonly string[]
  readonly files: readonly LakeFile[]
  /** What made the versions of the last day, and the hundred before it at least, newest first: a run that finds its own mark has written already. */
  readonly marks: readonly string[]
}

export interface LakeFile {
  /** Below the table's folder: `day=2026-01-31/part-7.parquet`. */
  readonly path: string
  readonly bytes: number
}

export interface NewLakeVersion {
  readonly columns: readonly Column[]
  readonly partitionBy: readonly string[]
  readonly keep: readonly LakeFile[]
  /** Files on this machine, and where they belong below the table's folder. Names that no file of the table ever had. */
  readonly add: readonly { readonly path: string; readonly from: string; readonly bytes: number }[]
  readonly mark: string
  /** What it keeps of another version, and which columns it has on top of it; throws where it cannot stand there. Absent: it was computed of `base`, and is nothing on top of another. */
  readonly over?: (table: LakeTable) => Pick<NewLakeVersion, 'columns' | 'keep'>
  /** For people: the run, who, why. */
  readonly about: Json
}
