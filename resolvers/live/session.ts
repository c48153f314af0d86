import type { ChangeLog } from '../../connectors/ports/change-log.ts'
import type { Entry, Snapshot } from '../../connectors/ports/region-store.ts'
import type { LogEntry } from '../../schema/change.ts'
import type { Place, Start } from './place.ts'
import type { Frame, Subscription } from './subscription.ts'
import { told, Pending, type Told } from './told.ts'

/**
 * scanning  rows of one moment are asked for; the log may go on meanwhile
 * snapshot  the rows go out; they are held until the log is durable up to that moment
 * live      the dispatcher offers each change as it becomes durable
 * catchup   reads the log itself, from its own place
 * reset     the region was replaced: what waits goes out, then a snapshot
 * closed    over
 */
export type State = 'scanning' | 'snapshot' | 'live' | 'catchup' | 'reset' | 'closed'

/** What a session needs of the dispatcher of its log. */
export interface Desk {
  readonly log: Pick<ChangeLog, 'durable'>
  /** The first entry that was not dispatched yet. */
  readonly position: number
  /** From the next entry on, matching changes are offered to the session. */
  file(session: Session): void
  unfile(session: Session): void
  /** Wakes the session once, when more of the log is durable. */
  whenDurable(session: Session): void
}

/**
 * One subscription: a snapshot, then every change behind it, as a machine without timers, promises or sockets. Its driver takes frames when there is room,
 * reads the region's rows for it when `wantsSnapshot` says so and the log when `wants` does, and waits for `wake` otherwise.
 *
 * What lies before (next, skip) has been framed exactly once, what lies behind has not; each step keeps that.
 */
export class Session {
  readonly subscription: Subscription
  readonly #desk: Desk
  #state: State = 'closed'
  #next = 0
  #skip = 0
  /** Place of the last frame taken. */
  #safe: Place | undefined
  #filed = false
  #waiting: Frame[] = []
  readonly #pending = new Pending()
  #rows: readonly Entry[] = []
  #rowsSent = 0
  #shownFrom = 0
  #opening = false
  #maxLag = Infinity
  /** The entry whose front part has been framed and whose rest found no room. */
  #partial: LogEntry | undefined

  constructor(desk: Desk, subscription: Subscription) {
    this.#desk = desk
    this.subscription = subscription
  }

  get state(): State {
    return this.#state
  }

  start(start: Start, fellBehind = false): void {
    if (fellBehind) this.#maxLag = this.subscription.maxLag
    if (start === 'snapshot') this.#state = 'scanning'
    else {
      this.#move(start.next, start.skip)
      this.#safe = start
      this.#state = 'catchup'
    }
  }

  /** At most one frame; undefined when there is none now: then either `wants` asks for a read, or `wake` will call. */
  take(): Frame | undefined {
    const frame = this.#waiting.shift() ?? (this.#pending.size > 0 ? this.flush(this.#pending) : Session.#produce[this.#state](this))
    if (frame && frame.type !== 'close' && 'place' in frame && frame.place) this.#safe = frame.place
    return frame
  }

  /** Whether to read the region's rows and hand them over by `given`. */
  get wantsSnapshot(): boolean {
    return this.#state === 'scanning' && this.#waiting.length === 0 && this.#pending.size === 0
  }

