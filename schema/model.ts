import type { Column, ColumnType, Row, Value } from './values.ts'

/**
 * The catalog with everything found out: what each region and view is called in the graph, its columns and types, its relations. Immutable; a changed
 * catalog makes a new one. Subgraphs, SDL, SQL and lineage are all derived from it.
 */
export interface Model {
  readonly entities: readonly EntityModel[]
  readonly links: readonly Link[]
  /** Types of foreign subgraphs that take part in a relation. */
  readonly foreign: readonly ForeignEntity[]
}

/** A region or a view: one GraphQL type. */
export interface EntityModel {
  readonly kind: 'region' | 'view'
  /** The catalog entry's name, also its table name in SQL: `departures_by_airport`. */
  readonly name: string
  readonly description?: string
  /** `AirportDepartures` */
  readonly type: string
  /** Column names. */
  readonly key: readonly string[]
  readonly fields: readonly FieldModel[]
  /** `departuresByAirport` */
  readonly listField: string
  /** `airportDepartures` */
  readonly lookupField: string
  /** Whether clients may put and remove entries. */
  readonly writable: boolean
  /** Whether every row is in memory, so that lists are answered there. */
  readonly complete: boolean
  readonly tenancy: 'SHARED' | 'TENANT'
  /** Views: the statement, in Trino's dialect. */
  readonly sql?: string
  /** Regions: the table rows are loaded from. */
  readonly load?: { readonly source: string; readonly table: string }
}

export interface FieldModel extends Column {
  /** The column's name in the graph: `meanDelayMinutes`. */
  readonly field: string
}

/** One direction of a relation: a field on one type that finds rows of another by equality of two columns. */
export interface Link {
  /** The type the field is on. */
  readonly source: string
  readonly sourceColumn: string
  /** The type it answers, whose subgraph resolves it. */
  readonly target: string
  readonly targetColumn: string
  /** Name of the field. */
  readonly field: string
  /** A connection rather than one object. */
  readonly many: boolean
}

/** A type owned by a subgraph somewhere else. */
export interface ForeignEntity {
  readonly type: string
  readonly subgraph: string
  /** Fields of its key, with their GraphQL types as in its SDL. */
  readonly key: readonly { readonly field: string; readonly type: string }[]
  /** Scalar fields it owns, with their GraphQL types. */
  readonly fields: readonly { readonly field: string; readonly type: string }[]
}

/** GraphQL scalar of each column type. Long and beyond are scalars of our own, described in scalars.ts. */
export const scalarOf: Record<ColumnType, string> = {
  String: 'String', Int: 'Int', Long: 'Long', Float: 'Float', Decimal: 'Decimal', Boolean: 'Boolean', Date: 'Date', Time: 'Time',
  DateTime: 'DateTime', LocalDateTime: 'LocalDateTime', UUID: 'UUID', Bytes: 'Bytes', JSON: 'JSON',
}

export type Key = readonly Value[]

/** The key values of a row, in the order of the key. */
export function keyValues(entity: Pick<EntityModel, 'key'>, row: Row): Key {
  return entity.key.map(column => row[column] ?? null)
}
