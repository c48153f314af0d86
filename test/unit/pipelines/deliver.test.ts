import { openNotifier } from '../../../connectors/notify/index.ts'
import type { Notice, Notifier } from '../../../connectors/ports/notifier.ts'
import { type Code, HubError } from '../../../schema/errors.ts'
import { deliver, type DeliverOptions } from '../../../subgraphs/pipelines/notify/deliver.ts'
import { rawHttp } from '../../support/raw-http.ts'
import { HastyClock, testScope } from '../../support/scope.ts'

const notice: Notice = { kind: 'webhook', id: 'run-7.failure', url: 'https://hooks.example/tok3n', body: { state: 'FAILED' } }
const failed = (code: Code, details = {}) => new HubError(code, `It is ${code}.`, details)
const late = failed('UPSTREAM_UNAVAILABLE')

/** Delivers where each attempt ends as listed, and those behind with success. */
async function delivered(ends: readonly unknown[], options: Partial<DeliverOptions> = {}) {
  const clock = new HastyClock()
  const scope = testScope({ clock })
  const dead: [Notice, HubError, number][] = []
  let sent = 0
  const notifier: Notifier = {
    async send() {
      const end = ends[sent++]
      if (end !== undefined) throw end
    },
  }
  const result = await deliver(scope, notifier, notice, { attempts: 5, firstDelayMs: 1_000, random: () => 0.5, onDead: async (...letter) => void dead.push(letter), ...options })
  return { result, sent, dead, scope, waitsMs: clock.waitsMs }
}

test('a notice that arrives is sent once', async () => {
  expect(await delivered([])).toMatchObject({ result: { outcome: 'delivered', attempts: 1 }, sent: 1, dead: [], waitsMs: [] })
})

test('D-84, D-85: a server that is down is asked again, each time after twice as long', async () => {
  expect(await delivered([late, late, late])).toMatchObject({ result: { outcome: 'delivered', attempts: 4 }, sent: 4, dead: [], waitsMs: [1_000, 2_000, 4_000] })
})

test('D-85: when its attempts are used up, a notice is a dead letter with its last failure', async () => {
  const last = failed('UPSTREAM_UNAVAILABLE', { status: 503 })
  const { result, sent, dead, waitsMs, scope } = await delivered([late, late, late, late, last])
  expect([result, sent, waitsMs]).toEqual([{ outcome: 'dead', attempts: 5, failure: last }, 5, [1_000, 2_000, 4_000, 8_000]])
  expect(dead).toEqual([[notice, last, 5]])
  expect(dead[0]?.[1]).toBe(last)
  expect(scope.entries.map(({ level }) => level)).toEqual(['info', 'info', 'info', 'info', 'warn'])
})

test('D-107: what is logged has no URL', async () => {
  const { scope } = await delivered([late, failed('FORBIDDEN')])
  expect(scope.entries).toMatchObject([{ fields: { notice: 'run-7.failure', kind: 'webhook', attempts: 1, code: 'UPSTREAM_UNAVAILABLE' } }, { fields: { attempts: 2, code: 'FORBIDDEN' } }])
  expect(JSON.stringify(scope.entries)).not.toMatch(/tok3n|hooks\.example/)
})

test('D-85: what a server refuses is sent again, as what it does not answer', async () => {
  expect(await delivered([failed('UPSTREAM_REJECTED')])).toMatchObject({ result: { outcome: 'delivered', attempts: 2 }, sent: 2, dead: [] })
})

test('D-85: what may not be sent is a dead letter at once', async () => {
  for (const code of ['FORBIDDEN', 'VALIDATION_ERROR'] as const) {
    const refused = failed(code)
    expect(await delivered([refused])).toMatchObject({ result: { outcome: 'dead', attempts: 1, failure: refused }, sent: 1, dead: [[notice, refused, 1]], waitsMs: [] })
    expect(await delivered([late, refused])).toMatchObject({ result: { outcome: 'dead', attempts: 2 }, sent: 2 })
  }
})

test('delays are spread by chance, between half and half as much again', async () => {
  expect((await delivered([late, late], { random: () => 0 })).waitsMs).toEqual([500, 1_000])
  expect((await delivered([late, late], { random: () => 0.999 })).waitsMs).toEqual([1_499, 2_998])
})

test('a server that says when to come back is not asked earlier, and none is waited for longer than the limit', async () => {
  const wish = (retryAfterMs: unknown) => failed('UPSTREAM_UNAVAILABLE', { retryAfterMs })
  expect((await delivered([wish(30_000), wish(500), wish(0), wish('soon')])).waitsMs).toEqual([30_000, 2_000, 4_000, 8_000])
  expect((await delivered([wish(86_400_000), late, late], { longestDelayMs: 3_000 })).waitsMs).toEqual([3_000, 2_000, 3_000])
  expect((await delivered([wish(Number.MAX_SAFE_INTEGER)])).waitsMs).toEqual([3_600_000])
})

test('an error nobody expected is no failure of the one who notifies', async () => {
  const surprise = new TypeError('x is not a function')
  expect(await delivered([surprise])).toMatchObject({ result: { outcome: 'dead', attempts: 1, failure: { code: 'INTERNAL', cause: surprise } }, dead: [[notice, { code: 'INTERNAL' }, 1]] })
  const { result, scope } = await delivered([failed('FORBIDDEN')], { onDead: async () => { throw new Error('The disk is full.') } })
  expect(result).toMatchObject({ outcome: 'dead', failure: { code: 'FORBIDDEN' } })
  expect(scope.entries.at(-1)).toMatchObject({ level: 'error', fields: { notice: 'run-7.failure', error: expect.objectContaining({ message: 'The disk is full.' }) } })
})

test('when the scope is aborted a notice that waits is a dead letter, and is not sent again', async () => {
  const scope = testScope()
  const dead: Notice[] = []
  let sent = 0
  const notifier: Notifier = {
    async send() {
      sent += 1
      queueMicrotask(() => scope.abort(failed('CANCELLED')))
      throw late
    },
  }
  expect(await deliver(scope, notifier, notice, { attempts: 5, firstDelayMs: 1_000, onDead: async one => void dead.push(one) })).toEqual({ outcome: 'dead', attempts: 1, failure: late })
  expect([sent, dead]).toEqual([1, [notice]])
})

test('D-85: a reader that answers 503 and then takes the notice has it once, with one id in every attempt', async () => {
  const reader = await rawHttp()
  reader.answer = ({ socket }, number) => socket.write(number < 3 ? 'HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n' : 'HTTP/1.1 204 No Content\r\n\r\n')
  const clock = new HastyClock()
  const result = await deliver(testScope({ clock }), openNotifier({ webhook: { secret: 'x', allow: ['127.0.0.1'] } }), { ...notice, url: reader.origin.href }, { attempts: 5, firstDelayMs: 1_000, onDead: async () => {} })
  expect([result, clock.waitsMs]).toEqual([{ outcome: 'delivered', attempts: 3 }, [7_000, 7_000]])
  expect(reader.requests.map(({ head }) => /X-Notice-Id: (.*)/.exec(head)?.[1]?.trim())).toEqual(Array(3).fill('run-7.failure'))
  // Signed anew: the time is that of the attempt.
  expect(new Set(reader.requests.map(({ head }) => /X-Signature-Timestamp: (\d+)/.exec(head)?.[1])).size).toBe(3)
  await reader.close()
})
