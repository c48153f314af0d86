import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { KeyLines } from '../../../connectors/regions/key-lines.ts'
import { openMemoryRegions, type MemoryRegionStore } from '../../../connectors/memory/index.ts'
import type { RegionTransaction } from '../../../connectors/ports/region-transaction.ts'
import { HubError } from '../../../schema/errors.ts'
import { accounts, savings } from '../../conformance/region-transactions.ts'
import { type TestScope, testScope } from '../../support/scope.ts'

let scope: TestScope
let store: MemoryRegionStore
beforeEach(async () => {
  scope = testScope()
  store = await openMemoryRegions({ clock: scope.clock, log: scope.log })
  for (const definition of [accounts, savings]) await store.define(definition)
})
afterEach(() => store.close())

const options = { isolation: 'READ_COMMITTED', timeoutMs: 1_000 } as const
const put = (tx: RegionTransaction, id: string, balance = 1) => tx.putMany('accounts', [{ id, balance }])
const failureOf = (promise: Promise<unknown>) => promise.then(() => undefined, (error: unknown) => error as HubError)
const lock = (key: string) => ({ id: key, region: 'r', key })

/** A promise and the hand that ends it. */
function gate() {
  let open: () => void = () => undefined
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { open, opened }
}

/** A transaction that lost its first attempt and stands, in its second, in front of the line for these keys until `open`. */
async function holding(keys: readonly string[]) {
  const { open, opened } = gate()
  const inside = gate()
  let attempt = 0
  const ended = store.transact(scope, { ...options, timeoutMs: 60_000, maxAttempts: 2 }, async tx => {
    attempt += 1
    await tx.getMany('accounts', keys)
    if (attempt === 1) return store.region('accounts').putMany(scope, keys.map(id => ({ id, balance: 0 })))
    inside.open()
    await opened
    return tx.putMany('accounts', keys.map(id => ({ id, balance: 100 })))
  })
  await inside.opened
  return { open, ended }
}

test('H-28 every isolation asked for is given as SERIALIZABLE, and said', async () => {
  expect(await store.transact(scope, options, tx => put(tx, 'a'))).toMatchObject({ effectiveIsolation: 'SERIALIZABLE', attempts: 1 })
})

test('H-34 what was read and changed meanwhile is named, whether by the next read or by the commit', async () => {
  const region = store.region('accounts')
  await region.putMany(scope, [{ id: 'a', balance: 1 }])
  const disturbed = (before: (tx: RegionTransaction) => Promise<unknown>) => failureOf(store.transact(scope, options, async tx => {
    await tx.getMany('accounts', ['a'])
    await region.putMany(scope, [{ id: 'a', balance: 2 }])
    return before(tx)
  }))
  expect(await disturbed(tx => tx.getMany('savings', ['a']))).toMatchObject({ code: 'TX_CONFLICT', details: { region: 'accounts', key: 'a' } })
  expect(await disturbed(tx => put(tx, 'b'))).toMatchObject({ code: 'TX_CONFLICT', details: { region: 'accounts', key: 'a' } })
  // The work cannot hide it either.
  expect(await disturbed(async tx => { await failureOf(tx.getMany('savings', ['a'])) })).toMatchObject({ code: 'TX_CONFLICT' })
  expect((await region.stats(scope)).entries).toBe(1)
})

test('work is never shown two moments, not even in an attempt that will not commit', async () => {
  const move = (amount: number) => store.transact(scope, options, async tx => {
    await put(tx, 'a', 100 - amount)
    await tx.putMany('savings', [{ id: 'b', balance: amount }])
  })
  await move(0)
  const seen: number[] = []
  await store.transact(scope, { ...options, maxAttempts: 2 }, async tx => {
    const [left] = await tx.getMany('accounts', ['a'])
    if (Number(left?.row['balance']) === 100) await move(30)
    const [right] = await tx.getMany('savings', ['b'])
    seen.push(Number(left?.row['balance']) + Number(right?.row['balance']))
  })
  expect(seen).toEqual([100])
})

test('an entry that was absent when it was looked for, and is there at the commit, is a conflict', async () => {
  const failure = failureOf(store.transact(scope, options, async tx => {
    expect(await tx.getMany('accounts', ['a'])).toEqual([undefined])
    await store.region('accounts').putMany(scope, [{ id: 'a', balance: 7 }])
    await tx.putMany('savings', [{ id: 'a', balance: 0 }])
  }))
  expect(await failure).toMatchObject({ code: 'TX_CONFLICT' })
  expect(await store.region('savings').count(scope)).toBe(0)
})

