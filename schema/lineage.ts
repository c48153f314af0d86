import type { ColumnType } from './values.ts'

/** How a value came from an input column; the later in the list, the further from it. MASK: a value that stands for it and hides it. */
export const derivations = ['IDENTITY', 'EXPRESSION', 'AGGREGATION', 'MASK'] as const
export type Derivation = (typeof derivations)[number]

/** How a column decided which rows there are, rather than what stands in them. */
export const influences = ['FILTER', 'JOIN', 'GROUP_BY', 'SORT'] as const
export type Influence = (typeof influences)[number]

export type Transformation = Derivation | Influence

export function further(a: Derivation, b: Derivation): Derivation {
  return derivations.indexOf(a) >= derivations.indexOf(b) ? a : b
}

/** One column of one table that a value was made from. */
export interface Input<T extends Transformation = Transformation> {
  /** `bts.flights` */
  readonly table: string
  readonly column: string
  readonly transformation: T
}

/** A table as a statement's text names it: `['bts', 'flights']`, `['departures_by_airport']`. */
export type TableName = readonly string[]

/** The table's full name and its columns; columns absent: nobody knows the table. */
export interface KnownTable {
  readonly id: string
  readonly columns: readonly string[] | undefined
}

export type FindTable = (name: TableName) => KnownTable

/** What feeds what in one statement. */
export interface StatementLineage {
  /** Full names of the tables read, in the order met. */
  readonly inputs: readonly string[]
  /** In the order answered; a star over an unknown table stays one column named `*`. */
  readonly columns: readonly ColumnLineage[]
  /** Columns that decide which rows there are. */
  readonly influences: readonly Input<Influence>[]
  /** Columns for which no origin was found, as `table.column` where the table is clear. */
  readonly unresolved: readonly string[]
}

export interface ColumnLineage {
  readonly output: string
  /** Empty for literals and for what was not resolved. */
  readonly inputs: readonly Input<Derivation>[]
}

/** What a run of a pipeline read and wrote, column by column. The same for every run that does the same. */
export interface RunLineage {
  readonly inputs: readonly RunDataset[]
  readonly outputs: readonly WrittenDataset[]
}

/** Files of one place, a table or a topic. */
export interface RunDataset {
  readonly kind: 'FILE' | 'TABLE' | 'REGION' | 'TOPIC'
  /**
   * `file`: the name is a path below the application's data, as the document says it, behind the application: `crm/landing/*.csv`. `s3://bucket`: a key, as the document says it. `lake`: a table of the application's lake, `crm/staging.customer`. `sqlite`: a file like that, and a
   * table, `crm/service.sqlite/customer`. `postgresql://host:port`: `database.schema.table`. `mysql://host:port`, of MariaDB too: `database.table`. `elasticsearch`: a source of the catalog and an index, `search/customers`. `kafka://host:port`: a topic as Kafka has it. `lookup`, `region` and `topic`: as they are
   * called.
   */
  readonly namespace: string
  readonly name: string
  /** Of a database's table those that were read. */
  readonly columns: readonly RunColumn[]
}

export interface RunColumn {
  readonly name: string
  /** Absent: nobody knows. */
  readonly type?: ColumnType
}

export interface WrittenDataset extends RunDataset {
  /** One for each column. The table of an input is `namespace name` of a dataset that was read. */
  readonly origins: readonly ColumnLineage[]
  readonly influences: readonly Input<Influence>[]
  /** Columns of statements for which no origin was found, or why a statement could not be followed. */
  readonly unresolved: readonly string[]
}

/** Whose SQL a statement is in. */
export type StatementDialect = 'trino' | 'mysql'

/** How inputs name a dataset. */
export function datasetKey({ namespace, name }: Pick<RunDataset, 'namespace' | 'name'>): string {
  return `${namespace} ${name}`
}
