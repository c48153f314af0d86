import { isInputType, isLeafType, isListType, isNonNullType, typeFromAST, valueFromAST, type GraphQLInputType, type GraphQLSchema, type VariableDefinitionNode } from 'graphql'

type Values = Record<string, unknown>

/** A value as the type takes it; undefined for whatever needs a second look. */
type Accept = (value: unknown) => unknown

/**
 * Coerces variables that are certainly right, as getVariableValues does; answers undefined for all others, which getVariableValues then takes or refuses with its own words.
 * Input objects, and defaults that are more than one value, are left to it.
 */
export function acceptVariables(schema: GraphQLSchema, definitions: readonly VariableDefinitionNode[]): (given: Readonly<Values>) => Values | undefined {
  const known = definitions.map(definition => variableOf(schema, definition))
  return given => {
    const values: Values = {}
    for (const variable of known) {
      if (!variable) return undefined
      const { name, accept, missing } = variable
      if (Object.hasOwn(given, name)) {
        const value = accept(given[name])
        if (value === undefined) return undefined
        values[name] = value
      } else if (!missing) return undefined
      else if (missing.value !== undefined) values[name] = missing.value
    }
    return values
  }
}

function variableOf(schema: GraphQLSchema, { variable, type: node, defaultValue }: VariableDefinitionNode) {
  const type = typeFromAST(schema, node)
  const name = variable.name.value
  if (!isInputType(type) || name === '__proto__') return undefined
  const value = defaultValue && valueFromAST(defaultValue, type)
  const isLeft = defaultValue ? value === undefined || (typeof value === 'object' && value !== null) : isNonNullType(type)
  return { name, accept: acceptor(type), missing: isLeft ? undefined : { value } }
}

function acceptor(type: GraphQLInputType): Accept {
  if (!isNonNullType(type)) {
    const accept = present(type)
    return value => (value === null ? null : value === undefined ? undefined : accept(value))
  }
  const accept = present(type.ofType)
  return value => (value === null || value === undefined ? undefined : accept(value))
}

function present(type: GraphQLInputType): Accept {
  if (isListType(type)) {
    const accept = acceptor(type.ofType)
    return value => {
      if (!Array.isArray(value)) return undefined
      const items = value.map(accept)
      return items.includes(undefined) ? undefined : items
    }
  }
  if (!isLeafType(type)) return () => undefined
  return value => {
    try {
      return type.parseValue(value)
    } catch {
      return undefined // getVariableValues says it with the variable's name and place
    }
  }
}
