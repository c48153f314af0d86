import { entityOfType, fieldOfColumn, type EntityModel, type Link, type Model } from '../schema/model.ts'
import type { ColumnType, Value } from '../schema/values.ts'
import type { Statement } from '../connectors/ports/sql-engine.ts'
import type { OrderTerm, Where } from './where.ts'

/** A piece of a statement with the values its `?` stand for: text and values never mix. */
export interface Sql {
  readonly text: string
  readonly params: readonly (Value | readonly Value[])[]
}

/** A place in an order: the values of its terms, then those of the key. The row it was taken from need not exist any more. */
export type Place = readonly Value[]

export interface SelectRequest {
  readonly where: Where
  readonly order: readonly OrderTerm[]
  /** Only rows strictly behind this place. */
  readonly after?: Place
  /** Walk from the end of the order; rows then come in reverse. */
  readonly backwards?: boolean
  readonly limit?: number
  /** Only rows whose column holds one of these, and `limit` counts per value. */
  readonly per?: { readonly column: string; readonly values: readonly Value[] }
}

/** Under this name a selected row carries the value of the order's i-th term. */
export const orderColumn = (index: number): string => `$order${index}`

/** The rows of an entity that pass, in order, ties ending with the key: one statement in Trino's dialect over `hub.<name>`, conditions and orders through links joined in. */
export function selectStatement(model: Model, entity: EntityModel, request: SelectRequest): Statement {
  const names = new Aliases()
  const self = names.next()
  const joins: string[] = []
  const terms = request.order.map((term, index) => ({ ...term, ...termColumn(model, entity, self, term, names, joins), as: orderColumn(index) }))
  const keys = entity.key.map(column => ({ sql: `${self}.${quoted(column)}`, type: fieldOfColumn(entity, column).type, descending: false, nullsFirst: false }))
  const order = [...terms, ...keys]

  const conditions = [condition(model, entity, self, request.where, names)]
  if (request.per) conditions.push(membership(`${self}.${quoted(request.per.column)}`, fieldOfColumn(entity, request.per.column).type, request.per.values))
  if (request.after) conditions.push(behind(order, request.after, request.backwards ?? false))

  const columns = [...entity.fields.map(field => `${self}.${quoted(field.name)}`), ...terms.map(term => `${term.sql} AS ${quoted(term.as)}`)]
  const ordering = order.map(term => orderSql(term.sql, term, request.backwards ?? false)).join(', ')
  const where = join(conditions, ' AND ')
  const from = `FROM ${table(entity)} AS ${self}${joins.map(text => ` ${text}`).join('')} WHERE ${where.text}`
  if (request.per && request.limit !== undefined) {
    const partition = `row_number() OVER (PARTITION BY ${self}.${quoted(request.per.column)} ORDER BY ${ordering}) AS ${quoted('$place')}`
    const outer = [...entity.fields.map(field => quoted(field.name)), ...terms.map(term => quoted(term.as))].join(', ')
    return { sql: `SELECT ${outer} FROM (SELECT ${columns.join(', ')}, ${partition} ${from}) AS ${names.next()} WHERE ${quoted('$place')} <= ${Math.trunc(request.limit)} ORDER BY ${quoted('$place')}`, params: where.params }
  }
  const limit = request.limit === undefined ? '' : ` LIMIT ${Math.trunc(request.limit)}`
  return { sql: `SELECT ${columns.join(', ')} ${from} ORDER BY ${ordering}${limit}`, params: where.params }
}

/** How many rows pass; with `per`, one row per value that has any: the value under its column's name and the count under `$count`. */
export function countStatement(model: Model, entity: EntityModel, where: Where, per?: SelectRequest['per']): Statement {
  const names = new Aliases()
  const self = names.next()
  const conditions = [condition(model, entity, self, where, names)]
  if (!per) {
    const all = join(conditions, ' AND ')
    return { sql: `SELECT count(*) AS ${quoted('$count')} FROM ${table(entity)} AS ${self} WHERE ${all.text}`, params: all.params }
  }
  const column = `${self}.${quoted(per.column)}`
  conditions.push(membership(column, fieldOfColumn(entity, per.column).type, per.values))
  const all = join(conditions, ' AND ')
  return { sql: `SELECT ${column}, count(*) AS ${quoted('$count')} FROM ${table(entity)} AS ${self} WHERE ${all.text} GROUP BY ${column}`, params: all.params }
}

