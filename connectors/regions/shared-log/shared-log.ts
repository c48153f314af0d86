import { randomUUID } from 'node:crypto'
import type { LogEntry } from '../../../schema/change.ts'
import { asHubError, HubError } from '../../../schema/errors.ts'
import type { EventLog } from '../../ports/event-log.ts'
import type { Clock, Log, Scope } from '../../ports/scope.ts'
import { type CommitLog, entryOf, openVolatileLog } from '../commit-log.ts'
import type { Followed, FeedLog, Heard } from '../feed-log.ts'
import type { CommitRecord } from '../record.ts'
import { History } from './history.ts'
import { defaultTiming, LogNode, type Timing } from './node.ts'
import { Outgoing } from './outgoing.ts'
import { decodeShared, type SharedRecord } from './record.ts'
import type { Standings } from './standing.ts'
import { ensureTopic, placesOf } from './topic.ts'

export interface SharedLogOptions {
  /** Keeps the topic. Stays open. */
  readonly events: EventLog
  /** One for each set of regions, the same for every process that has them open. Made where it is missing. */
  readonly topic: string
  /** How long an entry can be read. */
  readonly retentionMs: number
  /** How much of it is held in memory, so that most who come back cost nothing. */
  readonly retainBytes: number
  readonly clock: Clock
  readonly log: Log
  /** The topic was deleted or made anew under the log: what was told of it is void, and the process must end. */
  readonly onFatal: (error: HubError) => void
  readonly timing?: Partial<Timing>
}

/** A checkpoint after so many entries; and after a quarter of the time entries are kept, so that there always is one. */
const checkpointEntries = 1_000
const tickMs = 100
/** A timer so late says that the process stood still. */
const heldUpMs = 1_000
const housekeepingMs = 30_000
const longestMs = 3_000
/** Who opens it waits himself for a log that does not answer. */
const firstMs = 5_000
/** What one listener hears of a change after another may take so long at the end. */
const partingMs = 250
const readAtOnce = 1_000

/** The change log of several processes, in one partition of a topic: every one that has it open reads the same entries at the same offsets, also after all of them ended. */
export async function openSharedLog(options: SharedLogOptions): Promise<FeedLog> {
  const closing = new AbortController()
  const { clock, log, events, topic } = options
  const scope = (limitMs = 30_000): Scope => ({
    requestId: 'region-changes', tenant: '', caller: { subject: 'hub', scopes: new Set() }, signal: closing.signal, deadlineMs: clock.now() + limitMs, clock, log, later: work => void work(),
  })
  await ensureTopic(scope(firstMs), events, topic, options.retentionMs)
  const history = new History(events, topic, scope)
  const { start, end } = await placesOf(scope(), events, topic)
  const shared = new SharedLog(options, scope, closing, history, start, await history.before(end, start))
  await shared.open()
  return shared
}

class SharedLog implements FeedLog {
  readonly #options: SharedLogOptions
  readonly #scope: (limitMs?: number) => Scope
  readonly #closing: AbortController
  readonly #history: History
  readonly #node: LogNode
  readonly #outgoing: Outgoing
  /** The latest entries, regions called as in the topic. */
  readonly #held: CommitLog
  readonly #reached = new Set<() => void>()
  readonly #began = Promise.withResolvers<void>()
  #start: number
  #ticking = false
  #tailing: Promise<void> = Promise.resolve()
  #checkpointMs: number
  #asked = 0
  #failed: HubError | undefined

