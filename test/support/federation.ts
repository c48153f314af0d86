import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { execute, parse, validate, type ExecutionResult, type GraphQLScalarType } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocketServer } from 'ws'
import { openSupergraph } from '../../gateway/federation/execute.ts'
import { localService } from '../../gateway/federation/local.ts'
import type { Operation, Supergraph, Whole, Written } from '../../gateway/federation/supergraph.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { Read } from '../../resolvers/context.ts'
import { executable } from '../../resolvers/executable.ts'
import type { FieldResolution, Representation, Subgraph } from '../../resolvers/subgraph.ts'
import { testScope } from './scope.ts'

export type Find = (representation: Representation) => unknown

export interface SubgraphParts {
  readonly fields?: Readonly<Record<string, Readonly<Record<string, FieldResolution>>>>
  /** One representation at a time; a throw is the failure of that one alone. */
  readonly find?: Readonly<Record<string, Find>>
  readonly entities?: Subgraph['entities']
  readonly scalars?: readonly GraphQLScalarType[]
}

const imports = ['@key', '@shareable', '@external', '@requires', '@provides', '@override', '@inaccessible', '@interfaceObject', '@tag']

/** A subgraph of the body of its SDL: the link to federation is put before it. */
export function subgraph(name: string, sdl: string, { fields = {}, find = {}, entities = {}, scalars = [] }: SubgraphParts = {}): Subgraph {
  const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ${JSON.stringify(imports)})`
  const each = Object.entries(find).map(([type, one]) => [type, async (representations: readonly Representation[]) => representations.map(representation => attempt(one, representation))] as const)
  return { name, sdl: `${link}\n${sdl}`, fields, scalars, entities: { ...Object.fromEntries(each), ...entities } }
}

function attempt(find: Find, representation: Representation): unknown {
  try {
    return find(representation)
  } catch (error) {
    return error
  }
}

export function graphOf(...subgraphs: readonly Subgraph[]): Supergraph {
  return openSupergraph({ services: subgraphs.map(localService) })
}

export interface Asked {
  readonly variables?: Readonly<Record<string, unknown>>
  readonly operationName?: string
  readonly scope?: Scope
  readonly explain?: (read: Read) => void
}

/** The operation as the transports hand it over: parsed and validated. */
export function operation(graph: Supergraph, text: string, { variables = {}, operationName, scope = testScope(), explain }: Asked = {}): Operation {
  const document = parse(text)
  const errors = validate(graph.schema, document)
  if (errors.length > 0) throw new Error(errors.map(error => error.message).join('\n'))
  return { document, text, operationName, variables, scope, explain }
}

export function ask(graph: Supergraph, text: string, asked: Asked = {}): Promise<ExecutionResult> {
  return graph.execute(operation(graph, text, asked))
}

/** An answer of `write`, whichever it is, with its data as JSON. */
export function inJson(result: Written | Whole | ExecutionResult): { readonly json: string | undefined; readonly errors?: ExecutionResult['errors'] } {
  if ('whole' in result) return { json: result.whole.toString('utf8', '{"data":'.length, result.whole.length - 1) }
  return 'json' in result ? result : { json: JSON.stringify(result.data), errors: result.errors }
}

/** An answer as a client reads it. */
export function plain(result: unknown): unknown {
  return JSON.parse(JSON.stringify(result))
}

export interface Served {
  readonly url: string
  /** Bodies received, oldest first. */
  readonly requests: readonly { readonly query: string; readonly variables?: unknown; readonly headers: IncomingMessage['headers'] }[]
  /** Headers of the sockets opened, oldest first. */
  readonly sockets: readonly IncomingMessage['headers'][]
  /** Again: waits for the same end. */
  close(): Promise<void>
}

/** How a request is answered instead of by the schema; false leaves it to the schema. */
export type Interference = (request: { readonly query: string; readonly count: number }, response: ServerResponse) => boolean

/** The subgraph behind HTTP and, for subscriptions, WebSocket, on a free port of the loopback. It refuses documents its schema does not allow, as any server does. */
export async function serve(graph: Subgraph, interfere: Interference = () => false): Promise<Served> {
  const schema = executable(graph)
  const requests: { query: string; variables?: unknown; headers: IncomingMessage['headers'] }[] = []
  const sockets: IncomingMessage['headers'][] = []
  const context = () => ({ scope: testScope(), at: '', perFetch: new Map() })
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = JSON.parse(Buffer.concat(chunks).toString()) as { query: string; variables?: Record<string, unknown> }
    requests.push({ ...body, headers: request.headers })
    if (interfere({ query: body.query, count: requests.length }, response)) return
    const document = parse(body.query)
    const errors = validate(schema, document)
    const result: ExecutionResult = errors.length > 0 ? { errors } : await execute({ schema, document, variableValues: body.variables, contextValue: context() })
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result))
  })
  const live = useServer({ schema, context, onConnect: ({ extra }) => { sockets.push(extra.request.headers) } }, new WebSocketServer({ server, path: '/graphql' }))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))

  let closed: Promise<void> | undefined
  const end = async () => {
    await live.dispose()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`, requests, sockets,
    close: () => (closed ??= end()),
  }
}
