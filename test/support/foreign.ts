import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buildSubgraphSchema } from '@apollo/subgraph'
import { execute, parse, validate, type ExecutionResult } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocketServer } from 'ws'

type Resolver = (parent: never, args: never) => unknown
type Resolvers = Record<string, Record<string, Resolver | { subscribe: Resolver }>>

export interface Foreign {
  readonly url: string
  /** GraphQL requests over HTTP, oldest first, those for its SDL left out. */
  readonly requests: { readonly query: string; readonly variables: Record<string, unknown>; readonly headers: IncomingHttpHeaders }[]
  /** Headers of the sockets opened, oldest first. */
  readonly sockets: IncomingHttpHeaders[]
  /** How requests are answered from now on; undefined: by the schema. An answer that is undefined never comes. */
  answer?: (request: { readonly query: string; readonly variables: Record<string, unknown> }, response: ServerResponse) => unknown
  /** Serves other types from now on. */
  become(sdl: string, resolvers: Resolvers): void
  /** Again: waits for the same end. */
  close(): Promise<void>
}

/** Somebody else's subgraph: built by @apollo/subgraph of the SDL and its resolvers, on a loopback port, a free one unless told, over HTTP and WebSocket. */
export async function serveForeign(sdl: string, resolvers: Resolvers, port = 0): Promise<Foreign> {
  const build = (text: string, by: Resolvers) => buildSubgraphSchema({ typeDefs: parse(`${link}\n${text}`), resolvers: by as never })
  let schema = build(sdl, resolvers)

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { query, variables = {} } = JSON.parse(Buffer.concat(chunks).toString()) as { query: string; variables?: Record<string, unknown> }
    if (!query.includes('_service')) foreign.requests.push({ query, variables, headers: request.headers })
    if (foreign.answer) {
      const body = foreign.answer({ query, variables }, response)
      if (body !== undefined) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      return
    }
    const document = parse(query)
    const errors = validate(schema, document)
    const result: ExecutionResult = errors.length > 0 ? { errors } : await execute({ schema, document, variableValues: variables })
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result))
  })
  const socket = new WebSocketServer({ server, path: '/graphql' })
  const live = useServer({ schema: () => schema, onConnect: ({ extra }) => { foreign.sockets.push(extra.request.headers) } }, socket)
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))

  let closed: Promise<void> | undefined
  const end = async () => {
    await live.dispose()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  const foreign: Foreign = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`, requests: [], sockets: [],
    become(text, by) {
      schema = build(text, by)
    },
    close: () => (closed ??= end()),
  }
  return foreign
}

const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@external", "@requires", "@shareable"])'
