import type { Scope } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'

/** What a subscription tells, by a scope without a deadline that ends as soon as the client leaves. */
export function untilLeft<Event>(scope: Scope, tell: (scope: Scope) => AsyncGenerator<Event, void>): AsyncGenerator<Event, void> {
  const leaving = new AbortController()
  const generator = tell({ ...scope, deadlineMs: Number.POSITIVE_INFINITY, signal: AbortSignal.any([scope.signal, leaving.signal]) })
  const end = generator.return.bind(generator)
  // A generator hears `return` only between two pulls; a client that leaves while it waits ends the wait.
  return Object.assign(generator, {
    return(value: void | PromiseLike<void>) {
      leaving.abort(new HubError('CANCELLED', 'The client left.'))
      return end(value)
    },
  })
}
