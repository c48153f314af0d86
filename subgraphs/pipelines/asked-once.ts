import { isDeepStrictEqual } from 'node:util'
import type { NewRun, RunStore, StoredRun } from '../../connectors/ports/run-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'

/** As long as answers to requests with a key are kept. */
const keptMs = 24 * 60 * 60 * 1000

type Texts = Readonly<Record<string, string>>

/** What a client asked for. */
export interface Asked {
  readonly key: string | null | undefined
  readonly parameters: Texts
}

/**
 * Puts a run into the queue once for each key of a client within a day: who asks again, as the hub died before it answered, is given the run that is there. The key of another request → CONFLICT. Without a key it is put in each time.
 */
export async function askedOnce(scope: Scope, store: RunStore, run: NewRun, { key: given, parameters: asked }: Asked): Promise<StoredRun> {
  if (given === null || given === undefined) return store.enqueue(scope, run)
  for (let key = `request ${given}`; ;) {
    const found = await store.enqueue(scope, { ...run, key })
    if (found.runId === run.runId) return found
    if (found.queuedAtMs > scope.clock.now() - keptMs) {
      if (isSame(found, run, asked)) return found
      throw new HubError('CONFLICT', `The idempotencyKey "${given}" was used for another request within the last day. Give each request its own.`, { idempotencyKey: given })
    }
    key = `request ${given} behind ${found.runId}`
  }
}

/** A job is given its date by the hub where the request has none, and asked again it would be another. */
function isSame(found: StoredRun, { kind, application, subject }: NewRun, asked: Texts): boolean {
  const { runDate, ...others } = found.parameters as Texts
  const parameters = kind === 'job' && asked['runDate'] === undefined ? others : { ...others, ...(runDate !== undefined && { runDate }) }
  return found.kind === kind && found.application === application && found.subject === subject && isDeepStrictEqual(parameters, asked)
}
