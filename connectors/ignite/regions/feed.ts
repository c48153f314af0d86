import type { Row, Value } from '../../../schema/values.ts'
import type { Scope } from '../../ports/scope.ts'
import type { StoredChange } from '../../regions/record.ts'
import type { Cache } from '../cache.ts'
import type { IgniteClient } from '../client.ts'
import { continuous, type CacheEvent, type ContinuousQuery } from '../continuous.ts'
import { identity, type Kept } from '../../regions/kept.ts'
import type { Layout } from './layout.ts'
import type { Awaited, Event, Telling } from './told.ts'

export interface FeedEvents {
  /** One event as it comes, before it is told. */
  heard(event: Event): void
  /** Its turn to be told has come: what readers are told of it; undefined: nothing. */
  change(event: Event): StoredChange | undefined
  /** From now on changes may go by unseen. */
  lost(): void
  /** Changes are seen again; those since `lost` never will be. */
  restored(): void
}

/** An event, and who knows what it says. */
export interface Told extends Event {
  readonly to: {
    /** The cache. */
    readonly feed: string
    change(event: Event): StoredChange | undefined
    /** The log has it, or never will. */
    told(event: Event): void
  }
}

/** How long an event of a committed write may be on its way before nobody waits for it any more. */
const longestWaitMs = 10_000
const remembered = 65_536

/** The changes of one cache, told in order, and how far they have been. */
export class Feed {
  readonly #client: IgniteClient
  readonly #events: FeedEvents
  readonly #telling: Telling<Told>
  readonly #layout: Layout
  /** Per entry the last that was told of it; those told of latest. */
  readonly #told = new Map<string, { readonly version: number; readonly isGone: boolean }>()
  readonly #waiting = new Map<string, Set<() => void>>()
  readonly #to: Told['to']
  #query: ContinuousQuery | undefined
  #openedAtMs = 0

  constructor(client: IgniteClient, layout: Layout, events: FeedEvents, telling: Telling<Told>) {
    this.#client = client
    this.#layout = layout
    this.#events = events
    this.#telling = telling
    this.#to = { feed: layout.configuration.name, change: event => events.change(event), told: event => this.#tell(event) }
  }

  get live(): boolean {
    return this.#query?.live ?? false
  }

  /** Names an entry of this cache among those of all. */
  idOf(entry: Pick<Kept, 'tenant' | 'key'>): string {
    return `${this.#layout.configuration.name}\u0000${identity(entry)}`
  }

  async open(cache: Cache<Row | Value, Row>): Promise<void> {
    const { clock } = this.#client.settings
    this.#query = await continuous(this.#client, cache, {
      changed: events => {
        for (const event of events) this.#take(event)
      },
      lost: () => {
        this.#release()
        this.#events.lost()
      },
      restored: () => {
        this.#openedAtMs = clock.now()
        this.#told.clear()
        this.#events.restored()
      },
    })
    this.#openedAtMs = clock.now()
  }

  /** Ends when the entry was told of in this version or a later one; at once where it was written before the feed was open. */
  async whenEntryTold(scope: Scope, entry: Pick<Kept, 'tenant' | 'key' | 'version' | 'writtenAtMs'>, limitMs: number): Promise<void> {
    if (entry.writtenAtMs < Math.max(this.#openedAtMs, this.#client.settings.clock.now() - longestWaitMs)) return
    await this.#when(scope, this.idOf(entry), told => (told?.version ?? 0) >= entry.version, limitMs)
  }

  /** Ends when it was told that the entry is gone. */
  async whenGone(scope: Scope, entry: Pick<Kept, 'tenant' | 'key'>, limitMs: number): Promise<void> {
    await this.#when(scope, this.idOf(entry), told => told?.isGone === true, limitMs)
  }

  async close(): Promise<void> {
    const query = this.#query
    this.#query = undefined
    this.#release()
    await query?.close()
  }

  async #when(scope: Scope, id: string, isSo: (told: { readonly version: number; readonly isGone: boolean } | undefined) => boolean, limitMs: number): Promise<void> {
    const over = Promise.withResolvers<void>()
    const wake = () => {
      if (!this.live || isSo(this.#told.get(id))) over.resolve()
    }
    wake()
    const wakes = this.#waiting.get(id) ?? new Set()
    this.#waiting.set(id, wakes.add(wake))
    const cancel = this.#client.settings.clock.after(limitMs, () => over.resolve())
    try {
      await unlessAborted(over.promise, scope.signal)
    } finally {
      cancel()
      wakes.delete(wake)
      if (wakes.size === 0) this.#waiting.delete(id)
    }
  }

  /** Nobody waits for events of this cache any more. */
  #release(): void {
    const start = `${this.#layout.configuration.name}\u0000`
    this.#telling.flush(id => id.startsWith(start))
    for (const wake of [...this.#waiting.values()].flatMap(all => [...all])) wake()
  }

  #take({ type, key, before: old, after: now }: CacheEvent<Row | Value, Row>): void {
    const before = old && this.#layout.kept(key, old)
    const after = now && this.#layout.kept(key, now)
    const entry = after ?? before
    if (!entry) return
    const id = this.idOf(entry)
    const event: Told = { id, type, before, after, to: this.#to }
    this.#events.heard(event)
    this.#telling.take(event)
  }

  #tell({ id, before, after }: Event): void {
    const { version } = (after ?? before) as Kept
    this.#told.delete(id)
    this.#told.set(id, { version, isGone: after === undefined })
    if (this.#told.size > remembered) for (const oldest of this.#told.keys()) {
      this.#told.delete(oldest)
      break
    }
    for (const wake of [...(this.#waiting.get(id) ?? [])]) wake()
  }
}

/** Ends when a committed write was told; without it, where a feed of its regions is down or says nothing for long, or the log is late. */
export async function whenTold(scope: Scope, { client, log }: { readonly client: IgniteClient; readonly log: { readonly behind: boolean } }, feeds: readonly Feed[], awaited: Awaited): Promise<void> {
  if (log.behind || feeds.some(feed => !feed.live)) return awaited.giveUp()
  const cancel = client.settings.clock.after(longestWaitMs, () => {
    scope.log.warn('Ignite: a write was not heard of.', { afterMs: longestWaitMs })
    awaited.giveUp()
  })
  try {
    await unlessAborted(awaited.told, scope.signal)
  } finally {
    cancel()
  }
}

export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const left = Promise.withResolvers<never>()
  const leave = () => left.reject(signal.reason)
  signal.addEventListener('abort', leave, { once: true })
  try {
    return await Promise.race([work, left.promise])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
