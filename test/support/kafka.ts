import { openKafkaEvents } from '../../connectors/kafka/index.ts'
import type { EventLog } from '../../connectors/ports/event-log.ts'
import { systemClock } from '../../connectors/ports/scope.ts'
import { testScope } from './scope.ts'

export function openEvents(brokers: string): EventLog {
  return openKafkaEvents({ brokers: brokers.split(','), clock: systemClock, log: testScope().log })
}

/** Where hubs of a namespace keep the changes of their regions. */
export function changesTopic(namespace: string): string {
  return `region-changes.${namespace}`
}

export async function dropChanges(brokers: string, namespace: string): Promise<void> {
  const events = openEvents(brokers)
  await events.deleteTopic({ ...testScope(), tenant: '', clock: systemClock, deadlineMs: Date.now() + 30_000 }, changesTopic(namespace))
  await events.close()
}
