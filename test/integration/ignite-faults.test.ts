import { begin, type CacheEvent, continuous, sqlRows } from '../../connectors/ignite/index.ts'
import { HubError } from '../../schema/errors.ts'
import type { Row, Value } from '../../schema/values.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { column, type IgniteNodes, igniteSubject, type IgniteSubject, startIgnite } from '../support/ignite.ts'

/** Away from the ports of the engines that other tests share. */
const portOffset = 12_000

withEngine('IGNITE_HOST_1', 'faults of a cluster of two nodes of its own', () => {
  let nodes: IgniteNodes
  let ignite: IgniteSubject
  beforeAll(async () => {
    nodes = await startIgnite(2, portOffset)
    ignite = igniteSubject({ hosts: nodes.hosts })
    await bothUp()
  }, 300_000)
  afterAll(async () => {
    ignite.client.close()
    await nodes.stop()
  }, 120_000)

  const bothUp = () => eventually('both nodes are connected and in one cluster', async () => {
    if (!ignite.client.stats().hosts.every(({ state }) => state === 'connected')) return false
    const [[count] = []] = await sqlRows(ignite.scope, ignite.client, 'SELECT COUNT(*) FROM SYS.NODES')
    return count === 2
  }, 120_000)

  test('a node killed under load: readers see no error, and no write that was answered is lost', async () => {
    const { scope } = ignite
    const { rows } = await ignite.table([column('n', 'Int')], { backups: 1 })
    await rows.putAll(scope, Array.from({ length: 1_000 }, (_, n) => [`fixed${n}`, { n }]))
    let running = true
    const answered: string[] = []
    const refused: unknown[] = []
    const readErrors: unknown[] = []
    let reads = 0
    const reader = async (start: number) => {
      for (let n = start; running; n++) {
        try {
          const found = n % 10 === 0 ? (await rows.getAll(scope, [`fixed${n % 1_000}`]))[0] : await rows.get(scope, `fixed${n % 1_000}`)
          if (found?.['n'] !== n % 1_000) readErrors.push(`fixed${n % 1_000} reads ${JSON.stringify(found)}`)
          reads += 1
        } catch (error) {
          readErrors.push(error)
        }
      }
    }
    const writer = async (name: string) => {
      for (let n = 0; running; n++) {
        const key = `${name}:${n}`
        try {
          await rows.put(scope, key, { n })
          answered.push(key)
        } catch (error) {
          refused.push(error)
        }
      }
    }
    const load = [...Array.from({ length: 8 }, (_, n) => reader(n * 100)), ...Array.from({ length: 4 }, (_, n) => writer(`w${n}`))]
    await eventually('the load is on', async () => reads > 500 && answered.length > 200)
    await nodes.kill(1)
    const [readsAtKill, writesAtKill] = [reads, answered.length]
    await eventually('reading and writing go on over the node that is left', async () => reads > readsAtKill + 500 && answered.length > writesAtKill + 200, 60_000)
    running = false
    await Promise.all(load)
    expect(readErrors).toEqual([])
    expect(refused.every(error => error instanceof HubError && error.info.retry)).toBe(true)
    const found = await rows.getAll(scope, answered)
    expect(answered.filter((_, index) => found[index] === undefined)).toEqual([])

    await nodes.start(1)
    await bothUp()
    expect(await rows.get(scope, 'fixed7')).toEqual({ n: 7 })
  }, 240_000)

  test('both nodes killed: calls fail at once with UPSTREAM_UNAVAILABLE naming each host; started again, empty, everything works without a restart of ours', async () => {
    const { scope, client } = ignite
    const { rows, configuration } = await ignite.table([column('n', 'Int')], { backups: 1 })
    await rows.put(scope, 'before', { n: 1 })
    const events: CacheEvent<Value, Row>[] = []
    const states: string[] = []
    const query = await continuous(client, rows, { changed: more => events.push(...more), lost: reason => states.push(`lost ${reason.code}`), restored: () => states.push('restored') })
    await Promise.all([nodes.kill(0), nodes.kill(1)])
    await eventually('both losses are noticed', async () => client.stats().hosts.every(({ state }) => state !== 'connected'))
    expect(states).toEqual(['lost UPSTREAM_UNAVAILABLE'])
    expect(query.live).toBe(false)

    const from = performance.now()
    await expect(rows.get(scope, 'before')).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.stringMatching(new RegExp(`${nodes.hosts[0]}: .*${nodes.hosts[1]}: `)) })
    expect(performance.now() - from).toBeLessThan(2_000)

    await nodes.start(0)
    await nodes.start(1)
    await bothUp()
    // The cluster forgot caches, types and rows; the first two are there again before anyone asks.
    expect(await rows.get(scope, 'before')).toBeUndefined()
    await rows.put(scope, 'after', { n: 2 })
    expect(await sqlRows(scope, client, `SELECT ID, N FROM ${configuration.table}`)).toEqual([['after', 2]])
    await eventually('changes are seen again', async () => states.includes('restored'))
    await rows.put(scope, 'seen', { n: 3 })
    await eventually('the change came', async () => events.some(({ key }) => key === 'seen'))
    expect(query.live).toBe(true)
    await query.close()
  }, 300_000)

  test('a continuous query whose node is killed goes on over the other, and says that changes may have gone by', async () => {
    const { scope, client } = ignite
    const { rows } = await ignite.table([column('n', 'Int')], { backups: 1 })
    const single = igniteSubject({ hosts: [nodes.hosts[1]!, nodes.hosts[0]!] })
    await eventually('both are connected', async () => single.client.stats().hosts.every(({ state }) => state === 'connected'))
    const states: string[] = []
    const events: CacheEvent<Value, Row>[] = []
    const listeners = { changed: (more: readonly CacheEvent<Value, Row>[]) => events.push(...more), lost: () => states.push('lost'), restored: () => states.push('restored') }
    // One on each node, whichever is killed.
    const queries = [await continuous(single.client, rows, listeners), await continuous(client, rows, listeners), await continuous(client, rows, listeners)]
    await nodes.kill(1)
    await eventually('a query was lost and is back', async () => states.includes('restored') && states.filter(state => state === 'lost').length === states.filter(state => state === 'restored').length, 30_000)
    events.length = 0
    await rows.put(scope, 'after', { n: 1 })
    await eventually('every query tells the change', async () => events.filter(({ key }) => key === 'after').length === 3, 30_000)
    for (const query of queries) await query.close()
    await single.close()
    await nodes.start(1)
    await bothUp()
  }, 240_000)

  test('a commit whose node is killed says that its outcome is unknown', async () => {
    const { scope, client } = ignite
    const { rows } = await ignite.table([column('n', 'Int')], { backups: 1 })
    const options = { concurrency: 'PESSIMISTIC', isolation: 'REPEATABLE_READ', timeoutMs: 20_000 } as const
    const transactions = [await begin(scope, client, options), await begin(scope, client, options)]
    for (const [n, transaction] of transactions.entries()) await rows.within(transaction).put(scope, `k${n}`, { n })
    await nodes.kill(1)
    const outcomes = await Promise.allSettled(transactions.map(transaction => transaction.commit(scope)))
    const lost = outcomes.filter(outcome => outcome.status === 'rejected')
    expect(lost.length).toBeGreaterThan(0)
    for (const { reason } of lost) expect(reason).toMatchObject({ details: { outcome: 'UNKNOWN' } })
    // Whatever the outcome, no lock is left behind.
    for (const n of [0, 1]) await rows.put(scope, `k${n}`, { n: 9 })
    await nodes.start(1)
    await bothUp()
  }, 240_000)
})

