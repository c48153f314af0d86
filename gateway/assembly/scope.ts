import { HubError } from '../../schema/errors.ts'
import type { Clock, Log, Scope } from '../../connectors/ports/scope.ts'

/** The hub's own scope, for what it does unasked: composing, loading, refreshing. Its tenant owns no entries. */
export function hubScope(parts: { readonly clock: Clock; readonly log: Log; readonly later: (work: () => Promise<void>) => void; readonly signal: AbortSignal }, what: string, limitMs: number): Scope {
  const { clock, log, later } = parts
  const controller = new AbortController()
  const deadlineMs = clock.now() + limitMs
  const cancel = clock.after(limitMs, () => {
    parts.signal.removeEventListener('abort', cancel)
    controller.abort(new HubError('TIMEOUT', `${what} took longer than ${limitMs / 1000} s and was stopped.`))
  })
  parts.signal.addEventListener('abort', cancel, { once: true })
  return {
    requestId: `hub-${what}`, tenant: '$hub', caller: { subject: 'hub', scopes: new Set(['*']) }, signal: AbortSignal.any([parts.signal, controller.signal]), deadlineMs, clock, log, later,
  }
}
