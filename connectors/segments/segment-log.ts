import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { HubError } from '../../schema/errors.ts'
import type { Log } from '../ports/scope.ts'
import { encodeGroup } from './frame.ts'
import { createSegment, createSpare, deleteSegment, mark, openForWriting, readSegment, recoverSegment, type Segment, shrinkSegment, writeAt } from './segment-file.ts'

export interface SegmentLogOptions {
  readonly directory: string
  /** A write that would not fit begins a new segment; a single larger one has a segment of its own. */
  readonly segmentBytes: number
  /** Takes each segment's space when it is made: halves the time of a durable write, costs the space at once. */
  readonly preallocate: boolean
  /** Offset of the first entry where the directory holds none; 0 when absent. */
  readonly base?: number
  readonly log: Log
  /** Told once, when a write failed. Nothing is accepted after it. */
  readonly onFailure?: (error: HubError) => void
}

/**
 * A list of byte strings with contiguous offsets, appended at its end, deleted by whole segments at its start. `start ≤ durable ≤ end`.
 * One write is in flight; what is appended meanwhile, and in the same turn of the event loop, goes with the next one.
 */
export interface SegmentLog {
  readonly start: number
  readonly durable: number
  readonly end: number
  /** Oldest first, as first offset and bytes on disk; the last is the one written to. */
  readonly segments: readonly { readonly base: number; readonly bytes: number }[]
  /** Takes its place now and is written soon: all payloads or none survive. Answers the first one's offset. After a failed write, or when closed → throws. */
  append(payloads: readonly Uint8Array[]): number
  /** Throws what `append` would throw whatever it is given. */
  check(): void
  /** Ends when every entry below `end` is durable; fails with UPSTREAM_UNAVAILABLE when it can no longer become so. */
  whenDurable(end: number): Promise<void>
  /** Durable payloads from `from` on, at most `limit` and about `maxBytes`; empty at the durable end. Below `start` → GONE with `start` in the details. */
  read(from: number, limit: number, maxBytes?: number): Promise<readonly Buffer[]>
  /** Ends the present segment, unless it is empty, once everything appended is durable. */
  roll(): Promise<void>
  /** Deletes the segments that hold nothing from `offset` on; never the last one. */
  trim(offset: number): Promise<void>
  onDurable(listener: () => void): () => void
  /** Writes what was appended, then lets go of the files. */
  close(): Promise<void>
}

interface Batch {
  readonly first: number
  end: number
  readonly groups: Buffer[]
  bytes: number
  /** Place of each group inside the batch. */
  readonly marks: { readonly offset: number; readonly position: number }[]
  readonly done: PromiseWithResolvers<void>
}

/** Opens the log of a directory, making it if need be. A group that a crash left unfinished is cut off; so never anything that was durable. */
export async function openSegmentLog(options: SegmentLogOptions): Promise<SegmentLog> {
  const { directory, log } = options
  const preallocateBytes = options.preallocate ? options.segmentBytes : 0
  await mkdir(directory, { recursive: true })
  await rm(join(directory, 'spare'), { force: true })
  const names = await readdir(directory)
  const bases = names.filter(name => /^\d{20}\.log$/.test(name)).map(name => Number.parseInt(name, 10)).sort((a, b) => a - b)
  const newest = bases.pop()
  if (newest === undefined) {
    const first = await createSegment(directory, options.base ?? 0, preallocateBytes)
    return new OpenSegmentLog(options, preallocateBytes, [first], first.base, await openForWriting(first))
  }

  const { segment, end, cutBytes } = await recoverSegment(directory, newest, preallocateBytes)
  if (cutBytes > 0) log.warn('An unfinished write at the end of a log was cut off.', { segment: newest, cutBytes, end })
  const closed: Segment[] = []
  for (const base of bases) {
    const path = join(directory, `${String(base).padStart(20, '0')}.log`)
    closed.push({ base, path, used: (await stat(path)).size, marks: undefined })
  }
  return new OpenSegmentLog(options, preallocateBytes, [...closed, segment], end, await openForWriting(segment))
}

class OpenSegmentLog implements SegmentLog {
  readonly #options: SegmentLogOptions
  readonly #preallocateBytes: number
  readonly #segments: Segment[]
  readonly #listeners = new Set<() => void>()
  #file: FileHandle
  #durable: number
  #end: number
  #queued: Batch | undefined
  #writing: Batch | undefined
  /** The write loop, then whatever must not run beside it. */
  #work: Promise<void> = Promise.resolve()
  #spare: Promise<string> | undefined
  #failure: HubError | undefined
  #closed = false

  constructor(options: SegmentLogOptions, preallocateBytes: number, segments: Segment[], end: number, file: FileHandle) {
    this.#options = options
    this.#preallocateBytes = preallocateBytes
    this.#segments = segments
    this.#durable = end
    this.#end = end
    this.#file = file
  }

