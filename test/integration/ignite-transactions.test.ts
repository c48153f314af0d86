import { begin, transact, type TransactionOptions } from '../../connectors/ignite/index.ts'
import { withEngine } from '../support/engines.ts'
import { column, igniteSubject, type IgniteSubject, type IgniteTable } from '../support/ignite.ts'

withEngine('IGNITE_HOST_1', 'transactions of Ignite', () => {
  let ignite: IgniteSubject
  let left: IgniteTable
  let right: IgniteTable
  beforeAll(async () => {
    ignite = igniteSubject()
    left = await ignite.table([column('n', 'Int')])
    right = await ignite.table([column('n', 'Int')])
  })
  afterAll(() => ignite.close())

  const pessimistic: TransactionOptions = { concurrency: 'PESSIMISTIC', isolation: 'REPEATABLE_READ', timeoutMs: 10_000 }
  const optimistic: TransactionOptions = { concurrency: 'OPTIMISTIC', isolation: 'SERIALIZABLE', timeoutMs: 10_000 }

  test('what a transaction writes to two caches is seen by others after the commit only', async () => {
    const { scope, client } = ignite
    const transaction = await begin(scope, client, { ...pessimistic, label: 'seen in the server' })
    await left.rows.within(transaction).put(scope, 'k', { n: 1 })
    await right.rows.within(transaction).put(scope, 'k', { n: 2 })
    expect(await left.rows.within(transaction).get(scope, 'k')).toEqual({ n: 1 })
    expect(await Promise.all([left.rows.get(scope, 'k'), right.rows.get(scope, 'k')])).toEqual([undefined, undefined])
    await transaction.commit(scope)
    expect(await Promise.all([left.rows.get(scope, 'k'), right.rows.get(scope, 'k')])).toEqual([{ n: 1 }, { n: 2 }])
  })

  test('work that fails is rolled back, and its failure is the caller\'s', async () => {
    const { scope, client } = ignite
    const failing = transact(scope, client, pessimistic, async transaction => {
      await left.rows.within(transaction).put(scope, 'rolled', { n: 1 })
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(await left.rows.containsKey(scope, 'rolled')).toBe(false)
  })

  test('a lock held by another fails with TX_TIMEOUT when the time is over', async () => {
    const { scope, client } = ignite
    const holder = await begin(scope, client, pessimistic)
    await left.rows.within(holder).put(scope, 'locked', { n: 1 })
    await expect(transact(scope, client, { ...pessimistic, timeoutMs: 500 }, transaction => left.rows.within(transaction).put(scope, 'locked', { n: 2 }))).rejects.toMatchObject({ code: 'TX_TIMEOUT' })
    await holder.commit(scope)
    expect(await left.rows.get(scope, 'locked')).toEqual({ n: 1 })
  })

  test('of two optimistic transactions on one entry the second to commit fails with TX_CONFLICT', async () => {
    const { scope, client } = ignite
    await left.rows.put(scope, 'raced', { n: 0 })
    const transactions = [await begin(scope, client, optimistic), await begin(scope, client, optimistic)] as const
    for (const transaction of transactions) {
      const rows = left.rows.within(transaction)
      const found = await rows.get(scope, 'raced')
      await rows.put(scope, 'raced', { n: Number(found?.['n']) + 1 })
    }
    await transactions[0].commit(scope)
    await expect(transactions[1].commit(scope)).rejects.toMatchObject({ code: 'TX_CONFLICT' })
    expect(await left.rows.get(scope, 'raced')).toEqual({ n: 1 })
  })

  test('an ended transaction takes nothing more', async () => {
    const { scope, client } = ignite
    const transaction = await begin(scope, client, pessimistic)
    await transaction.commit(scope)
    await expect(left.rows.within(transaction).get(scope, 'k')).rejects.toThrow('The transaction is committed already. Begin another one.')
    await transaction.rollback()
  })

  test('a transaction ends with its connection, and its locks with it', async () => {
    const { scope } = ignite
    const other = igniteSubject()
    const transaction = await begin(other.scope, other.client, pessimistic)
    await left.rows.within(transaction).put(other.scope, 'orphan', { n: 1 })
    await other.close()
    await left.rows.put(scope, 'orphan', { n: 2 })
    expect(await left.rows.get(scope, 'orphan')).toEqual({ n: 2 })
  })

  test('the sum of the accounts stays as it is under many transfers at once', async () => {
    const { scope, client } = ignite
    const accounts = Array.from({ length: 10 }, (_, n) => `account${n}`)
    await left.rows.putAll(scope, accounts.map(key => [key, { n: 100 }]))
    const transfer = async (from: string, to: string) => transact(scope, client, pessimistic, async transaction => {
      const rows = left.rows.within(transaction)
      const [source, target] = await rows.getAll(scope, [from, to])
      await rows.putAll(scope, [[from, { n: Number(source?.['n']) - 1 }], [to, { n: Number(target?.['n']) + 1 }]])
    })
    const workers = Array.from({ length: 4 }, async (_, worker) => {
      for (let round = 0; round < 15; round++) await transfer(accounts[(worker + round) % 10]!, accounts[(worker * 3 + round + 1) % 10 === (worker + round) % 10 ? (worker + round + 5) % 10 : (worker * 3 + round + 1) % 10]!)
    })
    await Promise.all(workers)
    expect((await left.rows.getAll(scope, accounts)).reduce((sum, row) => sum + Number(row?.['n']), 0)).toBe(1_000)
  })
})
