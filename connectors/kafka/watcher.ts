import { setTimeout as pause } from 'node:timers/promises'
import { HubError } from '../../schema/errors.ts'
import type { Log } from '../ports/scope.ts'
import { untilLeft } from '../signals/until-left.ts'
import { protocolError, type FetchedPartition } from './client.ts'
import type { Connections } from './connections.ts'
import { isPassing, rootOf } from './failures.ts'
import { placesOf } from './places.ts'
import { fetchAt, foundIn, outOfRangeCode } from './reader.ts'
import type { Runs } from './runs.ts'

/** How long a broker holds a look-out that finds nothing: so long, at most, a partition waits to be taken into the next one. */
const lookMs = 250
/** A partition nobody waits for is looked at for so much longer: its readers mostly come back. */
const lingerMs = 10_000
/** What fits of each partition comes with one look; the next batch of the first that has one comes whatever its size. */
const lookBytes = 16 * 1024

interface Waiter {
  readonly offset: number
  readonly done: PromiseWithResolvers<void>
}

interface Watched {
  readonly topic: string
  readonly partition: number
  readonly waiters: Set<Waiter>
  /** Everything from `from` up to, not including, `next` was looked at; events before `seen` were there. */
  readonly from: number
  next: number
  seen: number
  leader: number
  leftAtMs: number
}

/** Waits for events of any number of partitions with one request at a time to each broker that leads some of them, on connections of its own, since that request holds them. */
export class Watcher {
  readonly #connections: Connections
  readonly #runs: Runs
  readonly #log: Log
  readonly #watched = new Map<string, Watched>()
  readonly #looking = new Map<number, Promise<void>>()
  #closed = false

  constructor(connections: Connections, runs: Runs, log: Log) {
    this.#connections = connections
    this.#runs = runs
    this.#log = log
  }

  /** Whether it is known that there is an event at or behind the offset, or that there is none; undefined where this was not looked at. */
  knows(topic: string, partition: number, offset: number): boolean | undefined {
    const watched = this.#watched.get(`${partition} ${topic}`)
    return watched && offset >= watched.from ? offset < watched.seen : undefined
  }

  /** Ends when an event at or behind `offset` came, given that there is none now; with the signal's reason; or with NOT_FOUND when the topic went. */
  async wait(topic: string, partition: number, offset: number, leader: number, signal: AbortSignal): Promise<void> {
    const key = `${partition} ${topic}`
    const watched = this.#watched.get(key) ?? { topic, partition, waiters: new Set<Waiter>(), from: offset, next: offset, seen: offset, leader, leftAtMs: 0 }
    if (offset < watched.seen && offset >= watched.from) return
    this.#watched.set(key, watched)
    const waiter = { offset, done: Promise.withResolvers<void>() }
    watched.waiters.add(waiter)
    this.#look(watched.leader)
    try {
      await untilLeft(signal, waiter.done.promise)
    } finally {
      watched.waiters.delete(waiter)
      watched.leftAtMs = performance.now()
    }
  }

  /** The topic was deleted. */
  gone(topic: string): void {
    for (const watched of this.#watched.values()) if (watched.topic === topic) this.#end(watched, new HubError('NOT_FOUND', 'The topic was deleted.'))
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const watched of [...this.#watched.values()]) this.#end(watched, new HubError('SHUTTING_DOWN', 'The event log was closed.'))
    await Promise.all(this.#looking.values())
    await this.#connections.close()
  }

  #end(watched: Watched, reason: HubError): void {
    this.#watched.delete(`${watched.partition} ${watched.topic}`)
    for (const { done } of watched.waiters) done.reject(reason)
  }

  #look(leader: number): void {
    if (this.#closed || this.#looking.has(leader)) return
    this.#looking.set(leader, this.#lookAt(leader).finally(() => {
      this.#looking.delete(leader)
      if (this.#of(leader).length > 0) this.#look(leader)
    }))
  }

