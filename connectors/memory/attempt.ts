import { HubError } from '../../schema/errors.ts'
import type { Row } from '../../schema/values.ts'
import type { RegionTransaction, TransactionOutcome } from '../ports/region-transaction.ts'
import type { Scope } from '../ports/scope.ts'
import type { Lock } from '../regions/key-lines.ts'
import type { Home } from './commits.ts'
import type { Participant } from './participant.ts'
import type { OpenRegion } from './region.ts'

/** One attempt of a transaction: what its work calls, and how it ends. */
export class Attempt implements RegionTransaction {
  readonly id: string
  readonly #scope: Scope
  readonly #home: Home
  readonly #region: (name: string) => OpenRegion
  readonly #participants = new Map<string, Participant>()
  #state: TransactionOutcome['state'] = 'PREPARING'
  #ended: unknown
  /** The log must be durable up to here before anything is said that follows from what was read or written. */
  shownAt = 0

  constructor(id: string, scope: Scope, home: Home, region: (name: string) => OpenRegion) {
    this.id = id
    this.#scope = scope
    this.#home = home
    this.#region = region
  }

  async getMany(region: string, keys: readonly string[]) {
    const participant = this.#participant(region)
    this.mustStand(false)
    const { found, shownAt } = participant.read(keys, this.#home.clock.now())
    this.shownAt = Math.max(this.shownAt, shownAt)
    return found
  }

  async putMany(region: string, rows: readonly Row[]): Promise<void> {
    this.#participant(region).put(rows)
  }

  async removeMany(region: string, keys: readonly string[]): Promise<readonly boolean[]> {
    const found = await this.getMany(region, keys)
    this.#participant(region).remove(keys)
    return found.map(entry => entry !== undefined)
  }

  /** Fails with what ended the attempt, or with TX_CONFLICT where something it read is not as it was. */
  mustStand(thoroughly = true): void {
    this.#mustBeOpen()
    const now = this.#home.clock.now()
    for (const participant of this.#participants.values()) {
      const key = participant.changed(now, thoroughly)
      if (key === undefined) continue
      this.#ended = new HubError('TX_CONFLICT', `Entry "${key}" of region "${participant.name}" was changed by somebody else meanwhile; the transaction was rolled back. Run it again.`, { transaction: this.id, region: participant.name, key })
      throw this.#ended
    }
  }

  /** What others may be in line for. */
  locks(which: 'written' | 'all'): Lock[] {
    return [...this.#participants.values()].flatMap(({ name, tenant, readKeys, writtenKeys }) =>
      [...new Set([...writtenKeys, ...(which === 'all' ? readKeys : [])])].map(key => ({ id: JSON.stringify([name, tenant, key]), region: name, key })))
  }

  /** Looks once more at what was read, and writes: one step, all or nothing. */
  commit(): void {
    this.mustStand()
    const now = this.#home.clock.now()
    const plans = [...this.#participants.values()].map(participant => ({ participant, ...participant.plan(now) }))
    const changes = plans.flatMap(plan => plan.changes)
    const apply = (end: number) => {
      for (const plan of plans) plan.apply(end)
    }
    if (changes.length === 0) {
      apply(0)
    } else {
      this.#home.log.commit({ committedAtMs: now, changes }, () => apply(this.#home.log.end))
      this.shownAt = this.#home.log.end
    }
    this.#state = 'PREPARED'
    for (const plan of plans) plan.participant.committed(plan.changes.filter(({ type }) => type === 'REMOVED').length, now)
  }

  /** The log is as far as the commit. */
  durable(): void {
    this.#state = 'COMMITTED'
  }

  /** Nothing was written, and from now on every call fails with the reason; unless the commit was made, of which it is then unknown whether a start will find it. */
  rollback(reason: unknown): void {
    if (this.#state === 'PREPARED') {
      this.#state = 'UNKNOWN'
      return
    }
    this.#state = 'ROLLED_BACK'
    this.#ended = reason
    for (const participant of this.#participants.values()) participant.rolledBack()
  }

  outcome(): Pick<TransactionOutcome, 'state' | 'participants'> {
    const against = this.#ended instanceof HubError ? this.#ended.details['region'] : undefined
    const vote = (region: string) => (this.#state === 'COMMITTED' || this.#state === 'PREPARED' ? 'COMMIT' : this.#state === 'ROLLED_BACK' && region === against ? 'ROLLBACK' : null)
    return { state: this.#state, participants: [...this.#participants.keys()].map(region => ({ region, node: this.#home.log.id, vote: vote(region) })) }
  }

  #mustBeOpen(): void {
    if (this.#ended !== undefined) throw this.#ended
    if (this.#state !== 'PREPARING') throw new HubError('TX_CONFLICT', 'The transaction has ended already; what is done now has no effect. Begin another one.')
  }

  #participant(region: string): Participant {
    this.#mustBeOpen()
    this.#scope.signal.throwIfAborted()
    const known = this.#participants.get(region)
    if (known) return known
    const participant = this.#region(region).participant(this.#scope)
    this.#participants.set(region, participant)
    return participant
  }
}
