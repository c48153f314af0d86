import { randomBytes } from 'node:crypto'
import { HubError } from '../../schema/errors.ts'
import { openKafkaEvents } from '../../connectors/kafka/index.ts'
import { type Clock, systemClock } from '../../connectors/ports/scope.ts'
import { conforms } from '../support/conformance.ts'
import { withEngine } from '../support/engines.ts'
import { testScope } from '../support/scope.ts'
import { eventually } from '../support/eventually.ts'
import { eventLogChecks } from './event-log.ts'

/** Kafka's smallest segment. */
const segmentBytes = 1024 * 1024

/** Behind the broker's clock by what `elapse` has still to pass: events stamped with it are old the sooner. */
class LateClock implements Clock {
  #lateMs = 150_000
  now() { return Date.now() - this.#lateMs }
  after = systemClock.after
  advance(ms: number) { this.#lateMs -= Math.min(ms, this.#lateMs) }
}

withEngine('KAFKA_BROKER', 'Kafka', brokers => {
  conforms('event log on Kafka', eventLogChecks, async () => {
    const tenant = `t${randomBytes(6).toString('hex')}`
    const clock = new LateClock()
    const open = () => openKafkaEvents({ brokers: brokers.split(','), clock, log: testScope().log, segmentBytes })
    const scope = (owner = tenant) => testScope({ tenant: owner })
    let events = open()

    /** Whether the broker has deleted what the limits of a topic do not allow. */
    async function isWithinLimits({ name, places, retentionMs = Infinity, retentionBytes = Infinity }: Awaited<ReturnType<typeof events.topics>>[number]): Promise<boolean> {
      for (const [partition, { start, end }] of places.entries()) {
        const held = await events.read(scope(), name, partition, start, end - start).catch((error: unknown) => error as HubError)
        // The broker deleted more since it was asked.
        if (held instanceof HubError && held.code === 'GONE') return false
        if (held instanceof HubError) throw held
        const bytes = held.reduce((sum, { value }) => sum + value.length, 0)
        if (bytes > retentionBytes + segmentBytes || held.some(({ appendedAtMs }) => appendedAtMs < clock.now() - retentionMs)) return false
      }
      return true
    }

    return {
      get events() { return events },
      segmentBytes,
      scope,
      abortable() {
        const aborted = scope()
        return { scope: aborted, abort: reason => aborted.abort(reason) }
      },
      async elapse(ms) {
        clock.advance(ms)
        await eventually('the broker applied the limits', async () => (await Promise.all((await events.topics(scope())).map(isWithinLimits))).every(Boolean), 25_000)
      },
      async reopen() {
        await events.close()
        events = open()
      },
      async close() {
        for (const owner of [tenant, `${tenant}.other`]) for (const { name } of await events.topics(scope(owner))) await events.deleteTopic(scope(owner), name)
        await events.close()
      },
    }
  })
})
