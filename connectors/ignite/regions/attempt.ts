import { HubError } from '../../../schema/errors.ts'
import type { Row } from '../../../schema/values.ts'
import type { RegionTransaction, TransactionOutcome, WaitedOn } from '../../ports/region-transaction.ts'
import type { Scope } from '../../ports/scope.ts'
import type { Lock } from '../../regions/key-lines.ts'
import { refuseClashes } from '../../regions/unique.ts'
import type { Transaction } from '../transaction.ts'
import type { Kept } from './layout.ts'
import type { Home } from './home.ts'
import type { IgniteRegion } from './region.ts'
import type { Table } from './table.ts'
import { commit, type Decided, stage } from './write.ts'

/** One region in an attempt: what was read in it, and what is to be written. */
interface Participant {
  readonly region: IgniteRegion
  readonly table: Table
  readonly tenant: string
  readonly found: Map<string, Kept | undefined>
  /** Null: to be removed. */
  readonly writes: Map<string, Row | null>
  puts: number
}

/** One attempt of a transaction: what its work calls, and how it ends. */
export class Attempt implements RegionTransaction {
  readonly id: string
  readonly #scope: Scope
  readonly #home: Home
  readonly #region: (name: string) => IgniteRegion
  readonly #transaction: Transaction
  readonly #participants = new Map<string, Participant>()
  #decided: Decided[] = []
  #state: TransactionOutcome['state'] = 'PREPARING'
  #ended: unknown
  #against: string | undefined
  /** Entries an answer is awaited for. */
  waitsFor: readonly WaitedOn[] = []

  constructor(id: string, scope: Scope, home: Home, region: (name: string) => IgniteRegion, transaction: Transaction) {
    this.id = id
    this.#scope = scope
    this.#home = home
    this.#region = region
    this.#transaction = transaction
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

  /** Hands everything to the cluster, which keeps it to itself until the commit. */
  async prepare(): Promise<void> {
    this.#mustGoOn()
    for (const participant of this.#participants.values()) {
      const { region, table, tenant, found, writes } = participant
      if (writes.size === 0) continue
      await this.#find(participant, [...writes.keys()])
      const now = this.#home.clock.now()
      const before = new Map([...writes.keys()].flatMap(key => {
        const kept = found.get(key)
        return kept ? [[key, kept] as const] : []
      }))
      const version = this.#home.versions.next(Math.max(0, ...[...before.values()].map(kept => kept.version)))
      const decided: Decided = {
        table, tenant, before,
        puts: [...writes].flatMap(([key, row]) => (row ? [{ key, row, version, writtenAtMs: now, createdAtMs: before.get(key)?.createdAtMs ?? now, filled: false }] : [])),
        removals: [...writes].flatMap(([key, row]) => (row === null ? (before.get(key) ?? []) : [])),
      }
      participant.puts = decided.puts.length
      if (decided.puts.length + decided.removals.length === 0) continue
      this.#decided.push(decided)
      const clashes = await stage(this.#scope, this.#transaction, decided)
      if (clashes.length === 0) continue
      this.#against = region.definition.name
      this.#refuse(region.definition.name, clashes)
    }
    this.#mustGoOn()
    this.#state = 'PREPARED'
  }

  async commit(): Promise<void> {
    this.#ended = new HubError('TX_CONFLICT', 'The transaction is committed already; what is done now has no effect. Begin another one.')
    await commit(this.#scope, this.#home, this.#transaction, this.#decided)
    this.#state = 'COMMITTED'
    for (const { region, puts } of this.#participants.values()) {
      region.counters.txCommits += 1
      region.counters.puts += puts
    }
    for (const { table, removals } of this.#decided) {
      const participant = [...this.#participants.values()].find(one => one.table === table)
      if (participant) participant.region.counters.removals += removals.length
    }
    for (const { region, puts } of this.#participants.values()) if (puts > 0) await region.shrink(this.#scope)
  }

  async rollback(reason: unknown): Promise<void> {
    if (this.#state === 'COMMITTED') return
    const isUnknown = reason instanceof HubError && reason.details['outcome'] === 'UNKNOWN'
    this.#state = isUnknown ? 'UNKNOWN' : 'ROLLED_BACK'
    this.#ended = reason
    for (const { region } of this.#participants.values()) region.counters.txRollbacks += 1
    await this.#transaction.rollback().catch(failure => this.#scope.log.warn('Ignite: a transaction was not rolled back at once.', { reason: String(failure) }))
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

  /** Reads what was not read yet; from then on the cluster watches over it. */
  async #find({ region, table, tenant, found }: Participant, keys: readonly string[]): Promise<void> {
    const unknown = [...new Set(keys)].filter(key => !found.has(key))
    if (unknown.length === 0) return
    this.waitsFor = unknown.map(key => ({ region: region.definition.name, key }))
    const kept = await table.keptOf(this.#scope, tenant, unknown, table.entries.within(this.#transaction))
    this.waitsFor = []
    this.#mustGoOn()
    for (const [index, key] of unknown.entries()) found.set(key, kept[index])
  }

  #participant(name: string): Participant {
    this.#mustGoOn()
    const known = this.#participants.get(name)
    if (known) return known
    const region = this.#region(name)
    if (region.definition.atomicity !== 'TRANSACTIONAL') {
      throw new HubError('REGION_NOT_TRANSACTIONAL', `Region "${name}" is ATOMIC and takes no part in transactions. Declare it TRANSACTIONAL, or write to it outside of the transaction.`, { region: name })
    }
    const participant: Participant = { region, table: region.table, tenant: region.owner(this.#scope.tenant), found: new Map(), writes: new Map(), puts: 0 }
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
