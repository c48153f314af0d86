import { type CacheEvent, continuous, sqlRows, transact } from '../../connectors/ignite/index.ts'
import type { HubError } from '../../schema/errors.ts'
import type { Row, Value } from '../../schema/values.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { column, igniteHosts, igniteSubject, type IgniteSubject, type IgniteTable } from '../support/ignite.ts'

withEngine('IGNITE_HOST_1', 'continuous queries of Ignite', () => {
  let ignite: IgniteSubject
  beforeAll(() => {
    ignite = igniteSubject()
  })
  afterAll(() => ignite.close())

  async function watched(table: IgniteTable) {
    const events: CacheEvent<Value, Row>[] = []
    const states: string[] = []
    const query = await continuous(ignite.client, table.rows, {
      changed: more => events.push(...more),
      lost: (reason: HubError) => states.push(`lost: ${reason.code}`),
      restored: () => states.push('restored'),
    })
    return { events, states, query, until: (count: number) => eventually(`${count} events, ${events.length} came`, async () => events.length >= count) }
  }

  test('every change is told with the value before and after, and an expiry as what it is', async () => {
    const { scope } = ignite
    const table = await ignite.table([column('n', 'Int')])
    const { events, query, until } = await watched(table)
    await table.rows.put(scope, 'k', { n: 1 })
    await table.rows.put(scope, 'k', { n: 2 })
    await table.rows.remove(scope, 'k')
    await table.rows.withExpiry({ createMs: 200 }).put(scope, 'short', { n: 3 })
    await until(5)
    expect(events).toEqual([
      { type: 'CREATED', key: 'k', before: undefined, after: { n: 1 } },
      { type: 'UPDATED', key: 'k', before: { n: 1 }, after: { n: 2 } },
      { type: 'REMOVED', key: 'k', before: { n: 2 }, after: undefined },
      { type: 'CREATED', key: 'short', before: undefined, after: { n: 3 } },
      { type: 'EXPIRED', key: 'short', before: { n: 3 }, after: undefined },
    ])
    await query.close()
    expect(query.live).toBe(false)
    await table.rows.put(scope, 'after', { n: 1 })
    const second = await watched(table)
    await table.rows.put(scope, 'later', { n: 1 })
    await second.until(1)
    expect(events).toHaveLength(5)
    await second.query.close()
  })

  test('what SQL writes, changes and deletes is told, with columns it did not name', async () => {
    const { scope, client } = ignite
    const table = await ignite.table([column('n', 'Int'), column('note', 'String')])
    const { events, query, until } = await watched(table)
    const name = table.configuration.table
    await sqlRows(scope, client, `INSERT INTO ${name} (ID, N) VALUES ('a', 1)`)
    await sqlRows(scope, client, `MERGE INTO ${name} (ID, NOTE) VALUES ('a', 'x')`)
    await sqlRows(scope, client, `DELETE FROM ${name} WHERE ID = 'a'`)
    await until(3)
    expect(events).toEqual([
      { type: 'CREATED', key: 'a', before: undefined, after: { n: 1, note: null } },
      { type: 'UPDATED', key: 'a', before: { n: 1, note: null }, after: { n: null, note: 'x' } },
      { type: 'REMOVED', key: 'a', before: { n: null, note: 'x' }, after: undefined },
    ])
    await query.close()
  })

  test('a transaction is told when it is committed, not before', async () => {
    const { scope, client } = ignite
    const table = await ignite.table([column('n', 'Int')])
    const other = await ignite.table([column('n', 'Int')])
    const { events, query, until } = await watched(table)
    const outside = await watched(other)
    await transact(scope, client, { concurrency: 'PESSIMISTIC', isolation: 'REPEATABLE_READ', timeoutMs: 10_000 }, async transaction => {
      await table.rows.within(transaction).putAll(scope, [['a', { n: 1 }], ['b', { n: 2 }]])
      // A write to another cache of the same key's node that is told proves that these were not merely on their way.
      await other.rows.put(scope, 'a', { n: 3 })
      await outside.until(1)
      expect(events).toEqual([])
    })
    await until(2)
    expect(events.map(({ key }) => key).sort()).toEqual(['a', 'b'])
    await query.close()
    await outside.query.close()
  })

  test(`every one of 2,000 changes is told, from all nodes: with larger pages other nodes keep the last ones back (${igniteHosts().length} nodes)`, async () => {
    const { scope } = ignite
    const table = await ignite.table([column('n', 'Int')], { backups: 0 })
    const { events, query, until } = await watched(table)
    await Promise.all(Array.from({ length: 2_000 }, (_, n) => table.rows.put(scope, `k${n}`, { n })))
    await until(2_000)
    expect(new Set(events.map(({ key }) => key)).size).toBe(2_000)
    await query.close()
  })

  test('events that overtake the answer to the opening are not lost', async () => {
    const { scope } = ignite
    const table = await ignite.table([column('n', 'Int')])
    let writing = true
    const writer = (async () => {
      for (let n = 0; writing; n++) await table.rows.put(scope, 'k', { n })
    })()
    for (let round = 0; round < 20; round++) {
      const { events, query, until } = await watched(table)
      await until(3)
      const numbers = events.map(({ after }) => Number(after?.['n']))
      expect(numbers).toEqual(Array.from(numbers, (_, index) => numbers[0]! + index))
      await query.close()
    }
    writing = false
    await writer
  })
})