test('an entry that was read and expired before the commit is a conflict', async () => {
  await store.define({ ...accounts, expiry: { createMs: 500 } })
  await store.region('accounts').putMany(scope, [{ id: 'a', balance: 1 }])
  const failure = failureOf(store.transact(scope, options, async tx => {
    await tx.getMany('accounts', ['a'])
    scope.clock.advance(600)
    await put(tx, 'b')
  }))
  expect(await failure).toMatchObject({ code: 'TX_CONFLICT' })
})

test('who begins again goes before who comes new to the same entry, and others are not held up', async () => {
  const first = await holding(['a'])
  let done = false
  const second = store.transact(scope, options, tx => put(tx, 'a', 5)).then(answer => {
    done = true
    return answer
  })
  expect(await store.transact(scope, options, tx => put(tx, 'b'))).toMatchObject({ attempts: 1 })
  expect(done).toBe(false)
  first.open()
  expect(await first.ended).toMatchObject({ attempts: 2 })
  await second
  expect((await store.region('accounts').getMany(scope, ['a']))[0]?.row['balance']).toBe(5)
})

test('H-33 a transaction whose time runs out in the line names what it waited for', async () => {
  const first = await holding(['a', 'b'])
  const failure = failureOf(store.transact(scope, options, async tx => {
    await put(tx, 'c')
    await put(tx, 'a')
  }))
  await turn()
  scope.clock.advance(1_001)
  const error = await failure
  expect(error).toMatchObject({ code: 'TX_TIMEOUT', details: { timeoutMs: 1_000, waitedOn: [{ region: 'accounts', key: 'a' }] } })
  expect(error?.message).toContain('it waited for "a" of "accounts"')
  first.open()
  await first.ended
  expect((await store.region('accounts').getMany(scope, ['c']))[0]).toBeUndefined()
  // Whoever gave up stands in nobody's way.
  expect(await store.transact(scope, options, tx => put(tx, 'a', 9))).toMatchObject({ attempts: 1 })
})

test('H-33 the time still counts for the attempt after one that lost in the line', async () => {
  const first = await holding(['a'])
  const inside = gate()
  let attempt = 0
  const failure = failureOf(store.transact(scope, { ...options, maxAttempts: 5 }, async tx => {
    attempt += 1
    await tx.getMany('accounts', ['a'])
    await put(tx, 'a')
    if (attempt === 1) return
    inside.open()
    return new Promise(() => undefined)
  }))
  await turn()
  first.open()
  await inside.opened
  scope.clock.advance(1_001)
  expect(await failure).toMatchObject({ code: 'TX_TIMEOUT' })
  expect(attempt).toBe(2)
})

test('H-33 the time counts for all attempts together', async () => {
  const inside = gate()
  let attempt = 0
  const failure = failureOf(store.transact(scope, { ...options, maxAttempts: 5 }, async tx => {
    attempt += 1
    await tx.getMany('accounts', ['a'])
    await put(tx, 'a')
    if (attempt === 1) return store.region('accounts').putMany(scope, [{ id: 'a', balance: 0 }])
    inside.open()
    return new Promise(() => undefined)
  }))
  await inside.opened
  scope.clock.advance(1_001)
  expect(await failure).toMatchObject({ code: 'TX_TIMEOUT', details: { waitedOn: [] } })
  expect(attempt).toBe(2)
})

test('H-29 a commit that is not yet durable is PREPARED', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'prepared-'))
  const durable = await openMemoryRegions({ directory, clock: scope.clock, log: scope.log })
  try {
    await durable.define(accounts)
    let id = ''
    const ended = durable.transact(scope, options, async tx => {
      id = tx.id
      await put(tx, 'a')
    })
    const stateOf = async () => (await durable.transaction(scope, id))?.state
    await new Promise<void>(resolve => void durable.changes.onCommit(() => resolve()))
    expect(await stateOf()).toBe('PREPARED')
    await ended
    expect(await stateOf()).toBe('COMMITTED')
  } finally {
    await durable.close()
    await rm(directory, { recursive: true })
  }
})

