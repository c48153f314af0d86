import type { EventLog } from '../../ports/event-log.ts'
import type { Scope } from '../../ports/scope.ts'
import { decodeShared, type SharedRecord } from './record.ts'
import { type Said, Standings } from './standing.ts'

/** How far back a checkpoint is looked for at first; four times as far each next time. */
const lookBack = 2_048
const placesKept = 32
const atOnce = 1_000

/** Entries of the topic that nobody here holds any more, or that were there before this process was. */
export class History {
  readonly #events: EventLog
  readonly #topic: string
  readonly #scope: () => Scope
  /** Where readers stopped: they come back for what follows. */
  readonly #places = new Map<number, Standings>()

  constructor(events: EventLog, topic: string, scope: () => Scope) {
    this.#events = events
    this.#topic = topic
    this.#scope = scope
  }

  /** What stands before the entry at `offset`, of a topic that begins at `start`. */
  async before(offset: number, start: number): Promise<Standings> {
    const known = this.#places.get(offset)
    if (known) return known.copy()
    for (let back = lookBack; ; back *= 4) {
      const from = Math.max(start, offset - back)
      const records = await this.#records(from, offset)
      const checkpoint = records.findLast(record => record?.checkpoint && record.checkpoint.at >= from)?.checkpoint
      if (!checkpoint && from > start) continue
      const standings = new Standings(checkpoint ?? { at: from, log: '', feeds: [], regions: [], nodes: [] })
      if (!checkpoint) standings.log = undefined
      for (const record of records.slice(standings.next - from)) standings.take(record)
      return standings
    }
  }

  /** At most `limit` entries from `from` on, below `to`. */
  async read(from: number, to: number, start: number, limit: number): Promise<readonly Said[]> {
    const standings = await this.before(from, start)
    const said = (await this.#records(from, Math.min(to, from + Math.min(limit, atOnce)))).map(record => standings.take(record))
    this.#places.delete(from)
    this.#places.set(standings.next, standings)
    if (this.#places.size > placesKept) for (const oldest of this.#places.keys()) {
      this.#places.delete(oldest)
      break
    }
    return said
  }

  /** One for each offset; undefined where there is none of ours. */
  async #records(from: number, to: number): Promise<(SharedRecord | undefined)[]> {
    const records: (SharedRecord | undefined)[] = []
    while (from + records.length < to) {
      const next = from + records.length
      const found = await this.#events.read(this.#scope(), this.#topic, 0, next, Math.min(atOnce, to - next))
      // Nothing but places without an event up to the end.
      if (found.length === 0) records.length = to - from
      for (const { offset, value } of found) if (offset < to) records[offset - from] = decodeShared(Buffer.from(value))
    }
    return records
  }
}
