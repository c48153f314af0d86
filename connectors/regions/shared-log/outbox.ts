import type { Item } from './pending.ts'
import type { SharedRecord } from './record.ts'

type Body = Omit<SharedRecord, 'node' | 'sequence' | 'seen' | 'atMs'>

/** Quiet changes of one record: a small part of what brokers take. */
const quietAtOnce = 1_000

/** What a node has to say, in order, until it is stored. */
export class Outbox {
  records: SharedRecord[] = []
  readonly #node: string
  readonly #seen: () => number
  #sequence = 0

  /** `seen`: up to which entry the node has read. */
  constructor(node: string, seen: () => number) {
    this.#node = node
    this.#seen = seen
  }

  /** The sequence number of the next record. */
  get sequence(): number {
    return this.#sequence
  }

  push(body: Body, atMs: number): void {
    this.records.push({ node: this.#node, sequence: this.#sequence++, seen: this.#seen(), atMs, ...body })
  }

  stored(sent: readonly SharedRecord[]): void {
    const gone = new Set(sent)
    this.records = this.records.filter(record => !gone.has(record))
  }

  /** Changes as one entry; `regionOf` a feed, as the log calls it. */
  tell(items: readonly Item[], regionOf: (feed: string) => string | undefined, atMs: number): void {
    const feeds = [...new Set(items.map(({ heard }) => heard.feed))]
    const told = items.filter(({ heard }) => !heard.quiet)
    const changes = told.map(({ heard: { feed, change } }) => ({ ...change, region: regionOf(feed) ?? change.region }))
    const marks = told.map(({ heard: { feed, mark } }) => [feeds.indexOf(feed), mark] as const)
    if (told.length > 0) this.push({ feeds, marks, commit: { committedAtMs: atMs, changes } }, atMs)
    this.#quiet(feeds, items.flatMap(({ heard: { feed, mark, quiet, change: { tenant, key } } }) => (quiet ? [[feeds.indexOf(feed), tenant, key, mark] as const] : [])), atMs)
  }

  /** The record was too large to be stored: its regions are reset, and its changes are told to nobody. */
  tooLarge(record: SharedRecord): void {
    const { commit, marks = [], feeds = [], node, sequence, seen, atMs } = record
    const resets = [...new Set(commit?.changes.map(({ region }) => region))]
    const instead = { node, sequence, seen, atMs, commit: { committedAtMs: atMs, changes: [], resets } }
    this.records = this.records.map(one => (one === record ? instead : one))
    this.#quiet(feeds, marks.flatMap(([index, mark], place) => {
      const change = commit?.changes[place]
      return change ? [[index, change.tenant, change.key, mark] as const] : []
    }), atMs)
  }

  /** Lets go of what feeds heard. */
  forgetChanges(): void {
    this.records = this.records.filter(({ marks, quiet }) => !marks && !quiet)
  }

  #quiet(feeds: readonly string[], quiet: NonNullable<SharedRecord['quiet']>, atMs: number): void {
    for (let from = 0; from < quiet.length; from += quietAtOnce) this.push({ feeds, quiet: quiet.slice(from, from + quietAtOnce) }, atMs)
  }
}
