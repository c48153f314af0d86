import { randomBytes } from 'node:crypto'
import { openRedisCounters } from '../../connectors/redis/index.ts'
import { conforms } from '../support/conformance.ts'
import { withEngine } from '../support/engines.ts'
import { testScope } from '../support/scope.ts'
import { counterStoreChecks } from './counter-store.ts'

withEngine('REDIS_URL', 'Redis', url => {
  conforms('counter store in Redis', counterStoreChecks, async () => {
    const run = randomBytes(6).toString('hex')
    const open = () => openRedisCounters({ url, log: testScope().log })
    const [counters, other] = [open(), open()]
    const scope = (tenant = 'test') => testScope({ tenant: `${run}.${tenant}` })
    return {
      counters,
      other,
      scope,
      async close() {
        for (const tenant of ['test', 'another']) await counters.drop(scope(tenant), 'a')
        await Promise.all([counters.close(), other.close()])
      },
    }
  })

  test('a server that is not there is said to be so in time', async () => {
    // Nothing listens on port 1.
    const counters = openRedisCounters({ url: 'redis://127.0.0.1:1', log: testScope().log })
    const scope = testScope({ deadlineMs: testScope().clock.now() + 500 })
    await expect(counters.state(scope, 'a')).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
    await counters.close()
  })
})
