import type { ChangeLog } from '../connectors/ports/change-log.ts'
import type { Region } from '../connectors/ports/region-store.ts'
import type { Scope } from '../connectors/ports/scope.ts'
import type { ChangeType } from '../schema/change.ts'
import { HubError } from '../schema/errors.ts'
import { matcher, type Filter } from '../schema/filter.ts'
import type { Row } from '../schema/values.ts'
import type { Live, Reached } from './context.ts'
import type { CursorSealer } from './cursor.ts'
import type { Dispatcher } from './live/dispatcher.ts'
import { gone, placeCodec, type Mode, type Place, type PlaceCodec, type Start } from './live/place.ts'
import type { Session } from './live/session.ts'
import type { Frame, Subscription } from './live/subscription.ts'
import type { Told } from './live/told.ts'

export interface WatchOptions extends Omit<Live, 'after'> {
  readonly region: Pick<Region, 'definition' | 'snapshot'>
  /** The log the region's commits go to, and its dispatcher. */
  readonly changes: ChangeLog
  readonly dispatcher: Dispatcher
  /** Which rows; absent: all. */
  readonly filter?: Filter
  /** Whether the rows there are come first, as SNAPSHOT events. Without them the events begin behind what is durable now. */
  readonly initial: boolean
  /** Cursor of the last event received: the events go on behind it, and `initial` does not count. */
  readonly after?: string
  readonly cursors: CursorSealer
  /** `every` (the default): one event per change. `latest`: changes of one key that wait while the client does not read become one. */
  readonly mode?: Mode
  /** Changes that may wait in memory for this client; beyond, it reads the log. */
  readonly maxQueue?: number
  /** Entries of the log it may then be behind before it is ended with SLOW_CONSUMER. */
  readonly maxLag?: number
}

/**
 * What the subscriber sees through its filter: a row that begins to pass is CREATED, one that goes on passing UPDATED, one that ceases to REMOVED (EXPIRED where
 * its time ran out). `before` is the row it had, `after` the row it has now; a row that does not pass is never shown and is null. SNAPSHOT events come first, if asked for.
 */
export interface WatchEvent {
  readonly type: 'SNAPSHOT' | ChangeType
  readonly key: string
  readonly before: Row | null
  readonly after: Row | null
  /** The entry's version after the change. */
  readonly version: number
  /**
   * Resumes behind this event, on any hub that reads the same log, also after a restart. A part of a snapshot (and, in mode `latest`, of changes merged together)
   * is no place to go on from: the cursors of all but its last event begin again. A SNAPSHOT as the first event after a resume says so: what was held is void.
   */
  readonly cursor: string
  /** On the store's clock; for SNAPSHOT when the row was written. */
  readonly committedAtMs: number
}

/**
 * A region's rows, then every change behind them: none lost, none twice, in the log's order, only what survives a crash. Events are made as they are pulled;
 * a subscriber that does not pull costs at most `maxQueue` changes.
 *
 * Refused at once: `after` that is not this subscription's (BAD_CURSOR) or not held any more (GONE), a filter by an unknown column (BAD_USER_INPUT).
 * Ends quietly when the client leaves. Fails with the signal's reason when that is another HubError, with SLOW_CONSUMER, or with GONE when its place was trimmed
 * or its region replaced without a snapshot to tell; unless GONE, the details hold the `cursor` to come back with.
 */
export function watch(scope: Scope, options: WatchOptions): AsyncGenerator<WatchEvent, void> {
  const { region, changes, filter, mode = 'every', initial, after } = options
  const { name, columns } = region.definition
  const test = matcher(filter ?? { and: [] }, columns)
  const codec = placeCodec(options.cursors, changes, { region: name, tenant: scope.tenant, mode, filter })
  const start: Start = after !== undefined ? codec.open(after) : initial ? 'snapshot' : { next: changes.durable, skip: 0 }

  const bell = new Bell()
  const subscription: Subscription = {
    region: name, columns, filter, test, mode,
    tenant: scope.tenant,
    owner: region.definition.tenancy === 'SHARED' ? '' : scope.tenant,
    // An event has no word for "what you hold is void": GONE says it, and the client subscribes again.
    restart: false,
    wake: () => bell.ring(),
    maxQueue: options.maxQueue ?? 1_000,
    maxLag: options.maxLag ?? 100_000,
    snapshotPage: 100,
    logPage: 100,
  }
  const generator = events(scope, options, subscription, start, codec, bell)
  const end = generator.return.bind(generator)
  // A generator hears `return` only between two pulls; a client that leaves while it waits ends the wait.
  return Object.assign(generator, {
    return(value: void | PromiseLike<void>) {
      bell.leave()
      return end(value)
    },
  })
}

