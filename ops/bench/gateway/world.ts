import { buildSchema, execute, isObjectType, parse, type ExecutionResult, type GraphQLFieldResolver, type GraphQLSchema } from 'graphql'

export type Resolvers = Readonly<Record<string, Readonly<Record<string, GraphQLFieldResolver<never, unknown, never>>>>>

/** Types and who answers them. */
export interface Graph {
  readonly sdl: string
  readonly resolvers: Resolvers
}

/** The same data as federated subgraphs and as one schema. */
export interface World {
  readonly subgraphs: readonly (Graph & { readonly name: string })[]
  readonly whole: Graph
}

/** Put in front of every subgraph's types. */
export const federationLink = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@external", "@requires", "@shareable"])'

export function schemaOf({ sdl, resolvers }: Graph): GraphQLSchema {
  const schema = buildSchema(sdl)
  for (const [name, fields] of Object.entries(resolvers)) {
    const type = schema.getType(name)
    if (!isObjectType(type)) throw new TypeError(`There are resolvers for "${name}", which is no object type.`)
    for (const [field, resolve] of Object.entries(fields)) Object.assign(type.getFields()[field] ?? {}, { resolve })
  }
  return schema
}

/** What every contender has to answer, by graphql-js over the whole schema. */
export async function reference(graph: Graph, document: string, variableValues: Readonly<Record<string, unknown>>): Promise<ExecutionResult> {
  const result = await execute({ schema: schemaOf(graph), document: parse(document), variableValues })
  if (result.errors) throw new Error(`The reference answers with errors: ${result.errors.join(', ')}`)
  return JSON.parse(JSON.stringify(result))
}
