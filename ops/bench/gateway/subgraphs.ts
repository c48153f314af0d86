import { buildSubgraphSchema } from '@apollo/subgraph'
import { execute, parse, validate, type DocumentNode, type GraphQLSchema } from 'graphql'
import { serveBodies } from '../json-server.ts'
import { hubWorld } from './hub-world.ts'
import { remoteWorld } from './remote-world.ts'
import { federationLink } from './world.ts'

/**
 * `node subgraphs.ts remote | hub USERS`: the subgraphs of a world in a process of their own, each under the path of its name. Built by @apollo/subgraph, run by graphql-js; a body
 * that came before is answered from memory, so that those in front are measured and not these. `/served` answers how many requests came.
 */
const maxKeptBytes = 256 * 1024 * 1024

class Subgraph {
  readonly #schema: GraphQLSchema
  readonly #documents = new Map<string, DocumentNode>()
  /** By body. Emptied when it holds too much. */
  readonly #answers = new Map<string, Buffer>()
  #keptBytes = 0

  constructor(schema: GraphQLSchema) {
    this.#schema = schema
  }

  async answer(body: string): Promise<Buffer> {
    const kept = this.#answers.get(body)
    if (kept) return kept
    const { query, variables } = JSON.parse(body) as { readonly query: string; readonly variables?: Record<string, unknown> | null }
    const answer = Buffer.from(JSON.stringify(await execute({ schema: this.#schema, document: this.#document(query), variableValues: variables })))
    this.#keptBytes += answer.length + body.length
    if (this.#keptBytes > maxKeptBytes) {
      this.#answers.clear()
      this.#keptBytes = 0
    }
    this.#answers.set(body, answer)
    return answer
  }

  #document(query: string): DocumentNode {
    const known = this.#documents.get(query)
    if (known) return known
    const document = parse(query)
    const [error] = validate(this.#schema, document)
    if (error) throw error
    this.#documents.set(query, document)
    return document
  }
}

const [which, users] = process.argv.slice(2)
const world = which === 'hub' ? hubWorld(Number(users)) : remoteWorld
const subgraphs = new Map(world.subgraphs.map(({ name, sdl, resolvers }) => [`/${name}`, new Subgraph(buildSubgraphSchema({ typeDefs: parse(`${federationLink}\n${sdl}`), resolvers: resolvers as never }))]))
let served = 0

const server = serveBodies((path, body) => {
  const subgraph = subgraphs.get(path ?? '')
  if (!subgraph) return JSON.stringify(served)
  served++
  return subgraph.answer(body)
})
server.keepAliveTimeout = 600_000
process.once('SIGTERM', () => process.exit(0))
