import { openRedisCounters } from '../../connectors/redis/index.ts'
import { systemClock, type Scope } from '../../connectors/ports/scope.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { ownEngines, type OwnEngines } from '../support/own-engines.ts'
import { testScope } from '../support/scope.ts'

withEngine('REDIS_URL', 'a Redis server that is killed and comes back', () => {
  let engines: OwnEngines
  beforeAll(async () => {
    engines = await ownEngines(22_000)
  })
  afterAll(() => engines.close(), 30_000)

  const scope = (limitMs: number): Scope => ({ ...testScope(), clock: systemClock, deadlineMs: Date.now() + limitMs })
  const event = (offset: number) => ({ partition: 0, offset, value: Buffer.from('x') })

  test('calls meanwhile are refused in time, and go on without a restart of the hub', async () => {
    const redis = await engines.up('redis')
    const counters = openRedisCounters({ url: redis.reach['REDIS_URL'] ?? '', log: testScope().log })
    try {
      expect(await counters.add(scope(10_000), 'a', [event(0)], 1)).toMatchObject({ count: 1 })
      await engines.kill(redis)
      const begun = performance.now()
      await expect(counters.add(scope(1_000), 'a', [event(1)], 1)).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
      expect(performance.now() - begun).toBeLessThan(3_000)
      await engines.up('redis')
      await eventually('Redis answers again', () => counters.check(scope(2_000)).then(() => true, () => false), 20_000)
      // This one keeps nothing: what was in it comes again from the log, since its place was not committed.
      expect(await counters.add(scope(10_000), 'a', [event(0), event(1)], 1)).toMatchObject({ count: 2 })
    } finally {
      await counters.close()
    }
  }, 120_000)
})
