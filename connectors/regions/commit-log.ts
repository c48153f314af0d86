import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LogEntry } from '../../schema/change.ts'
import { HubError } from '../../schema/errors.ts'
import type { ChangeLog } from '../ports/change-log.ts'
import type { Log } from '../ports/scope.ts'
import { replaceFile } from '../segments/durable-file.ts'
import { openSegmentLog, type SegmentLog } from '../segments/segment-log.ts'
import { type CommitRecord, decodeRecord, encodeRecord } from './record.ts'

/** The change log with its writing side. A commit is one synchronous step: written down, applied, told. */
export interface CommitLog extends ChangeLog {
  /** Puts a commit at the log's end: `apply` changes the rows, after nothing can fail any more. A log that failed or is closed → throws, nothing applied. */
  commit(record: CommitRecord, apply: () => void): void
  /** Ends when all commits below `end` are durable; UPSTREAM_UNAVAILABLE when they can no longer become so. */
  whenDurable(end: number): Promise<void>
  /** Fails once the log does not take commits any more. */
  check(): void
  /** Bytes committed since the log was opened; 0 in memory. */
  readonly written: number
  /** Bytes on disk or in memory from `offset` on, by whole segments: what a start would read again. */
  bytesFrom(offset: number): number
  /** Lets go of what stands below `offset` and beyond the bytes to keep. */
  trim(offset: number, retainBytes: number): Promise<void>
  close(): Promise<void>
}

/** Listeners, called in the order they came. */
class Listeners<Args extends unknown[]> {
  readonly #all = new Set<(...args: Args) => void>()

  add(listener: (...args: Args) => void): () => void {
    this.#all.add(listener)
    return () => this.#all.delete(listener)
  }