  #of(leader: number): Watched[] {
    const idleSince = performance.now() - lingerMs
    for (const [key, { waiters, leftAtMs }] of this.#watched) if (waiters.size === 0 && leftAtMs < idleSince) this.#watched.delete(key)
    return [...this.#watched.values()].filter(watched => watched.leader === leader)
  }

  async #lookAt(leader: number): Promise<void> {
    let delayMs = 25
    for (let mine = this.#of(leader); mine.length > 0 && !this.#closed; mine = this.#of(leader)) {
      try {
        const { responses } = await fetchAt(this.#connections, leader, mine.map(({ topic, partition, next }) => ({ topic, partition, offset: next })), { waitMs: lookMs, bytes: lookBytes })
        for (const { topicName, partitions } of responses) {
          for (const part of partitions) {
            const watched = mine.find(one => one.topic === topicName && one.partition === part.partition)
            if (watched) await this.#found(watched, part)
          }
        }
        delayMs = 25
      } catch (error) {
        if (!isPassing(error) && rootOf(error).type !== 'UNKNOWN_TOPIC_OR_PARTITION') this.#log.warn('Kafka cannot be watched for events; it is tried again.', { reason: rootOf(error).message })
        await pause(delayMs, undefined, { ref: false })
        delayMs = Math.min(delayMs * 2, 1_000)
        await this.#findLeaders(mine)
      }
    }
  }

  /** Asked for one partition alone a broker leaves nothing out. */
  async #lookAlone(watched: Watched): Promise<void> {
    const { topic, partition, next } = watched
    const { responses } = await fetchAt(this.#connections, watched.leader, [{ topic, partition, offset: next }], { waitMs: 0, bytes: lookBytes })
    const part = responses[0]?.partitions[0]
    if (part) await this.#found(watched, part, true)
  }

  async #found(watched: Watched, part: FetchedPartition, alone = false): Promise<void> {
    if (part.errorCode === outOfRangeCode) {
      const [place] = (await placesOf(this.#connections, [{ topic: watched.topic, partitions: [watched.partition] }])).get(watched.topic) ?? []
      if (!place) return
      // Trimmed away: who waits for it is to ask, and be told. Not there yet: the end is where it will be.
      if (watched.next < place.start) this.#wake(watched, place.start)
      watched.next = Math.min(Math.max(watched.next, place.start), place.end)
    } else if (part.errorCode !== 0) {
      throw protocolError(part.errorCode)
    } else {
      const { events, next } = foundIn(watched.topic, watched.next, part)
      const isMore = next === watched.next && next < Number(part.lastStableOffset)
      if (isMore && !alone) return this.#lookAlone(watched)
      // A batch whose records compaction took away has nothing to tell.
      const reached = isMore ? next + 1 : next
      if (reached > watched.next) this.#runs.keep(watched.topic, watched.partition, watched.next, { events, next: reached }, Number(part.lastStableOffset))
      watched.next = reached
      const last = events.at(-1)
      if (last) this.#wake(watched, last.offset + 1)
    }
  }

  #wake(watched: Watched, seen: number): void {
    watched.seen = Math.max(watched.seen, seen)
    for (const { offset, done } of watched.waiters) if (offset < watched.seen) done.resolve()
  }

  /** Asks anew who leads; where that cannot be had the next look does. */
  async #findLeaders(parts: readonly Watched[]): Promise<void> {
    for (const [topic, of] of Map.groupBy(parts, one => one.topic)) {
      this.#connections.forget(topic)
      const leaders = await this.#connections.leaders(topic).catch((error: unknown) => {
        this.#log.debug('Kafka does not say who leads a topic.', { reason: rootOf(error).message })
        return null
      })
      for (const watched of of) {
        if (leaders === null) continue
        const leader = leaders?.[watched.partition]
        if (leader === undefined) this.#end(watched, new HubError('NOT_FOUND', 'The topic was deleted.'))
        else if (leader >= 0) {
          watched.leader = leader
          this.#look(leader)
        }
      }
    }
  }
}
