import { ApolloServer, type ApolloServerPlugin, HeaderMap } from '@apollo/server'
import {
  ApolloServerPluginCacheControlDisabled, ApolloServerPluginInlineTraceDisabled, ApolloServerPluginLandingPageDisabled, ApolloServerPluginSchemaReportingDisabled, ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled'
import { getOperationAST, type DocumentNode, type GraphQLFormattedError } from 'graphql'
import type { Log } from '../../connectors/ports/scope.ts'
import { asHubError, HubError } from '../../schema/errors.ts'
import type { Supergraph } from '../federation/supergraph.ts'
import type { PersistedDocuments } from '../limits/persisted.ts'
import type { AnsweredError } from './errors.ts'
import { type Answer, noOperation, type Operations } from './operations.ts'
import type { Params } from './params.ts'
import { Proven } from './proven.ts'
import type { CacheStatus } from './response-cache/response-cache.ts'
import type { OpenScope } from './scope.ts'

/** What one request hands through the pipeline. */
export interface GraphQLExchange {
  readonly method: 'GET' | 'POST'
  readonly headers: () => HeaderMap
  /** With the question mark, for GET. */
  readonly search: string
  readonly params: Params
  readonly open: OpenScope
  readonly explain: boolean
  readonly mediaType: MediaType
  /** Filled on the way, for the log and the metrics. */
  readonly seen: Seen
}

export interface Seen {
  operationName?: string
  operationType?: string
  readonly codes: string[]
  /** Of an operation that asked for its answer to be kept. */
  cache?: CacheStatus
  /** Whether the pipeline came to its end. */
  answered?: boolean
  /** What broke the pipeline itself. */
  unexpected?: unknown
}

export type MediaType = 'application/json' | 'application/graphql-response+json'

export interface Written {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string | Buffer
}

/** A plugin for the pipeline. It sees every request, and so sends each through the whole pipeline, unless it says that the first one with a document is enough for it. */
export interface FrontPlugin extends ApolloServerPlugin {
  readonly sees?: 'first'
}

interface Context extends GraphQLExchange {
  readonly supergraph: Supergraph
}

/** Headers a page cannot send across origins without asking first; one of them shows that a request was no plain link or form. */
const preflighted = ['x-apollo-operation-name', 'apollo-require-preflight', 'authorization', 'x-api-key', 'x-hub-explain', 'x-request-id']

/** Apollo Server over the supergraph: it parses, validates, keeps documents, guards against forged requests and runs plugins; execution is the supergraph's. */
export class Apollo {
  readonly #operations: Operations
  readonly #persisted: PersistedDocuments
  readonly #options: { readonly introspection: boolean; readonly maxTokens: number; readonly log: Log; readonly plugins: readonly FrontPlugin[] }
  readonly #proven: Proven | undefined
  readonly #servers = new WeakMap<Supergraph, Promise<ApolloServer<Context>>>()

  constructor(parts: { operations: Operations; persisted: PersistedDocuments; introspection: boolean; maxTokens: number; fastPath: boolean; log: Log; plugins: readonly FrontPlugin[] }) {
    this.#operations = parts.operations
    this.#persisted = parts.persisted
    this.#options = parts
    this.#proven = parts.fastPath && parts.plugins.every(({ sees }) => sees === 'first') ? new Proven() : undefined
  }

  /** One server a supergraph, so that what began on the old graph ends on it. */
  prepare(supergraph: Supergraph): Promise<ApolloServer<Context>> {
    const known = this.#servers.get(supergraph)
    if (known) return known
    const started = this.#start(supergraph)
    this.#servers.set(supergraph, started)
    return started
  }

  async handle(supergraph: Supergraph, exchange: GraphQLExchange): Promise<Written> {
    const { method, headers, search, params, seen } = exchange
    // A body of JSON is no link and no form, and extensions may name the document in other ways.
    const proven = method === 'POST' && params.query && !params.extensions ? this.#proven?.find(supergraph, params.query) : undefined
    if (proven) return this.#again(supergraph, exchange, proven)
    const server = await this.prepare(supergraph)
    let began = false
    const response = await server.executeHTTPGraphQLRequest({
      httpGraphQLRequest: { method, headers: headers(), search, body: method === 'POST' ? params : undefined },
      context: async () => {
        began = true
        return { ...exchange, supergraph }
      },
    })
    if (response.body.kind === 'chunked') throw new HubError('INTERNAL', 'The pipeline answered in parts, which nothing here asks for.')
    // Only the guard against forged requests answers before it asks for a context.
    if (!began) throw new HubError('FORBIDDEN', forged)
    if (seen.unexpected !== undefined) throw asHubError(seen.unexpected)
    if (!seen.answered) throw new HubError('BAD_USER_INPUT', messageIn(response.body.string), { status: response.status ?? 400 })
    return { status: response.status ?? 200, headers: response.headers, body: response.body.string }
  }

  async #start(supergraph: Supergraph): Promise<ApolloServer<Context>> {
    const { log, introspection, maxTokens, plugins } = this.#options
    const say = (level: keyof Log) => (message?: unknown) => log[level](`Apollo Server: ${String(message)}`)
    const server = new ApolloServer<Context>({
      schema: supergraph.schema,
      introspection,
      nodeEnv: 'production',
      includeStacktraceInErrorResponses: false,
      stopOnTerminationSignals: false,
      allowBatchedHttpRequests: false,
      csrfPrevention: { requestHeaders: preflighted },
      parseOptions: { maxTokens },
      persistedQueries: this.#persisted.mode === 'off' ? false : { cache: this.#documents() },
      stringifyResult: value => JSON.stringify(value),
      logger: { debug: say('debug'), info: say('debug'), warn: say('warn'), error: say('error') },
      plugins: [
        ApolloServerPluginCacheControlDisabled(), ApolloServerPluginLandingPageDisabled(), ApolloServerPluginUsageReportingDisabled(), ApolloServerPluginSchemaReportingDisabled(), ApolloServerPluginInlineTraceDisabled(),
        ...plugins, this.#execution(),
      ],
    })
    await server.start()
    return server
  }

  /** Persisted documents under the names Apollo gives them. */
  #documents() {
    const hash = (key: string) => key.replace(/^apq:/, '')
    return {
      get: async (key: string) => this.#persisted.find(hash(key)),
      set: async (key: string, text: string) => this.#persisted.register(hash(key), text),
      delete: async () => false,
    }
  }

  /** Answers as the pipeline would. */
  async #again(supergraph: Supergraph, exchange: GraphQLExchange, document: DocumentNode): Promise<Written> {
    const answer = await this.#answer(supergraph, exchange, document, exchange.params.query ?? '', true)
    const { seen, mediaType } = exchange
    const { errors, data, json, whole, extensions } = answer
    for (const error of errors ?? []) seen.codes.push(error.extensions.code)
    const body = whole ?? (json === undefined ? JSON.stringify({ errors, data, extensions }) : `{${errors ? `"errors":${JSON.stringify(errors)},` : ''}"data":${json}}`)
    return { status: statusOf(answer, mediaType), headers: answerHeaders(mediaType, errors), body }
  }

  async #answer(supergraph: Supergraph, { params, open, explain, seen }: GraphQLExchange, document: DocumentNode, text: string, json: boolean): Promise<Answer> {
    try {
      const operation = getOperationAST(document, params.operationName)
      if (!operation) throw new HubError('BAD_USER_INPUT', noOperation(document, params.operationName))
      seen.operationType = operation.operation
      if (operation.name) seen.operationName = operation.name.value
      return await this.#operations.execute(this.#operations.choose({ supergraph, document, text, params }), open.scope, { explain, json, seen })
    } catch (error) {
      return this.#operations.failure(error, open.scope)
    }
  }

  #execution(): ApolloServerPlugin<Context> {
    return {
      requestDidStart: async () => ({
        responseForOperation: async ({ contextValue, document, source = '' }) => {
          const { supergraph } = contextValue
          if (!document) throw new HubError('INTERNAL', 'The pipeline asks for an answer without a document.')
          this.#proven?.keep(supergraph, source, document)
          const answer = await this.#answer(supergraph, contextValue, document, source, false)
          return { http: { headers: new HeaderMap() }, body: { kind: 'single', singleResult: { ...answer, errors: mutable(answer.errors) } } }
        },
        willSendResponse: async request => {
          const { body, http } = request.response
          if (body.kind !== 'single') return
          const { open, mediaType, seen } = request.contextValue
          seen.answered = true
          // Errors of the pipeline itself, before anything ran; those of execution are worded already.
          if (request.errors) body.singleResult.errors = request.errors.map(error => this.#operations.error(error, open.scope))
          const errors = body.singleResult.errors as readonly AnsweredError[] | undefined
          seen.codes.push(...(errors ?? []).map(({ extensions }) => extensions.code))
          http.status = http.status === 405 ? 405 : statusOf({ ...body.singleResult, errors }, mediaType)
          for (const [name, value] of answerHeaders(mediaType, errors)) http.headers.set(name, value)
        },
      }),
      unexpectedErrorProcessingRequest: async ({ requestContext, error }) => {
        requestContext.contextValue.seen.unexpected = error
      },
    }
  }
}