withEngine('IGNITE_HOST_1', 'an Ignite whose zone is not UTC', () => {
  test('DATE columns hold another day there, and our Date columns do not', async () => {
    const nodes = await startIgnite(1, portOffset + 500, ['-Duser.timezone=America/New_York'])
    const ignite = igniteSubject({ hosts: nodes.hosts })
    try {
      const { rows, configuration } = await ignite.table([column('day', 'Date')])
      await rows.put(ignite.scope, 'k', { day: '2024-02-29' })
      expect(await sqlRows(ignite.scope, ignite.client, `SELECT DAY, CAST(CAST(DAY AS DATE) AS VARCHAR) FROM ${configuration.table}`)).toEqual([['2024-02-29', '2024-02-29']])

      const trap = await ignite.table([], { fields: [{ name: 'DAY', property: 'day', type: 'date' }] })
      await trap.rows.put(ignite.scope, 'k', { day: '2024-02-29' })
      expect(await trap.rows.get(ignite.scope, 'k')).toEqual({ day: '2024-02-29' })
      expect(await sqlRows(ignite.scope, ignite.client, `SELECT CAST(DAY AS VARCHAR) FROM ${trap.configuration.table}`)).toEqual([['2024-02-28']])
    } finally {
      await ignite.close()
      await nodes.stop()
    }
  }, 240_000)
})
