import type { HubError } from '../../schema/errors.ts'
import type { Region, RegionDefinition } from '../../connectors/ports/region-store.ts'
import { isolations, type Isolation, type RegionTransaction } from '../../connectors/ports/region-transaction.ts'
import type { Row } from '../../schema/values.ts'
import { must } from '../support/conformance.ts'
import type { RegionStoreSubject } from './region-store.ts'

/** A store under test, and where stores honestly differ. */
export interface RegionTransactionSubject extends RegionStoreSubject {
  /** Whether what one transaction has read or written, others wait for until it ends; else they go on, and one of them learns it at its commit. */
  readonly locks: boolean
  /** What a read outside of transactions sees of a commit of several entries while it is made: all of it or nothing, or some entries earlier than others. */
  readonly plainReads: 'whole' | 'by entry'
}

export const accounts: RegionDefinition = {
  name: 'accounts',
  columns: [
    { name: 'id', type: 'String', nullable: false },
    { name: 'owner', type: 'String', nullable: true },
    { name: 'balance', type: 'Int', nullable: false },
  ],
  key: ['id'],
  indexes: [['owner']],
  atomicity: 'TRANSACTIONAL',
  expiry: {},
  maxEntries: 10_000,
  durable: true,
  tenancy: 'SHARED',
}
export const savings: RegionDefinition = { ...accounts, name: 'savings' }

const account = (id: string, balance: number, owner: string | null = null): Row => ({ id, owner, balance })
const options = { isolation: 'SERIALIZABLE', timeoutMs: 10_000 } as const

async function open(subject: RegionStoreSubject, changed: Partial<RegionDefinition> = {}): Promise<readonly [Region, Region]> {
  return [await subject.store.define({ ...accounts, ...changed }), await subject.store.define({ ...savings, ...changed })]
}

async function balanceOf(tx: RegionTransaction, region: string, id: string): Promise<number> {
  const [entry] = await tx.getMany(region, [id])
  return Number(entry?.row['balance'])
}

/** Moves an amount from an account to a savings account. */
async function move(tx: RegionTransaction, from: string, to: string, amount: number): Promise<void> {
  const [left, right] = [await balanceOf(tx, 'accounts', from), await balanceOf(tx, 'savings', to)]
  await tx.putMany('accounts', [account(from, left - amount)])
  await tx.putMany('savings', [account(to, right + amount)])
}

const rowsOf = async (subject: RegionStoreSubject, region: Region) => (await region.select(subject.scope(), {})).map(row => [row['id'], row['balance']])
const failureOf = (promise: Promise<unknown>) => promise.then(() => undefined, (error: unknown) => error as HubError)
const code = (wanted: HubError['code']) => expect.objectContaining({ code: wanted })

