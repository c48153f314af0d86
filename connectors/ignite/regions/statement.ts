import { HubError } from '../../../schema/errors.ts'
import type { Filter, Order } from '../../../schema/filter.ts'
import { didYouMean } from '../../../schema/names.ts'
import type { Column, Row, Value } from '../../../schema/values.ts'
import type { Criteria } from '../../ports/region-store.ts'
import { limitClause, pickColumns } from '../../sql-text/columns.ts'
import { filterSql, identifier, type SqlColumn } from '../../sql-text/filter.ts'
import type { Argument } from '../sql.ts'
import { Arguments, canonical, igniteDialect } from './dialect.ts'
import type { Layout } from './layout.ts'

/** A statement over the table of a region, for one tenant, and how an answered row reads. */
export interface Reading<T> {
  readonly sql: string
  readonly args: readonly Argument[]
  readonly read: (values: readonly Value[]) => T
}

/** The hidden columns that an entry's place in time needs. */
export interface Stamp {
  readonly version: number
  readonly writtenAtMs: number
}

export function selectStatement(layout: Layout, tenant: string, criteria: Criteria, names?: readonly string[]): Reading<Row> {
  const columns = pickColumns(layout.definition.name, sqlColumns(layout), names)
  const { where, args } = conditions(layout, tenant, criteria)
  return {
    sql: `SELECT ${columns.map(column => column.expression).join(', ')} FROM ${table(layout)}${where}${orderClause(layout, criteria)}${limitClause(criteria.limit)}`,
    args, read: values => rowOf(columns, values),
  }
}

/** Rows in no order. */
export function scanOf(layout: Layout, tenant: string, criteria: Pick<Criteria, 'filter' | 'limit'>, names?: readonly string[]): Reading<Row> {
  const columns = pickColumns(layout.definition.name, sqlColumns(layout), names)
  const { where, args } = conditions(layout, tenant, criteria)
  const listed = columns.length === 0 ? '1' : columns.map(column => column.expression).join(', ')
  return { sql: `SELECT ${listed} FROM ${table(layout)}${where}${limitClause(criteria.limit)}`, args, read: values => rowOf(columns, values) }
}

/** All columns of rows with their stamps, in no order. */
export function scanStatement(layout: Layout, tenant: string, filter?: Filter): Reading<readonly [row: Row, stamp: Stamp]> {
  const columns = sqlColumns(layout)
  const { where, args } = conditions(layout, tenant, { ...(filter && { filter }) })
  return {
    sql: `SELECT "_VERSION", "_WRITTEN_AT", ${columns.map(column => column.expression).join(', ')} FROM ${table(layout)}${where}`,
    args, read: ([version = 0, writtenAtMs = 0, ...values]) => [rowOf(columns, values), { version: Number(version), writtenAtMs: Number(writtenAtMs) }],
  }
}

export function countStatement(layout: Layout, tenant: string, filter?: Filter): Reading<number> {
  const { where, args } = conditions(layout, tenant, { ...(filter && { filter }) })
  return { sql: `SELECT COUNT(*) FROM ${table(layout)}${where || ` WHERE ${every}`}`, args, read: ([count]) => Number(count) }
}

/** The entries written longest ago, whoever's they are. */
export function oldestStatement(layout: Layout, limit: number): Reading<readonly [tenant: string, row: Row, version: number]> {
  const key = sqlColumns(layout).filter(({ name }) => layout.definition.key.includes(name))
  const tenant = layout.tenanted ? '"_TENANT"' : "''"
  return {
    sql: `SELECT ${tenant}, "_VERSION", ${key.map(column => column.expression).join(', ')} FROM ${table(layout)} ORDER BY "_VERSION"${limitClause(limit)}`,
    args: [], read: ([owner, version, ...values]) => [String(owner), rowOf(key, values), Number(version)],
  }
}

/** How many entries there are, expired ones left out, whoever's they are. */
export function totalStatement(layout: Layout): string {
  return `SELECT COUNT(*) FROM ${table(layout)} WHERE ${every}`
}

