import { randomUUID } from 'node:crypto'
import type { Clock, Log, Scope } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'
import type { Identity } from '../auth/identity.ts'
import type { Lifecycle } from '../lifecycle.ts'
import { withFields } from '../telemetry/log.ts'
import type { Reading } from './reading.ts'

/** A scope and the hand that ends it. */
export interface OpenScope {
  readonly scope: Scope
  /** Aborts the scope's signal with this reason; the first reason stays. */
  abort(reason: HubError): void
  /** The answer is there: the deadline no longer counts. The signal is left as it is, so later work may run on. */
  close(): void
}

export interface ScopeOptions {
  readonly requestId: string
  readonly identity: Identity
  readonly timeoutMs: number
  readonly clock: Clock
  readonly log: Log
  readonly lifecycle: Lifecycle
  /** What the request says of its reads. */
  readonly reading: ReturnType<Reading>
}

/** A scope whose signal aborts with TIMEOUT at its deadline. */
export function openScope({ requestId, identity, timeoutMs, clock, log, lifecycle, reading }: ScopeOptions): OpenScope {
  const controller = new AbortController()
  const { tenant, caller } = identity
  const own = withFields(log, { requestId, tenant })
  const abort = (reason: HubError) => {
    if (!controller.signal.aborted) controller.abort(reason)
  }
  const cancel = clock.after(timeoutMs, () => abort(new HubError('TIMEOUT', `There was no answer within ${timeoutMs} ms; the work was cancelled.`, { limits: { timeoutMs } })))
  return {
    scope: { requestId, tenant, caller, signal: controller.signal, deadlineMs: clock.now() + timeoutMs, clock, log: own, ...reading, later: work => lifecycle.later(work, own) },
    abort,
    close: cancel,
  }
}

/** The client's own id of the request if it is well formed, else a new one. */
export function requestIdOf(header: string | string[] | undefined): string {
  return typeof header === 'string' && /^[A-Za-z0-9._:-]{1,128}$/.test(header) ? header : randomUUID()
}

/** The promise, or the reason of the signal if that aborts first: an answer is never later than its deadline. Work that ends at once with what it has by then is answered with that. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      // The work was told through the signal and may fail as it likes.
      promise.catch(() => {})
      return reject(signal.reason)
    }
    const onAbort = () => void setImmediate(() => reject(signal.reason))
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(value => {
      signal.removeEventListener('abort', onAbort)
      resolve(value)
    }, (reason: unknown) => {
      signal.removeEventListener('abort', onAbort)
      reject(reason)
    })
  })
}