  tell(...args: Args): void {
    for (const listener of [...this.#all]) listener(...args)
  }
}

export interface DurableLogOptions {
  readonly directory: string
  readonly segmentBytes: number
  /** Where the log goes on if its segments are gone. */
  readonly base: number
  readonly log: Log
  readonly onFatal?: (error: HubError) => void
}

/** The commit log in segment files of a directory. */
export async function openDurableLog(options: DurableLogOptions): Promise<CommitLog & { records(from: number): AsyncIterable<readonly [number, CommitRecord]> }> {
  const segments = await openSegmentLog({
    directory: join(options.directory, 'log'),
    segmentBytes: options.segmentBytes,
    preallocate: true,
    base: options.base,
    log: options.log,
    onFailure: options.onFatal,
  })
  return new DurableLog(await logId(join(options.directory, 'id')), segments)
}

async function logId(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const id = randomUUID()
  await replaceFile(path, [`${id}\n`])
  return id
}

class DurableLog implements CommitLog {
  readonly id: string
  readonly #segments: SegmentLog
  readonly #commits = new Listeners<[LogEntry]>()
  written = 0

  constructor(id: string, segments: SegmentLog) {
    this.id = id
    this.#segments = segments
  }

  get start() { return this.#segments.start }
  get durable() { return this.#segments.durable }
  get end() { return this.#segments.end }

  commit(record: CommitRecord, apply: () => void): void {
    this.check()
    const offset = this.#segments.end
    const bytes = encodeRecord(record)
    this.#segments.append([bytes])
    this.written += bytes.length
    apply()
    this.#commits.tell(entryOf(offset, record))
  }

  check() { this.#segments.check() }
  whenDurable(end: number) { return this.#segments.whenDurable(end) }

  async read(from: number, limit: number): Promise<readonly LogEntry[]> {
    const payloads = await this.#segments.read(from, limit)
    return payloads.map((payload, index) => entryOf(from + index, decodeRecord(payload)))
  }

  async *records(from: number): AsyncIterable<readonly [number, CommitRecord]> {
    for (let next = from; next < this.durable; ) {
      for (const payload of await this.#segments.read(next, 10_000)) {
        yield [next, decodeRecord(payload)]
        next += 1
      }
    }
  }

  async current(): Promise<void> {}
  onCommit(listener: (entry: LogEntry) => void) { return this.#commits.add(listener) }
  onDurable(listener: () => void) { return this.#segments.onDurable(listener) }

  bytesFrom(offset: number): number {
    const segments = this.#segments.segments
    return segments.filter((_, index) => (segments[index + 1]?.base ?? Number.POSITIVE_INFINITY) > offset).reduce((sum, { bytes }) => sum + bytes, 0)
  }

  async trim(offset: number, retainBytes: number): Promise<void> {
    let kept = 0
    let from = this.start
    for (const { base, bytes } of this.#segments.segments.toReversed()) {
      kept += bytes
      if (kept <= retainBytes) continue
      from = base
      break
    }
    await this.#segments.trim(Math.min(offset, from))
  }

  close() { return this.#segments.close() }
}

/** The commit log of a store without a directory: in memory, with room for about `retainBytes`, from offset `base` on. Nothing outlives the process, so all of it counts as durable at once. */
export function openVolatileLog(retainBytes: number, base = 0): CommitLog {
  return new VolatileLog(retainBytes, base)
}

class VolatileLog implements CommitLog {
  readonly id = randomUUID()
  readonly written = 0
  readonly #retainBytes: number
  readonly #commits = new Listeners<[LogEntry]>()
  readonly #durables = new Listeners<[]>()
  #entries: { entry: LogEntry; bytes: number }[] = []
  #bytes = 0
  #start: number
  #durable: number
  #closed = false

  constructor(retainBytes: number, base: number) {
    this.#retainBytes = retainBytes
    this.#start = base
    this.#durable = base
  }

  get start() { return this.#start }
  get durable() { return this.#durable }
  get end() { return this.#start + this.#entries.length }

  commit(record: CommitRecord, apply: () => void): void {
    this.check()
    apply()
    const entry = entryOf(this.end, record)
    const bytes = 200 + record.changes.reduce((sum, change) => sum + 100 + sizeOf(change.before) + sizeOf(change.after), 0)
    this.#entries.push({ entry, bytes })
    this.#bytes += bytes
    this.#commits.tell(entry)
    this.#durable = this.end
    this.#durables.tell()
    if (this.#bytes > this.#retainBytes * 2) this.#shorten()
  }

  check(): void {
    if (this.#closed) throw new HubError('SHUTTING_DOWN', 'The region store is closed and takes no more writes.')
  }

  whenDurable() { return Promise.resolve() }

  async read(from: number, limit: number): Promise<readonly LogEntry[]> {
    if (from < this.#start) throw new HubError('GONE', `Entry ${from} is no longer held; the oldest is ${this.#start}.`, { start: this.#start })
    return this.#entries.slice(from - this.#start, from - this.#start + limit).map(({ entry }) => entry)
  }

  async current(): Promise<void> {}
  onCommit(listener: (entry: LogEntry) => void) { return this.#commits.add(listener) }
  onDurable(listener: () => void) { return this.#durables.add(listener) }
  bytesFrom() { return 0 }
  async trim(): Promise<void> {}

  async close(): Promise<void> {
    this.#closed = true
  }

  #shorten(): void {
    let gone = 0
    while (this.#bytes > this.#retainBytes && gone < this.#entries.length - 1) {
      this.#bytes -= this.#entries[gone]?.bytes ?? 0
      gone += 1
    }
    this.#entries = this.#entries.slice(gone)
    this.#start += gone
  }
}

/** What readers are told of a commit. */
export function entryOf(offset: number, { committedAtMs, changes, resets = [] }: CommitRecord): LogEntry {
  return { offset, committedAtMs, changes: changes.map(({ createdAtMs: _, ...change }) => change), resets }
}

function sizeOf(row: object | null): number {
  return row ? 60 * Object.keys(row).length : 0
}
