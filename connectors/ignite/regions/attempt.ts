import { HubError } from '../../../schema/errors.ts'
import type { Row } from '../../../schema/values.ts'
import type { RegionTransaction, TransactionOutcome, WaitedOn } from '../../ports/region-transaction.ts'
import type { Scope } from '../../ports/scope.ts'
import type { Lock } from '../../regions/key-lines.ts'
import { sameRow } from '../../regions/shape.ts'
import { refuseClashes } from '../../regions/unique.ts'
import { begin, type Transaction } from '../transaction.ts'
import type { Kept } from '../../regions/kept.ts'
import type { Home } from './home.ts'
import type { IgniteRegion } from './region.ts'
import type { Table } from './table.ts'
import { beforeCommit, commit, type Decided, isOver, longestLockMs, stage } from './write.ts'

/** One region in an attempt: what was read in it, outside of any transaction of the cluster, and what is to be written. */
interface Participant {
  readonly region: IgniteRegion
  readonly table: Table
  readonly tenant: string
  readonly found: Map<string, Kept | undefined>
  /** Null: to be removed. */
  readonly writes: Map<string, Row | null>
  /** Per entry to be written what it takes the place of, known once it is locked. */
  before: ReadonlyMap<string, Kept>
  puts: number
  removals: number
}

/**
 * One attempt of a transaction: what its work calls, and how it ends. Its reads lock nothing, and its writes stay here. Only then a transaction of the cluster locks all entries
 * it read and wrote, in one order, looks whether each one read is still what it was, writes and commits.
 */
export class Attempt implements RegionTransaction {
  readonly id: string
  readonly #scope: Scope
  readonly #home: Home
  readonly #region: (name: string) => IgniteRegion
  readonly #label: string | undefined
  readonly #participants = new Map<string, Participant>()
  #transaction: Transaction | undefined
  #decided: Decided[] = []
  #state: TransactionOutcome['state'] = 'PREPARING'
  #ended: unknown
  #against: string | undefined
  /** Entries an answer is awaited for. */
  waitsFor: readonly WaitedOn[] = []

  constructor(id: string, scope: Scope, home: Home, region: (name: string) => IgniteRegion, label: string | undefined) {
    this.id = id
    this.#scope = scope
    this.#home = home
    this.#region = region
    this.#label = label
  }

  async getMany(name: string, keys: readonly string[]) {
    const participant = this.#participant(name)
    await this.#find(participant, keys)
    return keys.map(key => {
      const written = participant.writes.get(key)
      if (written !== undefined) return written === null ? undefined : { key, row: written }
      const kept = participant.found.get(key)
      return kept && { key, row: kept.row }
    })
  }

  async putMany(name: string, rows: readonly Row[]): Promise<void> {
    const { region, writes } = this.#participant(name)
    for (const { key, row } of region.shape.accept(rows)) writes.set(key, row)
  }

  async removeMany(name: string, keys: readonly string[]): Promise<readonly boolean[]> {
    const found = await this.getMany(name, keys)
    const { writes } = this.#participant(name)
    for (const key of keys) writes.set(key, null)
    return found.map(entry => entry !== undefined)
  }

