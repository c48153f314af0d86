import type { ChangeLog } from '../../connectors/ports/change-log.ts'
import type { Change, LogEntry } from '../../schema/change.ts'
import type { Start } from './place.ts'
import { PredicateIndex } from './predicate-index.ts'
import { Session, type Desk } from './session.ts'
import type { Subscription } from './subscription.ts'
import { told } from './told.ts'

/**
 * Tells the changes of one log to the live sessions they concern, each change once it is durable, in the synchronous step in which the log says so.
 * One for each log; costs per change do not grow with the sessions it does not concern.
 */
export class Dispatcher implements Desk {
  readonly log: ChangeLog
  #position: number
  /** Committed and not yet durable. */
  #tail: LogEntry[] = []
  readonly #regions = new Map<string, Map<string, PredicateIndex<Session>>>()
  readonly #filings = new Map<Session, () => void>()
  #waiters = new Set<Session>()
  #start: number
  /** Entries the log held when it last let go of some; Infinity before it ever has. */
  #held: number
  #reminded: number
  readonly #stop: readonly (() => void)[]

  constructor(log: ChangeLog) {
    this.log = log
    // Entries committed before this moment are told to nobody here: a session that needs them reads them.
    this.#position = log.end
    this.#start = log.start
    this.#held = log.start > 0 ? log.durable - log.start : Number.POSITIVE_INFINITY
    this.#reminded = log.durable
    this.#stop = [log.onCommit(entry => this.#tail.push(entry)), log.onDurable(() => this.#advance())]
  }

  get position(): number {
    return this.#position
  }

  /** Sessions that are told changes as they come. */
  get size(): number {
    return this.#filings.size
  }

  /** A session at its start, which for one that fell behind is where it did. End it with `drop`. */
  open(subscription: Subscription, start: Start, fellBehind = false): Session {
    const session = this.create(subscription)
    session.start(start, fellBehind)
    return session
  }

  /** Stops listening to the log. End the subscriptions first, by their signals: afterwards nothing wakes them. */
  close(): void {
    for (const stop of this.#stop) stop()
    this.#tail = []
  }

  file(session: Session): void {
    const { region, owner, filter, columns } = session.subscription
    this.#filings.set(session, this.#index(region, owner).add(filter, columns, session))
  }

  unfile(session: Session): void {
    this.#filings.get(session)?.()
    this.#filings.delete(session)
    const { region, owner } = session.subscription
    const owners = this.#regions.get(region)
    if (owners?.get(owner)?.size === 0) owners.delete(owner)
    if (owners?.size === 0) this.#regions.delete(region)
  }

  whenDurable(session: Session): void {
    this.#waiters.add(session)
  }

  protected create(subscription: Subscription): Session {
    return new Session(this, subscription)
  }

  #index(region: string, owner: string): PredicateIndex<Session> {
    let owners = this.#regions.get(region)
    if (!owners) {
      owners = new Map()
      this.#regions.set(region, owners)
    }
    let index = owners.get(owner)
    if (!index) {
      index = new PredicateIndex()
      owners.set(owner, index)
    }
    return index
  }

  #advance(): void {
    const { durable } = this.log
    let dispatched = 0
    for (const entry of this.#tail) {
      if (entry.offset >= durable) break
      this.#dispatch(entry)
      dispatched += 1
    }
    this.#tail.splice(0, dispatched)
    const waiters = this.#waiters
    this.#waiters = new Set()
    for (const session of waiters) session.subscription.wake()
    this.#remind()
  }

  /** Twice in what the log holds at least: a place told is told anew long before it is let go of. */
  #remind(): void {
    const { start, durable } = this.log
    if (start !== this.#start) {
      this.#start = start
      this.#held = durable - start
    }
    if (durable - this.#reminded < this.#held / 2) return
    this.#reminded = durable
    for (const session of this.#filings.keys()) session.subscription.remind?.()
  }

  #dispatch(entry: LogEntry): void {
    for (const region of entry.resets) {
      const filed = [...(this.#regions.get(region)?.values() ?? [])].flatMap(index => [...index.members()])
      for (const session of filed) session.replaced(entry.offset)
    }
    for (const [index, change] of entry.changes.entries()) this.#tell(entry, index, change)
    this.#position = entry.offset + 1
  }

  #tell(entry: LogEntry, index: number, change: Change): void {
    const hits = this.#regions.get(change.region)?.get(change.tenant)?.match(change.before, change.after) ?? []
    for (const { members, before, after, failed } of hits) {
      const seen = told(change, entry.committedAtMs, before, after)
      // A session without room leaves the index meanwhile.
      for (const session of [...members]) {
        if (seen) session.offered(entry.offset, index, seen)
        else if (failed) session.doubted(entry.offset, index)
      }
    }
  }
}
