import type { Column } from '../../../schema/values.ts'
import { quoteIdentifier } from '../../../schema/quote.ts'

/** Rows a step may read: a table, or what another step made. */
export interface Relation {
  /** As the document calls it. */
  readonly dataset: string
  /** Stands behind FROM, in Trino's dialect. */
  readonly sql: string
  readonly columns: readonly Column[]
  /** The order its rows were put into; absent: none. */
  readonly order?: readonly OrderTerm[]
}

/** A table other pipelines look things up in. */
export interface Reference extends Relation {
  /** What a row of it is known by, where its catalogue entry says so. */
  readonly keys?: readonly string[]
  /** Columns that its schema calls sensitive. */
  readonly sensitive?: readonly string[]
  /** Of the lake; otherwise a file of the lookups. */
  readonly isTable?: boolean
}

export interface OrderTerm {
  readonly column: string
  readonly descending: boolean
  readonly nullsFirst: boolean
}

/** What a transformation makes of its inputs. */
export interface Made {
  /** One SELECT of Trino's dialect. */
  readonly sql: string
  readonly order?: readonly OrderTerm[]
  /** Statements that count the rows which break a rule; one row with one number each. */
  readonly rules?: readonly Rule[]
}

export interface Rule {
  /** `notNull(customer_id)` */
  readonly name: string
  readonly severity: 'error' | 'warning'
  readonly sql: string
}

export const names = (columns: readonly Column[]): readonly string[] => columns.map(({ name }) => name)
export const list = (columns: readonly string[], of = ''): string => columns.map(column => of + quoteIdentifier(column)).join(', ')
export const term = ({ column, descending, nullsFirst }: OrderTerm): string => `${quoteIdentifier(column)} ${descending ? 'DESC' : 'ASC'} NULLS ${nullsFirst ? 'FIRST' : 'LAST'}`

/** An order that leaves no two different rows equal: by these, then by all other columns that have an order. */
export function totalOrder(terms: readonly OrderTerm[], columns: readonly Column[]): readonly OrderTerm[] {
  const named = new Set(terms.map(({ column }) => column))
  return [...terms, ...columns.filter(({ name, type }) => type !== 'JSON' && !named.has(name)).map(({ name }) => ({ column: name, descending: false, nullsFirst: false }))]
}

/** A name that no column has, in letters of any case. */
export function freeName(wanted: string, columns: readonly Column[]): string {
  const taken = new Set(names(columns).map(name => name.toLowerCase()))
  let name = wanted
  while (taken.has(name.toLowerCase())) name += '_'
  return name
}

/** The first row, in an order, of those that have the same values in the keys. */
export function firstOfEach({ sql, columns }: Pick<Relation, 'sql' | 'columns'>, keys: readonly string[], order: readonly OrderTerm[], chosen: readonly string[] = names(columns)): string {
  const place = freeName('place', columns)
  return `SELECT ${list(chosen)} FROM (SELECT ${list(names(columns))}, row_number() OVER (PARTITION BY ${list(keys)} ORDER BY ${order.map(term).join(', ')}) AS ${quoteIdentifier(place)} FROM ${sql}) AS t WHERE ${quoteIdentifier(place)} = 1`
}
