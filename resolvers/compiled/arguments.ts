import {
  BREAK, getArgumentValues, getNullableType, isInputObjectType, isListType, isRequiredInputField, Kind, valueFromAST, visit,
  type FieldNode, type GraphQLField, type GraphQLInputObjectType, type GraphQLInputType, type ObjectValueNode, type ValueNode,
} from 'graphql'

export type Arguments = Record<string, unknown>

type Variables = Readonly<Record<string, unknown>>

/** Undefined for what needs another look. */
type Value = (variables: Variables) => unknown

export type GivenArguments = (variables: Variables) => Arguments | undefined

/** Arguments that are the same in every run: without variables, valid, and with nothing in them that a resolver could change. */
export function constantArguments(definition: GraphQLField<unknown, unknown>, node: FieldNode): Arguments | undefined {
  if (definition.args.length === 0) return {}
  if (node.arguments?.some(argument => hasVariable(argument.value))) return undefined
  try {
    const args = getArgumentValues(definition, node, {})
    return Object.values(args).some(value => typeof value === 'object' && value !== null) ? undefined : args
  } catch {
    return undefined // said again, by the same function, to whoever runs it
  }
}

/**
 * Arguments as they are in a run with these variables, whose values are coerced and were found to fit when the document was validated; objects and lists in them are made anew each time.
 * What is answered is what getArgumentValues answers; undefined where it is to be asked: for variables that are null or not given.
 */
export function givenArguments(definition: GraphQLField<unknown, unknown>, node: FieldNode): GivenArguments | undefined {
  const parts: (readonly [name: string, value: Value])[] = []
  for (const argument of definition.args) {
    const given = node.arguments?.find(({ name }) => name.value === argument.name)?.value
    if (!given && argument.defaultValue === undefined) continue
    const value = given ? literal(given, argument.type) : () => argument.defaultValue
    if (!value) return undefined
    parts.push([argument.name, value])
  }
  return variables => filled({}, parts, variables)
}

/** Undefined for what valueFromAST has to make. */
function literal(node: ValueNode, type: GraphQLInputType): Value | undefined {
  if (node.kind === Kind.VARIABLE) {
    const name = node.name.value
    return variables => (Object.hasOwn(variables, name) ? variables[name] ?? undefined : undefined)
  }
  if (!hasVariable(node)) {
    const value = valueFromAST(node, type)
    return typeof value === 'object' && value !== null ? () => valueFromAST(node, type) : () => value
  }
  const nullable = getNullableType(type)
  if (isInputObjectType(nullable) && node.kind === Kind.OBJECT) return objectOf(node, nullable)
  if (!isListType(nullable) || node.kind !== Kind.LIST) return undefined
  const items = node.values.map(item => literal(item, nullable.ofType))
  return items.includes(undefined) ? undefined : variables => listOf(items as readonly Value[], variables)
}

function objectOf(node: ObjectValueNode, type: GraphQLInputObjectType): Value | undefined {
  if (type.isOneOf) return undefined
  const parts: (readonly [name: string, value: Value])[] = []
  for (const field of Object.values(type.getFields())) {
    const given = node.fields.find(({ name }) => name.value === field.name)?.value
    if (!given && isRequiredInputField(field)) return undefined
    if (!given && field.defaultValue === undefined) continue
    const value = given ? literal(given, field.type) : () => field.defaultValue
    if (!value) return undefined
    parts.push([field.name, value])
  }
  return variables => filled(Object.create(null), parts, variables)
}

function filled(into: Arguments, parts: readonly (readonly [name: string, value: Value])[], variables: Variables): Arguments | undefined {
  for (const [name, of] of parts) {
    const value = of(variables)
    if (value === undefined) return undefined
    into[name] = value
  }
  return into
}

function listOf(items: readonly Value[], variables: Variables): unknown[] | undefined {
  const list: unknown[] = []
  for (const of of items) {
    const value = of(variables)
    if (value === undefined) return undefined
    list.push(value)
  }
  return list
}

function hasVariable(node: ValueNode): boolean {
  let found = false
  visit(node, { [Kind.VARIABLE]: () => {
    found = true
    return BREAK
  } })
  return found
}
