import type { Followed, Heard } from '../feed-log.ts'
import type { CommitRecord } from '../record.ts'
import { Outbox } from './outbox.ts'
import { type Batch, Pending } from './pending.ts'
import type { Checkpoint, Claim, SharedRecord } from './record.ts'
import type { Said, Standings } from './standing.ts'

export interface Timing {
  /** How long a change may be on its way before its writer is taken for dead, if nothing else comes of it either. */
  readonly overdueMs: number
  /** How long a change may be on its way to one listener when another has heard of it. */
  readonly settleMs: number
  /** How long it is remembered that the log had a change before it was heard here. */
  readonly forgetMs: number
  /** Changes on their way beyond which all are let go of, and readers told by a reset. */
  readonly most: number
}

export const defaultTiming: Timing = { overdueMs: 2_000, settleMs: 2_000, forgetMs: 60_000, most: 200_000 }

/** A feed this node listens to. */
interface Own extends Followed {
  live: boolean
  /** The log, with what is on its way here, holds every change. */
  sure: boolean
  /** Which of this node's records says that it listens, since it heard every change last. */
  asked: number
  /** Where that one stands in the log. */
  listens: number | undefined
  /** Since when an answer to that is waited for. */
  askedMs: number
  /** LAPSED: what it claims meanwhile is worth nothing. */
  claiming: false | 'PENDING' | 'LAPSED'
  comparing: boolean
  readonly settled: PromiseWithResolvers<void>
}

/**
 * One process at the shared log: a machine without timers, promises or sockets. All listen; one at a time, the writer, tells what its feeds hear. What it has not told when
 * it dies the others have heard as well: the next one claims the feed, reads the log up to there, and goes on with what did not come. Who cannot be sure that he heard all
 * that is missing claims with a reset of the region.
 *
 *   writer dies, or hears nothing any more   another claims: at once where it said so, else when a change is overdue
 *   a writer that was away wakes up          what it appends counts for nobody; it has it still, as everyone has
 *   nobody listened                          the next one compares what was left with what is there; a reset, unless they are equal
 */
export class LogNode {
  readonly name: string
  readonly standings: Standings
  readonly outbox: Outbox
  readonly pending = new Pending()
  readonly #timing: Timing
  readonly #own = new Map<string, Own>()
  readonly #names = new Map<string, string>()
  readonly #waiting = new Map<number, { readonly done: () => void; readonly atMs: number }>()
  readonly #aliveMs = new Map<string, number>()
  /** Nobody can be said to have been silent before. */
  #quietMs: number
  #covers: { readonly offset: number; readonly dueMs: number }[] = []
  #isLast = false
  #nowMs: number
  /** What is on its way comes late: nobody is to wait for it. */
  behind = false

  constructor(name: string, standings: Standings, nowMs: number, timing: Timing = defaultTiming) {
    this.name = name
    this.standings = standings
    this.outbox = new Outbox(name, () => standings.next)
    this.#timing = timing
    this.#quietMs = nowMs
    this.#nowMs = nowMs
  }

  /** What a region of the log is called here; undefined: it is not open. */
  nameOf(region: string): string | undefined {
    return this.#names.get(region)
  }

