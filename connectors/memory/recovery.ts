import { HubError } from '../../schema/errors.ts'
import type { RegionDefinition } from '../ports/region-store.ts'
import type { Clock, Log } from '../ports/scope.ts'
import { lockDirectory } from '../segments/directory-lock.ts'
import { type CommitLog, openDurableLog } from '../regions/commit-log.ts'
import type { CommitRecord, StoredChange } from '../regions/record.ts'
import { Shape } from '../regions/shape.ts'
import { type CheckpointHead, readCheckpoint, writeCheckpoint } from './checkpoint.ts'
import { floodWarning, type Home } from './commits.ts'
import { OpenRegion } from './region.ts'

export interface DirectoryOptions {
  readonly directory: string
  readonly clock: Clock
  readonly log: Log
  readonly segmentBytes: number
  readonly retainBytes: number
  readonly onFatal?: (error: HubError) => void
}

/** A directory's regions, brought back, and what keeps them there. */
export interface StoreDirectory {
  readonly log: CommitLog
  readonly home: Home
  readonly regions: Map<string, OpenRegion>
  close(): Promise<void>
}

/** Versions are given out in blocks of this size, each noted in the log, so that none is given twice: rows that were filled are in no log. */
const versionBlock = 2 ** 20

/** Takes the directory, reads its checkpoint and the log from there on, and goes on writing both. */
export async function openDirectory(options: DirectoryOptions): Promise<StoreDirectory> {
  const unlock = lockDirectory(options.directory)
  try {
    const checkpoint = await readCheckpoint(options.directory)
    const base = checkpoint?.head.offset ?? 0
    const log = await openDurableLog({ ...options, base })
    const opened = new OpenDirectory(options, log, unlock)
    try {
      if (log.start > base || log.end < base) throw incomplete(log, base)
      if (checkpoint) await opened.load(checkpoint.head, checkpoint.rows)
      for await (const [, record] of log.records(base)) opened.replay(record)
      await opened.begin(base, checkpoint?.bytes ?? 0)
      return opened
    } catch (error) {
      await log.close()
      throw error
    }
  } catch (error) {
    unlock()
    throw error
  }
}

class OpenDirectory implements StoreDirectory {
  readonly log: CommitLog
  readonly home: Home
  readonly regions = new Map<string, OpenRegion>()
  readonly #options: DirectoryOptions
  readonly #unlock: () => void
  readonly #ephemeral = new Map<string, RegionDefinition>()
  readonly #shapes = new Map<string, Shape>()
  #version = 0
  #versionsNoted = 0
  #checkpointAt = 0
  #threshold = 0
  #checkpointing: Promise<void> | undefined
  #stopWatching: () => void = () => undefined