  /** The rows asked for, with the log's end of the same moment. Those of a session that is over are passed over. */
  given({ entries, offset }: Snapshot): void {
    if (this.#state !== 'scanning') return
    this.#rows = entries
    this.#rowsSent = 0
    this.#shownFrom = offset
    this.#opening = true
    this.#maxLag = Infinity
    this.#move(offset, 0)
    this.#state = 'snapshot'
    if (this.joinable(offset)) this.#file()
  }

  /** Which entries of the log to read and `feed`; undefined when none are needed now. */
  get wants(): { readonly from: number; readonly limit: number } | undefined {
    if (this.#state !== 'catchup' || this.#partial || this.#waiting.length > 0 || this.#pending.size > 0) return undefined
    return this.#next < this.#desk.log.durable ? { from: this.#next, limit: this.subscription.logPage } : undefined
  }

  /** Entries read from `from` on. Those of a read that is not wanted any more are passed over. */
  feed(from: number, entries: readonly LogEntry[]): void {
    if (from !== this.#next) return
    for (const entry of entries) {
      if (this.#state !== 'catchup') return
      try {
        if (!this.#consume(entry)) return
      } catch (error) {
        // What came before goes out first; then this entry is read, and fails, again.
        if (this.#waiting.length > 0 || this.#pending.size > 0) return
        throw error
      }
    }
  }

  /** The log does not hold the session's place any more. */
  trimmed(): void {
    if (this.#state === 'catchup') this.#close('GONE')
  }

  /** A place further on, for a subscriber that has everything up to it; undefined when there is nothing new to say. */
  progress(): Extract<Frame, { type: 'progress' }> | undefined {
    if (this.#state !== 'live' || this.#waiting.length > 0 || this.#pending.size > 0) return undefined
    if (this.#desk.position > this.#next) this.#move(this.#desk.position, 0)
    const place = this.#place()
    if (this.#safe && this.#safe.next === place.next && this.#safe.skip === place.skip) return undefined
    this.#safe = place
    return { type: 'progress', place }
  }

  /** Ends it without a word. */
  drop(): void {
    this.#leave()
    this.#state = 'closed'
    this.#forget()
  }

  /** The dispatcher's offer of one matching change of a durable entry. */
  offered(offset: number, index: number, change: Told): void {
    if (this.consumed(offset, index)) return
    if (this.#state === 'snapshot') this.#leave()
    else if (this.#state === 'live') this.offer(offset, index, change)
    this.subscription.wake()
  }

  /** The dispatcher could not test this change: the session will, as a reader of the log, and fail in its own driver's hands. */
  doubted(offset: number, index: number): void {
    if (this.consumed(offset, index)) return
    if (this.#state === 'snapshot') this.#leave()
    else this.fallBehind(offset, index)
    this.subscription.wake()
  }

  /** The dispatcher's word that the entry at this offset replaced the region. */
  replaced(offset: number): void {
    if (this.consumed(offset, 0)) return
    this.reset(offset)
    this.subscription.wake()
  }

  /** In the snapshot, or framed already. */
  protected consumed(offset: number, index: number): boolean {
    return offset < this.#next || (offset === this.#next && index < this.#skip)
  }

  /** Frames one change. False: no room, the session stays before it. */
  protected offer(offset: number, index: number, change: Told): boolean {
    if (!this.#room(change)) {
      this.fallBehind(offset, index)
      return false
    }
    this.#move(offset, index + 1)
    if (this.subscription.mode === 'every') this.#waiting.push({ type: 'changes', changes: [change], place: this.#place() })
    else this.merge(this.#pending, change)
    return true
  }

  protected merge(pending: Pending, change: Told): void {
    pending.add(change)
  }

  /** All that was merged, as one frame: a part of it is no place to go on from. */
  protected flush(pending: Pending): Frame {
    return { type: 'changes', changes: pending.takeAll(), place: this.#place() }
  }

  /** Keeps a place in the log instead of a longer queue. */
  protected fallBehind(offset: number, index: number): void {
    this.#move(offset, index)
    if (this.#state !== 'live') return
    this.#leave()
    this.#state = 'catchup'
    this.#maxLag = this.subscription.maxLag
  }

  protected reset(offset: number): void {
    this.#leave()
    this.#move(offset, 0)
    this.#rows = []
    this.#partial = undefined
    this.#state = 'reset'
  }

  /** Whether the log, as far as it survives a crash, holds what the snapshot shows. */
  protected showable(offset: number): boolean {
    return this.#desk.log.durable >= offset
  }

  /** Whether the dispatcher has yet to tell all that lies behind rows of this place; else they are read from the log. */
  protected joinable(offset: number): boolean {
    return this.#desk.position <= offset
  }

  /** Whether the dispatcher has nothing more to say about what was read. */
  protected reached(): boolean {
    return this.#next >= this.#desk.position
  }

  /** What a state does with an empty queue and room. */
  static readonly #produce: Record<State, (session: Session) => Frame | undefined> = {
    scanning: () => undefined,
    snapshot: session => session.#page(),
    live: () => undefined,
    catchup: session => session.#catchUp(),
    reset: session => session.#startOver(),
    closed: () => undefined,
  }

  #page(): Frame | undefined {
    if (!this.showable(this.#shownFrom)) {
      this.#desk.whenDurable(this)
      return undefined
    }
    if (this.#opening) {
      this.#opening = false
      return { type: 'reset' }
    }
    const entries = this.#rows.slice(this.#rowsSent, this.#rowsSent + this.subscription.snapshotPage)
    this.#rowsSent += entries.length
    if (this.#rowsSent < this.#rows.length) return { type: 'snapshot', entries, place: undefined }
    this.#rows = []
    // Something was told or matched while the rows were read or went out: it is read from the log, behind the snapshot's place.
    this.#state = this.#filed ? 'live' : 'catchup'
    return { type: 'snapshot', entries, place: { next: this.#shownFrom, skip: 0 } }
  }

  #catchUp(): Frame | undefined {
    if (this.#desk.log.durable - this.#next > this.#maxLag) {
      this.#close('SLOW_CONSUMER')
      return this.#waiting.shift()
    }
    if (this.#partial) {
      this.#consume(this.#partial)
      return this.take()
    }
    if (this.reached()) {
      this.#state = 'live'
      this.#maxLag = Infinity
      this.#file()
    } else if (this.#next >= this.#desk.log.durable) this.#desk.whenDurable(this)
    return undefined
  }

  #startOver(): Frame | undefined {
    if (this.subscription.restart) this.#state = 'scanning'
    else this.#close('GONE')
    return this.take()
  }

  /** The rest of one entry. False: no room for all of it, or its region was replaced. */
  #consume(entry: LogEntry): boolean {
    const { region, owner, test } = this.subscription
    if (entry.resets.includes(region)) {
      this.reset(entry.offset)
      return false
    }
    for (let index = entry.offset === this.#next ? this.#skip : 0; index < entry.changes.length; index++) {
      const change = entry.changes[index]
      if (!change || change.region !== region || change.tenant !== owner) continue
      const seen = told(change, entry.committedAtMs, change.before && test(change.before) ? change.before : null, change.after && test(change.after) ? change.after : null)
      if (seen && !this.offer(entry.offset, index, seen)) {
        this.#partial = entry
        return false
      }
    }
    this.#partial = undefined
    this.#move(entry.offset + 1, 0)
    return true
  }

  #room(change: Told): boolean {
    const { mode, maxQueue } = this.subscription
    return mode === 'every' ? this.#waiting.length < maxQueue : this.#pending.size < maxQueue || this.#pending.has(change.key)
  }

  #close(code: 'GONE' | 'SLOW_CONSUMER'): void {
    this.drop()
    this.#waiting = [{ type: 'close', code, place: code === 'GONE' ? undefined : this.#safe }]
  }

  #forget(): void {
    this.#waiting = []
    this.#pending.clear()
    this.#rows = []
    this.#partial = undefined
  }

  #file(): void {
    this.#filed = true
    this.#desk.file(this)
  }

  #leave(): void {
    if (!this.#filed) return
    this.#filed = false
    this.#desk.unfile(this)
  }

  #move(next: number, skip: number): void {
    this.#next = next
    this.#skip = skip
  }

  #place(): Place {
    return { next: this.#next, skip: this.#skip }
  }
}
