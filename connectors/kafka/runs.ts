import type { StoredEvent } from '../ports/event-log.ts'
import type { Found } from './reader.ts'

const runBytes = 1024 * 1024
const mostRuns = 64
/** What was read is taken for what is there so long: another program may delete a topic and make it anew. */
const freshMs = 1_000

interface Run {
  readonly from: number
  readonly events: StoredEvent[]
  next: number
  /** Where the partition ended when it was read last. */
  end: number
  bytes: number
  readAtMs: number
}

/**
 * What was fetched last of each partition, decoded. A broker sends whole batches, which may hold more than a reader asked for; and many readers of one partition ask for the same
 * events at about the same time, after one look told them all. At most 64 runs of about a megabyte.
 */
export class Runs {
  readonly #runs = new Map<string, Run>()

  keep(topic: string, partition: number, from: number, { events, next }: Found, end: number): void {
    const key = `${partition} ${topic}`
    const bytes = events.reduce((sum, { value }) => sum + value.length + 128, 0)
    const known = this.#runs.get(key)
    const run = known && known.next === from && known.bytes + bytes <= runBytes ? known : { from, events: [], next: from, end, bytes: 0, readAtMs: 0 }
    run.events.push(...events)
    Object.assign(run, { next, end, bytes: run.bytes + bytes, readAtMs: performance.now() })
    this.#runs.delete(key)
    this.#runs.set(key, run)
    for (const oldest of this.#runs.keys()) {
      if (this.#runs.size <= mostRuns) break
      this.#runs.delete(oldest)
    }
  }

  /** Events at or behind the offset, at most `limit`, and whether the partition ended behind them; undefined where nothing fresh is known of that place. */
  find(topic: string, partition: number, offset: number, limit: number): (Found & { readonly isEnd: boolean }) | undefined {
    const run = this.#runs.get(`${partition} ${topic}`)
    if (!run || offset < run.from || offset >= run.next || performance.now() - run.readAtMs > freshMs) return undefined
    const begin = firstAtOrBehind(run.events, offset)
    const events = run.events.slice(begin, begin + limit)
    const last = events.at(-1)
    const isAll = begin + events.length === run.events.length
    return { events, next: isAll || !last ? run.next : last.offset + 1, isEnd: isAll && run.next >= run.end }
  }

  /** Something was appended here: whoever reads afterwards is to find it. */
  appended(topic: string, partition: number, end: number): void {
    const run = this.#runs.get(`${partition} ${topic}`)
    if (run) run.end = Math.max(run.end, end)
  }

  forget(topic: string): void {
    for (const key of this.#runs.keys()) if (key.endsWith(` ${topic}`)) this.#runs.delete(key)
  }
}

function firstAtOrBehind(events: readonly StoredEvent[], offset: number): number {
  let [low, high] = [0, events.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((events[middle]?.offset ?? Infinity) < offset) low = middle + 1
    else high = middle
  }
  return low
}
