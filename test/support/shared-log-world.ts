import { type Followed, type Heard, markOf } from '../../connectors/regions/feed-log.ts'
import { defaultTiming, LogNode, type Timing } from '../../connectors/regions/shared-log/node.ts'
import { decodeShared, encodeShared, type SharedRecord } from '../../connectors/regions/shared-log/record.ts'
import { type Said, Standings } from '../../connectors/regions/shared-log/standing.ts'
import type { Change } from '../../schema/change.ts'

export const feed = 'cache-1'
export const region = 'items'

/** Something that happened to one entry. */
export interface Happened {
  readonly key: string
  readonly type: Change['type']
  readonly version: number
  readonly mark: string
  readonly atMs: number
  /** How long the log was then. */
  readonly logLength: number
}

export interface Hearer {
  readonly node: LogNode
  readonly heard: Happened[]
  /** Notifications on their way. */
  readonly coming: Happened[]
  live: boolean
  alive: boolean
  /** How many of its writes were told. */
  answered: number
}

/** Entries anybody may write, a log anybody may append to, and nodes that hear of the former and read the latter, each step by itself. */
export class SharedWorld {
  nowMs = 1_000_000
  readonly log: Buffer[] = []
  readonly happened: Happened[] = []
  readonly nodes: Hearer[] = []
  /** Appends that reach the log some time, whatever became of who sent them. */
  readonly late: Buffer[] = []
  readonly #entries = new Map<string, number>()
  readonly #timing: Timing
  #version = 0

  constructor(timing: Partial<Timing> = {}) {
    this.#timing = { ...defaultTiming, ...timing }
  }

  get alive(): Hearer[] {
    return this.nodes.filter(({ alive }) => alive)
  }

  state(): string {
    return JSON.stringify([...this.#entries].toSorted())
  }

  start(begins: Followed['begins'] = 'FOUND'): Hearer {
    const standings = new Standings()
    for (const bytes of this.log) standings.take(decodeShared(bytes))
    const node = new LogNode(`node-${this.nodes.length}`, standings, this.nowMs, this.#timing)
    const hearer: Hearer = { node, heard: [], coming: [], live: true, alive: true, answered: 0 }
    this.nodes.push(hearer)
    void node.follow({ feed, region, name: region, begins, state: async () => this.state() }, this.nowMs)
    return hearer
  }

  write(key: string, removes = false): void {
    const known = this.#entries.get(key)
    if (removes && known === undefined) return
    const version = removes ? (known ?? 0) : ++this.#version
    const type = removes ? 'REMOVED' : known === undefined ? 'CREATED' : 'UPDATED'
    const one: Happened = { key, type, version, mark: markOf(type, version), atMs: this.nowMs, logLength: this.log.length }
    if (removes) this.#entries.delete(key)
    else this.#entries.set(key, version)
    this.happened.push(one)
    for (const { live, alive, coming } of this.nodes) if (live && alive) coming.push(one)
  }

  hear(hearer: Hearer): void {
    const one = hearer.coming.shift()
    if (!one) return
    hearer.heard.push(one)
    const { key, type, version, mark } = one
    const row = { key, version }
    const heard: Heard = {
      feed, mark, quiet: false, told() {},
      change: { region, tenant: '', key, type, before: type === 'CREATED' ? null : row, after: type === 'REMOVED' ? null : row, version: type === 'REMOVED' ? version + 0.5 : version, createdAtMs: 0 },
    }
    hearer.node.tell([heard], () => { hearer.answered += 1 }, this.nowMs)
  }

  /** Its next record is stored; or, `again`, is stored and sent once more; or is on its way only. */
  send({ node }: Hearer, how: 'stored' | 'again' | 'late' = 'stored'): void {
    const [record] = node.outbox.records
    if (!record) return
    const bytes = encodeShared(record)
    if (how === 'late') return void this.late.push(bytes)
    node.outbox.stored([record])
    this.log.push(bytes)
    if (how === 'again') this.late.push(bytes)
  }

  arrive(): void {
    const bytes = this.late.shift()
    if (bytes) this.log.push(bytes)
  }

  read({ node }: Hearer): void {
    const bytes = this.log[node.standings.next]
    if (bytes) node.took(decodeShared(bytes), this.nowMs)
  }

  /** Time passes: what was on its way to listeners for long has come. */
  pass(ms: number): void {
    this.nowMs += ms
    for (const hearer of this.alive) {
      while ((hearer.coming[0]?.atMs ?? Infinity) < this.nowMs - 1_500) this.hear(hearer)
      hearer.node.tick(this.nowMs)
    }
  }

  lose(hearer: Hearer): void {
    hearer.live = false
    hearer.coming.length = 0
    hearer.node.lost(feed)
  }

  restore(hearer: Hearer): void {
    hearer.live = true
    hearer.node.restored(feed, this.nowMs)
  }

  /** Leaves as one should. */
  part(hearer: Hearer): void {
    const states = new Map([[feed, this.state()]])
    while (hearer.coming.length > 0) this.hear(hearer)
    if (hearer.live) hearer.node.part(states)
    while (hearer.node.outbox.records.length > 0) this.send(hearer)
    hearer.alive = false
  }

  /** Until nobody has anything more to do. */
  async settle(): Promise<void> {
    while (this.late.length > 0) this.arrive()
    for (let round = 0; round < 400; round++) {
      for (const hearer of this.alive) {
        while (hearer.coming.length > 0) this.hear(hearer)
        while (hearer.node.outbox.records.length > 0) this.send(hearer)
      }
      for (const hearer of this.alive) while (hearer.node.standings.next < this.log.length) this.read(hearer)
      for (let turn = 0; turn < 3; turn++) await Promise.resolve()
      const isOver = this.alive.every(({ node }) => node.outbox.records.length === 0 && node.pending.size === 0 && node.standings.next === this.log.length)
      if (isOver && round > 60) return
      this.pass(250)
    }
    throw new Error(`It does not come to rest: ${JSON.stringify(this.alive.map(({ node }) => [node.name, node.outbox.records.length, node.pending.size]))}`)
  }

  /** The log as anybody reads it, from a place somebody may begin at. */
  said(records: readonly (SharedRecord | undefined)[] = this.log.map(bytes => decodeShared(bytes)), from = 0): Said[] {
    const standings = new Standings()
    for (const record of records.slice(0, from)) standings.take(record)
    return records.slice(from).map(record => standings.take(record))
  }
}
