import type { LogEntry } from '../../schema/change.ts'

/**
 * The regions' commit log as readers see it: contiguous entries from `start` up to `end`, of which those below `durable` survive a crash.
 * `start ≤ durable ≤ end`, and `end` is the offset the next commit will have. None of the three ever falls. An entry may hold no change and no reset.
 */
export interface ChangeLog {
  /** Changes only when the log is begun anew: offsets of another log mean nothing here. */
  readonly id: string
  readonly start: number
  readonly durable: number
  readonly end: number
  /** At most `limit` entries from `from` on, only durable ones; empty at the durable end. Below `start` → GONE. */
  read(from: number, limit: number): Promise<readonly LogEntry[]>
  /** Ends when all that was durable for anybody before the call is so here; where that takes long, without. At once where one process alone has the log. */
  current(): Promise<void>
  /** Called for each entry in order, in the same synchronous step as its commit: the listener must not throw and must not wait. The answer removes it. */
  onCommit(listener: (entry: LogEntry) => void): () => void
  /** Called when `durable` grew. The answer removes it. */
  onDurable(listener: () => void): () => void
}
