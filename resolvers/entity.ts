import { Kind, type GraphQLResolveInfo } from 'graphql'
import { asHubError, HubError } from '../schema/errors.ts'
import { entityOfType, fieldOfColumn, isSoleKey, subgraphOf, type EntityModel, type FieldModel, type Link, type Model } from '../schema/model.ts'
import { parseKeyText } from '../schema/scalars.ts'
import { ownsLink } from '../schema/sdl.ts'
import type { ColumnType, Row, Value } from '../schema/values.ts'
import { keyOfValues } from '../connectors/ports/region-store.ts'
import { JsonText, membersAsked, nodesAsked, propertyResolver } from './compiled/verbatim.ts'
import { listPage, type ListArguments } from './connection.ts'
import type { Context } from './context.ts'
import type { CursorSealer } from './cursor.ts'
import { areNoting } from './footprint.ts'
import { mustHold } from './guard.ts'
import { followed, isFollowed, linked } from './linked.ts'
import { batched, batchResolver } from './loader.ts'
import type { EntityRows } from './rows.ts'
import type { SelectRequest } from './sql.ts'
import type { FieldResolution, Representation, Subgraph } from './subgraph.ts'

export interface EntityRoles {
  readonly model: Model
  readonly subgraph: 'regions' | 'views'
  /** How the rows of a type of this subgraph are read. */
  readonly rowsOf: (type: string) => EntityRows
  readonly cursors: CursorSealer
}

type Fields = Record<string, Record<string, FieldResolution>>

/** How a subgraph's entities are answered: look-ups, lists, batches, references, columns and the links whose target it owns. */
export function entityResolution(given: EntityRoles): Pick<Subgraph, 'fields' | 'entities'> {
  const { model, subgraph } = given
  const readers = new Map(model.entities.filter(one => subgraphOf(one) === subgraph).map(one => [one.type, permitted(given.rowsOf(one.type))]))
  const roles: EntityRoles = { ...given, rowsOf: type => readers.get(type) ?? given.rowsOf(type) }
  const own = model.entities.filter(entity => subgraphOf(entity) === subgraph)
  const fields: Fields = { Query: {} }
  const entities: Record<string, Subgraph['entities'][string]> = {}

  for (const entity of own) {
    Object.assign(fields['Query'] ?? {}, queries(roles, entity))
    fields[entity.type] = columns(entity)
    entities[entity.type] = references(roles, entity)
  }
  for (const link of model.links.filter(one => ownsLink(model, one, subgraph))) {
    const source = entityOfType(model, link.source)
    if (source) fields[link.source] = { ...columns(source, [...source.key, link.sourceColumn]), ...fields[link.source] }
    fields[link.source] = { ...fields[link.source], [link.field]: linkField(roles, link) }
    entities[link.source] ??= representations => Promise.resolve(representations.map(representation => stub(source, representation)))
  }
  for (const resolvers of Object.values(fields)) areNoting(resolvers)
  return { fields, entities: areNoting(entities) }
}

/** Rows for callers who may read, whichever field, link or reference asks for them. */
function permitted(rows: EntityRows): EntityRows {
  const checked = <Rest extends unknown[], T>(read: (context: Context, ...rest: Rest) => Promise<T>) => async (context: Context, ...rest: Rest) => {
    mustHold(context.scope, 'cache:read')
    return read(context, ...rest)
  }
  const { json, selectJson } = rows
  return {
    entity: rows.entity, byKeys: checked(rows.byKeys), entries: checked(rows.entries), select: checked(rows.select), count: checked(rows.count), countPer: checked(rows.countPer),
    ...(json && { json: checked(json) }), ...(selectJson && { selectJson: checked(selectJson) }),
    regionNow: context => {
      mustHold(context.scope, 'cache:read')
      return rows.regionNow?.(context)
    },
  }
}

/** The asking field's response path, without list positions and with the place its fetch was made for; empty where nobody asked for what was read. */
export function pathOf(context: Context, info: GraphQLResolveInfo): string {
  if (!context.explain) return ''
  const own: string[] = []
  for (let path: GraphQLResolveInfo['path'] | undefined = info.path; path; path = path.prev) {
    if (typeof path.key === 'string') own.unshift(path.key)
  }
  const names = own[0]?.startsWith('_e') ? own.slice(1) : own
  return [context.at, ...names].filter(Boolean).join('.')
}