export const regionTransactionChecks = [
  must<RegionTransactionSubject>('RS60', 'H-30 what a transaction writes in two regions is one commit: there together, durable, and one entry of the log', async subject => {
    const [left, right] = await open(subject)
    await left.putMany(subject.scope(), [account('a', 100), account('gone', 1)])
    const from = subject.store.changes.end
    const { result, attempts, id } = await subject.store.transact(subject.scope(), options, async tx => {
      await tx.putMany('accounts', [account('a', 60)])
      await tx.putMany('savings', [account('b', 40)])
      return tx.removeMany('accounts', ['gone', 'never'])
    })
    expect(result).toEqual([true, false])
    expect(attempts).toBe(1)
    expect(id).not.toBe('')
    expect(await rowsOf(subject, left)).toEqual([['a', 60]])
    expect(await rowsOf(subject, right)).toEqual([['b', 40]])
    const told = await subject.store.changes.read(from, 100)
    expect(told).toHaveLength(1)
    expect(told[0]?.changes.map(({ type, region, key }) => `${type} ${region} ${key}`).sort()).toEqual(['CREATED savings b', 'REMOVED accounts gone', 'UPDATED accounts a'])
    expect(subject.store.changes.durable).toBe(subject.store.changes.end)
  }),
  must<RegionTransactionSubject>('RS61', 'H-28 the isolation given is at least the one asked for, and is said', async subject => {
    await open(subject)
    for (const isolation of isolations) {
      const { effectiveIsolation } = await subject.store.transact(subject.scope(), { ...options, isolation }, tx => tx.putMany('accounts', [account('a', 1)]))
      const rank = (one: Isolation) => isolations.indexOf(one)
      expect(rank(effectiveIsolation)).toBeGreaterThanOrEqual(rank(isolation))
    }
  }),
  must<RegionTransactionSubject>('RS62', 'H-30 work that fails leaves nothing behind, tells nobody, and its failure is passed on', async subject => {
    const [left, right] = await open(subject)
    await left.putMany(subject.scope(), [account('a', 100)])
    const from = subject.store.changes.end
    const failed = subject.store.transact(subject.scope(), options, async tx => {
      await tx.putMany('savings', [account('b', 100)])
      await tx.removeMany('accounts', ['a'])
      throw new Error('changed my mind')
    })
    await expect(failed).rejects.toThrow('changed my mind')
    expect(await rowsOf(subject, left)).toEqual([['a', 100]])
    expect(await rowsOf(subject, right)).toEqual([])
    expect(await subject.store.changes.read(from, 100)).toEqual([])
  }),
  must<RegionTransactionSubject>('RS63', 'H-30 a transaction sees what it wrote, and nobody else does before it has committed', async subject => {
    const [left] = await open(subject)
    await left.putMany(subject.scope(), [account('a', 1), account('b', 2)])
    await subject.store.transact(subject.scope(), options, async tx => {
      await tx.putMany('accounts', [account('a', 10), account('c', 30)])
      await tx.removeMany('accounts', ['b'])
      const seen = await tx.getMany('accounts', ['a', 'b', 'c', 'a'])
      expect(seen.map(entry => entry && [entry.key, entry.row['balance']])).toEqual([['a', 10], undefined, ['c', 30], ['a', 10]])
      expect(await tx.removeMany('accounts', ['b', 'c'])).toEqual([false, true])
      expect((await left.getMany(subject.scope(), ['a', 'b', 'c'])).map(entry => entry?.row['balance'])).toEqual([1, 2, undefined])
    })
    expect(await rowsOf(subject, left)).toEqual([['a', 10]])
  }),
  must<RegionTransactionSubject>('RS64', 'H-11 a region that is ATOMIC takes no part, one that is not there cannot, and then nothing is written', async subject => {
    const [left] = await open(subject)
    await subject.store.define({ ...accounts, name: 'counters', atomicity: 'ATOMIC' })
    const into = (region: string) => subject.store.transact(subject.scope(), options, async tx => {
      await tx.putMany('accounts', [account('a', 1)])
      await tx.putMany(region, [account('a', 1)])
    })
    expect(await failureOf(into('counters'))).toMatchObject({ code: 'REGION_NOT_TRANSACTIONAL', details: { region: 'counters' } })
    await expect(into('acounts')).rejects.toEqual(code('NOT_FOUND'))
    expect(await rowsOf(subject, left)).toEqual([])
  }),
  must<RegionTransactionSubject>('RS65', 'a row that is no row of the region is refused with every problem, as outside of transactions', async subject => {
    await open(subject)
    const failure = await failureOf(subject.store.transact(subject.scope(), options, tx => tx.putMany('accounts', [{ id: 'a', balance: null }, { balance: 1, ownr: 'x' }])))
    expect(failure).toMatchObject({ code: 'VALIDATION_ERROR', details: { problems: [{ path: 'rows[0].balance' }, { path: 'rows[1].id' }, { path: 'rows[1].ownr' }] } })
  }),
  must<RegionTransactionSubject>('RS66', 'H-31 of many who add to one entry at once none is lost, as long as they may begin again', async subject => {
    const [left] = await open(subject)
    await left.putMany(subject.scope(), [account('a', 0)])
    const add = () => subject.store.transact(subject.scope(), { ...options, timeoutMs: 20_000, maxAttempts: 200 }, async tx => {
      await tx.putMany('accounts', [account('a', (await balanceOf(tx, 'accounts', 'a')) + 1)])
    })
    await Promise.all(Array.from({ length: 32 }, add))
    expect(await rowsOf(subject, left)).toEqual([['a', 32]])
  }),
  must<RegionTransactionSubject>('RS67', 'H-34 of two that each read what the other writes one goes on, and the other learns within a second that it did not', async subject => {
    const [left] = await open(subject)
    await left.putMany(subject.scope(), [account('a', 50), account('b', 50)])
    let arrived = 0
    let meet: () => void = () => undefined
    const met = new Promise<void>(resolve => { meet = resolve })
    // Each may draw only if the two together hold 100: after one of them they do not.
    const draw = (mine: string, other: string) => subject.store.transact(subject.scope(), options, async tx => {
      const balance = await balanceOf(tx, 'accounts', mine)
      arrived += 1
      if (arrived === 2) meet()
      await met
      if (balance + (await balanceOf(tx, 'accounts', other)) < 100) return
      await tx.putMany('accounts', [account(mine, balance - 100)])
    })
    const began = performance.now()
    const failures = (await Promise.all([failureOf(draw('a', 'b')), failureOf(draw('b', 'a'))])).filter(Boolean)
    // None where the second read of the one comes behind the commit of the other, and so shows it.
    expect(failures.length).toBeLessThan(2)
    for (const failure of failures) expect(failure).toEqual(code('TX_CONFLICT'))
    expect(performance.now() - began).toBeLessThan(1_000)
    expect((await rowsOf(subject, left)).map(([, balance]) => balance).sort()).toEqual([-50, 50])
  }),
  must<RegionTransactionSubject>('RS68', 'H-31 the reads of a transaction are of one moment, whatever is committed between them', async subject => {
    const [left, right] = await open(subject)
    await left.putMany(subject.scope(), [account('a', 100)])
    await right.putMany(subject.scope(), [account('b', 0)])
    const transfers: Promise<unknown>[] = []
    const { result } = await subject.store.transact(subject.scope(), { ...options, maxAttempts: 10 }, async tx => {
      const first = await balanceOf(tx, 'accounts', 'a')
      if (transfers.length === 0) transfers.push(subject.store.transact(subject.scope(), options, other => move(other, 'a', 'b', 30)))
      if (!subject.locks) await transfers[0]
      return first + (await balanceOf(tx, 'savings', 'b'))
    })
    expect(result).toBe(100)
    await Promise.all(transfers)
    expect([await rowsOf(subject, left), await rowsOf(subject, right)]).toEqual([[['a', 70]], [['b', 30]]])
  }),
  must<RegionTransactionSubject>('RS69', 'H-32 of many who insert one key only if it is absent one does', async subject => {
    const [left] = await open(subject)
    const insert = (owner: string) => subject.store.transact(subject.scope(), { ...options, maxAttempts: 50 }, async tx => {
      const [there] = await tx.getMany('accounts', ['a'])
      if (there) return false
      await tx.putMany('accounts', [account('a', 1, owner)])
      return true
    })
    const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => insert(`owner ${index}`)))
    expect(answers.filter(({ result }) => result)).toHaveLength(1)
    expect(await left.count(subject.scope())).toBe(1)
  }),
  must<RegionTransactionSubject>('RS70', 'H-33 a transaction whose time is over is rolled back and says what it waited for; what its work does then has no effect', async subject => {
    const [left] = await open(subject)
    let go: () => void = () => undefined
    const gate = new Promise<void>(resolve => { go = resolve })
    let written: () => void = () => undefined
    const wrote = new Promise<void>(resolve => { written = resolve })
    let late: Promise<unknown> = Promise.resolve()
    const failure = failureOf(subject.store.transact(subject.scope(), { ...options, timeoutMs: 500 }, async tx => {
      await tx.putMany('accounts', [account('a', 1)])
      written()
      late = gate.then(() => failureOf(tx.putMany('accounts', [account('b', 1)])))
      await gate
    }))
    await wrote
    await subject.elapse(600)
    expect(await failure).toMatchObject({ code: 'TX_TIMEOUT', details: { timeoutMs: 500, waitedOn: [] } })
    go()
    expect(await late).toMatchObject({ code: expect.stringMatching(/^TX_/) })
    expect(await rowsOf(subject, left)).toEqual([])
  }),
  must<RegionTransactionSubject>('RS71', 'H-14 unique indexes hold for the state behind the whole commit; where they do not, no region is written', async subject => {
    const [left, right] = await open(subject, { unique: [['owner']] })
    await left.putMany(subject.scope(), [account('a', 1, 'ada'), account('b', 2, 'bea')])
    await subject.store.transact(subject.scope(), options, async tx => {
      await tx.putMany('accounts', [account('a', 1, 'bea')])
      await tx.removeMany('accounts', ['b'])
      await tx.putMany('accounts', [account('c', 3, 'ada')])
    })
    const failure = await failureOf(subject.store.transact(subject.scope(), options, async tx => {
      await tx.putMany('savings', [account('s', 1, 'ada')])
      await tx.putMany('accounts', [account('d', 4, 'ada')])
    }))
    expect(failure).toMatchObject({ code: 'CONFLICT', details: { region: 'accounts', keys: ['d'] } })
    expect(failure?.message).toContain('Entry "c" has owner "ada" already, and the index (owner) is unique.')
    expect(await rowsOf(subject, left)).toEqual([['a', 1], ['c', 3]])
    expect(await rowsOf(subject, right)).toEqual([])
  }),
  must<RegionTransactionSubject>('RS72', 'H-13 an entry that has expired is absent in a transaction too, and what one writes expires', async subject => {
    const [left] = await open(subject, { expiry: { createMs: 2_500 } })
    await left.putMany(subject.scope(), [account('a', 1)])
    await subject.elapse(2_600)
    const seen = await subject.store.transact(subject.scope(), options, async tx => {
      await tx.putMany('accounts', [account('b', 2)])
      return tx.getMany('accounts', ['a'])
    })
    expect(seen.result).toEqual([undefined])
    expect(await rowsOf(subject, left)).toEqual([['b', 2]])
    await subject.elapse(2_600)
    expect(await rowsOf(subject, left)).toEqual([])
  }),
  must<RegionTransactionSubject>('RS73', 'a transaction sees and writes the entries of its own tenant, and conflicts with no other', async subject => {
    const [left] = await open(subject, { tenancy: 'TENANT' })
    await left.putMany(subject.scope('red'), [account('a', 1)])
    await left.putMany(subject.scope('blue'), [account('a', 2)])
    await subject.store.transact(subject.scope('red'), options, async tx => {
      expect(await balanceOf(tx, 'accounts', 'a')).toBe(1)
      await left.putMany(subject.scope('blue'), [account('a', 20)])
      await tx.putMany('accounts', [account('a', 10)])
    })
    expect((await left.getMany(subject.scope('blue'), ['a']))[0]?.row['balance']).toBe(20)
    expect((await left.getMany(subject.scope('red'), ['a']))[0]?.row['balance']).toBe(10)
  }),
  must<RegionTransactionSubject>('RS74', 'H-18 each region that took part counts commits and rollbacks, and the writes only of commits', async subject => {
    const [left, right] = await open(subject)
    await subject.store.transact(subject.scope(), options, async tx => {
      await tx.putMany('accounts', [account('a', 1), account('b', 1)])
      await tx.removeMany('accounts', ['b'])
    })
    await failureOf(subject.store.transact(subject.scope(), options, async tx => {
      await tx.getMany('savings', ['x'])
      await tx.putMany('accounts', [account('c', 1)])
      throw new Error('no')
    }))
    expect(await left.stats(subject.scope())).toMatchObject({ txCommits: 1, txRollbacks: 1, puts: 1, entries: 1 })
    expect(await right.stats(subject.scope())).toMatchObject({ txCommits: 0, txRollbacks: 1, puts: 0 })
  }),
  must<RegionTransactionSubject>('RS75', 'H-29 what a transaction answered is there after a restart, in every region', async subject => {
    const [left] = await open(subject)
    await left.putMany(subject.scope(), [account('a', 100)])
    await subject.store.transact(subject.scope(), options, async tx => {
      await tx.putMany('savings', [account('b', 0)])
      await move(tx, 'a', 'b', 30)
    })
    await subject.reopen()
    const [again, other] = await open(subject)
    expect([await rowsOf(subject, again), await rowsOf(subject, other)]).toEqual([[['a', 70]], [['b', 30]]])
  }),
  must<RegionTransactionSubject>('RS76', 'H-29 a list read outside shows a commit of several entries whole, or as the store says', async subject => {
    const [left] = await open(subject)
    await left.putMany(subject.scope(), [account('a', 100), account('b', 0)])
    let done = false
    const shuffle = async () => {
      for (let round = 0; round < 50; round++) {
        await subject.store.transact(subject.scope(), { ...options, maxAttempts: 10 }, async tx => {
          const [a, b] = [await balanceOf(tx, 'accounts', 'a'), await balanceOf(tx, 'accounts', 'b')]
          await tx.putMany('accounts', [account('a', b), account('b', a)])
        })
      }
      done = true
    }
    const sums = new Set<number>()
    const look = async () => {
      while (!done) {
        const rows = await left.getMany(subject.scope(), ['a', 'b'])
        sums.add(rows.reduce((sum, entry) => sum + Number(entry?.row['balance']), 0))
        await new Promise(resolve => setImmediate(resolve))
      }
    }
    await Promise.all([shuffle(), look()])
    if (subject.plainReads === 'whole') expect([...sums]).toEqual([100])
    // Entries of the old state and the new: nothing that was never written.
    else expect([...sums].filter(sum => ![0, 100, 200].includes(sum))).toEqual([])
  }),
  must<RegionTransactionSubject>('RS77', 'H-29 what became of a transaction is known to its tenant by its id, with each region that took part', async subject => {
    await open(subject, { tenancy: 'TENANT' })
    const stateOf = async (id: string, tenant = 'red') => subject.store.transaction(subject.scope(tenant), id)
    const committed = await subject.store.transact(subject.scope('red'), options, async tx => {
      expect(await stateOf(tx.id)).toMatchObject({ id: tx.id, state: 'PREPARING' })
      await tx.putMany('accounts', [account('a', 1)])
      await tx.getMany('savings', ['a'])
    })
    const found = await stateOf(committed.id)
    expect(found).toMatchObject({ id: committed.id, state: 'COMMITTED' })
    expect(found?.participants.map(({ region, vote }) => [region, vote]).sort()).toEqual([['accounts', 'COMMIT'], ['savings', 'COMMIT']])
    expect(await stateOf(committed.id, 'blue')).toBeUndefined()
    expect(await stateOf('never')).toBeUndefined()
    let id = ''
    await failureOf(subject.store.transact(subject.scope('red'), options, async tx => {
      id = tx.id
      await tx.putMany('accounts', [account('b', 1)])
      throw new Error('no')
    }))
    expect(await stateOf(id)).toMatchObject({ state: 'ROLLED_BACK', participants: [{ region: 'accounts' }] })
  }),
  must<RegionTransactionSubject>('RS78', 'H-34 what transactions that lost would have written is told as soon as another writes it', async subject => {
    const [left, right] = await open(subject)
    const ids = Array.from({ length: 20 }, (_, number) => `n${number}`)
    await left.putMany(subject.scope(), ids.map(id => account(id, 0)))
    const lost = await failureOf(subject.store.transact(subject.scope(), options, async tx => {
      await tx.getMany('accounts', ids)
      await tx.putMany('accounts', ids.map(id => account(id, 1)))
      await tx.putMany('savings', ids.map(id => account(id, 1)))
      await left.putMany(subject.scope(), [account('n7', 2)])
    }))
    expect(lost).toMatchObject({ code: 'TX_CONFLICT', details: { region: 'accounts', key: 'n7' } })
    const from = subject.store.changes.end
    await left.putMany(subject.scope(), ids.map(id => account(id, 3)))
    await right.putMany(subject.scope(), ids.map(id => account(id, 3)))
    const told = (await subject.store.changes.read(from, 100)).flatMap(({ changes }) => changes.map(({ region, key }) => `${region} ${key}`))
    expect(told.sort()).toEqual([...ids.map(id => `accounts ${id}`), ...ids.map(id => `savings ${id}`)].sort())
  }),
  must<RegionTransactionSubject>('RS79', 'H-34 transactions and writes that want the same entries of two regions in opposite orders do not lock each other out', async subject => {
    const [left, right] = await open(subject)
    const ids = Array.from({ length: 12 }, (_, number) => `n${number}`)
    const rows = (list: readonly string[], balance: number) => list.map(id => account(id, balance))
    const began = performance.now()
    await Promise.all(Array.from({ length: 24 }, async (_, number) => {
      const list = number % 2 === 0 ? ids : ids.toReversed()
      if (number % 3 === 0) return (number % 2 === 0 ? left : right).putMany(subject.scope(), rows(list, number))
      return subject.store.transact(subject.scope(), { ...options, timeoutMs: 20_000 }, async tx => {
        for (const region of number % 2 === 0 ? ['accounts', 'savings'] : ['savings', 'accounts']) await tx.putMany(region, rows(list, number))
      })
    }))
    // An engine that finds such a lock by its time limit takes longer.
    expect(performance.now() - began).toBeLessThan(4_000)
    for (const region of [left, right]) expect(new Set((await rowsOf(subject, region)).map(([, balance]) => balance)).size).toBe(1)
  }),
]
