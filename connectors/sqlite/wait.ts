import { setTimeout } from 'node:timers/promises'
import { HubError } from '../../schema/errors.ts'
import type { Scope } from '../ports/scope.ts'
import { untilLeft } from '../signals/until-left.ts'
import { isBusy, type SqliteFile } from './errors.ts'

const everyMs = 5

/** Tries until the file is not locked any more, without holding up the process, which may itself be who has the lock. At the scope's deadline → UPSTREAM_UNAVAILABLE. */
export async function untilFree<T>(scope: Scope, { called, details }: SqliteFile, work: () => T): Promise<T> {
  for (;;) {
    scope.signal.throwIfAborted()
    try {
      return work()
    } catch (error) {
      if (!isBusy(error)) throw error
      if (scope.clock.now() >= scope.deadlineMs) throw new HubError('UPSTREAM_UNAVAILABLE', `The lock of ${called} did not come free in time: someone else writes, or reads what is to be replaced. Ask again later.`, details, { cause: error })
    }
    await untilLeft(scope.signal, setTimeout(everyMs))
  }
}