/** Reads the texts that name entries. */
export interface KeyReader {
  /** Of a look-up's arguments, an input of keys or a representation. */
  ofFields(fields: Readonly<Record<string, unknown>>): string
  /** Of what a list of keys has for each: the one field's value itself, or all of them. */
  ofKey(key: unknown): string
}

export function keyReader(entity: EntityModel): KeyReader {
  const parts = entity.key.map(column => fieldOfColumn(entity, column))
  const read = ({ field, type }: FieldModel, given: unknown): Value => {
    const value = parseKeyText(type, given)
    if (value === null) throw new HubError('BAD_USER_INPUT', `${entity.lookupField} needs ${field}: a part of the key is never null.`, { field })
    return value
  }
  const [only] = parts
  if (parts.length === 1 && only) return { ofFields: fields => keyOfValues([read(only, fields[only.field])]), ofKey: key => keyOfValues([read(only, key)]) }
  const ofFields = (fields: Readonly<Record<string, unknown>>) => keyOfValues(parts.map(part => read(part, fields[part.field])))
  return { ofFields, ofKey: key => ofFields(key as Readonly<Record<string, unknown>>) }
}

function queries(roles: EntityRoles, entity: EntityModel): Record<string, FieldResolution> {
  const rows = roles.rowsOf(entity.type)
  const read = keyReader(entity)
  return {
    [entity.lookupField]: async (_: unknown, args: Record<string, unknown>, context: Context, info: GraphQLResolveInfo) => {
      const key = read.ofFields(args)
      const reader = () => {
        const path = pathOf(context, info)
        return (keys: readonly string[]) => rows.byKeys(context, path, keys)
      }
      const [row] = isOnlyField(info) ? await reader()([key]) : [await batched(context, rows, 'key', reader).load(key)]
      return row ?? null
    },
    [`${entity.listField}ByKey`]: async (_: unknown, { keys }: { keys: readonly unknown[] }, context: Context, info: GraphQLResolveInfo) => {
      if (keys.length > 10_000) throw new HubError('PAYLOAD_TOO_LARGE', `${entity.listField}ByKey was asked for ${keys.length} keys; it takes 10,000 at once. Split them.`, { field: 'keys' })
      const texts = keys.map(read.ofKey)
      const members = linked(context, membersAsked(info), info.variableValues)
      const json = members && (await rows.json?.(context, texts, members))
      return json === undefined ? (await rows.byKeys(context, pathOf(context, info), texts)).map(row => row ?? null) : new JsonText(json)
    },
    [entity.listField]: async (_: unknown, args: ListArguments, context: Context, info: GraphQLResolveInfo) => {
      const page = listPage(roles.model, entity, context.scope.tenant, args, roles.cursors)
      const members = isInKeyOrder(page.request) ? linked(context, nodesAsked(info), info.variableValues) : undefined
      const json = members && (await rows.selectJson?.(context, page.request.where, page.size, members))
      if (json !== undefined) return { nodes: new JsonText(json) }
      const path = pathOf(context, info)
      return page.connection(await rows.select(context, path, page.request), () => rows.count(context, `${path}.totalCount`, page.request.where))
    },
  }
}

/** Whether a list is the first rows in the order of their keys. */
function isInKeyOrder({ order, after, backwards }: SelectRequest): boolean {
  return order.length === 0 && after === undefined && !backwards
}

/** Whether the operation asks for nothing beside this field of its root: no other look-up can share a read with it. */
function isOnlyField({ operation: { selectionSet: { selections } } }: GraphQLResolveInfo): boolean {
  return selections.length === 1 && selections[0]?.kind === Kind.FIELD
}

/** Resolvers of columns whose field has another name: all of them, or those a subgraph knows of another's entity. */
function columns(entity: EntityModel, known?: readonly string[]): Record<string, FieldResolution> {
  return Object.fromEntries(entity.fields.filter(({ field, name }) => field !== name && (known?.includes(name) ?? true)).map(({ field, name }) => [field, propertyResolver(name)]))
}

function references(roles: EntityRoles, entity: EntityModel): Subgraph['entities'][string] {
  const rows = roles.rowsOf(entity.type)
  const { ofFields } = keyReader(entity)
  return async (representations, context) => {
    const keys = representations.map(ofFields)
    const distinct = [...new Set(keys)]
    const found = new Map((await rows.byKeys(context, context.at, distinct)).map((row, index) => [distinct[index], row]))
    return keys.map(key => found.get(key) ?? null)
  }
}

