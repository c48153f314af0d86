import { Writable } from 'node:stream'
import { Lifecycle } from '../../../gateway/lifecycle.ts'
import { openLog, withFields } from '../../../gateway/telemetry/log.ts'
import { createMetrics } from '../../../gateway/telemetry/metrics.ts'
import { HubError } from '../../../schema/errors.ts'
import { MovedClock, testScope } from '../../support/scope.ts'

function lines() {
  const written: string[] = []
  const to = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk))
      done()
    },
  })
  return { log: openLog({ level: 'info', to }), read: () => written.map(line => JSON.parse(line) as Record<string, unknown>) }
}

test('a line of the log is JSON with level, time, message and fields', () => {
  const { log, read } = lines()
  log.debug('not written')
  withFields(log, { requestId: 'r1' }).warn('A part is slow.', { part: 'lake' })
  expect(read()).toEqual([{ level: 'warn', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/), message: 'A part is slow.', requestId: 'r1', part: 'lake' }])
})

test('what stands under the name of a secret is never written', () => {
  const { log, read } = lines()
  log.info('x', { token: 's1', headers: { authorization: 's2', 'x-api-key': 's3' }, source: { password: 's4', url: 'kept' } })
  expect(JSON.stringify(read())).not.toMatch(/s[1-4]/)
  expect(JSON.stringify(read())).toContain('kept')
})

test('an error is written with its cause', () => {
  const { log, read } = lines()
  log.error('x', { error: new HubError('INTERNAL', 'outer', {}, { cause: new Error('inner') }) })
  expect(JSON.stringify(read())).toMatch(/outer.*inner/)
})

test('figures of other parts appear beside the front\'s', async () => {
  const { Counter } = await import('prom-client')
  const { registry } = createMetrics({ process: true })
  new Counter({ registers: [registry], name: 'dih_cache_hits_total', help: 'Reads a region answered.', labelNames: ['region'] }).inc({ region: 'airports' })
  expect(await registry.metrics()).toMatch(/^dih_cache_hits_total\{region="airports"\} 1$/m)
  expect(await registry.metrics()).toContain('process_cpu_seconds_total')
})

describe('the lifecycle', () => {
  test('is idle when everything that began has ended, each once', async () => {
    const lifecycle = new Lifecycle(new MovedClock())
    const [one, two] = [lifecycle.begin(), lifecycle.begin()]
    const idle = lifecycle.idle(1_000)
    one()
    one()
    expect(lifecycle.pending).toBe(1)
    two()
    expect(await idle).toBe(true)
  })

  test('gives up waiting at the limit', async () => {
    const clock = new MovedClock()
    const lifecycle = new Lifecycle(clock)
    lifecycle.begin()
    const idle = lifecycle.idle(1_000)
    clock.advance(1_000)
    expect(await idle).toBe(false)
  })

  test('logs later work that failed, and waits for it no longer', async () => {
    const scope = testScope()
    const lifecycle = new Lifecycle(scope.clock)
    lifecycle.later(async () => { throw new HubError('UPSTREAM_UNAVAILABLE', 'The lake is away.') }, scope.log)
    expect(await lifecycle.idle(1_000)).toBe(true)
    expect(scope.entries).toMatchObject([{ level: 'error', fields: { code: 'UPSTREAM_UNAVAILABLE' } }])
  })
})
