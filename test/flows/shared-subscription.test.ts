import type { Authenticator } from '../../gateway/auth/authenticator.ts'
import type { Context } from '../../resolvers/context.ts'
import { HubError } from '../../schema/errors.ts'
import { testFront, type TestFront } from '../support/front.ts'
import { MovedClock } from '../support/scope.ts'
import { messagesOf, settledAt } from '../support/subscribers.ts'
import { WsClient } from '../support/ws-client.ts'

const watch = 'subscription { counted { number text } }'
const at = (number: number) => ({ cursor: `c${number}`, place: { next: number, skip: 0 } })

/** A log of numbers that many follow, each from where it ends when he comes. */
class Source {
  readonly scopes: Context['scope'][] = []
  failure: Error | undefined
  #last = 0
  #bell = Promise.withResolvers<void>()
  #live: NonNullable<Context['live']>[] = []

  readonly events = async function* (this: Source, scope: Context['scope'], live: Context['live']): AsyncGenerator<{ number: number; cursor: string; text?: string }> {
    this.scopes.push(scope)
    if (live) this.#live.push(live)
    const aborted = new Promise<never>((_resolve, reject) => scope.signal.addEventListener('abort', () => reject(scope.signal.reason)))
    aborted.catch(() => {})
    for (let number = this.#last; ; ) {
      live?.rests?.(at(number), true)
      while (number === this.#last) {
        if (this.failure) throw this.failure
        await Promise.race([this.#bell.promise, aborted])
      }
      number += 1
      live?.leads?.(at(number))
      yield { number, cursor: `c${number}` }
    }
  }.bind(this)

  publish(): void {
    this.#last += 1
    this.ring()
  }

  ring(): void {
    const bell = this.#bell
    this.#bell = Promise.withResolvers()
    bell.resolve()
  }

  /** Nothing more came up to a place further on. */
  progress(place: number): void {
    for (const live of this.#live) {
      live.rests?.(at(place), false)
      live.progress?.tell(`c${place}`)
    }
  }
}

let front: TestFront
let source: Source
const clients: WsClient[] = []
const open = async (options: Parameters<typeof testFront>[0] = {}) => {
  front = await testFront(options)
  source = new Source()
  front.graph.events = source.events
}
const subscribers = async (count: number) => {
  const joined = await Promise.all(Array.from({ length: count }, () => new WsClient(front.url).init()))
  clients.push(...joined)
  for (const [index, client] of joined.entries()) client.subscribe(`s${index}`, watch)
  await settledAt(front.url, count, 1)
  return joined
}
afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.terminate()
  await front.drain()
})

test('one execution outlives whoever began it, and ends with the last', async () => {
  await open()
  const all = await subscribers(3)
  const [kept] = source.scopes
  all[0]!.send({ id: 's0', type: 'complete' })
  await settledAt(front.url, 2, 1)
  expect(source.scopes.map(({ signal }) => signal.aborted)).toEqual([false, true, true])
  source.publish()
  for (const client of all.slice(1)) expect((await messagesOf(client, 1))[0]).toMatchObject({ payload: { data: { counted: { number: 1 } } } })
  all[1]!.socket.terminate()
  all[2]!.send({ id: 's2', type: 'complete' })
  await settledAt(front.url, 0, 0)
  expect(kept?.signal).toMatchObject({ aborted: true, reason: { code: 'CANCELLED' } })
})

test('what one event has to read has its time from then, however long ago the execution began', async () => {
  const clock = new MovedClock()
  await open({ clock, settings: { subscriptions: { maxLifetimeMs: 60_000, pingIntervalMs: 600_000 } } })
  await subscribers(1)
  const [scope] = source.scopes
  clock.advance(40_000)
  expect(scope!.deadlineMs - clock.now()).toBe(60_000)
})

test('an error of the source reaches each under the request it made, with the cursor to come back with', async () => {
  await open()
  const all = await subscribers(3)
  source.publish()
  for (const client of all) await messagesOf(client, 1)
  source.failure = new HubError('SLOW_CONSUMER', 'The reader fell behind.')
  source.ring()
  const closed = await Promise.all(all.map(client => client.closed))
  expect(closed.map(({ code, reason }) => [code, JSON.parse(reason)])).toEqual(all.map((_, index) => [4429, { code: 'SLOW_CONSUMER', id: `s${index}`, cursor: 'c1' }]))
})

test('an error in an event is told to all and counted once, and what nobody expected is logged once', async () => {
  await open()
  const broken = source.events
  front.graph.events = async function* (scope, live) {
    for await (const event of broken(scope, live)) yield { ...event, number: 'secret-detail' as unknown as number }
  }
  const all = await subscribers(3)
  source.publish()
  const payloads = await Promise.all(all.map(async client => (await messagesOf(client, 1))[0]!.payload))
  for (const payload of payloads) expect(payload).toEqual(payloads[0])
  expect(payloads[0]).toMatchObject({ data: { counted: null }, errors: [{ extensions: { code: 'INTERNAL' } }] })
  expect(JSON.stringify(payloads)).not.toContain('secret-detail')
  expect(front.entries.filter(({ level }) => level === 'error')).toHaveLength(1)
})

test('an idle group tells every subscriber his newer cursor, under his own id', async () => {
  await open()
  const all = await subscribers(2)
  source.progress(7)
  expect(await Promise.all(all.map(client => client.next()))).toEqual([0, 1].map(index => ({ type: 'ping', payload: { id: `s${index}`, cursor: 'c7' } })))
})

test('the token of one runs out, and only his stream ends', async () => {
  const clock = new MovedClock()
  const auth: Authenticator = {
    open: false,
    challenge: () => 'ApiKey',
    authenticate: async ({ apiKey }) => ({ tenant: 'test', caller: { subject: String(apiKey), scopes: new Set(['cache:read']) }, expiresAtMs: apiKey === 'short' ? clock.now() + 60_000 : undefined }),
  }
  await open({ clock, more: { auth } })
  const leaving = new AbortController()
  const stream = async (apiKey: string) => {
    const response = await fetch(`${front.url}/graphql?${new URLSearchParams({ query: watch })}`, { headers: { accept: 'text/event-stream', 'x-api-key': apiKey }, signal: leaving.signal })
    return response.body!.pipeThrough(new TextDecoderStream()).getReader()
  }
  const [short, long] = await Promise.all([stream('short'), stream('long')])
  await settledAt(front.url, 2, 1)
  clock.advance(60_000)
  let text = ''
  for (;;) {
    const { done, value } = await short!.read()
    if (done) break
    text += value
  }
  expect(text).toMatch(/"code":"UNAUTHENTICATED".*"cursor":"c0"|"cursor":"c0".*"code":"UNAUTHENTICATED"/)
  expect(text).toMatch(/event: complete\ndata:\n\n$/)
  await settledAt(front.url, 1, 1)
  source.publish()
  let heard = ''
  while (!heard.includes('"number":1')) heard += (await long!.read()).value
  leaving.abort()
  await settledAt(front.url, 0, 0)
})
