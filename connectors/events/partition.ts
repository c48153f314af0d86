import type { NewEvent, StoredEvent, TopicSettings } from '../ports/event-log.ts'
import type { Log } from '../ports/scope.ts'
import { openSegmentLog, type SegmentLog } from '../segments/segment-log.ts'
import { appendedAt, decodeEvent, encodeEvent } from './event-frame.ts'

export interface PartitionOptions {
  readonly directory: string
  readonly number: number
  readonly segmentBytes: number
  readonly log: Log
}

export async function openPartition(options: PartitionOptions): Promise<Partition> {
  const { directory, number, segmentBytes, log } = options
  // Space is not taken ahead: topics may have many partitions with little in each.
  return new Partition(number, await openSegmentLog({ directory, segmentBytes, preallocate: false, log }))
}

/** One partition of a topic: its events in segments, and who waits for the next one. */
export class Partition {
  readonly #number: number
  readonly #log: SegmentLog
  readonly #waiting = new Set<{ readonly offset: number; readonly done: PromiseWithResolvers<void> }>()
  #retaining: Promise<void> = Promise.resolve()
  #segmentsSeen = 1

  constructor(number: number, log: SegmentLog) {
    this.#number = number
    this.#log = log
    log.onDurable(() => this.#wake())
  }

  get start() { return this.#log.start }
  get end() { return this.#log.durable }

  /** Appends all or none; answers the first one's offset when all are durable. */
  async append(events: readonly NewEvent[], nowMs: number): Promise<number> {
    const first = this.#log.append(events.map(event => encodeEvent(event, nowMs)))
    await this.#log.whenDurable(first + events.length)
    return first
  }

  async read(offset: number, limit: number): Promise<readonly StoredEvent[]> {
    const payloads = await this.#log.read(offset, limit)
    return payloads.map((payload, index) => decodeEvent(payload, this.#number, offset + index))
  }

  async wait(offset: number, signal: AbortSignal): Promise<void> {
    if (offset < this.#log.durable) return
    const waiter = { offset, done: Promise.withResolvers<void>() }
    const leave = () => waiter.done.reject(signal.reason)
    this.#waiting.add(waiter)
    signal.addEventListener('abort', leave, { once: true })
    try {
      await waiter.done.promise
    } finally {
      this.#waiting.delete(waiter)
      signal.removeEventListener('abort', leave)
    }
  }

  /** Whether a segment was closed since the last time retention was applied. */
  get grown(): boolean {
    return this.#log.segments.length > this.#segmentsSeen
  }

  /** Deletes whole segments, oldest first, that are too old or too many; ends when done, also with what was begun before. */
  retain(settings: TopicSettings, nowMs: number): Promise<void> {
    this.#segmentsSeen = this.#log.segments.length
    const done = this.#retaining.then(() => this.#retain(settings, nowMs))
    this.#retaining = done.catch(() => undefined)
    return done
  }

  /** Ends when retention begun so far is applied. */
  retained(): Promise<void> {
    return this.#retaining
  }

  async close(reason: Error): Promise<void> {
    for (const { done } of this.#waiting) done.reject(reason)
    await this.#retaining
    await this.#log.close()
  }

  async #retain(settings: TopicSettings, nowMs: number): Promise<void> {
    const [retentionMs, retentionBytes] = [settings.retentionMs, settings.retentionBytes].map(limit => (limit === -1 ? undefined : limit))
    if (retentionMs !== undefined && this.#log.durable > this.#log.start && (await this.#appendedAt(this.#log.durable - 1)) <= nowMs - retentionMs) await this.#log.roll()
    const { segments } = this.#log
    let bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0)
    let keepFrom = this.#log.start
    for (const [index, segment] of segments.entries()) {
      const next = segments[index + 1]
      if (!next) break
      const tooMuch = retentionBytes !== undefined && bytes > retentionBytes
      if (!tooMuch && (retentionMs === undefined || (await this.#appendedAt(next.base - 1)) > nowMs - retentionMs)) break
      bytes -= segment.bytes
      keepFrom = next.base
    }
    if (keepFrom > this.#log.start) await this.#log.trim(keepFrom)
    this.#segmentsSeen = this.#log.segments.length
  }

  async #appendedAt(offset: number): Promise<number> {
    const [payload] = await this.#log.read(offset, 1)
    return payload ? appendedAt(payload) : 0
  }

  #wake(): void {
    for (const waiter of this.#waiting) if (waiter.offset < this.#log.durable) waiter.done.resolve()
  }
}