  constructor(options: DirectoryOptions, log: CommitLog, unlock: () => void) {
    this.#options = options
    this.#unlock = unlock
    this.log = log
    this.home = { clock: options.clock, log, nextVersion: () => this.#nextVersion(), flooded: floodWarning(options.log) }
  }

  async load(head: CheckpointHead, rows: AsyncIterable<Parameters<OpenDirectory['restore']>[0]>): Promise<void> {
    this.#version = head.versions
    for (const definition of head.definitions) this.#define(definition)
    for await (const row of rows) this.restore(row)
  }

  replay({ committedAtMs, define = [], drop = [], versions = 0, changes, silent = [] }: CommitRecord): void {
    this.#version = Math.max(this.#version, versions)
    for (const name of drop) this.#forget(name)
    for (const definition of define) this.#define(definition)
    for (const change of changes) this.#apply(change, committedAtMs)
    for (const change of silent) this.#apply(change, committedAtMs)
  }

  restore(stored: Pick<StoredChange, 'region' | 'tenant' | 'key' | 'version' | 'createdAtMs'> & { row: NonNullable<StoredChange['after']>; writtenAtMs: number; usedAtMs: number }): void {
    const entries = this.regions.get(stored.region)?.entries
    const shape = this.#shapes.get(stored.region)
    if (!entries || !shape) return
    this.#version = Math.max(this.#version, stored.version)
    entries.put(entries.rowsOf(stored.tenant), shape.restore(stored.key, stored.row), { ...stored, commitEnd: 0 })
  }

  /** Everything is read: says what is lost with the last process, and begins to keep the log short. */
  async begin(replayedFrom: number, checkpointBytes: number): Promise<void> {
    // What was read came by tenant.
    for (const { entries } of this.regions.values()) if (entries.definition.evictionPolicy === 'FIFO') entries.reorder()
    const lost = [...this.#ephemeral.keys()]
    this.#ephemeral.clear()
    const versions = this.#version + versionBlock
    this.log.commit({ committedAtMs: this.#options.clock.now(), changes: [], versions, ...(lost.length > 0 && { resets: lost, drop: lost }) }, () => undefined)
    this.#versionsNoted = versions
    await this.log.whenDurable(this.log.end)
    this.#threshold = Math.max(this.#options.retainBytes, this.#options.segmentBytes, checkpointBytes)
    this.#checkpointAt = this.log.written - this.log.bytesFrom(replayedFrom)
    this.#stopWatching = this.log.onDurable(() => this.#checkpointIfDue())
  }

  async close(): Promise<void> {
    this.#stopWatching()
    await this.#checkpointing
    await this.log.close()
    this.#unlock()
  }

  #define(definition: RegionDefinition): void {
    if (!definition.durable) {
      this.#ephemeral.set(definition.name, definition)
      return
    }
    this.#shapes.set(definition.name, new Shape(definition))
    const region = this.regions.get(definition.name)
    if (region) region.redefine(definition)
    else this.regions.set(definition.name, new OpenRegion(definition, this.home))
  }

  #forget(name: string): void {
    this.regions.delete(name)
    this.#shapes.delete(name)
    this.#ephemeral.delete(name)
  }

  #apply(change: StoredChange, writtenAtMs: number): void {
    this.#version = Math.max(this.#version, change.version)
    const entries = this.regions.get(change.region)?.entries
    if (!entries) return
    if (change.after) {
      this.restore({ ...change, row: change.after, writtenAtMs, usedAtMs: writtenAtMs })
      return
    }
    const id = entries.tenants.get(change.tenant)?.find(change.key)
    if (id !== undefined) entries.remove(id, 0)
  }

  #nextVersion(): number {
    this.#version += 1
    // Noted half a block ahead: what is given out before the note is durable is still below the note before.
    if (this.#version + versionBlock / 2 > this.#versionsNoted) {
      this.#versionsNoted = this.#version + versionBlock
      this.log.commit({ committedAtMs: this.#options.clock.now(), changes: [], versions: this.#versionsNoted }, () => undefined)
    }
    return this.#version
  }

  #checkpointIfDue(): void {
    if (this.#checkpointing || this.log.written - this.#checkpointAt < this.#threshold) return
    this.#checkpointing = this.#checkpoint()
      .catch(error => this.#options.log.error('A checkpoint could not be written; the log stays longer until the next one.', { error: String(error) }))
      .finally(() => {
        this.#checkpointing = undefined
      })
  }

  async #checkpoint(): Promise<void> {
    const { directory, segmentBytes, retainBytes } = this.#options
    const offset = this.log.end
    this.#checkpointAt = this.log.written
    const regions = [...this.regions.values()]
    const definitions = regions.map(region => region.definition)
    const durable = regions.filter(region => region.definition.durable).map(region => region.entries)
    const head = { format: 1, offset, versions: this.#versionsNoted, definitions } as const
    const bytes = await writeCheckpoint(directory, head, durable, () => this.log.whenDurable(this.log.end))
    this.#threshold = Math.max(retainBytes, segmentBytes, bytes)
    await this.log.trim(offset, retainBytes)
    this.#options.log.info('Wrote a checkpoint.', { offset, bytes, start: this.log.start })
  }
}

function incomplete(log: CommitLog, base: number): HubError {
  const found = `the log holds entries ${log.start} to ${log.end}`
  return new HubError('INTERNAL', `The regions cannot be brought back: ${found}, and entry ${base} is needed. Restore the directory from a copy.`, { start: log.start, end: log.end, needed: base })
}
