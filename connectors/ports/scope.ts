import type { Consistency } from '../../schema/consistency.ts'
import type { Footprint } from './footprint.ts'

/** Source of time. The product's is the machine's; a test's moves by hand. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number
  /** Runs `work` once, not before `delayMs` from now; never after Infinity. The answer cancels it. A pending timer does not keep the process alive. */
  after(delayMs: number, work: () => void): () => void
}

/** Structured log. `fields` never hold secrets. */
export interface Log {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
  error(message: string, fields?: Readonly<Record<string, unknown>>): void
}

export interface Caller {
  /** Subject of the token, id of the API key, or `anonymous` where the hub is open. */
  readonly subject: string
  /** As granted: `area:verb`. */
  readonly scopes: ReadonlySet<string>
}

/** What every call that leaves the process carries: whose call it is, until when it may run, and what to do with work that outlives it. */
export interface Scope {
  readonly requestId: string
  /** Never empty. Part of every key, statement, cache entry and cursor. */
  readonly tenant: string
  readonly caller: Caller
  /** Aborts when the client leaves or the deadline passes; its reason is a HubError (CANCELLED or TIMEOUT). */
  readonly signal: AbortSignal
  /** On the scope's clock. */
  readonly deadlineMs: number
  readonly clock: Clock
  readonly log: Log
  /** What reads may be answered from; absent: STRONG, as for what the hub does unasked. */
  readonly consistency?: Consistency
  /** What the caller wrote; absent: nobody will ask. */
  readonly session?: Session
  /** Where to note what is read; absent: nobody keeps the answer. */
  readonly footprint?: Footprint
  /** Work that outlives the answer. A draining process waits for it; its failure is logged. */
  later(work: () => Promise<void>): void
}

/** What one caller wrote, so far as he says and the request adds: what his reads must show at SESSION. Regions are named as in the catalog. */
export interface Session {
  /** Entries of the region were written, the latest with this version; absent: the write tells none. */
  wrote(region: string, version?: number): void
  /** An entry kept near that is older than this version may lack something the caller wrote; undefined: none may. */
  since(region: string): number | undefined
  /** What to give the caller, and a hub that is asked in his name; undefined: he wrote nothing. */
  readonly token: string | undefined
  /** The same where this request added to it. */
  readonly added: string | undefined
  /** Adds what another hub answered. */
  take(token: string): void
}

/** A longer one of the runtime's timers ends at once. */
const longestTimerMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, work) {
    if (delayMs > longestTimerMs) {
      let cancel = systemClock.after(longestTimerMs, () => {
        cancel = systemClock.after(delayMs - longestTimerMs, work)
      })
      return () => cancel()
    }
    const timer = setTimeout(work, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Ends after so long on the clock, or when the signal aborts. */
export function pause({ clock, signal }: Pick<Scope, 'clock' | 'signal'>, delayMs: number): Promise<void> {
  const over = Promise.withResolvers<void>()
  const end = () => over.resolve()
  const cancel = clock.after(delayMs, end)
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  return over.promise.finally(() => {
    cancel()
    signal.removeEventListener('abort', end)
  })
}