test('H-29 a commit the log failed under is UNKNOWN, and nothing is taken after it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'unknown-'))
  const durable = await openMemoryRegions({ directory, clock: scope.clock, log: scope.log, segmentBytes: 8 * 1024 })
  await durable.define(accounts)
  await rm(directory, { recursive: true })
  let id = ''
  const write = (owner: string) => failureOf(durable.transact(scope, options, async tx => {
    id = tx.id
    await tx.putMany('accounts', [{ id: 'a', balance: 1, owner }])
  }))
  expect(await write('x'.repeat(20_000))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
  expect((await durable.transaction(scope, id))?.state).toBe('UNKNOWN')
  expect(await write('ada')).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
  await durable.close()
})

test('H-34 two that begin again over the same entries in other orders both end', async () => {
  await store.region('accounts').putMany(scope, ['a', 'b'].map(id => ({ id, balance: 0 })))
  const add = (keys: readonly string[]) => store.transact(scope, { ...options, timeoutMs: 60_000, maxAttempts: 50 }, async tx => {
    for (const key of keys) {
      const [entry] = await tx.getMany('accounts', [key])
      await turn()
      await put(tx, key, Number(entry?.row['balance']) + 1)
    }
  })
  await Promise.all(Array.from({ length: 20 }, (_, index) => add(index % 2 ? ['a', 'b'] : ['b', 'a'])))
  expect((await store.region('accounts').getMany(scope, ['a', 'b'])).map(entry => entry?.row['balance'])).toEqual([20, 20])
})

test('a long transaction ends although short ones keep changing what it reads', async () => {
  const region = store.region('accounts')
  await region.putMany(scope, ['a', 'b', 'c'].map(id => ({ id, balance: 0 })))
  let isOver = false
  const short = async () => {
    while (!isOver) {
      await store.transact(scope, { ...options, timeoutMs: 60_000, maxAttempts: 50 }, async tx => {
        const [entry] = await tx.getMany('accounts', ['b'])
        await put(tx, 'b', Number(entry?.row['balance']) + 1)
      })
      await turn()
    }
  }
  const long = store.transact(scope, { ...options, timeoutMs: 60_000, maxAttempts: 3 }, async tx => {
    for (const key of ['a', 'b', 'c']) {
      await tx.getMany('accounts', [key])
      for (let index = 0; index < 5; index++) await turn()
    }
    await put(tx, 'a', 1)
  }).finally(() => { isOver = true })
  await Promise.all([long, short(), short()])
  expect((await long).attempts).toBeLessThanOrEqual(3)
})

test('the caller who leaves ends the transaction', async () => {
  const inside = gate()
  const failure = failureOf(store.transact(scope, options, async tx => {
    await put(tx, 'a')
    inside.open()
    await new Promise(() => undefined)
  }))
  await inside.opened
  scope.abort(new HubError('CANCELLED', 'The client left.'))
  expect(await failure).toMatchObject({ code: 'CANCELLED' })
  expect(await store.region('accounts').count(testScope())).toBe(0)
})

test('a region that was defined anew or dropped since its rows were taken refuses the commit', async () => {
  const redefined = failureOf(store.transact(scope, options, async tx => {
    await put(tx, 'a')
    await store.define({ ...accounts, columns: [...accounts.columns, { name: 'note', type: 'String', nullable: true }] })
  }))
  expect(await redefined).toMatchObject({ code: 'TX_CONFLICT' })
  const dropped = failureOf(store.transact(scope, options, async tx => {
    await tx.putMany('savings', [{ id: 'a', balance: 1 }])
    await store.drop('savings')
  }))
  expect(await dropped).toMatchObject({ code: 'NOT_FOUND' })
})

test('a line is entered for all entries at once, and left from anywhere in it', async () => {
  const lines = new KeyLines()
  const first = lines.enter([lock('a'), lock('b')])
  const second = lines.enter([lock('b'), lock('c')])
  const third = lines.enter([lock('c'), lock('a')])
  await first.turn
  expect([second, third].map(place => place.waitsFor.map(({ key }) => key))).toEqual([['b'], ['c', 'a']])
  second.leave()
  expect(third.waitsFor.map(({ key }) => key)).toEqual(['a'])
  first.leave()
  await third.turn
  expect(lines.isBusy([lock('b')])).toBe(false)
  third.leave()
  expect(lines.isBusy([lock('a'), lock('b'), lock('c')])).toBe(false)
})
