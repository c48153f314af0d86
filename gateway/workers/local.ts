import type { IncomingMessage, ServerResponse } from 'node:http'
import { type DocumentNode, OperationTypeNode } from 'graphql'
import type { Footprint } from '../../connectors/ports/footprint.ts'
import type { Clock, Log } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'
import { type Authenticator, createAuthenticator } from '../auth/authenticator.ts'
import type { Config } from '../config.ts'
import { asksForSchema } from '../federation/cached.ts'
import { saysDefer } from '../federation/deferred/directive.ts'
import type { Supergraph } from '../federation/supergraph.ts'
import type { Seen } from '../http/apollo.ts'
import { parseJson, readBody } from '../http/body.ts'
import { type Exchange, send } from '../http/exchange.ts'
import { eventStream, representation } from '../http/graphql.ts'
import { credentialsOf, exchangeOf, observe } from '../http/handler.ts'
import { takesParts } from '../http/multipart.ts'
import { Operations, type Prepared, Refusal } from '../http/operations.ts'
import { Origins } from '../http/origins.ts'
import { type Params, paramsOf } from '../http/params.ts'
import { readingOf, type Reading } from '../http/reading.ts'
import { ResponseCache } from '../http/response-cache/response-cache.ts'
import { openScope } from '../http/scope.ts'
import { Lifecycle } from '../lifecycle.ts'
import { SizedCache } from '../limits/lru.ts'
import { PersistedDocuments } from '../limits/persisted.ts'
import { ShapeCheck } from '../limits/shape.ts'
import { createMetrics, type Metrics } from '../telemetry/metrics.ts'

export interface LocalOptions {
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

interface Served {
  readonly supergraph: Supergraph
  /** Texts of documents that are the owner's to answer. */
  readonly owners: SizedCache<true>
}

/** Documents known to be the owner's, and the bytes their texts take. */
const ownersDocuments = { maxEntries: 2_000, maxBytes: 16 * 1024 * 1024 }

/**
 * Answers what only reads entries by key, in the worker itself, within the checks of the hub's own front: who calls, host, shape, cost, deadline. Everything that is not a whole answer without an
 * error is the owner's: he words refusals and failures, and looks where a worker cannot.
 */
export class Local {
  readonly #config: Config
  readonly #clock: Clock
  readonly #metrics: Metrics
  readonly #log: Log
  readonly #auth: Authenticator
  readonly #origins: Origins
  readonly #operations: Operations
  readonly #reading: Reading
  readonly #lifecycle: Lifecycle
  #graph: Served | undefined

  constructor({ config, clock, log, metrics }: LocalOptions) {
    this.#config = config
    this.#clock = clock
    this.#metrics = metrics
    this.#log = log
    this.#auth = createAuthenticator(config.auth, { host: config.host, clock, log })
    this.#origins = new Origins({ corsOrigins: config.corsOrigins, hosts: this.#auth.open ? config.allowedHosts : undefined })
    // What goes wrong here goes wrong again at the owner, who counts it.
    const uncounted = createMetrics({ process: false })
    this.#operations = new Operations({ settings: config, persisted: new PersistedDocuments(config.persisted), shape: new ShapeCheck(config.limits), metrics: uncounted, responses: new ResponseCache(config.responseCache, uncounted) })
    this.#reading = readingOf(config.defaults.consistency)
    this.#lifecycle = new Lifecycle(clock)
  }

  /** The graph to answer from; undefined: none, everything is the owner's. */
  serve(supergraph: Supergraph | undefined): void {
    this.#graph = supergraph && { supergraph, owners: new SizedCache(ownersDocuments.maxEntries, ownersDocuments.maxBytes, text => 2 * text.length) }
  }