  get start() { return this.#segments[0]?.base ?? this.#end }
  get durable() { return this.#durable }
  get end() { return this.#end }
  get segments() { return this.#segments.map(({ base, used }) => ({ base, bytes: used })) }
  get #active(): Segment { return this.#segments[this.#segments.length - 1]! }

  check(): void {
    if (this.#failure) throw this.#failure
    if (this.#closed) throw new HubError('SHUTTING_DOWN', 'The log is closed and takes nothing more.')
  }

  append(payloads: readonly Uint8Array[]): number {
    this.check()
    const group = encodeGroup(payloads)
    const first = this.#end
    const batch = this.#queued ?? this.#enqueue()
    batch.marks.push({ offset: first, position: batch.bytes })
    batch.groups.push(group)
    batch.bytes += group.length
    this.#end += payloads.length
    batch.end = this.#end
    return first
  }

  whenDurable(end: number): Promise<void> {
    if (end <= this.#durable) return Promise.resolve()
    if (this.#writing && end <= this.#writing.end) return this.#writing.done.promise
    if (this.#queued && end <= this.#queued.end) return this.#queued.done.promise
    return Promise.reject(this.#failure ?? new RangeError(`Nothing was appended at ${end - 1}: the log ends at ${this.#end}.`))
  }

  async read(from: number, limit: number, maxBytes = 8 * 1024 * 1024): Promise<readonly Buffer[]> {
    const found: Buffer[] = []
    let size = 0
    let next = from
    while (found.length < limit && size < maxBytes && next < this.#durable) {
      if (next < this.start) throw gone(next, this.start)
      const index = this.#segments.findLastIndex(segment => segment.base <= next)
      const segment = this.#segments[index]!
      const end = Math.min(this.#segments[index + 1]?.base ?? this.#durable, this.#durable)
      try {
        const payloads = await readSegment(segment, next, end, limit - found.length, maxBytes - size)
        for (const payload of payloads) {
          found.push(payload)
          size += payload.length
        }
        next += payloads.length
      } catch (error) {
        if (next < this.start) throw gone(next, this.start)
        throw error
      }
    }
    if (found.length === 0 && from < this.start) throw gone(from, this.start)
    return found
  }

  roll(): Promise<void> {
    return this.#exclusive(async () => {
      if (this.#active.used > 0) await this.#nextSegment(this.#durable)
    })
  }

  trim(offset: number): Promise<void> {
    return this.#exclusive(async () => {
      for (let second = this.#segments[1]; second && second.base <= offset; second = this.#segments[1]) {
        const [first] = this.#segments.splice(0, 1)
        if (first) await deleteSegment(first)
      }
    })
  }

  onDurable(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    this.#closed = true
    do await this.#work
    while (this.#queued || this.#writing)
    await this.#spare?.catch(() => undefined)
    await this.#file.close()
  }

  #enqueue(): Batch {
    const batch: Batch = { first: this.#end, end: this.#end, groups: [], bytes: 0, marks: [], done: Promise.withResolvers<void>() }
    // Whoever needs the outcome waits for it; a batch nobody waits for must not end the process by itself.
    batch.done.promise.catch(() => undefined)
    this.#queued = batch
    if (!this.#writing) {
      this.#work = this.#work.then(turn).then(() => this.#drain())
    }
    return batch
  }

  /** Runs behind the writes queued so far and before later ones. */
  #exclusive(step: () => Promise<void>): Promise<void> {
    const done = this.#work.then(step)
    this.#work = done.catch(() => undefined)
    return done
  }

  async #drain(): Promise<void> {
    const batch = this.#queued
    if (!batch) return
    this.#queued = undefined
    this.#writing = batch
    try {
      await this.#write(batch)
    } catch (cause) {
      this.#fail(cause, batch)
      return
    }
    this.#writing = undefined
    this.#durable = batch.end
    batch.done.resolve()
    for (const listener of [...this.#listeners]) listener()
    if (this.#queued) this.#work = this.#work.then(turn).then(() => this.#drain())
  }

  async #write(batch: Batch): Promise<void> {
    if (this.#active.used > 0 && this.#active.used + batch.bytes > this.#options.segmentBytes) await this.#nextSegment(batch.first)
    const segment = this.#active
    await writeAt(this.#file, batch.groups.length === 1 ? batch.groups[0]! : Buffer.concat(batch.groups, batch.bytes), segment.used)
    segment.marks ??= []
    for (const { offset, position } of batch.marks) mark(segment.marks, offset, segment.used + position)
    segment.used += batch.bytes
    if (this.#preallocateBytes > 0 && segment.used * 2 > this.#options.segmentBytes) this.#prepareSpare()
  }

  async #nextSegment(base: number): Promise<void> {
    const spare = await this.#spare
    this.#spare = undefined
    const segment = await createSegment(this.#options.directory, base, this.#preallocateBytes, spare)
    const file = await openForWriting(segment)
    await shrinkSegment(this.#active, this.#file)
    this.#segments.push(segment)
    this.#file = file
  }

  #prepareSpare(): void {
    if (this.#spare) return
    this.#spare = createSpare(this.#options.directory, this.#preallocateBytes)
    this.#spare.catch(() => undefined)
  }

  #fail(cause: unknown, batch: Batch): void {
    const failure = new HubError('UPSTREAM_UNAVAILABLE', 'The log could not be written, so nothing more is accepted until the hub is started again.', {}, { cause })
    this.#failure = failure
    this.#options.log.error('A log could not be written.', { error: String(cause), entries: this.#end - batch.first })
    const queued = this.#queued
    this.#writing = undefined
    this.#queued = undefined
    batch.done.reject(failure)
    queued?.done.reject(failure)
    this.#options.onFailure?.(failure)
  }
}

/** The next turn of the event loop: everything that appends in this one goes together. */
function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

function gone(from: number, start: number): HubError {
  return new HubError('GONE', `Entry ${from} is no longer held; the oldest is ${start}.`, { start })
}

