import type { StoredChange } from '../record.ts'
import type { Checkpoint, Claim, SharedRecord, Standing } from './record.ts'

/** Nodes whose last sequence number is remembered: a repetition comes soon after what it repeats. */
const nodesKept = 256

/** What one entry of the log says to readers, and of feeds. */
export interface Said {
  readonly committedAtMs: number
  readonly changes: readonly StoredChange[]
  readonly resets: readonly string[]
  /** Changes of feeds, quiet ones too, that count. */
  readonly events: readonly { readonly feed: string; readonly id: string; readonly mark: string }[]
  readonly granted: readonly Claim[]
  /** The record came before. */
  readonly repeats: boolean
}

const nothing: Said = { committedAtMs: 0, changes: [], resets: [], events: [], granted: [], repeats: false }

/**
 * What the log says, entry by entry: everyone who reads it finds the same. Of those who claim a feed, having read up to the same claim, the first has it. A change counts if
 * its node has the feed's claim where it stands in the log: what a node that lost it appends later, counts for nobody.
 */
export class Standings {
  log: string | undefined
  /** The next entry. */
  next: number
  checkpointAt: number
  readonly feeds: Map<string, Standing>
  /** Every region that was ever claimed. */
  readonly regions: Set<string>
  readonly #nodes: Map<string, number>

  constructor(from?: Checkpoint) {
    this.log = from?.log
    this.next = from?.at ?? 0
    this.checkpointAt = from?.at ?? 0
    this.feeds = new Map(from?.feeds)
    this.regions = new Set(from?.regions)
    this.#nodes = new Map(from?.nodes)
  }

  checkpoint(): Checkpoint {
    return { at: this.next, log: this.log ?? '', feeds: [...this.feeds], regions: [...this.regions], nodes: [...this.#nodes] }
  }

  copy(): Standings {
    const copy = new Standings(this.checkpoint())
    copy.log = this.log
    copy.checkpointAt = this.checkpointAt
    return copy
  }

  /** The entry at `next`; undefined: a place without a record of ours. */
  take(record: SharedRecord | undefined): Said {
    const offset = this.next
    this.next += 1
    if (!record) return nothing
    const { node, sequence } = record
    const isRepeated = sequence <= (this.#nodes.get(node) ?? -1)
    this.#remember(node, sequence)
    if (isRepeated) return { ...nothing, repeats: true }

    this.log ??= record.log
    for (const { feed, left } of record.leaves ?? []) {
      if (this.feeds.get(feed)?.writer === node) this.feeds.set(feed, { writer: undefined, since: offset, ...(left !== undefined && { left }) })
    }
    for (const feed of record.ends ?? []) this.feeds.delete(feed)
    const granted = (record.claims ?? []).filter(({ feed, region }) => {
      if ((this.feeds.get(feed)?.since ?? -1) >= record.seen) return false
      this.feeds.set(feed, { writer: node, since: offset })
      this.regions.add(region)
      return true
    })
    if (record.checkpoint) this.checkpointAt = offset
    return { ...this.#told(record), granted, repeats: false, ...this.#resets(record, granted) }
  }

  #resets({ commit }: SharedRecord, granted: readonly Claim[]): Pick<Said, 'resets'> {
    return { resets: [...new Set([...(commit?.resets ?? []), ...granted.flatMap(({ region, resets }) => (resets ? [region] : []))])] }
  }

  #told({ node, atMs, commit, marks, feeds = [], quiet = [] }: SharedRecord): Pick<Said, 'committedAtMs' | 'changes' | 'events'> {
    const counts = (index: number) => this.feeds.get(feeds[index] ?? '')?.writer === node
    const events = quiet.flatMap(([index, tenant, key, mark]) => (counts(index) ? [eventOf(feeds[index] ?? '', { tenant, key }, mark)] : []))
    const changes = (commit?.changes ?? []).filter((change, place) => {
      if (!marks) return true
      const [index, mark] = marks[place] ?? [-1, '']
      if (!counts(index)) return false
      events.push(eventOf(feeds[index] ?? '', change, mark))
      return true
    })
    return { committedAtMs: commit?.committedAtMs ?? atMs, changes, events }
  }

  #remember(node: string, sequence: number): void {
    const last = this.#nodes.get(node) ?? -1
    this.#nodes.delete(node)
    this.#nodes.set(node, Math.max(last, sequence))
    if (this.#nodes.size > nodesKept) for (const oldest of this.#nodes.keys()) {
      this.#nodes.delete(oldest)
      break
    }
  }
}

/** Names an entry among those of all feeds. */
export function idOf(feed: string, { tenant, key }: Pick<StoredChange, 'tenant' | 'key'>): string {
  return `${feed}\u0000${tenant}\u0000${key}`
}

function eventOf(feed: string, entry: Pick<StoredChange, 'tenant' | 'key'>, mark: string): Said['events'][number] {
  return { feed, id: idOf(feed, entry), mark }
}
