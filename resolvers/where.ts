import { HubError } from '../schema/errors.ts'
import { compares, operators, type Filter, type Operator } from '../schema/filter.ts'
import { entityOfType, linksFrom, type EntityModel, type FieldModel, type Link, type Model } from '../schema/model.ts'
import { didYouMean } from '../schema/names.ts'
import { parseValue } from '../schema/scalars.ts'
import type { ColumnType } from '../schema/values.ts'

/** A condition on the rows of one entity: a filter whose leaves may also be conditions on the rows a link leads to. */
export type Where =
  | { readonly and: readonly Where[] }
  | { readonly or: readonly Where[] }
  | { readonly not: Where }
  | Extract<Filter, { column: string }>
  | { readonly link: Link; readonly where: Where }

/** One term of an order, maybe of a row that links lead to. */
export interface OrderTerm {
  /** Links to follow, from the entity on. */
  readonly path: readonly Link[]
  readonly column: string
  readonly descending: boolean
  readonly nullsFirst: boolean
}

type Input = Readonly<Record<string, unknown>>

/** A `where` argument, as coerced by GraphQL, as a condition on the entity's rows. Absent and empty inputs hold always. What comes as JSON may name columns where a typed filter names fields. */
export function parseWhere(model: Model, entity: Pick<EntityModel, 'type' | 'fields'>, input: Input | null | undefined): Where {
  if (input === null || input === undefined) return { and: [] }
  if (typeof input !== 'object' || Array.isArray(input)) throw new HubError('BAD_USER_INPUT', `A filter of ${entity.type} is an object such as { ${entity.fields[0]?.field}: { eq: … } }; found ${JSON.stringify(input).slice(0, 80)}.`, { type: entity.type })
  const fields = new Map(entity.fields.map(field => [field.field, field]))
  const links = new Map(linksFrom(model, entity.type).map(link => [link.field, link]))
  const parts = Object.entries(input).flatMap(([name, value]): Where[] => {
    if (value === null || value === undefined) return []
    if (name === 'and' || name === 'or') {
      const parts = (Array.isArray(value) ? value : [value]).map(part => parseWhere(model, entity, part as Input))
      return [name === 'and' ? { and: parts } : { or: parts }]
    }
    if (name === 'not') return [{ not: parseWhere(model, entity, value as Input) }]
    const field = fields.get(name) ?? (links.has(name) ? undefined : entity.fields.find(one => one.name === name))
    if (field) return comparisons(field, value)
    const link = links.get(name)
    const target = link && entityOfType(model, link.target)
    if (!link || !target) throw new HubError('BAD_USER_INPUT', `${entity.type} has no field "${name}" to filter by.${didYouMean(name, [...fields.keys(), ...links.keys()])}`, { field: name })
    return [{ link, where: parseWhere(model, target, value as Input) }]
  })
  const [only] = parts
  return parts.length === 1 && only ? only : { and: parts }
}

function comparisons({ name: column, field, type }: FieldModel, input: unknown): Where[] {
  if (typeof input !== 'object' || input === null) throw new HubError('BAD_USER_INPUT', `${field} takes comparisons such as { eq: … }.`, { field })
  const taken = operators.filter(op => compares(type, op))
  const unknown = Object.keys(input).filter(op => !(taken as readonly string[]).includes(op))
  if (unknown.length > 0) throw new HubError('BAD_USER_INPUT', `${field} has no comparison "${unknown[0]}".${didYouMean(unknown[0] ?? '', taken) || ` There are: ${taken.join(', ')}.`}`, { field })
  return operators.flatMap((op): Where[] => {
    const value = (input as Input)[op]
    if (value === undefined) return []
    if (value === null) throw new HubError('BAD_USER_INPUT', `${field}: { ${op}: null } holds for no row. Ask for absence with isNull: true, or leave ${op} out.`, { field })
    return [leaf(column, type, op, value)]
  })
}

/** Looking for a pattern costs its length times the text's at worst. */
const longestPattern = 1_000

/** Values are parsed by the column's type: of a generic JSON filter they come as a client wrote them. */
function leaf(column: string, type: ColumnType, op: Operator, value: unknown): Where {
  if (op === 'in') return { column, op, value: (Array.isArray(value) ? value : [value]).map(one => parseValue(type, one)) }
  if (op === 'like' && typeof value === 'string' && value.length > longestPattern) throw new HubError('BAD_USER_INPUT', `A pattern of like has ${value.length} characters; it takes ${longestPattern}. Shorten it, or use startsWith or eq.`, { field: column })
  if (op === 'isNull') return { column, op, value: parseValue('Boolean', value) === true }
  return { column, op, value: parseValue(op === 'like' || op === 'startsWith' ? 'String' : type, value) }
}

/** The condition as a filter over the entity's own columns; undefined where it follows a link. */
export function asFilter(where: Where): Filter | undefined {
  if ('link' in where) return undefined
  if ('not' in where) {
    const inner = asFilter(where.not)
    return inner && { not: inner }
  }
  if ('and' in where || 'or' in where) {
    const parts = ('and' in where ? where.and : where.or).map(asFilter)
    if (!parts.every(part => part !== undefined)) return undefined
    return 'and' in where ? { and: parts } : { or: parts }
  }
  return where
}

const directions: Record<string, { descending: boolean; nullsFirst: boolean }> = {
  ASC: { descending: false, nullsFirst: false },
  DESC: { descending: true, nullsFirst: true },
  ASC_NULLS_FIRST: { descending: false, nullsFirst: true },
  DESC_NULLS_LAST: { descending: true, nullsFirst: false },
}

/** An `orderBy` argument as terms. A term with no or several members → BAD_USER_INPUT. */
export function parseOrder(model: Model, entity: EntityModel, input: readonly Input[] | null | undefined): OrderTerm[] {
  return (input ?? []).map(term => parseTerm(model, entity, term, []))
}

function parseTerm(model: Model, entity: EntityModel, input: Input, path: readonly Link[]): OrderTerm {
  const members = Object.entries(input).filter(([, value]) => value !== null && value !== undefined)
  const [member] = members
  if (!member || members.length > 1) {
    const found = members.length === 0 ? 'none' : members.map(([name]) => name).join(', ')
    throw new HubError('BAD_USER_INPUT', `A term of orderBy takes exactly one field of ${entity.type}; found ${found}. Write one term per field: [{ a: ASC }, { b: DESC }].`, { type: entity.type })
  }
  const [name, value] = member
  const field = entity.fields.find(one => one.field === name)
  if (field) return { path, column: field.name, ...directions[value as string] } as OrderTerm
  const link = linksFrom(model, entity.type).find(one => one.field === name && !one.many)
  const target = link && entityOfType(model, link.target)
  if (!link || !target) throw new HubError('BAD_USER_INPUT', `${entity.type} has no field "${name}" to order by.`, { field: name })
  return parseTerm(model, target, value as Input, [...path, link])
}

/** Whether every term orders by a column of the entity itself. */
export function isLocal(order: readonly OrderTerm[]): boolean {
  return order.every(term => term.path.length === 0)
}
