import { setTimeout as pause } from 'node:timers/promises'
import { Agent } from 'undici'
import { HubError } from '../../schema/errors.ts'
import type { TrinoAuth, TrinoOptions } from './options.ts'

/** Requests to one coordinator. */
export interface TrinoHttp {
  /** Asks until there is an answer or the signal aborts, then fails with the signal's reason. Not in time or not reached → UPSTREAM_UNAVAILABLE; refused → UPSTREAM_REJECTED. */
  text(request: TrinoRequest): Promise<string>
  /** Ends what runs at a page's address. */
  forget(path: string): Promise<void>
  /** Waits for what is being ended. */
  close(): Promise<void>
}

export interface TrinoRequest {
  readonly method: 'GET' | 'POST'
  /** Path and query, or an address Trino gave, of which only these count: credentials go to no other host. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
  /** Not tried again when it finds no answer. */
  readonly once?: boolean
}

const unavailable = new Set([502, 503, 504])
const firstPauseMs = 50
const longestPauseMs = 1000
/** How long Trino may take to confirm that it forgets a statement. */
const forgetMs = 5000

export function openHttp(options: TrinoOptions): TrinoHttp {
  const base = new URL(options.url)
  const { silenceMs = 30_000, retryMs = 5000 } = options
  const agent = new Agent({ headersTimeout: silenceMs, bodyTimeout: silenceMs, connect: { timeout: Math.min(silenceMs, 10_000), ...options.tls } })
  const target = (path: string) => {
    const { pathname, search } = new URL(path, base)
    return { origin: base.origin, path: pathname + search }
  }
  const forgetting = new Set<Promise<void>>()
  const own = { ...identity(options), 'user-agent': options.source ?? 'tributary' }

  async function once({ method, path, headers, body, signal }: TrinoRequest): Promise<{ readonly status: number; readonly text: string }> {
    const answer = await agent.request({ ...target(path), method, headers: { ...own, ...authorization(options), ...headers }, body, signal })
    return { status: answer.statusCode, text: await answer.body.text() }
  }

  return {
    async text(request) {
      const { signal } = request
      const giveUp = Date.now() + (request.once ? 0 : retryMs)
      for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
        signal.throwIfAborted()
        let lost: HubError
        try {
          const { status, text } = await once(request)
          if (status === 200) return text
          if (!unavailable.has(status)) throw refusal(status, base)
          lost = new HubError('UPSTREAM_UNAVAILABLE', `Trino at ${base.host} answers ${status}.`, { status })
        } catch (error) {
          signal.throwIfAborted()
          if (error instanceof HubError) throw error
          lost = new HubError('UPSTREAM_UNAVAILABLE', `Trino at ${base.host} gave no answer (${causeOf(error)}).`, {}, { cause: error })
          // What was sent may run already; only a connection that never was can be tried again.
          if (request.method === 'POST' && !isUnconnected(error)) throw lost
        }
        if (Date.now() + pauseMs > giveUp) throw lost
        // Clients that lost the server together come back apart.
        await pause(pauseMs * (0.5 + Math.random()), undefined, { signal }).catch(error => {
          signal.throwIfAborted()
          throw error
        })
      }
    },
    forget(path) {
      const work = forget(path).finally(() => forgetting.delete(work))
      forgetting.add(work)
      return work
    },
    async close() {
      await Promise.allSettled(forgetting)
      await agent.destroy()
    },
  }

  async function forget(path: string): Promise<void> {
    const answer = await agent.request({ ...target(path), method: 'DELETE', headers: { ...own, ...authorization(options) }, signal: AbortSignal.timeout(forgetMs) })
    await answer.body.dump()
  }
}

function identity({ user, source = 'tributary', clientTags = [] }: TrinoOptions): Record<string, string> {
  return { 'x-trino-user': user, 'x-trino-source': source, ...(clientTags.length > 0 ? { 'x-trino-client-tags': clientTags.join(',') } : {}) }
}

function authorization({ user, auth }: { readonly user: string; readonly auth?: TrinoAuth }): Record<string, string> {
  if (auth === undefined) return {}
  return { authorization: auth.kind === 'basic' ? `Basic ${Buffer.from(`${user}:${auth.password}`).toString('base64')}` : `Bearer ${auth.token()}` }
}

function refusal(status: number, { host }: URL): HubError {
  switch (status) {
    case 401:
    case 403:
      return new HubError('UPSTREAM_REJECTED', `Trino at ${host} does not accept the hub's credentials (${status}). Check its user and its password or token.`, { status })
    case 404:
    case 410:
      return new HubError('UPSTREAM_UNAVAILABLE', `Trino at ${host} no longer knows the statement: it was restarted meanwhile. Ask again.`, { status })
    case 429:
      return new HubError('UPSTREAM_UNAVAILABLE', `Trino at ${host} has too many requests at once. Ask again later.`, { status })
    default:
      return new HubError('UPSTREAM_REJECTED', `Trino at ${host} answered ${status} to a request of its protocol.`, { status })
  }
}

function codeOf(error: unknown): string | undefined {
  const { code, cause } = (error ?? {}) as { readonly code?: unknown; readonly cause?: unknown }
  return typeof code === 'string' ? code : cause === undefined ? undefined : codeOf(cause)
}

function isUnconnected(error: unknown): boolean {
  return ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'].includes(codeOf(error) ?? '')
}

function causeOf(error: unknown): string {
  return codeOf(error) ?? (error instanceof Error ? error.name : 'unknown cause')
}