/** What is known of an entity of another subgraph: the fields it was named by, as its columns. A foreign one keeps its fields' names. */
function stub(source: EntityModel | undefined, representation: Representation): Row {
  if (!source) return representation as unknown as Row
  const known = source.fields.filter(({ field }) => field in representation)
  return Object.fromEntries(known.map(({ name, field, type }) => [name, parseKeyText(type, representation[field])]))
}

function linkField(roles: EntityRoles, link: Link): FieldResolution {
  const target = entityOfType(roles.model, link.target)
  if (!target) return foreignReference(roles.model, link)
  const rows = roles.rowsOf(link.target)
  const { type } = fieldOfColumn(target, link.targetColumn)
  const isForeign = !entityOfType(roles.model, link.source)
  const wanted = (row: Row): Value => (isForeign ? foreignValue(type, row[link.sourceColumn]) : parseKeyText(type, row[link.sourceColumn]))
  const resolve = link.many ? manyRows(roles, link, target, rows, wanted) : oneRow(link, target, rows, wanted)
  return isFollowed(roles.model, link, target) ? followed(resolve, { link, rows }) : resolve
}

/** A value of somebody else's field; null where it can be none of the column, as a text of letters none of numbers. */
function foreignValue(type: ColumnType, value: Value | undefined): Value {
  try {
    return parseKeyText(type, value)
  } catch (error) {
    if (error instanceof HubError && error.code === 'BAD_USER_INPUT') return null
    throw error
  }
}

function oneRow(link: Link, target: EntityModel, rows: EntityRows, wanted: (row: Row) => Value): FieldResolution {
  const isKey = isSoleKey(target, link.targetColumn)
  return batchResolver(async (parents: readonly Row[], _args, context, info) => {
    const of = parents.map(judged(wanted))
    const values = distinct(of)
    if (values.length === 0) return of
    const path = pathOf(context, info)
    const found = new Map<Value, Row | undefined>()
    if (isKey) for (const [index, row] of (await rows.byKeys(context, path, values.map(String))).entries()) found.set(values[index] ?? null, row)
    else {
      const read = await rows.select(context, path, { where: { and: [] }, order: [], per: { column: link.targetColumn, values }, limit: 1 })
      for (const { row } of read) found.set(row[link.targetColumn] ?? null, row)
    }
    return of.map(value => (value instanceof HubError ? value : found.get(value) ?? null))
  })
}

function manyRows(roles: EntityRoles, link: Link, target: EntityModel, rows: EntityRows, wanted: (row: Row) => Value): FieldResolution {
  return batchResolver(async (parents: readonly Row[], args: ListArguments, context, info) => {
    const page = listPage(roles.model, target, context.scope.tenant, args, roles.cursors)
    const of = parents.map(judged(wanted))
    const per = { column: link.targetColumn, values: distinct(of) }
    const path = pathOf(context, info)
    const found = per.values.length === 0 ? [] : await rows.select(context, path, { ...page.request, per })
    const groups = Map.groupBy(found, ({ row }) => row[link.targetColumn] ?? null)
    let counting: ReturnType<EntityRows['countPer']> | undefined
    const count = (value: Value) => async () => {
      if (value === null) return 0
      counting ??= rows.countPer(context, `${path}.totalCount`, page.request.where, per)
      return (await counting).get(value) ?? 0
    }
    return of.map(value => (value instanceof HubError ? value : page.connection(groups.get(value) ?? [], count(value))))
  })
}

/** What a parent refers to, or why that cannot be read: one parent's mistake is no other's. */
function judged(wanted: (row: Row) => Value): (row: Row) => Value | HubError {
  return row => {
    try {
      return wanted(row)
    } catch (error) {
      return asHubError(error)
    }
  }
}

function distinct(values: readonly (Value | HubError)[]): readonly Value[] {
  return [...new Set(values)].filter(value => value !== null && !(value instanceof HubError)) as Value[]
}

/** A reference to a type owned elsewhere, by the value that is its key. */
function foreignReference(model: Model, link: Link): FieldResolution {
  const source = entityOfType(model, link.source)
  return (row: Row) => {
    const value = row[source ? link.sourceColumn : link.targetColumn] ?? null
    return value === null ? null : { __typename: link.target, [link.targetColumn]: typeof value === 'bigint' ? String(value) : value }
  }
}
