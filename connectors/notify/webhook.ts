import { createHmac } from 'node:crypto'
import { type ClientRequest, type IncomingMessage, request as requestOverHttp } from 'node:http'
import { request as requestOverHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { HubError } from '../../schema/errors.ts'
import type { Scope } from '../ports/scope.ts'
import { openOutward, type Resolve } from '../reach/outward.ts'
import type { Channel } from './channel.ts'
import { retryAfterMs } from './retry-after.ts'

export interface WebhookOptions {
  /** Readers know it, too: by it they tell that a notice is the hub's. */
  readonly secret: string
  /** Hosts, addresses and ranges (`10.1.0.0/16`) that may be reached though they are not of the internet. None by default. */
  readonly allow?: readonly string[]
  /** How long a reader may take to answer. */
  readonly timeoutMs?: number
  /** The system's, unless another is given. */
  readonly resolve?: Resolve
}

const maxAnswerBytes = 64 * 1024
/** Of those below 500 the ones that say: later (RFC 9110, 8470, 6585). */
const laterStatuses: ReadonlySet<number> = new Set([408, 425, 429])
const allowSetting = 'pipelines.webhookAllow'

/**
 * POST of the body as JSON. Its headers say which notice it is and who sends it:
 *   X-Notice-Id, X-Request-Id   the notice's id, the same when it is sent again
 *   X-Signature-Timestamp       seconds since 1970: a reader refuses what is older than some minutes
 *   X-Signature                 sha256=<HMAC-SHA-256 with the secret of "<timestamp>.<body>", hex>
 * A host is resolved once, all its addresses are checked, and the connection goes to one of these: a name that is given other addresses meanwhile leads nowhere else. No redirect is followed.
 * 2xx is success; what the answer says beside its status is not used. Path and query of the URL may be a secret, and are in no message.
 */
export function webhookNotifier({ secret, allow, timeoutMs = 10_000, resolve }: WebhookOptions): Channel<'webhook'> {
  if (secret === '') throw new HubError('VALIDATION_ERROR', 'The secret that webhooks are signed with is empty. Give it some 32 random characters.')
  const outward = openOutward({ allow, setting: allowSetting, resolve })

  return {
    async check(scope, url) {
      await outward.addressesOf(scope, targetOf(url).hostname)
    },

    async send(scope, { id, url, body }) {
      scope.signal.throwIfAborted()
      const target = targetOf(url)
      if (!/^[\x21-\x7e]{1,200}$/.test(id)) throw new HubError('VALIDATION_ERROR', `${JSON.stringify(id)} cannot be the id of a notice: a header takes letters, digits and punctuation only.`)
      const signal = AbortSignal.any([scope.signal, AbortSignal.timeout(timeoutMs)])
      try {
        const addresses = await outward.addressesOf({ signal }, target.hostname)
        const content = Buffer.from(JSON.stringify(body))
        const headers = { 'Content-Type': 'application/json', 'Content-Length': content.length, 'User-Agent': 'tributary', 'X-Request-Id': id, 'X-Notice-Id': id, ...signed(secret, content, scope) }
        const { status, retryAfter } = await post(target, addresses, headers, content, signal)
        if (status < 200 || status > 299) throw refusal(target.host, status, retryAfterMs(retryAfter, scope.clock.now()))
      } catch (cause) {
        if (cause instanceof HubError) throw cause
        scope.signal.throwIfAborted()
        throw new HubError('UPSTREAM_UNAVAILABLE', `The webhook at ${target.host} gave no answer (${signal.aborted ? `not within ${timeoutMs} ms` : codeOf(cause)}).`, { host: target.host }, { cause })
      }
    },
  }
}

function targetOf(url: string): URL {
  const target = URL.canParse(url) ? new URL(url) : undefined
  if (!target || !/^https?:$/.test(target.protocol)) throw new HubError('VALIDATION_ERROR', 'The URL of a webhook is not of the form https://host/path.')
  if (target.username !== '' || target.password !== '') throw new HubError('VALIDATION_ERROR', `The URL of the webhook at ${target.host} has a user or a password in it, which is not sent. What is secret goes into its path or its query; readers check the signature.`, { host: target.host })
  return target
}

function signed(secret: string, content: Buffer, { clock }: Scope): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(clock.now() / 1000))
  return { 'X-Signature-Timestamp': timestamp, 'X-Signature': `sha256=${createHmac('sha256', secret).update(`${timestamp}.`).update(content).digest('hex')}` }
}

type Headers = Readonly<Record<string, string | number>>

/** The answer's status, once its body was passed over: 64 KiB of it at most, and not longer than the signal lets. */
async function post(target: URL, addresses: readonly string[], headers: Headers, content: Buffer, signal: AbortSignal): Promise<{ readonly status: number; readonly retryAfter: string | undefined }> {
  const options = { method: 'POST', headers, lookup: among(addresses), signal, agent: false } as const
  const request = target.protocol === 'https:' ? requestOverHttps(target, { ...options, rejectUnauthorized: true }) : requestOverHttp(target, options)
  try {
    const answer = await answered(request, content)
    await passedOver(answer)
    return { status: answer.statusCode ?? 0, retryAfter: answer.headers['retry-after'] }
  } finally {
    request.destroy()
  }
}

/** Resolves any name to these addresses. */
function among(addresses: readonly string[]): LookupFunction {
  const found = addresses.map(address => ({ address, family: isIP(address) }))
  return (_host, { all }, done) => {
    const [first] = found
    if (all) done(null, [...found])
    else done(null, first?.address ?? '', first?.family)
  }
}

function answered(request: ClientRequest, content: Buffer): Promise<IncomingMessage> {
  const answer = Promise.withResolvers<IncomingMessage>()
  request.once('response', answer.resolve)
  // Behind an answer, too: a connection may still break.
  request.on('error', answer.reject)
  request.once('close', () => answer.reject(new Error('The connection ended before an answer came.')))
  request.end(content)
  return answer.promise
}

async function passedOver(answer: IncomingMessage): Promise<void> {
  let bytes = 0
  try {
    for await (const part of answer as AsyncIterable<Buffer>) {
      bytes += part.length
      if (bytes >= maxAnswerBytes) return
    }
  } catch {
    // The status has come; it is all that counts.
  }
}

function refusal(host: string, status: number, retryMs: number | undefined): HubError {
  if (status >= 500 || laterStatuses.has(status)) return new HubError('UPSTREAM_UNAVAILABLE', `The webhook at ${host} answers ${status}: it is busy or down.`, { host, status, ...(retryMs !== undefined && { retryAfterMs: retryMs }) })
  if (status >= 300 && status < 400) return new HubError('UPSTREAM_REJECTED', `The webhook at ${host} redirects elsewhere (${status}), which is not followed. Name the URL it redirects to.`, { host, status })
  return new HubError('UPSTREAM_REJECTED', `The webhook at ${host} refused the notice (${status}). Check its URL, and what it takes.`, { host, status })
}

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return typeof code === 'string' ? code : 'the connection ended'
}
