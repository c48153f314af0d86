import type { Notice, Notifier } from '../../../connectors/ports/notifier.ts'
import { pause, type Scope } from '../../../connectors/ports/scope.ts'
import { asHubError, type HubError } from '../../../schema/errors.ts'

export interface DeliverOptions {
  /** How often it is sent at most, the first time included. */
  readonly attempts: number
  /** Before the second attempt, doubled before each further one. Chance makes it up to half shorter or longer, so that notices that failed together come back apart. */
  readonly firstDelayMs: number
  /** Above this no delay grows, and no server's wish counts. */
  readonly longestDelayMs?: number
  /** Takes a notice that is not sent again, with its last failure, and how often it was sent. */
  readonly onDead: (notice: Notice, failure: HubError, attempts: number) => Promise<void>
  /** From 0 to below 1. */
  readonly random?: () => number
}

export type Delivery =
  | { readonly outcome: 'delivered'; readonly attempts: number }
  | { readonly outcome: 'dead'; readonly attempts: number; readonly failure: HubError }

/**
 * Sends a notice until it arrives, its attempts are used up, it may not be sent there, or the scope's signal aborts; what did not arrive goes to `onDead`. Never throws: whoever notifies has other work, whose result a notice does not change.
 * A server that says when to come back (`retryAfterMs`) is not asked earlier.
 */
export async function deliver(scope: Scope, notifier: Notifier, notice: Notice, options: DeliverOptions): Promise<Delivery> {
  for (let attempts = 1; ; attempts += 1) {
    const failure = await failureOf(scope, notifier, notice)
    if (!failure) return { outcome: 'delivered', attempts }
    const said = { notice: notice.id, kind: notice.kind, attempts, code: failure.code, failure: failure.message }
    if (mayArrive(failure) && attempts < options.attempts) {
      scope.log.info('A notice did not arrive and will be sent again.', said)
      await pause(scope, delayMs(attempts, failure, options))
      if (!scope.signal.aborted) continue
    }
    scope.log.warn('A notice did not arrive and is not sent again.', said)
    try {
      await options.onDead(notice, failure, attempts)
    } catch (error) {
      scope.log.error('A notice that did not arrive could not be kept.', { ...said, error })
    }
    return { outcome: 'dead', attempts, failure }
  }
}

/** What a server refuses it may take when it has been mended; what is never sent there is not. */
function mayArrive({ info, code }: HubError): boolean {
  return info.retry || code === 'UPSTREAM_REJECTED'
}

async function failureOf(scope: Scope, notifier: Notifier, notice: Notice): Promise<HubError | undefined> {
  try {
    await notifier.send(scope, notice)
    return undefined
  } catch (error) {
    return asHubError(error)
  }
}

function delayMs(attempts: number, { details }: HubError, { firstDelayMs, longestDelayMs = 3_600_000, random = Math.random }: DeliverOptions): number {
  const wished = details['retryAfterMs']
  const ownMs = firstDelayMs * 2 ** (attempts - 1) * (0.5 + random())
  return Math.min(longestDelayMs, Math.max(ownMs, typeof wished === 'number' ? wished : 0))
}
