import { HubError } from '../../schema/errors.ts'
import type { StoredEvent } from '../ports/event-log.ts'
import type { Scope } from '../ports/scope.ts'
import { batchOf, fetchRequest, protocolError, readCommitted, send, type Batch, type FetchAnswer, type FetchedMessage, type FetchedPartition } from './client.ts'
import type { Connections } from './connections.ts'
import { attempt } from './failures.ts'
import { placesOf } from './places.ts'
import type { Runs } from './runs.ts'

const mostBytes = 8 * 1024 * 1024

export interface Place {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** Asks one broker for what stands at these places and behind; ends when there is something, or after `waitMs`. A partition that cannot be read has its error code in its part of the answer. */
export async function fetchAt(connections: Connections, leader: number, places: readonly Place[], { waitMs, bytes }: { waitMs: number; bytes: number }): Promise<FetchAnswer> {
  const broker = await connections.at(leader, 'fetches')
  const topics = [...Map.groupBy(places, ({ topic }) => topic)].map(([topic, parts]) => ({
    topic, partitions: parts.map(({ partition, offset }) => ({ partition, fetchOffset: String(offset), maxBytes: bytes })),
  }))
  // Version 11 is the newest kafkajs knows; brokers have it since 2.3. Its own parser fails the whole answer for one partition's error.
  const { request, response } = fetchRequest.protocol({ version: 11 })({ replicaId: -1, isolationLevel: readCommitted, maxWaitTime: waitMs, minBytes: 1, maxBytes: mostBytes, rackId: '', topics })
  return send(broker, { request, response: { decode: payload => response.decode(payload), parse: async answer => answer } })
}

/** Events of one partition, and where the next ones would stand. */
export interface Found {
  readonly events: readonly StoredEvent[]
  readonly next: number
}

/** At most `limit` events at or behind the place; places without an event for a reader are passed over. What `runs` knows is not fetched again. */
export async function readFrom(scope: Scope, { connections, runs }: { readonly connections: Connections; readonly runs: Runs }, { topic, partition, offset }: Place, limit: number): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = []
  let bytes = 0
  for (let next = offset; events.length < limit && bytes < mostBytes;) {
    let found = runs.find(topic, partition, next, limit - events.length)
    if (!found) {
      const part = await attempt(scope, () => fetchOne(connections, { topic, partition, offset: next }, limit - events.length), () => connections.forget(topic))
      if (!part) return outOfRange(scope, connections, { topic, partition, offset: next })
      const fetched = foundIn(topic, next, part)
      const end = Number(part.lastStableOffset)
      // Compaction may leave a batch without any record: there is something, and nothing in it.
      const reached = fetched.next === next && next < end ? next + 1 : fetched.next
      runs.keep(topic, partition, next, { events: fetched.events, next: reached }, end)
      found = runs.find(topic, partition, next, limit - events.length) ?? { events: [], next: reached, isEnd: true }
    }
    for (const event of found.events) {
      events.push(event)
      bytes += event.value.length
    }
    if (found.isEnd) break
    next = found.next
  }
  return events
}

/** The events of what was fetched from `offset` on. Of several partitions asked for at once a broker may leave some out, for size: `next` is then `offset`. */
export function foundIn(topic: string, offset: number, part: FetchedPartition): Found {
  const batch: Batch = batchOf(topic, offset, part)
  const events = batch.messages.map(message => storedEvent(part.partition, message))
  return { events, next: batch.rawMessages.length > 0 ? Number(batch.lastOffset()) + 1 : offset }
}

async function fetchOne(connections: Connections, place: Place, limit: number): Promise<FetchedPartition | undefined> {
  const leader = (await connections.leaders(place.topic))?.[place.partition]
  if (leader === undefined) throw new HubError('NOT_FOUND', 'The topic was deleted while it was read.')
  const { responses } = await fetchAt(connections, leader, [place], { waitMs: 0, bytes: Math.min(1024 * 1024, Math.max(16 * 1024, limit * 1024)) })
  const part = responses[0]?.partitions[0]
  if (!part) throw new HubError('UPSTREAM_REJECTED', 'Kafka answered a read without the partition.')
  if (part.errorCode === outOfRangeCode) return undefined
  if (part.errorCode !== 0) throw protocolError(part.errorCode)
  return part
}

/** OFFSET_OUT_OF_RANGE */
export const outOfRangeCode = 1

async function outOfRange(scope: Scope, connections: Connections, { topic, partition, offset }: Place): Promise<readonly StoredEvent[]> {
  const [place] = (await attempt(scope, () => placesOf(connections, [{ topic, partitions: [partition] }]))).get(topic) ?? []
  if (!place || offset >= place.start) return []
  throw new HubError('GONE', `Event ${offset} is not held any more: partition ${partition} begins at ${place.start}.`, { start: place.start })
}

function storedEvent(partition: number, { offset, timestamp, key, value, headers }: FetchedMessage): StoredEvent {
  const names = Object.keys(headers)
  return {
    partition,
    offset: Number(offset),
    appendedAtMs: Number(timestamp),
    ...(key !== null && keyOf(key)),
    ...(names.length > 0 && { headers: Object.fromEntries(names.map(name => [name, textOf(headers[name])])) }),
    value: value ?? new Uint8Array(0),
    ...(value === null && { tombstone: true as const }),
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function keyOf(bytes: Buffer): Pick<StoredEvent, 'key' | 'keyBytes'> {
  try {
    return { key: utf8.decode(bytes) }
  } catch {
    return { key: bytes.toString('base64'), keyBytes: bytes }
  }
}

/** Of a header given several times the last. */
function textOf(header: FetchedMessage['headers'][string] | undefined): string {
  const last = Array.isArray(header) ? header.at(-1) : header
  return last === undefined || last === null ? '' : String(last)
}
