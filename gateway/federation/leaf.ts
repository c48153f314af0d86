import { isEnumType, type GraphQLLeafType } from 'graphql'

/** A subgraph's value as the type has it in an answer; undefined for what is no value of the type. Scalars the graph declares itself pass as they are. */
export function leaf(type: GraphQLLeafType, value: unknown): unknown {
  if (isEnumType(type)) return typeof value === 'string' && type.getValue(value) ? value : undefined
  const check = builtIn[type.name]
  return check ? check(value) : value
}

const builtIn: Readonly<Record<string, (value: unknown) => unknown>> = {
  Int: value => (Number.isInteger(value) && Number(value) >= -(2 ** 31) && Number(value) < 2 ** 31 ? value : undefined),
  Float: value => (Number.isFinite(value) ? value : undefined),
  String: value => (typeof value === 'string' ? value : undefined),
  Boolean: value => (typeof value === 'boolean' ? value : undefined),
  ID: value => (typeof value === 'string' ? value : Number.isInteger(value) ? String(value) : undefined),
}
