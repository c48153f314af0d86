import type { ChangeLog } from '../../connectors/ports/change-log.ts'
import type { Change, LogEntry } from '../../schema/change.ts'
import { HubError } from '../../schema/errors.ts'

/** A log that loses what was not synced when it crashes. Its history stays readable for the test; `start` only forbids it to others. */
export class SimulatedLog implements ChangeLog {
  readonly id: string
  readonly entries: LogEntry[] = []
  start = 0
  durable = 0
  #announced = 0
  #committed = new Set<(entry: LogEntry) => void>()
  #synced = new Set<() => void>()

  constructor(id = 'log-1') {
    this.id = id
  }

  get end(): number {
    return this.entries.length
  }

  commit(changes: readonly Change[], resets: readonly string[] = []): void {
    const entry: LogEntry = { offset: this.end, committedAtMs: 1_000 + this.end, changes, resets }
    this.entries.push(entry)
    for (const listener of this.#committed) listener(entry)
  }

  sync(): void {
    this.durable = this.end
  }

  /** Tells how far the log is durable, perhaps some time after it became so. */
  announce(): void {
    if (this.#announced === this.durable) return
    this.#announced = this.durable
    for (const listener of this.#synced) listener()
  }

  trim(start: number): void {
    this.start = Math.max(this.start, start)
  }

  /** The process died: what was not durable never happened, and nobody listens any more. */
  crash(): void {
    this.entries.length = this.durable
    this.#committed = new Set()
    this.#synced = new Set()
  }

  readNow(from: number, limit: number): readonly LogEntry[] {
    if (from < this.start) throw new HubError('GONE', `Entry ${from} was trimmed; the log starts at ${this.start}. Start from there.`)
    return this.entries.slice(from, Math.min(from + limit, this.durable))
  }

  async read(from: number, limit: number): Promise<readonly LogEntry[]> {
    return this.readNow(from, limit)
  }

  async current(): Promise<void> {}

  onCommit(listener: (entry: LogEntry) => void): () => void {
    this.#committed.add(listener)
    return () => this.#committed.delete(listener)
  }

  onDurable(listener: () => void): () => void {
    this.#synced.add(listener)
    return () => this.#synced.delete(listener)
  }
}