  /** Locks, looks once more, and hands everything to the cluster, which keeps it to itself until the commit. TX_CONFLICT where an entry is not what it was when it was read. */
  async prepare(leftMs: () => number): Promise<void> {
    this.#mustGoOn()
    await beforeCommit(async () => {
      this.#decided = []
      await this.#transaction?.rollback()
      this.#transaction = await this.#begin(leftMs())
      for (const participant of this.#ordered) await this.#lock(participant, this.#transaction)
      for (const participant of this.#ordered) await this.#stage(participant, this.#transaction)
    })
    this.#mustGoOn()
    this.#state = 'PREPARED'
  }

  /** Ends once it is committed; the answer ends when it is told, too. */
  async commit(): Promise<() => Promise<void>> {
    this.#ended = new HubError('TX_CONFLICT', 'The transaction is committed already; what is done now has no effect. Begin another one.')
    const told = this.#transaction && (await commit(this.#scope, this.#home, this.#transaction, this.#decided))
    this.#state = 'COMMITTED'
    for (const { region, puts, removals } of this.#participants.values()) {
      region.counters.txCommits += 1
      region.counters.puts += puts
      region.counters.removals += removals
    }
    return async () => {
      await told?.()
      for (const { region, puts } of this.#participants.values()) if (puts > 0) await region.shrink(this.#scope)
    }
  }

  async rollback(reason: unknown): Promise<void> {
    if (this.#state === 'COMMITTED') return
    const isUnknown = reason instanceof HubError && reason.details['outcome'] === 'UNKNOWN'
    this.#state = isUnknown ? 'UNKNOWN' : 'ROLLED_BACK'
    this.#ended = reason
    for (const { region } of this.#participants.values()) region.counters.txRollbacks += 1
    await this.#transaction?.rollback().catch(failure => this.#scope.log.warn('Ignite: a transaction was not rolled back at once.', { reason: String(failure) }))
  }

  /** Entries that were read or written. */
  get locks(): readonly Lock[] {
    return [...this.#participants.values()].flatMap(({ region: { definition: { name } }, tenant, found, writes }) =>
      [...new Set([...found.keys(), ...writes.keys()])].map(key => ({ id: JSON.stringify([name, tenant, key]), region: name, key })))
  }

  outcome(): TransactionOutcome {
    const vote = (region: string) => (this.#state === 'COMMITTED' || this.#state === 'PREPARED' ? 'COMMIT' : this.#state === 'ROLLED_BACK' && region === this.#against ? 'ROLLBACK' : null)
    return { id: this.id, state: this.#state, participants: [...this.#participants.keys()].map(region => ({ region, node: null, vote: vote(region) })) }
  }

  /** Reads what was not read yet. */
  async #find({ table, tenant, found }: Participant, keys: readonly string[]): Promise<void> {
    const unknown = [...new Set(keys)].filter(key => !found.has(key))
    if (unknown.length === 0) return
    const kept = this.#still(table, await table.keptOf(this.#scope, tenant, unknown))
    this.#mustGoOn()
    for (const [index, key] of unknown.entries()) found.set(key, kept[index])
  }

  /** What the copies asked first and last may not agree on: an entry is gone as soon as its time is over. */
  #still({ layout }: Table, kept: readonly (Kept | undefined)[]): readonly (Kept | undefined)[] {
    const now = this.#home.clock.now()
    return kept.map(one => (one && isOver(layout.definition.expiry, one, now) ? undefined : one))
  }

  /** All that lock entries of several regions do so in this order, and the keys of one in theirs: nobody waits for somebody who waits for him. */
  get #ordered(): readonly Participant[] {
    return [...this.#participants].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, participant]) => participant)
  }

  async #begin(leftMs: number): Promise<Transaction> {
    const count = this.locks.length
    const transaction = await begin(this.#scope, this.#home.client, { concurrency: 'PESSIMISTIC', isolation: 'REPEATABLE_READ', timeoutMs: Math.min(leftMs, longestLockMs(count)), ...(this.#label !== undefined && { label: this.#label }) })
    if (this.#ended !== undefined) await transaction.rollback()
    this.#mustGoOn()
    return transaction
  }

  async #lock(participant: Participant, transaction: Transaction): Promise<void> {
    const { region, table, tenant, found, writes } = participant
    const { name } = region.definition
    const keys = [...new Set([...found.keys(), ...writes.keys()])]
    this.waitsFor = keys.map(key => ({ region: name, key }))
    const now = this.#still(table, await table.keptOf(this.#scope, tenant, keys, table.entries.within(transaction)))
    this.waitsFor = []
    this.#mustGoOn()
    const changed = region.table === table ? keys.filter((key, index) => found.has(key) && !same(found.get(key), now[index])) : keys
    if (changed.length > 0) {
      this.#against = name
      throw new HubError('TX_CONFLICT', `Entry "${changed[0]}" of region "${name}" was changed by somebody else meanwhile; the transaction was rolled back. Run it again.`, { transaction: this.id, region: name, key: changed[0] ?? null })
    }
    participant.before = new Map(keys.flatMap((key, index) => {
      const kept = now[index]
      return kept && writes.has(key) ? [[key, kept] as const] : []
    }))
  }

  async #stage(participant: Participant, transaction: Transaction): Promise<void> {
    const { region, table, tenant, writes, before } = participant
    if (writes.size === 0) return
    const now = this.#home.clock.now()
    const version = this.#home.versions.next(Math.max(0, ...[...before.values()].map(kept => kept.version)))
    const decided: Decided = {
      table, tenant, before,
      puts: [...writes].flatMap(([key, row]) => (row ? [{ key, row, version, writtenAtMs: now, createdAtMs: before.get(key)?.createdAtMs ?? now, filled: false }] : [])),
      removals: [...writes].flatMap(([key, row]) => (row === null ? (before.get(key) ?? []) : [])),
    }
    Object.assign(participant, { puts: decided.puts.length, removals: decided.removals.length })
    if (decided.puts.length + decided.removals.length === 0) return
    this.#decided.push(decided)
    const clashes = await stage(this.#scope, transaction, decided)
    if (clashes.length === 0) return
    this.#against = region.definition.name
    this.#refuse(region.definition.name, clashes)
  }

  #participant(name: string): Participant {
    this.#mustGoOn()
    const known = this.#participants.get(name)
    if (known) return known
    const region = this.#region(name)
    if (region.definition.atomicity !== 'TRANSACTIONAL') {
      throw new HubError('REGION_NOT_TRANSACTIONAL', `Region "${name}" is ATOMIC and takes no part in transactions. Declare it TRANSACTIONAL, or write to it outside of the transaction.`, { region: name })
    }
    const participant: Participant = { region, table: region.table, tenant: region.owner(this.#scope.tenant), found: new Map(), writes: new Map(), before: new Map(), puts: 0, removals: 0 }
    this.#participants.set(name, participant)
    return participant
  }

  #mustGoOn(): void {
    if (this.#ended !== undefined) throw this.#ended
    this.#scope.signal.throwIfAborted()
  }

  #refuse(region: string, clashes: Parameters<typeof refuseClashes>[1]): void {
    try {
      refuseClashes(region, clashes, key => `entry ${JSON.stringify(key)}`)
    } catch (error) {
      if (!(error instanceof HubError)) throw error
      throw new HubError(error.code, error.message, { ...error.details, keys: [...new Set(clashes.map(({ key }) => key))] })
    }
  }
}

function same(read: Kept | undefined, now: Kept | undefined): boolean {
  return read === now || (read !== undefined && now !== undefined && read.version === now.version && sameRow(read.row, now.row))
}