  get feeds(): readonly Followed[] {
    return [...this.#own.values()]
  }

  /** Whether this node tells the feed's changes. */
  writes(feed: string): boolean {
    return this.standings.feeds.get(feed)?.writer === this.name
  }

  begin(log: string): void {
    this.#push({ log })
  }

  checkpoint(checkpoint: Checkpoint): void {
    this.#push({ checkpoint })
  }

  /** Ends when it is known who tells the feed's changes. */
  follow(followed: Followed, nowMs: number): Promise<void> {
    this.#nowMs = nowMs
    const own: Own = { ...followed, live: true, sure: followed.begins !== 'FOUND', asked: -1, listens: undefined, askedMs: nowMs, claiming: false, comparing: false, settled: Promise.withResolvers() }
    this.#own.set(own.feed, own)
    this.#names.set(own.region, own.name)
    if (own.begins === 'FOUND') this.#listen(own)
    else this.#claim([{ own, resets: own.begins === 'EMPTY' && this.standings.regions.has(own.region) }])
    return own.settled.promise
  }

  lost(feed: string): void {
    const own = this.#own.get(feed)
    if (!own) return
    Object.assign(own, { live: false, sure: false, asked: -1, listens: undefined, claiming: own.claiming && 'LAPSED' })
    if (this.writes(feed)) this.#push({ leaves: [{ feed }] })
  }

  restored(feed: string, nowMs: number): void {
    this.#nowMs = nowMs
    const own = this.#own.get(feed)
    if (!own) return
    own.live = true
    this.#listen(own)
  }

  leave(feed: string, gone: boolean): void {
    const own = this.#own.get(feed)
    own?.settled.resolve()
    this.#own.delete(feed)
    if (own && ![...this.#own.values()].some(({ region }) => region === own.region)) this.#names.delete(own.region)
    for (const item of this.pending.of(feed)) this.pending.drop(item)
    if (gone) this.#push({ ends: [feed] })
    else if (this.writes(feed)) this.#push({ leaves: [{ feed }] })
  }

  /** From now on it claims nothing more. */
  claimNoMore(): void {
    this.#isLast = true
  }

  /** Its last word: per feed it writes the state in which all changes are told, where it is known. */
  part(states: ReadonlyMap<string, string>): void {
    const leaves = this.feeds.filter(({ feed }) => this.writes(feed)).map(({ feed }) => ({ feed, ...(states.has(feed) && { left: states.get(feed) ?? '' }) }))
    if (leaves.length > 0) this.#push({ leaves })
  }

  tell(heard: readonly Heard[], done: () => void, nowMs: number): void {
    this.#nowMs = nowMs
    const missed = new Set<string>()
    const batch = this.pending.add(heard, done, nowMs, feed => missed.add(feed))
    for (const feed of missed) this.#reset(feed)
    if (this.behind) for (const over of batch.done.splice(0)) over()
    if (batch.items.size === 0) return
    this.#send(batch)
    for (const feed of new Set(heard.map(one => one.feed))) this.#unowned(feed)
    if (this.pending.size > this.#timing.most) this.#letGo()
  }

  commit(region: string, { changes, resets }: Pick<CommitRecord, 'changes' | 'resets'>, nowMs: number, done: () => void): void {
    this.#nowMs = nowMs
    const commit = { committedAtMs: nowMs, changes: changes.map(change => ({ ...change, region })), ...(resets && { resets: [region] }) }
    if (this.behind) done()
    else this.#waiting.set(this.outbox.sequence, { done, atMs: nowMs })
    this.#push({ commit })
  }

  /** The next entry of the log. */
  took(record: SharedRecord | undefined, nowMs: number): Said {
    this.#nowMs = nowMs
    const offset = this.standings.next
    const said = this.standings.take(record)
    if (!record || said.repeats) return said
    this.#aliveMs.set(record.node, nowMs)
    const missed = new Set<string>()
    for (const { feed, id, mark } of said.events) {
      if (this.#own.has(feed) && this.pending.came(id, mark, nowMs)) missed.add(feed)
    }
    for (const feed of missed) this.#reset(feed)
    for (const own of this.#own.values()) if (own.listens !== undefined && own.listens < offset && said.resets.includes(own.region)) this.#isSure(own)
    this.#claimed(record, said)
    if (record.node === this.name) this.#ownCame(record, offset)
    else this.#othersCame(record, offset)
    return said
  }

  /** To be called now and then while `waits`. `heldUp`: the process stood still, and has yet to hear what came meanwhile. */
  tick(nowMs: number, heldUp = false): void {
    this.#nowMs = nowMs
    const { overdueMs, settleMs, forgetMs } = this.#timing
    if (heldUp) {
      this.#quietMs = nowMs
      this.#covers = this.#covers.map(({ offset }) => ({ offset, dueMs: nowMs + settleMs }))
    }
    const oldest = this.pending.oldest()
    this.pending.forgetEarly(nowMs - forgetMs)
    this.#late([...oldest.values(), ...[...this.#waiting.values()].map(({ atMs }) => atMs)].some(atMs => nowMs - atMs > overdueMs))

    const due = this.#covers.filter(({ dueMs }) => dueMs <= nowMs)
    const last = due.at(-1)
    if (last) this.#push({ covers: last.offset })
    this.#covers = this.#covers.filter(({ dueMs }) => dueMs > nowMs)

    const suspects = new Set<string>()
    const overdue: Own[] = []
    for (const own of this.#own.values()) {
      const writer = this.standings.feeds.get(own.feed)?.writer
      if (!own.live || own.claiming || writer === this.name) continue
      if (writer === undefined) {
        this.#unowned(own.feed)
        if (own.listens !== undefined && nowMs - own.askedMs > settleMs / 4) this.#decide(own)
        continue
      }
      const silentMs = nowMs - Math.max(this.#aliveMs.get(writer) ?? 0, this.#quietMs)
      const waitsMs = nowMs - (oldest.get(own.feed) ?? nowMs)
      const asksMs = own.sure || own.listens === undefined ? 0 : nowMs - own.askedMs
      if ((waitsMs > overdueMs && silentMs > overdueMs) || Math.min(asksMs, silentMs) > settleMs + overdueMs) suspects.add(writer)
      else if (waitsMs > 5 * overdueMs) overdue.push(own)
    }
    for (const own of this.#own.values()) if (own.live && !own.claiming && suspects.has(this.standings.feeds.get(own.feed)?.writer ?? '')) overdue.push(own)
    if (overdue.length > 0) this.#claim(overdue.map(own => ({ own, resets: !own.sure })))
  }

  /** Whether time alone may have something to say. */
  get waits(): boolean {
    return this.behind || this.#waiting.size > 0 || this.pending.size > 0 || this.pending.earlySize > 0 || this.#covers.length > 0 || [...this.#own.values()].some(({ live, sure }) => live && !sure)
  }

  /** What is on its way comes late, or in time again. */
  #late(isLate: boolean): void {
    this.behind = isLate || (this.behind && this.outbox.records.length > 0)
    if (!this.behind) return
    this.pending.release()
    for (const { done } of this.#waiting.values()) done()
    this.#waiting.clear()
  }

  #claimed({ node, claims = [] }: SharedRecord, { granted }: Said): void {
    for (const { feed, resets } of granted) {
      const own = this.#own.get(feed)
      for (const item of this.pending.of(feed)) item.sent = false
      if (node === this.name) {
        if (!own?.live || own.claiming !== 'PENDING') this.#push({ leaves: [{ feed }] })
        else this.#isSure(own)
      } else if (own?.live && !own.sure && !resets) this.#listen(own)
    }
    if (node !== this.name) return
    for (const { feed } of claims) {
      const own = this.#own.get(feed)
      if (!own) continue
      own.claiming = false
      if (own.live && !own.sure) this.#listen(own)
    }
    if (granted.length > 0) for (const batch of [...this.pending.batches]) this.#send(batch)
  }

  #ownCame({ sequence, listens = [] }: SharedRecord, offset: number): void {
    const done = this.#waiting.get(sequence)
    this.#waiting.delete(sequence)
    done?.done()
    for (const feed of listens) {
      const own = this.#own.get(feed)
      if (own?.asked !== sequence) continue
      own.listens = offset
      if (this.standings.feeds.get(feed)?.writer !== undefined) own.settled.resolve()
      this.#decide(own)
    }
  }

  #othersCame({ node, listens = [], covers = -1, leaves = [] }: SharedRecord, offset: number): void {
    if (listens.some(feed => this.writes(feed))) this.#covers.push({ offset, dueMs: this.#nowMs + this.#timing.settleMs })
    for (const own of this.#own.values()) {
      if (own.listens !== undefined && own.listens <= covers && this.standings.feeds.get(own.feed)?.writer === node) this.#isSure(own)
    }
    for (const { feed } of leaves) {
      const own = this.#own.get(feed)
      if (own && !own.sure) own.askedMs = this.#nowMs
      this.#unowned(feed)
    }
  }

  /** Nobody tells the feed's changes: who is sure of them may. */
  #unowned(feed: string): void {
    const own = this.#own.get(feed)
    if (own?.live && own.sure && !own.claiming && this.standings.feeds.get(feed)?.writer === undefined) this.#claim([{ own, resets: false }])
  }

  /** Nobody tells them, and this node has just begun to listen. */
  #decide(own: Own): void {
    if (!own.live || own.claiming || own.comparing || own.sure) return
    const standing = this.standings.feeds.get(own.feed)
    if (standing?.writer !== undefined) return
    if (!standing || standing.left === undefined) {
      this.#claim([{ own, resets: true }])
      return
    }
    own.comparing = true
    const { listens } = own
    const compared = (state: string | undefined) => {
      own.comparing = false
      if (own.live && !own.claiming && !own.sure && own.listens === listens && this.standings.feeds.get(own.feed) === standing) this.#claim([{ own, resets: state !== standing.left }])
    }
    // What cannot be compared counts as changed.
    own.state().then(compared, () => compared(undefined))
  }

  #claim(wanted: readonly { readonly own: Own; readonly resets: boolean }[]): void {
    if (this.#isLast) return
    const claims = wanted.map(({ own: { feed, region }, resets }): Claim => ({ feed, region, resets }))
    for (const { own } of wanted) own.claiming = 'PENDING'
    this.#push({ claims })
  }

  #listen(own: Own): void {
    Object.assign(own, { asked: this.outbox.sequence, listens: undefined, askedMs: this.#nowMs })
    this.#push({ listens: [own.feed] })
  }

  /** Changes were heard that the log will not have: somebody told later ones and did not know of them, or there was no room. */
  #reset(feed: string): void {
    const own = this.#own.get(feed)
    if (own) this.commit(own.region, { changes: [], resets: [own.region] }, this.#nowMs, () => {})
  }

  #isSure(own: Own): void {
    own.sure = own.live
    own.settled.resolve()
  }

  /** Those changes of a batch that are this node's to tell and not on their way yet. */
  #send({ items }: Batch): void {
    const ours = [...items].filter(item => !item.sent && this.writes(item.heard.feed))
    for (const item of ours) item.sent = true
    this.outbox.tell(ours, feed => this.#own.get(feed)?.region, this.#nowMs)
  }

  /** More is on its way than there is room for. */
  #letGo(): void {
    this.#late(true)
    const feeds = new Set(this.pending.oldest().keys())
    this.outbox.forgetChanges()
    for (const feed of feeds) for (const item of [...this.pending.of(feed)]) this.pending.drop(item)
    for (const feed of feeds) {
      const own = this.#own.get(feed)
      if (!own) continue
      if (this.writes(feed)) this.#reset(feed)
      else {
        own.sure = false
        this.#listen(own)
      }
    }
  }

  #push(body: Parameters<Outbox['push']>[0]): void {
    this.outbox.push(body, this.#nowMs)
  }
}
