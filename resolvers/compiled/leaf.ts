import { GraphQLBoolean, GraphQLFloat, GraphQLID, GraphQLInt, GraphQLString, isEnumType, type GraphQLEnumType, type GraphQLLeafType } from 'graphql'
import { inspect } from 'graphql/jsutils/inspect.js'

type Serialize = (value: unknown) => unknown

/** Which of the built-in scalars the type is, as long as it still serialises as graphql-js does; undefined for every other. */
export function builtInOf(type: GraphQLLeafType): keyof typeof builtIn | undefined {
  const [name] = Object.entries(builtIn).find(([, { scalar, serialize }]) => scalar === type && scalar.serialize === serialize) ?? []
  return name as keyof typeof builtIn | undefined
}

const known = (scalar: GraphQLLeafType) => ({ scalar, serialize: scalar.serialize })
const builtIn = { Int: known(GraphQLInt), Float: known(GraphQLFloat), String: known(GraphQLString), Boolean: known(GraphQLBoolean), ID: known(GraphQLID) }

/** Values of the type as an answer has them. Throws, with graphql-js's words, for what is none. */
export function serializer(type: GraphQLLeafType): Serialize {
  return value => {
    const serialized: unknown = type.serialize(value)
    if (serialized === null || serialized === undefined) {
      throw new Error(`Expected \`${inspect(type)}.serialize(${inspect(value)})\` to return non-nullable value, returned: ${inspect(serialized)}`)
    }
    return serialized
  }
}

/** The same as JSON text. */
export function textWriter(type: GraphQLLeafType): (value: unknown) => string {
  const serialize = serializer(type)
  if (isEnumType(type)) return enumWriter(type, serialize)
  return value => textOf(serialize(value))
}

function enumWriter(type: GraphQLEnumType, serialize: Serialize): (value: unknown) => string {
  const texts = enumTexts(type)
  return value => texts.get(value) ?? textOf(serialize(value))
}

/** The JSON text of each of the enum's values. */
export function enumTexts(type: GraphQLEnumType): ReadonlyMap<unknown, string> {
  return new Map(type.getValues().map(({ name, value }) => [value as unknown, `"${name}"`]))
}

/** A serialised value as JSON.stringify writes it in a list: what has no text in JSON is null there. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (typeof value === 'number') return Number.isFinite(value) ? `${value}` : 'null'
  return JSON.stringify(value) ?? 'null'
}

export function quoted(text: string): string {
  return needsEscapes(text) ? JSON.stringify(text) : `"${text}"`
}

const escaped = /[^\x20\x21\x23-\x5b\x5d-\ud7ff\ue000-\uffff]/

/** Whether JSON writes the text in any other way than as it is. */
export function needsEscapes(text: string): boolean {
  if (text.length > 40) return escaped.test(text)
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code < 32 || code === 34 || code === 92 || (code >= 0xd800 && code <= 0xdfff)) return true
  }
  return false
}
