import { setImmediate as turn } from 'node:timers/promises'
import type { RegionDefinition, RegionStore } from '../../../connectors/ports/region-store.ts'
import type { RegionTransaction, Transacted } from '../../../connectors/ports/region-transaction.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'

export const accountCount = 40
const opening = 1_000

const columns = [{ name: 'id', type: 'String', nullable: false }, { name: 'balance', type: 'Int', nullable: false }] as const
const common = { key: ['id'], indexes: [], atomicity: 'TRANSACTIONAL', expiry: {}, maxEntries: 10_000_000, durable: true, tenancy: 'SHARED' } as const

/** Money lies in two regions; each transfer leaves a receipt in a third. */
export const regions = ['giro', 'savings'] as const
export const definitions: readonly RegionDefinition[] = [
  ...regions.map(name => ({ ...common, name, columns })),
  { ...common, name: 'receipts', columns: [{ name: 'id', type: 'String', nullable: false }, ...['source', 'target'].map(name => ({ name, type: 'String' as const, nullable: false })), { name: 'amount', type: 'Int', nullable: false }] },
]

const ids = Array.from({ length: accountCount }, (_, index) => `account-${String(index).padStart(3, '0')}`)
export const total = 2 * accountCount * opening

export interface Place {
  readonly region: (typeof regions)[number]
  readonly id: string
}

export interface Transfer {
  readonly id: string
  readonly from: Place
  readonly to: Place
  readonly amount: number
}

/** The bank as it opens, or as it was left. */
export async function openBank(store: RegionStore, scope: Scope, placement?: RegionDefinition['placement']): Promise<void> {
  for (const definition of definitions) await store.define({ ...definition, ...(placement && { placement }) })
  for (const name of regions) {
    const region = store.region(name)
    if ((await region.count(scope)) === 0) await region.putMany(scope, ids.map(id => ({ id, balance: opening })))
  }
}

/** Any two different accounts, half of the time among a few that everybody wants. */
export function anyTransfer(id: string): Transfer {
  const account = (): Place => ({ region: regions[Math.random() < 0.5 ? 0 : 1], id: ids[Math.floor(Math.random() * (Math.random() < 0.5 ? 4 : accountCount))] as string })
  for (;;) {
    const [from, to] = [account(), account()]
    if (from.region !== to.region || from.id !== to.id) return { id, from, to, amount: 1 + Math.floor(Math.random() * 20) }
  }
}

/** Moves the money and writes the receipt; `pause` is where others get in between. */
export async function perform(tx: RegionTransaction, { id, from, to, amount }: Transfer, pause: () => Promise<unknown> = turn): Promise<void> {
  const balance = async ({ region, id: account }: Place) => Number((await tx.getMany(region, [account]))[0]?.row['balance'])
  const left = await balance(from)
  await pause()
  const right = await balance(to)
  await pause()
  await tx.putMany(from.region, [{ id: from.id, balance: left - amount }])
  await tx.putMany(to.region, [{ id: to.id, balance: right + amount }])
  await tx.putMany('receipts', [{ id, source: `${from.region}/${from.id}`, target: `${to.region}/${to.id}`, amount }])
}

/** All there is, read in one transaction. */
export async function readSum(store: RegionStore, scope: Scope): Promise<Transacted<number>> {
  return store.transact(scope, { isolation: 'SERIALIZABLE', timeoutMs: 60_000, maxAttempts: 100_000 }, async tx => {
    let sum = 0
    for (const region of regions) {
      for (const entry of await tx.getMany(region, ids)) sum += Number(entry?.row['balance'])
      await turn()
    }
    return sum
  })
}

/** Accounts whose balance is not what the receipts say, with both figures; none in a sound bank. */
export async function unsound(store: RegionStore, scope: Scope): Promise<readonly string[]> {
  const expected = new Map<string, number>(regions.flatMap(region => ids.map(id => [`${region}/${id}`, opening])))
  for (const { source, target, amount } of await store.region('receipts').select(scope, {})) {
    expected.set(String(source), (expected.get(String(source)) ?? 0) - Number(amount))
    expected.set(String(target), (expected.get(String(target)) ?? 0) + Number(amount))
  }
  const found = new Map<string, number>()
  for (const region of regions) for (const row of await store.region(region).select(scope, {})) found.set(`${region}/${row['id']}`, Number(row['balance']))
  return [...expected].filter(([account, balance]) => found.get(account) !== balance).map(([account, balance]) => `${account}: ${found.get(account)} instead of ${balance}`)
}
