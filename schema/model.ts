import type { ArgumentOperator } from './filter.ts'
import type { Column, Row, Value } from './values.ts'

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
  /** Declared arguments of the list, beside the ones every list has; absent: none. */
  readonly arguments?: readonly ListArgument[]
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

/** An argument of a list: given, it lets pass the rows whose column compares so with it. */
export interface ListArgument {
  /** Its name in the graph. */
  readonly name: string
  readonly column: string
  readonly op: ArgumentOperator
  readonly description?: string
}

export interface FieldModel extends Column {
  /** The column's name in the graph: `meanDelayMinutes`. */
  readonly field: string
  /** Declared as `ID`: a String column the graph shows as ID. */
  readonly id?: boolean
}

/**
 * One direction of a relation: a field on one type that finds rows of another by equality of two columns. Where several rows match a field that answers one object, the
 * first by key is the one, in answers, filters and orders alike.
 */
export interface Link {
  /** The type the field is on; a foreign one names its column by its field. */
  readonly source: string
  readonly sourceColumn: string
  /** The type it answers, whose subgraph resolves it; a foreign one is answered as a reference. */
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
  /** Fields of the first key it is found by, with their GraphQL types as in its SDL. */
  readonly key: ForeignKey
  /** Those of further keys. */
  readonly otherKeys?: readonly ForeignKey[]
  /** Scalar fields it owns, with their GraphQL types. */
  readonly fields: readonly { readonly field: string; readonly type: string }[]
}

export type ForeignKey = readonly { readonly field: string; readonly type: string }[]

/** Every key a foreign type is found by, the first first. */
export function keysOf({ key, otherKeys = [] }: ForeignEntity): readonly ForeignKey[] {
  return [key, ...otherKeys]
}

/** Whether the hub keeps its rows, so that their changes can be told: a region, or a materialised view. */
export function isKept(entity: Pick<EntityModel, 'kind' | 'complete'>): boolean {
  return entity.kind === 'region' || entity.complete
}

/** The column that keeps what entries have beside their columns: `value`, where clients write the region and it takes any JSON. */
export function openColumn({ kind, writable, fields }: EntityModel): FieldModel | undefined {
  return kind === 'region' && writable ? fields.find(({ name, type }) => name === 'value' && type === 'JSON') : undefined
}

/** The subgraph that owns an entity's type. */
export function subgraphOf(entity: Pick<EntityModel, 'kind'>): 'regions' | 'views' {
  return entity.kind === 'region' ? 'regions' : 'views'
}

export function entityOfType(model: Model, type: string): EntityModel | undefined {
  return model.entities.find(entity => entity.type === type)
}

export function fieldOfColumn(entity: EntityModel, column: string): FieldModel {
  const field = entity.fields.find(one => one.name === column)
  if (!field) throw new RangeError(`${entity.name} has no column ${column}`)
  return field
}

/** The links on one type whose other end is a region or a view: those SQL can follow. */
export function linksFrom(model: Model, type: string): readonly Link[] {
  return model.links.filter(link => link.source === type && entityOfType(model, link.target) !== undefined)
}

/** `WatchlistEntry` → `WatchlistEntries`. */
export function plural(type: string): string {
  if (/[^aeiou]y$/i.test(type)) return `${type.slice(0, -1)}ies`
  if (/(s|x|z|ch|sh)$/i.test(type)) return `${type}es`
  return `${type}s`
}

/** Whether the key is exactly this column. */
export function isSoleKey(entity: Pick<EntityModel, 'key'>, column: string): boolean {
  return entity.key.length === 1 && entity.key[0] === column
}

/** The key values of a row, in the order of the key. */
export function keyValues(entity: Pick<EntityModel, 'key'>, row: Row): readonly Value[] {
  return entity.key.map(column => row[column] ?? null)
}
