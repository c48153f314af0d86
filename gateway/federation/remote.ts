import { Kind, parse, type DocumentNode } from 'graphql'
import { createClient, type Client } from 'graphql-ws'
import { WebSocket } from 'ws'
import type { Caller, Scope } from '../../connectors/ports/scope.ts'
import { asHubError, HubError } from '../../schema/errors.ts'
import { remoteError } from './errors.ts'
import { Flights, endingWith, type Work } from './flights.ts'
import { Connections } from './http/connections.ts'
import { Pooled } from './http/pooled.ts'
import type { Posted, Sender } from './http/sender.ts'
import { redactor } from './redact.ts'
import { subscribeRemote } from './remote-subscription.ts'
import { isObject } from './shape.ts'
import type { RawAnswer, SubgraphRequest, SubgraphResult, SubgraphService } from './supergraph.ts'

export interface RemoteOptions {
  readonly name: string
  /** `http:` or `https:`, from the operator's catalog. Subscriptions go to the same address over `ws:` or `wss:`. */
  readonly url: string
  /** Sent with every request; may hold secrets, which appear in no error. */
  readonly headers?: Readonly<Record<string, string>>
  /** Asked of the service's `_service` when absent. */
  readonly sdl?: string
  /** Longest answer taken, in bytes; a longer one → RESULT_TOO_LARGE. */
  readonly maxBytes?: number
  /** Connections kept open at most. */
  readonly connections?: number
  /** Told of each request to it that is over: `ok`, or the code of its failure, and how long it took. */
  readonly took?: (outcome: string, seconds: number) => void
}

/** A subgraph behind a URL. No answer → UPSTREAM_UNAVAILABLE, one that is no GraphQL answer → UPSTREAM_REJECTED; a wrong address → CATALOG_INVALID. */
export async function remoteService(options: RemoteOptions, scope: Scope): Promise<SubgraphService> {
  const remote = new Remote(options)
  try {
    return remote.service(options.sdl ?? (await remote.sdl(scope)))
  } catch (error) {
    await remote.close()
    throw error
  }
}

class Remote {
  readonly #name: string
  readonly #url: URL
  readonly #path: string
  readonly #redacted: (error: unknown) => unknown
  readonly #maxBytes: number
  readonly #took: RemoteOptions['took']
  readonly #sender: Sender
  readonly #flights = new Flights<Posted>((answer, askers) => answer.shareBy(askers))
  /** What every body with the document begins with. */
  readonly #heads = new WeakMap<DocumentNode, string>()
  /** Mutations answered: who asks after one is not answered by a query that began before. */
  #mutations = 0
  readonly #client: Client

