import { isDeepStrictEqual } from 'node:util'
import type { NewRun, RunStore, StoredRun } from '../../connectors/ports/run-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'

/** As long as answers to requests with a key are kept. */
const keptMs = 24 * 60 * 60 * 1000

/**
 * Puts a run into the queue once for each key of a client within a day: who asks again, as the hub died before it answered, is given the run that is there. The key of another request → CONFLICT. Without a key it is put in each time.
 */
export async function askedOnce(scope: Scope, store: RunStore, run: NewRun, given: string | null | undefined): Promise<StoredRun> {
  if (given === null || given === undefined) return store.enqueue(scope, run)
  for (let key = `request ${given}`; ;) {
    const found = await store.enqueue(scope, { ...run, key })
    if (found.runId === run.runId) return found
    if (found.queuedAtMs > scope.clock.now() - keptMs) {
      if (isSame(found, run)) return found
      throw new HubError('CONFLICT', `The idempotencyKey "${given}" was used for another request within the last day. Give each request its own.`, { idempotencyKey: given })
    }
    key = `request ${given} behind ${found.runId}`
  }
}

function isSame(found: StoredRun, { kind, application, subject, parameters }: NewRun): boolean {
  return found.kind === kind && found.application === application && found.subject === subject && isDeepStrictEqual(found.parameters, parameters)
}