/** Rows by one or more columns' values, for look-ups of keys. */
export function lookupStatement(entity: EntityModel, columns: readonly string[], keys: readonly (readonly Value[])[]): Statement {
  const names = new Aliases()
  const self = names.next()
  const [only] = columns
  const where =
    columns.length === 1 && only !== undefined
      ? membership(`${self}.${quoted(only)}`, fieldOfColumn(entity, only).type, keys.map(key => key[0] ?? null))
      : join(keys.map(key => join(columns.map((column, index) => equals(`${self}.${quoted(column)}`, fieldOfColumn(entity, column).type, key[index] ?? null)), ' AND ')), ' OR ')
  return { sql: `SELECT ${entity.fields.map(field => `${self}.${quoted(field.name)}`).join(', ')} FROM ${table(entity)} AS ${self} WHERE ${where.text}`, params: where.params }
}

class Aliases {
  #count = 0
  next(): string {
    this.#count += 1
    return quoted(`t${this.#count}`)
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function table(entity: EntityModel): string {
  return `hub.${quoted(entity.name)}`
}

/** The target's rows with one row per value of the link's column: the first by key. */
function firstRows(target: EntityModel, link: Link, names: Aliases): string {
  if (target.key.length === 1 && target.key[0] === link.targetColumn) return table(target)
  const inner = names.next()
  const place = `row_number() OVER (PARTITION BY ${inner}.${quoted(link.targetColumn)} ORDER BY ${target.key.map(column => `${inner}.${quoted(column)}`).join(', ')})`
  return `(SELECT * FROM (SELECT ${target.fields.map(field => `${inner}.${quoted(field.name)}`).join(', ')}, ${place} AS ${quoted('$place')} FROM ${table(target)} AS ${inner}) WHERE ${quoted('$place')} = 1)`
}

function termColumn(model: Model, entity: EntityModel, alias: string, term: OrderTerm, names: Aliases, joins: string[]): { sql: string; type: ColumnType } {
  let at = entity
  let here = alias
  for (const link of term.path) {
    const target = targetOf(model, link)
    const there = names.next()
    joins.push(`LEFT JOIN ${firstRows(target, link, names)} AS ${there} ON ${there}.${quoted(link.targetColumn)} = ${here}.${quoted(link.sourceColumn)}`)
    at = target
    here = there
  }
  return { sql: `${here}.${quoted(term.column)}`, type: fieldOfColumn(at, term.column).type }
}

function targetOf(model: Model, link: Link): EntityModel {
  const target = entityOfType(model, link.target)
  if (!target) throw new RangeError(`SQL cannot follow ${link.source}.${link.field} to ${link.target}.`)
  return target
}

function condition(model: Model, entity: EntityModel, alias: string, where: Where, names: Aliases): Sql {
  if ('and' in where) return join(where.and.map(part => condition(model, entity, alias, part, names)), ' AND ')
  if ('or' in where) return where.or.length === 0 ? { text: 'FALSE', params: [] } : join(where.or.map(part => condition(model, entity, alias, part, names)), ' OR ')
  if ('not' in where) {
    const inner = condition(model, entity, alias, where.not, names)
    return { text: `NOT (${inner.text})`, params: inner.params }
  }
  if ('link' in where) {
    const { link } = where
    const target = targetOf(model, link)
    const there = names.next()
    const inner = condition(model, target, there, where.where, names)
    const rows = link.many ? table(target) : firstRows(target, link, names)
    return { text: `EXISTS (SELECT 1 FROM ${rows} AS ${there} WHERE ${there}.${quoted(link.targetColumn)} = ${alias}.${quoted(link.sourceColumn)} AND (${inner.text}))`, params: inner.params }
  }
  const { type } = fieldOfColumn(entity, where.column)
  const column = `${alias}.${quoted(where.column)}`
  switch (where.op) {
    case 'isNull':
      return { text: where.value ? `${column} IS NULL` : `${column} IS NOT NULL`, params: [] }
    case 'in':
      return membership(column, type, where.value)
    case 'like':
      return { text: `${column} LIKE ?`, params: [where.value] }
    case 'startsWith':
      return { text: `starts_with(${column}, ?)`, params: [where.value] }
    default: {
      const operand = bound(type, where.value)
      return { text: `${column} ${comparators[where.op]} ${operand.text}`, params: operand.params }
    }
  }
}

const comparators = { eq: '=', ne: '<>', lt: '<', lte: '<=', gt: '>', gte: '>=' } as const

function join(parts: readonly Sql[], by: ' AND ' | ' OR '): Sql {
  if (parts.length === 0) return { text: 'TRUE', params: [] }
  return { text: parts.map(part => `(${part.text})`).join(by), params: parts.flatMap(part => part.params) }
}

function equals(column: string, type: ColumnType, value: Value): Sql {
  const operand = bound(type, value)
  return { text: `${column} = ${operand.text}`, params: operand.params }
}

function membership(column: string, type: ColumnType, values: readonly Value[]): Sql {
  if (values.length === 0) return { text: 'FALSE', params: [] }
  const items = boundList(type, values)
  return { text: `${column} IN (${items.text})`, params: items.params }
}

/** The items of an `IN (…)`, at least one mark. */
export function boundList(type: ColumnType, values: readonly Value[]): Sql {
  if (values.length === 0 || listed.has(type)) return { text: '?', params: [values] }
  const operands = values.map(value => bound(type, value))
  return { text: operands.map(operand => operand.text).join(', '), params: operands.flatMap(operand => operand.params) }
}

/** A bound value with the SQL type of its column, as both engines need it to use what they know of the column. */
export function bound(type: ColumnType, value: Value): Sql {
  if (type === 'Bytes') return { text: 'from_base64(?)', params: [value] }
  return { text: `CAST(? AS ${sqlType(type, value)})`, params: [value] }
}

/** Types whose values engines compare with a column's as they are bound. */
const listed: ReadonlySet<ColumnType> = new Set(['String', 'Int', 'Long', 'Float', 'Boolean'])

function sqlType(type: ColumnType, value: Value): string {
  if (type !== 'Decimal') return sqlTypes[type]
  const fraction = /\.(\d+)$/.exec(String(value))?.[1] ?? ''
  return `decimal(38, ${Math.min(fraction.length, 37)})`
}

const sqlTypes: Record<Exclude<ColumnType, 'Decimal'>, string> = {
  String: 'varchar', Int: 'integer', Long: 'bigint', Float: 'double', Boolean: 'boolean', Date: 'date', Time: 'time(6)', DateTime: 'timestamp(6) with time zone',
  LocalDateTime: 'timestamp(6)', UUID: 'uuid', Bytes: 'varbinary', JSON: 'varchar',
}

interface Placed {
  readonly sql: string
  readonly type: ColumnType
  readonly descending: boolean
  readonly nullsFirst: boolean
}

function orderSql(sql: string, { descending, nullsFirst }: Pick<Placed, 'descending' | 'nullsFirst'>, backwards: boolean): string {
  return `${sql} ${descending !== backwards ? 'DESC' : 'ASC'} NULLS ${nullsFirst !== backwards ? 'FIRST' : 'LAST'}`
}

/** Rows strictly behind the place: past it in the first term, or level there and past it in the second, and so on. */
function behind(order: readonly Placed[], place: Place, backwards: boolean): Sql {
  const level: Sql[] = []
  const ways: Sql[] = []
  for (const [index, term] of order.entries()) {
    const value = place[index] ?? null
    const past = beyond(term, value, backwards)
    if (past) ways.push(join([...level, past], ' AND '))
    level.push(value === null ? { text: `${term.sql} IS NULL`, params: [] } : equals(term.sql, term.type, value))
  }
  return ways.length === 0 ? { text: 'FALSE', params: [] } : join(ways, ' OR ')
}

function beyond(term: Placed, value: Value, backwards: boolean): Sql | undefined {
  const nullsFirst = term.nullsFirst !== backwards
  if (value === null) return nullsFirst ? { text: `${term.sql} IS NOT NULL`, params: [] } : undefined
  const operand = bound(term.type, value)
  const compared = `${term.sql} ${term.descending !== backwards ? '<' : '>'} ${operand.text}`
  return { text: nullsFirst ? compared : `${compared} OR ${term.sql} IS NULL`, params: operand.params }
}
