import { createHash } from 'node:crypto'
import type { EventLog, NewEvent } from '../../../../connectors/ports/event-log.ts'
import type { Scope } from '../../../../connectors/ports/scope.ts'
import { asHubError, HubError } from '../../../../schema/errors.ts'

/** What is written, and where. */
export interface TopicWriteOrder {
  readonly events: EventLog
  readonly topic: string
  /** The same for every attempt of one run. */
  readonly mark: string
}

/** The header that has the mark. */
export const markHeader = 'tributary-write'

const readAtOnce = 1_000
const allIsThere = Number.MAX_SAFE_INTEGER

/**
 * What attempts of one write have appended to a topic. Their messages have its mark in a header; where to look for them the log itself knows, by the offsets of a group that is called after the mark:
 *
 *   partition n   1 more than its end was before the first message of the write; 0: nobody noted it. Partition 0 is noted last: where it is, all that there were then are
 *   partition 0   2^53 - 1 when all messages are there
 *
 * Messages are told apart by what they say, not by their number: rows without an order may come in another one when they are computed again. Costs about 100 bytes of memory for each message found.
 */
export class TopicWrite {
  readonly #scope: Scope
  readonly #order: TopicWriteOrder
  readonly #group: string
  /** Where the next look begins, per partition; absent: no attempt has appended anything. */
  #next: number[] | undefined
  #found = new Map<string, number>()
  /** An attempt before has appended all. */
  readonly isDone: boolean

  private constructor(scope: Scope, order: TopicWriteOrder, group: string, noted: readonly number[]) {
    this.#scope = scope
    this.#order = order
    this.#group = group
    this.isDone = noted[0] === allIsThere
    this.#next = (noted[0] ?? 0) === 0 ? undefined : [...noted]
  }

  static async open(scope: Scope, order: TopicWriteOrder): Promise<TopicWrite> {
    const group = `pipeline-write.${createHash('sha256').update(order.mark).digest('hex')}`
    return new TopicWrite(scope, order, group, await order.events.committed(scope, group, order.topic))
  }

  /** Finds what attempts before have appended since the last look. How often each message is there, by its digest. What is not held any more → GONE. */
  async look(): Promise<ReadonlyMap<string, number>> {
    const { events, topic, mark } = this.#order
    const noted = this.#next
    if (!noted) return this.#found
    for (const [partition, { start, end }] of (await this.#places()).entries()) {
      let next = noted[partition] ? noted[partition] - 1 : start
      while (next < end) {
        const batch = await events.read(this.#scope, topic, partition, next, readAtOnce).catch((error: unknown) => { throw forgotten(error, this.#order, partition) })
        for (const event of batch) {
          if (event.headers?.[markHeader] !== mark) continue
          const digest = digestOf(event)
          this.#found.set(digest, (this.#found.get(digest) ?? 0) + 1)
        }
        next = (batch.at(-1)?.offset ?? end - 1) + 1
      }
      noted[partition] = next + 1
    }
    return this.#found
  }

  /** Notes where messages will stand, unless an attempt before did. None may be appended before. */
  async begin(): Promise<void> {
    if (this.#next) return
    const ends = (await this.#places()).map(({ end }) => end)
    await Promise.all(ends.slice(1).map((end, before) => this.#note(before + 1, end + 1)))
    await this.#note(0, (ends[0] ?? 0) + 1)
  }

  /** Notes that all messages are there. */
  async end(): Promise<void> {
    await this.#note(0, allIsThere)
  }

  #note(partition: number, offset: number): Promise<void> {
    return this.#order.events.commit(this.#scope, this.#group, this.#order.topic, partition, offset)
  }

  async #places() {
    const { events, topic } = this.#order
    const found = await events.topic(this.#scope, topic)
    if (!found) throw new HubError('NOT_FOUND', `Topic "${topic}" was deleted while a run wrote to it.`, { topic })
    return found.places
  }
}

/** A short text that is the same for messages with the same key and value. */
export function digestOf({ key, value }: NewEvent): string {
  return createHash('sha256').update(JSON.stringify([key ?? null])).update(value).digest('base64').slice(0, 24)
}

function forgotten(error: unknown, { topic }: TopicWriteOrder, partition: number): unknown {
  const { code, details } = asHubError(error)
  if (code !== 'GONE') return error
  return new HubError('GONE', `An attempt before has appended to topic "${topic}", which does not hold all since then any more: partition ${partition} begins at ${String(details?.['start'])}. So what is missing cannot be told, and nothing is appended. A new run appends all messages.`, { topic, partition }, { cause: error })
}
