import { HubError } from '../../../schema/errors.ts'
import type { EventLog } from '../../ports/event-log.ts'
import type { Scope } from '../../ports/scope.ts'

/** One partition: entries of all regions have one order. A topic that is there keeps its replicas, and takes this retention. */
export async function ensureTopic(scope: Scope, events: EventLog, topic: string, retentionMs: number): Promise<void> {
  try {
    await events.createTopic(scope, { name: topic, partitions: 1, retentionMs })
  } catch (error) {
    const found = error instanceof HubError && error.code === 'CONFLICT' ? await events.topic(scope, topic) : undefined
    if (found?.partitions !== 1) throw error
    await events.alterTopic(scope, topic, { retentionMs })
  }
}

/** Where it begins, and where the next entry will stand. */
export async function placesOf(scope: Scope, events: EventLog, topic: string): Promise<{ readonly start: number; readonly end: number }> {
  const found = await events.topic(scope, topic)
  if (!found?.places[0]) throw new HubError('NOT_FOUND', `The topic "${topic}" with the changes of regions was deleted.`, { topic })
  return found.places[0]
}