async function* events(scope: Scope, options: WatchOptions, subscription: Subscription, start: Start, codec: PlaceCodec, bell: Bell): AsyncGenerator<WatchEvent, void, undefined> {
  const { signal } = scope
  const { progress, leads, rests, fellBehind } = options
  let reached: Reached = reachedAt(start, codec)
  if (signal.aborted) return ended(signal.reason, reached.cursor)
  rests?.(reached, false)

  const tell = () => {
    if (!advance()) return
    rests?.(reached, false)
    progress?.tell(reached.cursor)
  }
  const session = options.dispatcher.open({ ...subscription, remind: tell }, start, fellBehind)
  let waiting = false
  /** Moves an idle client's cursor on; answers whether there was somewhere to move it. */
  const advance = () => {
    const place = waiting ? session.progress()?.place : undefined
    if (place) reached = reachedAt(place, codec)
    return place !== undefined
  }
  // Who left does not pull any more: let go of the session now, not at the next pull.
  const abort = () => {
    advance()
    session.drop()
    bell.ring()
  }
  signal.addEventListener('abort', abort, { once: true })
  const stopTelling = repeat(scope, progress?.everyMs, tell)

  try {
    for (;;) {
      const frame = session.take()
      if (frame?.type === 'close') throw closed(frame.code, subscription, reached.cursor)
      if (frame?.type === 'snapshot' && frame.entries.length === 0 && frame.place) {
        // No event would say that what was held is void.
        if (options.after !== undefined) throw gone(subscription.region, 'was inside a snapshot or a merged change, and no row passes any more')
        reached = reachedAt(frame.place, codec)
      }
      for (const { event, place } of eventsOf(frame, codec)) {
        reached = { cursor: event.cursor, place }
        leads?.(reached)
        yield event
        if (signal.aborted) return ended(signal.reason, reached.cursor)
      }
      if (frame) continue
      waiting = true
      if (rests && session.state === 'live') {
        advance()
        rests(reached, true)
      }
      if (session.wantsSnapshot) session.given(await options.region.snapshot(scope, options.filter))
      else await readOrWait(session, options.changes, bell)
      waiting = false
      if (bell.left) return
      if (signal.aborted) return ended(signal.reason, reached.cursor)
    }
  } finally {
    signal.removeEventListener('abort', abort)
    stopTelling()
    session.drop()
  }
}

async function readOrWait(session: Session, changes: ChangeLog, bell: Bell): Promise<void> {
  const wanted = session.wants
  if (!wanted) return bell.rung()
  try {
    session.feed(wanted.from, await changes.read(wanted.from, wanted.limit))
  } catch (error) {
    if (!(error instanceof HubError) || error.code !== 'GONE') throw error
    session.trimmed()
  }
}

/** The place with its cursor, which is sealed when somebody looks at it. */
function reachedAt(start: Start, codec: PlaceCodec): Reached {
  let cursor: string | undefined
  return {
    place: start === 'snapshot' ? undefined : start,
    get cursor() {
      cursor ??= codec.seal(start)
      return cursor
    },
  }
}

/** Each event with the place behind it, where that is one to go on from. */
function* eventsOf(frame: Frame | undefined, codec: PlaceCodec): Iterable<{ readonly event: WatchEvent; readonly place?: Place }> {
  if (frame?.type === 'snapshot') {
    for (const [index, { key, row, version, writtenAtMs }] of frame.entries.entries()) {
      const place = index === frame.entries.length - 1 ? frame.place : undefined
      yield { event: { type: 'SNAPSHOT', key, before: null, after: row, version, cursor: codec.seal(place ?? 'snapshot'), committedAtMs: writtenAtMs }, place }
    }
  }
  if (frame?.type === 'changes') {
    for (const [index, change] of frame.changes.entries()) {
      const place = index === frame.changes.length - 1 ? frame.place : undefined
      yield { event: { ...change, cursor: frame.changes.length === 1 ? sealedOnce(change, frame.place, codec) : codec.seal(place ?? 'snapshot') }, place }
    }
  }
}

/** Cursors of changes told to several subscribers, who share the change and mostly the audience. */
const sealed = new WeakMap<Told, { readonly audience: string; readonly place: Place; readonly cursor: string }>()

function sealedOnce(change: Told, place: Place, codec: PlaceCodec): string {
  const known = sealed.get(change)
  if (known && known.audience === codec.audience && known.place.next === place.next && known.place.skip === place.skip) return known.cursor
  const cursor = codec.seal(place)
  sealed.set(change, { audience: codec.audience, place, cursor })
  return cursor
}

/** Ends the events: quietly when the client left, else with the reason and the cursor to come back with. */
function ended(reason: unknown, cursor: string): void {
  if (reason instanceof HubError && reason.code !== 'CANCELLED') throw new HubError(reason.code, reason.message, { ...reason.details, cursor }, { cause: reason })
}

function closed(code: 'GONE' | 'SLOW_CONSUMER', { region, maxLag }: Subscription, cursor: string): HubError {
  if (code === 'GONE') return gone(region, 'is not held any more, or the region was replaced behind it')
  return new HubError('SLOW_CONSUMER', `The reader of region "${region}" fell more than ${maxLag} commits behind. Come back with the cursor, and read faster or filter more.`, { region, cursor })
}

/** Runs `work` every so many milliseconds of the scope's clock; never when there is no number. The answer ends it. */
function repeat(scope: Scope, everyMs: number | undefined, work: () => void): () => void {
  if (everyMs === undefined) return () => {}
  let stop = () => {}
  const arm = () => {
    stop = scope.clock.after(everyMs, () => {
      work()
      arm()
    })
  }
  arm()
  return () => stop()
}

/** A promise that a ring ends, once; a ring nobody waits for ends the next wait. */
class Bell {
  #rang = false
  #left = false
  #end: (() => void) | undefined

  get left(): boolean {
    return this.#left
  }

  leave(): void {
    this.#left = true
    this.ring()
  }

  ring(): void {
    this.#rang = true
    this.#end?.()
  }

  async rung(): Promise<void> {
    if (!this.#rang) await new Promise<void>(resolve => { this.#end = resolve })
    this.#end = undefined
    this.#rang = false
  }
}