  constructor(options: SharedLogOptions, scope: (limitMs?: number) => Scope, closing: AbortController, history: History, start: number, standings: Standings) {
    const { clock, log, events, topic, retainBytes, retentionMs, timing } = options
    this.#options = options
    this.#scope = scope
    this.#closing = closing
    this.#history = history
    this.#start = start
    this.#node = new LogNode(randomUUID(), standings, clock.now(), { ...defaultTiming, ...timing })
    this.#held = openVolatileLog(retainBytes, standings.next)
    this.#checkpointMs = clock.now() - retentionMs / 4
    this.#outgoing = new Outgoing({
      node: this.#node, clock, log, signal: closing.signal,
      append: values => events.append(scope(), topic, values.map(value => ({ value }))),
      stored: (offset, value) => {
        if (offset === this.#node.standings.next) this.#take(value)
      },
    })
  }

  get id() { return this.#node.standings.log ?? '' }
  get start() { return this.#start }
  get durable() { return this.#held.durable }
  get end() { return this.#held.end }
  get behind() { return this.#node.behind }

  async open(): Promise<void> {
    if (this.#node.standings.log === undefined) this.#node.begin(randomUUID())
    else this.#began.resolve()
    this.#tailing = this.#tail()
    this.#stir()
    await this.#began.promise
    this.#keepHouse()
  }

  check(): void {
    if (this.#failed) throw this.#failed
    this.#held.check()
  }

  async read(from: number, limit: number): Promise<readonly LogEntry[]> {
    if (from >= this.#held.start) return (await this.#held.read(from, limit)).map(entry => this.#named(entry))
    if (from < this.#start) throw new HubError('GONE', `Entry ${from} is no longer held; the oldest is ${this.#start}.`, { start: this.#start })
    const said = await this.#history.read(from, this.#held.start, this.#start, limit)
    return said.map((one, index) => this.#named(entryOf(from + index, { committedAtMs: one.committedAtMs, changes: one.changes, resets: one.resets })))
  }

  async current(): Promise<void> {
    const { end } = await placesOf(this.#scope(longestMs), this.#options.events, this.#options.topic).catch(error => {
      this.#options.log.warn('The end of the shared change log is not known.', { reason: String(error) })
      return { end: 0 }
    })
    await this.#within(longestMs, this.#reach(end))
  }

  onCommit(listener: (entry: LogEntry) => void) { return this.#held.onCommit(entry => listener(this.#named(entry))) }
  onDurable(listener: () => void) { return this.#held.onDurable(listener) }

  async follow(followed: Followed): Promise<void> {
    const settled = this.#node.follow(followed, this.#now())
    this.#stir()
    if (followed.begins !== 'FOUND') await this.#within(longestMs, settled)
  }

  lost(feed: string): void {
    this.#node.lost(feed)
    this.#stir()
  }

  restored(feed: string): void {
    this.#node.restored(feed, this.#now())
    this.#stir()
  }

  leave(feed: string, gone: boolean): void {
    this.#node.leave(feed, gone)
    this.#stir()
  }

  tell(heard: readonly Heard[], done: () => void): void {
    this.#node.tell(heard, done, this.#now())
    this.#stir()
  }

  commit(region: string, record: Pick<CommitRecord, 'changes' | 'resets'>): Promise<void> {
    const told = Promise.withResolvers<void>()
    this.#node.commit(region, record, this.#now(), told.resolve)
    this.#stir()
    return told.promise
  }

  drained(): Promise<void> {
    return this.#node.pending.drained()
  }

  /** What it wrote is left in a state that the next who begins compares with what he finds. */
  async close(): Promise<void> {
    if (!this.#failed) {
      this.#node.claimNoMore()
      await this.#within(longestMs, this.#outgoing.empty())
      await this.current()
      const written = this.#node.feeds.filter(({ feed }) => this.#node.writes(feed))
      const states = new Map<string, string>()
      await this.#within(longestMs, Promise.all(written.map(async ({ feed, state }) => states.set(feed, await state().catch(() => '')))))
      await this.#within(partingMs, new Promise(() => {}))
      this.#node.part(states)
      this.#stir()
      await this.#within(longestMs, this.#outgoing.empty())
    }
    await this.#held.close()
    this.#node.pending.release()
    this.#closing.abort(new HubError('SHUTTING_DOWN', 'The change log was closed.'))
    await Promise.all([this.#tailing, this.#outgoing.ended])
  }

  /** Something may be on its way, or has to be looked after. */
  #stir(): void {
    this.#outgoing.send()
    if (this.#ticking || !this.#node.waits || this.#closing.signal.aborted) return
    this.#ticking = true
    const dueMs = this.#now() + tickMs
    this.#options.clock.after(tickMs, () => {
      this.#ticking = false
      if (this.#closing.signal.aborted) return
      this.#node.tick(this.#now(), this.#now() - dueMs > heldUpMs)
      this.#stir()
    })
  }

  async #tail(): Promise<void> {
    const { events, topic, log } = this.#options
    const { signal } = this.#closing
    let delayMs = tickMs
    while (!signal.aborted) {
      try {
        const { standings } = this.#node
        await events.wait(this.#scope(Number.POSITIVE_INFINITY), topic, 0, standings.next)
        for (const { offset, value } of await events.read(this.#scope(), topic, 0, standings.next, readAtOnce)) {
          while (standings.next < offset) this.#take(undefined)
          if (standings.next === offset) this.#take(Buffer.from(value))
        }
        delayMs = tickMs
      } catch (error) {
        if (signal.aborted) return
        const failure = asHubError(error)
        if (failure.code === 'NOT_FOUND' || failure.code === 'GONE') return this.#fail(failure)
        log.warn('The shared change log cannot be read; it is tried again.', { reason: failure.message })
        await this.#within(delayMs, new Promise(() => {}))
        delayMs = Math.min(delayMs * 2, longestMs)
      }
    }
  }

  #take(value: Buffer | undefined): void {
    const { standings } = this.#node
    const offset = standings.next
    const record = value && decodeShared(value)
    if (value && !record) this.#options.log.warn('An entry of the shared change log is not ours, and counts for nothing.', { topic: this.#options.topic, offset })
    const said = this.#node.took(record, this.#now())
    this.#held.commit({ committedAtMs: said.committedAtMs, changes: said.changes, resets: said.resets }, () => {})
    if (standings.log !== undefined) this.#began.resolve()
    for (const wake of [...this.#reached]) wake()
    if (record) this.#checkpoint(record)
    this.#stir()
  }

  #checkpoint(record: SharedRecord): void {
    const { standings } = this.#node
    const { checkpoint } = record
    if (checkpoint) {
      this.#checkpointMs = this.#now()
      if (standings.log !== undefined && checkpoint.log !== standings.log) this.#fail(new HubError('GONE', `The topic "${this.#options.topic}" holds another change log than before: it was made anew.`, {}))
    }
    if (record.marks && record.node === this.#node.name && standings.next - Math.max(standings.checkpointAt, this.#asked) >= checkpointEntries) this.#putCheckpoint()
  }

  #putCheckpoint(): void {
    const { standings } = this.#node
    this.#asked = standings.next
    this.#checkpointMs = this.#now()
    this.#node.checkpoint(standings.checkpoint())
    this.#stir()
  }

  /** Learns where the topic begins, and keeps a checkpoint in it. */
  #keepHouse(): void {
    const { clock, events, topic, retentionMs, log } = this.#options
    if (this.#closing.signal.aborted) return
    const again = () => clock.after(Math.min(housekeepingMs, retentionMs / 4), () => this.#keepHouse())
    placesOf(this.#scope(), events, topic).then(({ start, end }) => {
      this.#start = Math.max(this.#start, start)
      if (end < this.#node.standings.next) return this.#fail(new HubError('GONE', `The topic "${topic}" ends before what was read of it: it was made anew.`, { topic }))
      if (this.#now() - this.#checkpointMs >= retentionMs / 4) this.#putCheckpoint()
      again()
    }, error => {
      if (this.#closing.signal.aborted) return
      if (asHubError(error).code === 'NOT_FOUND') return this.#fail(asHubError(error))
      log.debug('Where the shared change log begins is not known.', { reason: String(error) })
      again()
    })
  }

  #fail(error: HubError): void {
    if (this.#failed || this.#closing.signal.aborted) return
    this.#failed = error
    this.#node.pending.release()
    this.#closing.abort(error)
    this.#options.onFatal(error)
  }

  /** Regions by the names they have here; one that is not open here keeps its own, which is nobody's. */
  #named(entry: LogEntry): LogEntry {
    const nameOf = (region: string) => this.#node.nameOf(region) ?? region
    const resets = entry.resets.map(region => region.split('#')[0] ?? region)
    if (entry.changes.every(({ region }) => nameOf(region) === region)) return entry.resets.length === 0 ? entry : { ...entry, resets }
    return { ...entry, resets, changes: entry.changes.map(change => ({ ...change, region: nameOf(change.region) })) }
  }

  async #reach(end: number): Promise<void> {
    while (this.#node.standings.next < end) {
      await new Promise<void>(resolve => {
        const wake = () => {
          this.#reached.delete(wake)
          resolve()
        }
        this.#reached.add(wake)
      })
    }
  }

  /** Ends with the work, or when the time is up. */
  async #within(limitMs: number, work: Promise<unknown>): Promise<void> {
    const { signal } = this.#closing
    const over = Promise.withResolvers<void>()
    const end = () => over.resolve()
    const cancel = this.#options.clock.after(limitMs, end)
    signal.addEventListener('abort', end, { once: true })
    await Promise.race([work, over.promise])
    signal.removeEventListener('abort', end)
    cancel()
  }

  #now(): number {
    return this.#options.clock.now()
  }
}
