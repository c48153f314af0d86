import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { HubError } from '../../schema/errors.ts'
import { isLoopback } from '../auth/authenticator.ts'

/** Which pages may call, and under which names an open hub answers. */
export class Origins {
  readonly #allowed: ReadonlySet<string>
  readonly #hosts: ReadonlySet<string> | undefined
  /** The header that passed last: most requests have the same. */
  #passed: string | undefined

  /** `hosts`: names beside the loopback's under which the hub may be called; undefined when every name will do. */
  constructor(options: { corsOrigins: readonly string[]; hosts: readonly string[] | undefined }) {
    this.#allowed = new Set(options.corsOrigins)
    this.#hosts = options.hosts && new Set(options.hosts.map(host => host.toLowerCase()))
  }

  /** Refuses with FORBIDDEN a name that is not ours: a page can make its own name lead to a loopback address and would then be of our origin. */
  checkHost(request: IncomingMessage): void {
    const { host } = request.headers
    if (!this.#hosts || (host !== undefined && host === this.#passed)) return
    const name = nameOf(host)
    if (name !== undefined && (isLoopback(name) || this.#hosts.has(name))) {
      this.#passed = host
      return
    }
    throw new HubError('FORBIDDEN', `The hub is open to this machine and was called as "${(name ?? '').slice(0, 100)}". Call it as localhost, or allow the name in the setting allowedHosts.`)
  }

  /** Refuses with FORBIDDEN a page of another origin that is not allowed. For what a browser sends without asking first: WebSockets and event streams. */
  checkOrigin(request: IncomingMessage): void {
    const { origin } = request.headers
    const site = request.headers['sec-fetch-site']
    const foreign = origin === undefined ? site === 'cross-site' || site === 'same-site' : !this.#isOwn(origin, request) && !this.allows(origin)
    if (!foreign) return
    throw new HubError('FORBIDDEN', `Pages of ${origin === undefined ? 'another site' : `"${origin.slice(0, 200)}"`} may not call this hub. Allow the origin in the setting corsOrigins.`)
  }

  allows(origin: string): boolean {
    return this.#allowed.has('*') || this.#allowed.has(origin)
  }

  /** Headers that let an allowed origin's page read the answer; none for others. */
  headers(request: IncomingMessage): OutgoingHttpHeaders {
    const { origin } = request.headers
    if (this.#allowed.size === 0) return { 'cross-origin-resource-policy': 'same-origin' }
    if (origin === undefined || !this.allows(origin)) return { vary: 'origin', 'cross-origin-resource-policy': 'same-origin' }
    return { vary: 'origin', 'access-control-allow-origin': origin, 'access-control-expose-headers': 'x-request-id, retry-after, www-authenticate, x-session-token, x-consistency, x-max-staleness-ms, x-cache, x-query-engine', 'cross-origin-resource-policy': 'cross-origin' }
  }

  /** What an allowed origin's page may send; nothing for others. */
  preflight(request: IncomingMessage): OutgoingHttpHeaders {
    const { origin } = request.headers
    if (origin === undefined || !this.allows(origin)) return {}
    return {
      'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers': 'authorization, content-type, x-api-key, x-request-id, x-hub-explain, x-consistency, x-max-staleness-ms, x-session-token, idempotency-key, apollo-require-preflight, x-apollo-operation-name, last-event-id',
      'access-control-max-age': '600',
    }
  }

  #isOwn(origin: string, request: IncomingMessage): boolean {
    return URL.canParse(origin) && new URL(origin).host === request.headers.host?.toLowerCase()
  }
}

/** The name in a Host header, without its port. */
function nameOf(host: string | undefined): string | undefined {
  return host !== undefined && URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname.replace(/^\[|\]$/g, '') : undefined
}
