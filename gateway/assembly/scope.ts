import { HubError } from '../../schema/errors.ts'
import type { Clock, Log, Scope } from '../../connectors/ports/scope.ts'

export interface ScopeParts extends Pick<Scope, 'signal' | 'later'> {
  readonly clock: Clock
  readonly log: Log
}

/** The hub's own scope, for what it does unasked: composing, loading, refreshing. Its tenant owns no entries. */
export function hubScope(parts: ScopeParts, what: string, limitMs: number): Scope {
  const { clock } = parts
  const controller = new AbortController()
  const deadlineMs = clock.now() + limitMs
  const cancel = clock.after(limitMs, () => {
    parts.signal.removeEventListener('abort', cancel)
    controller.abort(new HubError('TIMEOUT', `${what} took longer than ${limitMs / 1000} s and was stopped.`))
  })
  parts.signal.addEventListener('abort', cancel, { once: true })
  return { ...lastingScope({ ...parts, signal: AbortSignal.any([parts.signal, controller.signal]) }, what), deadlineMs }
}

/** The same for what goes on until its signal is aborted. */
export function lastingScope({ clock, log, later, signal }: ScopeParts, what: string): Scope {
  return { requestId: `hub-${what}`, tenant: '$hub', caller: { subject: 'hub', scopes: new Set(['*']) }, signal, deadlineMs: Number.POSITIVE_INFINITY, clock, log, later }
}
