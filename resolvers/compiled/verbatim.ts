import {
  getNullableType, GraphQLBoolean, GraphQLFloat, GraphQLID, GraphQLInt, GraphQLString, isListType, isNonNullType, isObjectType, isScalarType,
  type FieldNode, type GraphQLField, type GraphQLFieldResolver, type GraphQLObjectType, type GraphQLOutputType, type GraphQLResolveInfo,
} from 'graphql'
import { collectSubfields } from 'graphql/execution/collectFields.js'
import { getFieldDef } from 'graphql/execution/execute.js'
import { isVerbatim } from '../../schema/scalars.ts'
import { givenArguments, type GivenArguments } from './arguments.ts'
import type { Field } from './field.ts'
import { builtInOf } from './leaf.ts'
import type { Variant } from './variant.ts'

/** What an object of an answer has under a name: a property of the object it is made from, as JSON writes it, if it is what its type asks for. */
export interface Property {
  readonly name: string
  readonly column: string
  readonly as?: 'String' | 'Int' | 'Float' | 'Boolean'
  readonly required?: true
}

/** Or what a link resolver answers (see `linkResolver`): an object or null. With `nodes`, one whose only member, of that name, is the list it has as its property `nodes`. */
export interface LinkAsked {
  readonly name: string
  readonly resolver: object
  /** Its arguments with these variables; undefined where that needs another look. */
  readonly args: GivenArguments
  readonly members: readonly Asked[]
  readonly nodes?: string
}

export type Asked = Property | LinkAsked

/** What is asked of each object of a list, which is the field's or, with `nodes`, that of the only thing asked of the field's object: its property `nodes`. */
export interface ListAsked {
  readonly members: readonly Asked[]
  readonly nodes?: string
}

/** Of what resolvers were told: what is known beside, as it must look as graphql-js tells it. */
const asked = new WeakMap<GraphQLResolveInfo, ListAsked>()

/**
 * Of a field that is a list of objects, in an answer that is written as text: all that is asked of each. With these its resolver may answer the list as a `JsonText` that holds them, in this order.
 * Undefined for every other field.
 */
export function membersAsked(info: GraphQLResolveInfo): readonly Asked[] | undefined {
  const list = asked.get(info)
  return list?.nodes === undefined ? list?.members : undefined
}

/** The same of a field that is an object of which nothing but its `nodes` are asked, a list of objects: its resolver may answer an object that has the list as a `JsonText`. */
export function nodesAsked(info: GraphQLResolveInfo): readonly Asked[] | undefined {
  const list = asked.get(info)
  return list?.nodes === undefined ? undefined : list.members
}

export function noteMembers(info: GraphQLResolveInfo, list: ListAsked): void {
  asked.set(info, list)
}

/** A list of objects, or null in the place of any, as JSON text. */
export class JsonText {
  readonly json: string

  constructor(json: string) {
    this.json = json
  }
}

const properties = new WeakMap<object, string>()

/** A resolver that answers a property of its parent, and is known to do nothing else. */
export function propertyResolver(name: string): GraphQLFieldResolver<Readonly<Record<string, unknown>>, unknown> {
  const resolve = (parent: Readonly<Record<string, unknown>>) => parent[name]
  properties.set(resolve, name)
  return resolve
}

const links = new WeakSet<object>()

/** Marks a resolver of objects found by their parent, its arguments and nothing else, whose whole answer may be written by whoever answers the parent. */
export function linkResolver<Resolver extends object>(resolve: Resolver): Resolver {
  links.add(resolve)
  return resolve
}

/** Members of one list, those below it counted, beyond which its objects are written one by one. */
const mostMembers = 200

/** Undefined where the field is no such list, and where anything is asked of its objects but properties as they are, and links. */
export function listAsked({ type, nodes }: Pick<Field, 'type' | 'nodes'>, variant: Variant): ListAsked | undefined {
  const walk = { variant, room: mostMembers }
  const nullable = getNullableType(type)
  if (isListType(nullable)) {
    const members = isObjectType(nullable.ofType) ? membersOf(walk, nullable.ofType, nodes) : undefined
    return members && { members }
  }
  return isObjectType(nullable) ? nodesOf(walk, nullable, nodes) : undefined
}

interface Walk {
  readonly variant: Variant
  room: number
}

/** Of an object of which nothing is asked but its nodes. */
function nodesOf(walk: Walk, type: GraphQLObjectType, nodes: readonly FieldNode[]): Required<ListAsked> | undefined {
  const { schema, fragments, conditions } = walk.variant
  const fields = collectSubfields(schema, fragments, conditions, type, nodes)
  const [[name, asking] = []] = fields
  const definition = asking?.[0] && getFieldDef(schema, type, asking[0])
  if (fields.size !== 1 || type.isTypeOf || name === undefined || definition?.name !== 'nodes' || definition.resolve || definition.args.length > 0) return undefined
  const list = getNullableType(definition.type)
  const item = isListType(list) ? getNullableType(list.ofType) : undefined
  const members = isObjectType(item) && asking ? membersOf(walk, item, asking) : undefined
  return members && { members, nodes: name }
}

function membersOf(walk: Walk, type: GraphQLObjectType, nodes: readonly FieldNode[]): readonly Asked[] | undefined {
  if (type.isTypeOf) return undefined
  const { schema, fragments, conditions } = walk.variant
  const members: Asked[] = []
  for (const [name, asking] of collectSubfields(schema, fragments, conditions, type, nodes)) {
    const definition = asking[0] && getFieldDef(schema, type, asking[0])
    const member = definition && (memberOf(name, definition) ?? linkOf(walk, name, definition, asking))
    if (!member || --walk.room < 0) return undefined
    members.push(member)
  }
  return members
}

function linkOf(walk: Walk, name: string, definition: GraphQLField<unknown, unknown>, nodes: readonly FieldNode[]): LinkAsked | undefined {
  const { resolve: resolver, type } = definition
  const [node] = nodes
  const args = resolver && links.has(resolver) && node ? givenArguments(definition, node) : undefined
  if (!resolver || !args) return undefined
  if (!isObjectType(type)) {
    const connection = isNonNullType(type) && isObjectType(type.ofType) ? nodesOf(walk, type.ofType, nodes) : undefined
    return connection && { name, resolver, args, ...connection }
  }
  const members = membersOf(walk, type, nodes)
  return members && { name, resolver, args, members }
}

function memberOf(name: string, { name: own, resolve, args, type }: GraphQLField<unknown, unknown>): Property | undefined {
  const column = resolve ? properties.get(resolve) : own
  const value = standing(getNullableType(type))
  if (column === undefined || args.length > 0 || !value) return undefined
  return { name, column, ...value, ...(isNonNullType(type) && { required: true }) }
}

const kinds = new Map<GraphQLOutputType, Property['as']>([[GraphQLString, 'String'], [GraphQLID, 'String'], [GraphQLInt, 'Int'], [GraphQLFloat, 'Float'], [GraphQLBoolean, 'Boolean']])

/** What stands in an answer as it stands in a row; undefined for types whose values are worked on. */
function standing(type: GraphQLOutputType): Pick<Property, 'as'> | undefined {
  if (!isScalarType(type)) return undefined
  const as = builtInOf(type) && kinds.get(type)
  return as ? { as } : isVerbatim(type.serialize) ? {} : undefined
}