function answerHeaders(mediaType: MediaType, errors: readonly AnsweredError[] | undefined): Map<string, string> {
  const headers = new Map([['content-type', `${mediaType}; charset=utf-8`]])
  const wait = errors?.[0]?.extensions['retryAfterSeconds']
  if (typeof wait === 'number') headers.set('retry-after', String(wait))
  return headers
}

const forged = 'The request could have been made by a page of another site without asking (CSRF), and was not run. Send "Content-Type: application/json", or one of the headers ' +
  `${preflighted.slice(0, 2).join(', ')}.`

/** The message of a refusal the pipeline wrote before it began. */
function messageIn(body: string): string {
  const { errors } = JSON.parse(body) as { errors?: readonly { message: string }[] }
  return errors?.[0]?.message ?? 'The request is not GraphQL over HTTP.'
}

function mutable(errors: Answer['errors']): GraphQLFormattedError[] | undefined {
  return errors && [...errors]
}

/**
 * GraphQL over HTTP, "Status codes": an answer with data is 200. Without data it is the first error's own status – but in application/json, which
 * any server on the way may have written, a well-formed request whose document or variables are wrong is 200.
 */
export function statusOf({ data, json, errors }: Pick<Answer, 'data' | 'json' | 'errors'>, mediaType: MediaType): number {
  const [first] = errors ?? []
  if (data !== undefined || json !== undefined || !first) return 200
  const { status } = first.extensions.http
  return mediaType === 'application/json' && status === 400 ? 200 : status
}