/** What differs after any write of any entry: how many there are, and the sum of their versions, which are never used twice. */
export function stateStatement(layout: Layout): string {
  return `SELECT COUNT(*), SUM(CAST("_VERSION" AS DECIMAL)) FROM ${table(layout)} WHERE ${every}`
}

/** Without any condition Ignite counts what its index holds: entries, too, that have expired and are not swept. */
const every = '"_VERSION" >= 0'

export function sqlColumns({ definition }: Layout): readonly SqlColumn[] {
  return definition.columns.map(column => ({ ...column, expression: identifier(column.name.toUpperCase()) }))
}

function table({ configuration }: Layout): string {
  return identifier(configuration.table)
}

function rowOf(columns: readonly Column[], values: readonly Value[]): Row {
  const row: Record<string, Value> = {}
  for (const [index, { name, type }] of columns.entries()) row[name] = canonical(type, values[index] ?? null)
  return Object.freeze(row)
}

function conditions(layout: Layout, tenant: string, criteria: Criteria): { readonly where: string; readonly args: readonly Argument[] } {
  const args = new Arguments()
  const columns = sqlColumns(layout)
  const parts: string[] = []
  if (layout.tenanted) parts.push(`"_TENANT" = ${args.bind(tenant)}`)
  if (criteria.filter) parts.push(filterSql(criteria.filter, columns, igniteDialect, args.bind))
  if (criteria.after) parts.push(beyond(termsOf(layout, criteria), criteria.after, args))
  return { where: parts.length > 0 ? ` WHERE ${parts.join(' AND ')}` : '', args: args.list }
}

interface Term {
  readonly column: SqlColumn
  readonly descending: boolean
  readonly nullsFirst: boolean
}

/** The total order, in the direction it is walked. */
function termsOf(layout: Layout, { order = [], backwards = false }: Criteria): Term[] {
  const known = new Map(sqlColumns(layout).map(column => [column.name, column]))
  const named = new Set(order.map(term => term.column))
  const rest: Order[] = layout.definition.key.filter(name => !named.has(name)).map(column => ({ column, descending: false, nullsFirst: false }))
  return [...order, ...rest].map(term => {
    const column = known.get(term.column)
    if (!column) throw new HubError('BAD_USER_INPUT', `There is no column "${term.column}" to order by.${didYouMean(term.column, known.keys())}`, { column: term.column })
    if (column.type === 'Bytes' && named.has(column.name)) throw new HubError('BAD_USER_INPUT', `Column "${column.name}" is Bytes, which has no order on a cluster. Order by another column.`, { column: column.name })
    return { column, descending: term.descending !== backwards, nullsFirst: term.nullsFirst !== backwards }
  })
}

function orderClause(layout: Layout, criteria: Criteria): string {
  const terms = termsOf(layout, criteria).map(({ column, descending, nullsFirst }) => `${column.expression}${descending ? ' DESC' : ''}${column.nullable ? ` NULLS ${nullsFirst ? 'FIRST' : 'LAST'}` : ''}`)
  return ` ORDER BY ${terms.join(', ')}`
}

/** Rows strictly behind a place: behind it in the first term, or level with it there and behind it in the others. */
function beyond([term, ...rest]: readonly Term[], after: Row, args: Arguments): string {
  if (!term) return '(1 = 0)'
  const value = after[term.column.name] ?? null
  const behind = behindIn(term, value, args)
  if (rest.length === 0) return behind
  const level = value === null ? `${term.column.expression} IS NULL` : `${term.column.expression} = ${args.value(term.column, value)}`
  return `(${behind} OR (${level} AND ${beyond(rest, after, args)}))`
}

function behindIn({ column: { expression, nullable }, column, descending, nullsFirst }: Term, value: Value, args: Arguments): string {
  if (value === null) return nullsFirst ? `(${expression} IS NOT NULL)` : '(1 = 0)'
  const further = `${expression} ${descending ? '<' : '>'} ${args.value(column, value)}`
  return nullable && !nullsFirst ? `(${further} OR ${expression} IS NULL)` : `(${further})`
}