  /** Whether the request is one that might be answered here, by its head. */
  isFor({ method, url, headers }: IncomingMessage): boolean {
    if (!this.#graph || method !== 'POST' || url !== '/graphql') return false
    // How often a caller asks is counted in one place.
    if (this.#config.limits.requestsPerMinute > 0 || !this.#config.fastPath) return false
    const length = Number(headers['content-length'])
    if (!(length <= this.#config.maxBodyBytes) || headers['content-encoding'] !== undefined || headers['x-hub-explain'] !== undefined) return false
    if (!/^application\/json(; *charset=utf-8)?$/i.test(headers['content-type'] ?? '')) return false
    const accepted = representation(headers.accept)
    return accepted !== undefined && accepted !== eventStream && !takesParts(headers.accept)
  }

  /** Answers it, or answers its body, for the owner. CANCELLED where the client left before the body was there. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<true | Buffer> {
    const startedMs = performance.now()
    const body = await readBody(request, this.#config.maxBodyBytes)
    const exchange = exchangeOf({ log: this.#log, origins: this.#origins }, request, response)
    const seen: Seen = { codes: [] }
    const json = await this.#json(exchange, body, seen)
    if (json === undefined || response.destroyed) return response.destroyed ? true : body
    exchange.seen.route = '/graphql'
    observe({ log: this.#log, metrics: this.#metrics }, exchange, startedMs)
    send(exchange, 200, { 'content-type': `${representation(request.headers.accept)}; charset=utf-8` }, `{"data":${json}}`)
    this.#metrics.took('query', 'http', (performance.now() - startedMs) / 1000)
    Object.assign(exchange.seen, seen)
    return true
  }

  /** The data as JSON; undefined where the owner has to answer. */
  async #json({ request, response, requestId, log, seen: noted }: Exchange, body: Buffer, seen: Seen): Promise<string | undefined> {
    try {
      const graph = this.#graph
      if (!graph) return undefined
      this.#origins.checkHost(request)
      const identity = await this.#auth.authenticate(credentialsOf(request))
      noted.tenant = identity.tenant
      const params = paramsOf(parseJson(body), this.#config.limits.maxVariableDepth)
      const prepared = this.#prepared(graph, params)
      if (!prepared) return undefined
      seen.operationType = prepared.node.operation
      if (prepared.node.name) seen.operationName = prepared.node.name.value
      const open = openScope({ requestId, identity, timeoutMs: this.#config.requestTimeoutMs, clock: this.#clock, log, lifecycle: this.#lifecycle, reading: this.#reading(request.headers) })
      const leave = () => open.abort(new HubError('CANCELLED', 'The client left; the work was cancelled.'))
      response.once('close', leave)
      const footprint = new Beyond()
      try {
        const { errors, json, data } = await this.#operations.execute(prepared, { ...open.scope, footprint }, { explain: false, json: true, seen })
        if (footprint.isBeyond) graph.owners.set(prepared.text, true)
        return errors || footprint.isBeyond ? undefined : (json ?? (data ? JSON.stringify(data) : undefined))
      } finally {
        response.off('close', leave)
        open.close()
      }
    } catch (error) {
      if (error instanceof HubError || error instanceof Refusal) return undefined
      this.#log.error('A worker failed to answer; the owner does.', { error })
      return undefined
    }
  }

  #prepared({ supergraph, owners }: Served, params: Params): Prepared | undefined {
    const { query: text } = params
    if (text === undefined || params.extensions || owners.get(text)) return undefined
    let prepared: Prepared
    try {
      prepared = this.#operations.prepare(supergraph, params)
    } catch (error) {
      if (error instanceof Refusal) owners.set(text, true)
      throw error
    }
    if (isPlainQuery(prepared)) return prepared
    owners.set(text, true)
    return undefined
  }
}

const asking = new WeakMap<DocumentNode, boolean>()

/** Whether it is a query that has one answer, made anew each time, and does not ask about the schema. */
function isPlainQuery({ node, document, cached, text }: Prepared): boolean {
  if (node.operation !== OperationTypeNode.QUERY || cached || saysDefer.test(text)) return false
  let asks = asking.get(document)
  if (asks === undefined) {
    asks = asksForSchema(document)
    asking.set(document, asks)
  }
  return !asks
}

/** Whether more was asked for than entries by their keys. */
class Beyond implements Footprint {
  isBeyond = false

  entry(): void {
    // Read by its key, as it should be.
  }

  rows(): void {
    this.isBeyond = true
  }

  unknown(): void {
    this.isBeyond = true
  }
}
