import type { LogEntry } from '../../schema/change.ts'
import type { ChangeLog } from '../ports/change-log.ts'
import type { Clock } from '../ports/scope.ts'
import { openVolatileLog } from './commit-log.ts'
import type { CommitRecord, StoredChange } from './record.ts'

/** A change as one feed heard of it, on its way into the log. */
export interface Heard {
  readonly feed: string
  /** Names the change among those of its entry, the same for everyone who hears of it: see `markOf`. */
  readonly mark: string
  readonly change: StoredChange
  /** No reader is to be told of it. */
  readonly quiet: boolean
  /** Called once, when readers of the log were told of it, or never will be. */
  told(): void
}

/** Changes of one place that come one after the other to whoever listens there. */
export interface Followed {
  /** Never two places' one after the other. */
  readonly feed: string
  /** The region as the log knows it: hubs that mean the same entries say the same. */
  readonly region: string
  /** What this process calls it. */
  readonly name: string
  /**
   * FOUND: others may have written there before anybody listened. EMPTY: it was made just now. REPLACES: it was made just now with other entries, and who
   * made it tells the log the difference.
   */
  readonly begins: 'FOUND' | 'EMPTY' | 'REPLACES'
  /** A text that is another one after any change of any entry. */
  state(): Promise<string>
}

/**
 * The change log of regions whose changes are heard of, not made, by this process. What feeds heard is told in the order it is handed over.
 */
export interface FeedLog extends ChangeLog {
  /** Fails once nothing is told any more. */
  check(): void
  /** What is handed over is told late, if at all: nobody is to wait for it. */
  readonly behind: boolean
  /** From now on the feed hears every change. Ends when it is known who tells them, at the latest after a moment. */
  follow(followed: Followed): Promise<void>
  /** From now on it may miss changes. */
  lost(feed: string): void
  /** It hears every change again, but missed some. */
  restored(feed: string): void
  /** Nobody here listens to it any more; `gone`: there is nothing left to hear for anybody. */
  leave(feed: string, gone: boolean): void
  /** Told as one entry. `done` is called when it was, in the same step where that is possible, or when nobody is to wait any more. */
  tell(heard: readonly Heard[], done: () => void): void
  /** Tells what no feed hears; `region` as in `Followed`. Ends when it was told, or when nobody is to wait any more. */
  commit(region: string, record: Pick<CommitRecord, 'changes' | 'resets'>): Promise<void>
  /** Ends when all that was handed over before was told, or when nobody is to wait any more. */
  drained(): Promise<void>
  close(): Promise<void>
}

/** What puts a version, or takes it away, names the change of one entry. */
export function markOf(type: StoredChange['type'], version: number): string {
  return `${type === 'REMOVED' || type === 'EXPIRED' ? '-' : '+'}${version}`
}

/** The log of one process, in memory, with room for about `retainBytes`: begun anew with each start. */
export function openLocalLog(retainBytes: number, clock: Clock): FeedLog {
  return new LocalLog(retainBytes, clock)
}

class LocalLog implements FeedLog {
  readonly #log: ReturnType<typeof openVolatileLog>
  readonly #clock: Clock
  readonly #names = new Map<string, string>()
  readonly behind = false

  constructor(retainBytes: number, clock: Clock) {
    this.#log = openVolatileLog(retainBytes)
    this.#clock = clock
  }

  get id() { return this.#log.id }
  get start() { return this.#log.start }
  get durable() { return this.#log.durable }
  get end() { return this.#log.end }

  check() { this.#log.check() }
  read(from: number, limit: number) { return this.#log.read(from, limit) }
  current() { return this.#log.current() }
  onCommit(listener: (entry: LogEntry) => void) { return this.#log.onCommit(listener) }
  onDurable(listener: () => void) { return this.#log.onDurable(listener) }

  /** Where entries moved, what the feed before was about to hear is told by none. */
  async follow({ feed, region, name, begins }: Followed): Promise<void> {
    const moved = begins === 'FOUND' && [...this.#names.values()].includes(name)
    this.#names.set(feed, name)
    if (moved) await this.commit(region, { changes: [], resets: [name] })
  }

  lost(): void {}

  restored(feed: string): void {
    const name = this.#names.get(feed)
    if (name !== undefined) void this.commit('', { changes: [], resets: [name] })
  }

  leave(feed: string): void {
    this.#names.delete(feed)
  }

  tell(heard: readonly Heard[], done: () => void): void {
    for (const one of heard) one.told()
    const changes = heard.flatMap(({ quiet, change }) => (quiet ? [] : [change]))
    if (changes.length > 0) this.#commit({ changes })
    done()
  }

  async commit(_: string, record: Pick<CommitRecord, 'changes' | 'resets'>): Promise<void> {
    this.#commit(record)
  }

  async drained(): Promise<void> {}

  close() { return this.#log.close() }

  #commit(record: Pick<CommitRecord, 'changes' | 'resets'>): void {
    this.#log.commit({ committedAtMs: this.#clock.now(), ...record }, () => {})
  }
}
