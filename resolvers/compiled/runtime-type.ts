import { GraphQLError, isObjectType, type GraphQLAbstractType, type GraphQLObjectType } from 'graphql'
import { inspect } from 'graphql/jsutils/inspect.js'
import type { Execution } from './execution.ts'
import type { Field } from './field.ts'

/** The object type a value of an abstract type was said to be of. What is no possible type is refused with graphql-js's words. */
export function possibleType({ variant: { schema } }: Execution, type: GraphQLAbstractType, name: unknown, value: unknown, field: Field): GraphQLObjectType {
  const own = typeof name === 'string' ? schema.getType(name) : undefined
  if (isObjectType(own) && schema.isSubType(type, own)) return own

  const nodes = field.nodes
  const at = `${field.parent.name}.${field.name}`
  if (name === null || name === undefined) {
    throw new GraphQLError(`Abstract type "${type.name}" must resolve to an Object type at runtime for field "${at}". Either the "${type.name}" type should provide a "resolveType" function or each possible type should provide an "isTypeOf" function.`, { nodes })
  }
  if (isObjectType(name)) throw new GraphQLError('Support for returning GraphQLObjectType from resolveType was removed in graphql-js@16.0.0 please return type name instead.')
  if (typeof name !== 'string') {
    throw new GraphQLError(`Abstract type "${type.name}" must resolve to an Object type at runtime for field "${at}" with value ${inspect(value)}, received "${inspect(name)}".`)
  }
  if (!own) throw new GraphQLError(`Abstract type "${type.name}" was resolved to a type "${name}" that does not exist inside the schema.`, { nodes })
  if (!isObjectType(own)) throw new GraphQLError(`Abstract type "${type.name}" was resolved to a non-object type "${name}".`, { nodes })
  throw new GraphQLError(`Runtime Object type "${own.name}" is not a possible type for "${type.name}".`, { nodes })
}
