import {
  getNullableType, GraphQLBoolean, GraphQLFloat, GraphQLID, GraphQLInt, GraphQLString, isListType, isNonNullType, isObjectType, isScalarType,
  type GraphQLField, type GraphQLFieldResolver, type GraphQLOutputType, type GraphQLResolveInfo,
} from 'graphql'
import { collectSubfields } from 'graphql/execution/collectFields.js'
import { getFieldDef } from 'graphql/execution/execute.js'
import { isVerbatim } from '../../schema/scalars.ts'
import type { Field } from './field.ts'
import { builtInOf } from './leaf.ts'
import type { Variant } from './variant.ts'

/** What an object of an answer has under a name: a property of the object it is made from, as JSON writes it, if it is what its type asks for. */
export interface Member {
  readonly name: string
  readonly column: string
  readonly as?: 'String' | 'Int' | 'Float' | 'Boolean'
  readonly required?: true
}

/** Of what resolvers were told: what is known beside, as it must look as graphql-js tells it. */
const asked = new WeakMap<GraphQLResolveInfo, readonly Member[]>()

/**
 * Of a field that is a list of objects, in an answer that is written as text: all that is asked of each. With these its resolver may answer the list as a `JsonText` that holds them, in this order.
 * Undefined for every other field.
 */
export function membersAsked(info: GraphQLResolveInfo): readonly Member[] | undefined {
  return asked.get(info)
}

export function noteMembers(info: GraphQLResolveInfo, members: readonly Member[]): void {
  asked.set(info, members)
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

/** Undefined where the field is no list of objects that may be null, and where anything is asked of them but properties as they are. */
export function membersOf({ type, nodes }: Pick<Field, 'type' | 'nodes'>, { schema, fragments, conditions }: Variant): readonly Member[] | undefined {
  const list = getNullableType(type)
  if (!isListType(list) || !isObjectType(list.ofType) || list.ofType.isTypeOf) return undefined
  const members: Member[] = []
  for (const [name, [node]] of collectSubfields(schema, fragments, conditions, list.ofType, nodes)) {
    const definition = node && getFieldDef(schema, list.ofType, node)
    const member = definition && memberOf(name, definition)
    if (!member) return undefined
    members.push(member)
  }
  return members
}

function memberOf(name: string, { name: own, resolve, args, type }: GraphQLField<unknown, unknown>): Member | undefined {
  const column = resolve ? properties.get(resolve) : own
  const value = standing(getNullableType(type))
  if (column === undefined || args.length > 0 || !value) return undefined
  return { name, column, ...value, ...(isNonNullType(type) && { required: true }) }
}

const kinds = new Map<GraphQLOutputType, Member['as']>([[GraphQLString, 'String'], [GraphQLID, 'String'], [GraphQLInt, 'Int'], [GraphQLFloat, 'Float'], [GraphQLBoolean, 'Boolean']])

/** What stands in an answer as it stands in a row; undefined for types whose values are worked on. */
function standing(type: GraphQLOutputType): Pick<Member, 'as'> | undefined {
  if (!isScalarType(type)) return undefined
  const as = builtInOf(type) && kinds.get(type)
  return as ? { as } : isVerbatim(type.serialize) ? {} : undefined
}
