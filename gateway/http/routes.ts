import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import type { z } from 'zod'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { AnsweredError } from './errors.ts'

/** One route beside /graphql: its callers are authenticated, limited and given a scope like those of an operation. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** `/api/v1/dih/regions/{name}`: a part in braces takes one segment, decoded; `{rest*}` at the end takes all that is left. */
  readonly path: string
  /** Anyone may call it, without a token; its scope is then of nobody, with no scopes granted. */
  readonly open?: boolean
  /** Fails with a HubError, which is answered as a problem unless `failure` says how. */
  readonly answer: (request: RouteRequest) => Promise<RouteAnswer | RouteEvents>
  /** For routes that copy another product's API and its way to word an error. */
  readonly failure?: (error: AnsweredError) => RouteAnswer
  /** Absent: the document knows its method and path alone. */
  readonly about?: About
}

/** What a route takes and answers, as /openapi.json says it. */
export interface About {
  readonly summary: string
  /** Of what stands behind the question mark; every value is a text. */
  readonly query?: z.ZodObject
  readonly body?: z.ZodType
  /** Successful statuses, each with what its answer is. */
  readonly answers: Readonly<Record<number, string>>
  /** Media type of the answer; absent: JSON. */
  readonly produces?: string
}

export interface RouteRequest {
  readonly url: URL
  readonly params: Readonly<Record<string, string>>
  readonly headers: IncomingHttpHeaders
  readonly scope: Scope
  /** The whole body, within the limit. */
  readonly bytes: () => Promise<Buffer>
  /** The body as JSON; undefined when there is none. Fails with BAD_USER_INPUT that has the place. */
  readonly json: () => Promise<unknown>
}

export interface RouteAnswer {
  readonly status: number
  readonly headers?: OutgoingHttpHeaders
  /** Text or bytes as they are, a stream as it comes; anything else is written as JSON; absent for an empty answer. A stream that fails ends the connection, so that nobody takes what came for all of it. */
  readonly body?: unknown
}

/** A subscription of the graph, answered as an event stream for as long as the client listens. */
export interface RouteEvents {
  readonly subscription: { readonly query: string; readonly variables: Readonly<Record<string, unknown>> }
  /** One event of it in the route's words. */
  readonly shown: (data: unknown) => { readonly event: string; readonly data: unknown }
}

interface Compiled {
  readonly route: Route
  readonly pattern: RegExp
  readonly names: readonly string[]
  /** Literal segments first, so that `/impact` wins over `/{name}`. */
  readonly order: string
}

/** Routes found by method and path; where several fit, the one with the earlier literal segment. */
export class Routes {
  readonly #compiled: readonly Compiled[]

  constructor(routes: readonly Route[]) {
    this.#compiled = routes.map(compile).sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0))
  }

  get paths(): readonly string[] {
    return [...new Set(this.#compiled.map(({ route }) => route.path))]
  }

  /** The route and what its braces took; else the methods the path is there for, empty when it is not there at all. HEAD is answered by GET. */
  find(method: string, path: string): { route: Route; params: Readonly<Record<string, string>> } | { methods: readonly string[] } {
    const wanted = method === 'HEAD' ? 'GET' : method
    const methods = new Set<string>()
    for (const { route, pattern, names } of this.#compiled) {
      const match = pattern.exec(path)
      if (!match) continue
      methods.add(route.method)
      if (route.method === wanted) return { route, params: Object.fromEntries(names.map((name, index) => [name, decoded(match[index + 1] ?? '')])) }
    }
    return { methods: [...methods].sort() }
  }
}

function compile(route: Route): Compiled {
  const names: string[] = []
  const segments = route.path.split('/').slice(1)
  const pattern = segments.map(segment => {
    const [, name, rest] = /^\{(\w+)(\*?)\}$/.exec(segment) ?? []
    if (name === undefined) return segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    names.push(name)
    return rest ? '(.*)' : '([^/]+)'
  })
  const order = segments.map(segment => (/^\{\w+\*\}$/.test(segment) ? '2' : /^\{/.test(segment) ? '1' : `0${segment}`)).join('/')
  return { route, pattern: new RegExp(`^/${pattern.join('/')}$`), names, order }
}

/** A segment that is not well escaped is taken as it is. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