  constructor({ name, url, headers = {}, maxBytes = 64 * 1024 * 1024, connections = 64, took }: RemoteOptions) {
    this.#name = name
    this.#url = addressOf(name, url)
    this.#path = this.#url.pathname + this.#url.search
    this.#redacted = redactor(headers)
    this.#maxBytes = maxBytes
    this.#took = took
    const sends = { origin: this.#url, connections, headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json, application/json', ...headers } }
    this.#sender = this.#url.protocol === 'http:' ? new Connections(sends) : new Pooled(sends)
    this.#client = socketClient(this.#url, headers)
  }

  service(sdl: string): SubgraphService {
    return {
      name: this.#name,
      sdl,
      takesJson: true,
      raw: { send: request => this.#answered(request), read: answer => this.#read(answer) },
      execute: request => this.#execute(request),
      subscribe: request => subscribeRemote(this.#name, this.#client, request, this.#redacted),
      close: () => this.close(),
    }
  }

  async close(): Promise<void> {
    await this.#client.dispose()
    await this.#sender.close()
  }

  async sdl(scope: Scope): Promise<string> {
    const document = '{ _service { sdl } }'
    const { data, errors } = await this.#execute({ document, parsed: parse(document), variables: {}, scope, at: '' })
    const service = data?.['_service']
    if (isObject(service) && typeof service['sdl'] === 'string') return service['sdl']
    throw this.#rejected(`does not answer its SDL${errors?.[0] ? `: ${errors[0].message}` : ''}. Is it a federation subgraph?`)
  }

  /** Each asker reads the answer on its own: it is changed where it is merged. */
  async #execute(request: SubgraphRequest): Promise<SubgraphResult> {
    const answer = await this.#answered(request)
    const result = this.#read(answer)
    answer.release()
    return result
  }

  /** Queries alike of one caller are sent once while in flight. */
  #answered(request: SubgraphRequest): Promise<Posted> {
    const { scope } = request
    scope.footprint?.unknown(`Subgraph "${this.#name}" runs elsewhere and does not tell the hub of its changes.`)
    const body = this.#bodyOf(request)
    return this.#begun(request, body).catch((error: unknown) => {
      throw error instanceof HubError && error.code === 'TIMEOUT' ? new HubError('TIMEOUT', `Subgraph "${this.#name}" gave no answer in time.`, { service: this.#name }, { cause: error }) : error
    })
  }

  #begun(request: SubgraphRequest, body: string): Promise<Posted> {
    const { scope } = request
    if (!isQuery(request)) return endingWith(scope.signal, () => this.#send(scope, body)).finally(() => { this.#mutations += 1 })
    if (mustBeOwn(scope)) return endingWith(scope.signal, () => this.#send(scope, body))
    return this.#flights.join(`${this.#mutations} ${askerOf(scope)}`, body, scope.signal, () => this.#send(scope, body))
  }

  #bodyOf({ document, parsed, operationName, variables, json = {} }: SubgraphRequest): string {
    let head = this.#heads.get(parsed)
    if (head === undefined) {
      head = `{"query":${JSON.stringify(document)},${operationName === undefined ? '' : `"operationName":${JSON.stringify(operationName)},`}"variables":{`
      this.#heads.set(parsed, head)
    }
    let members = ''
    for (const [name, text] of Object.entries(json)) members += `,"${name}":${text}`
    for (const [name, value] of Object.entries(variables)) if (value !== undefined) members += `,"${name}":${jsonOf(value)}`
    return `${head}${members.slice(1)}}}`
  }

  #send(scope: Scope, body: string): Work<Posted> {
    const headers = { 'x-request-id': scope.requestId, ...readingHeaders(scope) }
    const tooLong = () => new HubError('RESULT_TOO_LARGE', `Subgraph "${this.#name}" answered more than ${this.#maxBytes} bytes. Filter or page.`, { service: this.#name })
    const startedMs = performance.now()
    const took = (outcome: string) => this.#took?.(outcome, (performance.now() - startedMs) / 1000)
    let isCancelled = false
    const sent = this.#sender.post({ path: this.#path, headers, body, maxBytes: this.#maxBytes, tooLong })
    const result = sent.result.then(answer => {
      const refusal = this.#refusalOf(answer)
      took(refusal?.code ?? 'ok')
      if (refusal) throw refusal
      const session = answer.headers['x-session-token']
      if (session !== undefined) takeSession(scope, session)
      return answer
    }, (error: unknown) => {
      const failure = isCancelled || error instanceof HubError ? error : new HubError('UPSTREAM_UNAVAILABLE', `Subgraph "${this.#name}" cannot be reached.`, { service: this.#name }, { cause: error })
      took(asHubError(failure).code)
      throw failure
    })
    const cancel = (reason: unknown) => {
      isCancelled = true
      sent.cancel(reason)
    }
    return { result, cancel }
  }

  #refusalOf({ status, headers }: Posted): HubError | undefined {
    if (status === 200 || headers['content-type']?.startsWith('application/graphql-response+json')) return undefined
    return status >= 500 ? new HubError('UPSTREAM_UNAVAILABLE', `Subgraph "${this.#name}" answered with HTTP status ${status}.`, { service: this.#name }) : this.#rejected(`answered with HTTP status ${status}.`)
  }

  #read({ text }: RawAnswer): SubgraphResult {
    let answer: unknown
    try {
      answer = JSON.parse(text)
    } catch (error) {
      throw this.#rejected('answered what is no JSON.', error)
    }
    if (!isObject(answer) || !(isObject(answer['data']) || Array.isArray(answer['errors']))) throw this.#rejected('answered JSON that is no GraphQL answer.')
    const { data, errors } = answer
    const result = { data: isObject(data) ? data : null, isPlain: !text.includes('\\') }
    return Array.isArray(errors) && errors.length > 0 ? { ...result, errors: errors.map(error => remoteError(this.#name, this.#redacted(error))) } : result
  }

  #rejected(what: string, cause?: unknown): HubError {
    return new HubError('UPSTREAM_REJECTED', `Subgraph "${this.#name}" ${what}`, { service: this.#name }, { cause })
  }
}

/** Connects with the first subscription. Whether to come back after a break is the reader's to say: its cursor knows where. */
function socketClient(address: URL, headers: Readonly<Record<string, string>>): Client {
  const url = new URL(address)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  class WithHeaders extends WebSocket {
    constructor(to: string | URL, protocols?: string | string[]) {
      super(to, protocols, { headers })
    }
  }
  return createClient({ url: url.href, webSocketImpl: WithHeaders, retryAttempts: 0, lazy: true })
}

/** Whoever asked for what is written by now is not answered by a query that began before. The hub's default alone asks for nothing. */
export function mustBeOwn({ consistency, session }: Scope): boolean {
  return session?.token !== undefined || (consistency !== undefined && consistency.from !== 'default' && consistency.level !== 'EVENTUAL')
}

/** Names everything about the asker that an answer may depend on. A plan asks several subgraphs for one asker, so that the last one is remembered. */
export function askerOf(scope: Scope): string {
  if (scope !== lastScope) {
    lastAsker = `${JSON.stringify([scope.tenant, scope.consistency])} ${callerOf(scope.caller)}`
    lastScope = scope
  }
  return lastAsker
}

let lastScope: Scope | undefined
let lastAsker = ''
const callers = new WeakMap<Caller, string>()

function callerOf(caller: Caller): string {
  const known = callers.get(caller)
  if (known !== undefined) return known
  const made = JSON.stringify([caller.subject, [...caller.scopes].sort()])
  callers.set(caller, made)
  return made
}

function readingHeaders({ consistency, session }: Scope): Readonly<Record<string, string>> {
  return {
    ...(consistency && { 'x-consistency': consistency.level }),
    ...(consistency?.maxStalenessMs !== undefined && { 'x-max-staleness-ms': String(consistency.maxStalenessMs) }),
    ...(session?.token !== undefined && { 'x-session-token': session.token }),
  }
}

/** What a hub answers goes to the caller with what was written here; another's header of the name is none of ours. */
function takeSession({ session, log }: Scope, token: string): void {
  try {
    session?.take(token)
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    log.debug('A subgraph answered a session token that is no hub\'s.', { reason: error.message })
  }
}

/** Of a variable's value. */
function jsonOf(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? String(each) : each)) : JSON.stringify(typeof value === 'bigint' ? String(value) : value)
}

function isQuery({ parsed }: SubgraphRequest): boolean {
  for (const node of parsed.definitions) if (node.kind === Kind.OPERATION_DEFINITION && node.operation !== 'query') return false
  return true
}

function addressOf(name: string, text: string): URL {
  const url = URL.parse(text)
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new HubError('CATALOG_INVALID', `The address of subgraph "${name}" must be an http or https URL.`, { problems: [{ path: `subgraphs.${name}.url`, message: 'Not an http or https URL.' }] })
  }
  return url
}
