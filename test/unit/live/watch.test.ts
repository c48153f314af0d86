import { HubError } from '../../../schema/errors.ts'
import type { Filter } from '../../../schema/filter.ts'
import { sealer } from '../../../resolvers/cursor.ts'
import { Dispatcher } from '../../../resolvers/live/dispatcher.ts'
import { watch, type WatchEvent, type WatchOptions } from '../../../resolvers/watch.ts'
import { SimulatedLog } from '../../support/live-log.ts'
import { LiveTable } from '../../support/live-table.ts'
import { testScope } from '../../support/scope.ts'

const cursors = sealer([{ kid: 'k', secret: 'the secret of this test' }])
const inFrance: Filter = { column: 'country', op: 'eq', value: 'France' }

function open(tenancy: 'SHARED' | 'TENANT' = 'SHARED') {
  const log = new SimulatedLog()
  const table = new LiveTable(log, tenancy)
  const dispatcher = new Dispatcher(log)
  const options = (more: Partial<WatchOptions> = {}): WatchOptions => ({ region: table, changes: log, dispatcher, initial: true, cursors, ...more })
  return { log, table, dispatcher, options }
}

async function pull(events: AsyncGenerator<WatchEvent, void>, count: number): Promise<WatchEvent[]> {
  const pulled: WatchEvent[] = []
  while (pulled.length < count) {
    const { done, value } = await events.next()
    if (done || !value) throw new Error(`The events ended after ${pulled.length} of ${count}.`)
    pulled.push(value)
  }
  return pulled
}

const brief = (events: readonly WatchEvent[]) => events.map(({ type, key }) => `${type} ${key}`)
/** All that was ready to run has run. */
const turn = () => new Promise(resolve => setImmediate(resolve))
const coded = (code: string, more: object = {}) => expect.objectContaining({ code, ...more })

test('H-58 a subscriber gets the rows there are, then every change, without gap or double between them', async () => {
  const { table, options } = open()
  table.put('t', 'CDG', 'France')
  table.put('t', 'LHR', 'United Kingdom')
  const events = watch(testScope(), options())
  expect(brief(await pull(events, 1))).toEqual(['SNAPSHOT CDG'])
  table.put('t', 'CDG', 'FR')
  table.put('t', 'ORY', 'France')
  expect(brief(await pull(events, 3))).toEqual(['SNAPSHOT LHR', 'UPDATED CDG', 'CREATED ORY'])
})

test('a change is told as the subscriber sees it: a row that begins to pass its filter is created, one that ceases is removed, and rows that do not pass are never shown', async () => {
  const { table, options } = open()
  const events = watch(testScope(), options({ filter: inFrance }))
  const first = events.next()
  table.put('t', 'CDG', 'Germany')
  table.put('t', 'CDG', 'France')
  table.commit('t', { CDG: { iata: 'CDG', country: 'France' } })
  table.put('t', 'CDG', null)
  table.put('t', 'ORY', 'France')
  table.commit('t', { ORY: null }, 'EXPIRED')
  table.flush()
  expect([(await first).value, ...(await pull(events, 4))]).toEqual([
    expect.objectContaining({ type: 'CREATED', key: 'CDG', before: null, after: { iata: 'CDG', country: 'France' } }),
    expect.objectContaining({ type: 'UPDATED', key: 'CDG' }),
    expect.objectContaining({ type: 'REMOVED', key: 'CDG', before: { iata: 'CDG', country: 'France' }, after: null }),
    expect.objectContaining({ type: 'CREATED', key: 'ORY' }),
    expect.objectContaining({ type: 'EXPIRED', key: 'ORY', before: { iata: 'ORY', country: 'France' }, after: null }),
  ])
})

test('nothing is told before the log is durable', async () => {
  const { table, options, log } = open()
  table.commit('t', { CDG: { iata: 'CDG', country: 'France' } })
  const events = watch(testScope(), options())
  let told = 0
  const first = events.next().then(event => { told = log.durable; return event })
  table.commit('t', { CDG: { iata: 'CDG', country: 'Spain' } })
  await turn()
  table.flush()
  expect((await first).value).toMatchObject({ type: 'SNAPSHOT', after: { country: 'France' } })
  expect(told).toBe(2)
})

test('without initial rows the events begin behind what was durable when the subscription was made', async () => {
  const { table, options } = open()
  table.put('t', 'CDG', 'France')
  const events = watch(testScope(), options({ initial: false }))
  table.put('t', 'LHR', 'United Kingdom')
  expect(brief(await pull(events, 1))).toEqual(['CREATED LHR'])
})

test('H-58 a reconnect with the cursor of any event goes on behind it, on another dispatcher too', async () => {
  const { table, options, log } = open()
  const scope = testScope()
  const events = watch(scope, options())
  const pending = pull(events, 6)
  for (const iata of ['A', 'B', 'C']) table.commit('t', { [iata]: { iata, country: 'France' }, [`${iata}2`]: { iata: `${iata}2`, country: null } })
  table.flush()
  const all = await pending
  for (const [index, { cursor }] of all.entries()) {
    const rest = all.slice(index + 1)
    if (rest.length === 0) continue
    const resumed = watch(testScope(), options({ after: cursor, dispatcher: new Dispatcher(log) }))
    expect(await pull(resumed, rest.length)).toEqual(rest)
  }
})

test('the cursor of a part of a snapshot begins again; that of its last row goes on with the changes', async () => {
  const { table, options } = open()
  for (const iata of ['A', 'B', 'C']) table.put('t', iata, 'France')
  const snapshot = await pull(watch(testScope(), options()), 3)
  table.put('t', 'D', 'France')
  for (const { cursor } of snapshot.slice(0, 2)) {
    expect(brief(await pull(watch(testScope(), options({ after: cursor })), 4))).toEqual(['SNAPSHOT A', 'SNAPSHOT B', 'SNAPSHOT C', 'SNAPSHOT D'])
  }
  expect(brief(await pull(watch(testScope(), options({ after: snapshot[2]!.cursor })), 1))).toEqual(['CREATED D'])
})

test('a part of a snapshot of which nothing is left cannot be begun again in silence: its cursor is GONE', async () => {
  const { table, options } = open()
  for (const iata of ['A', 'B']) table.put('t', iata, 'France')
  const [part] = await pull(watch(testScope(), options()), 1)
  table.commit('t', { A: null, B: null })
  table.flush()
  await expect(watch(testScope(), options({ after: part!.cursor })).next()).rejects.toEqual(coded('GONE'))
})

test('a subscription whose snapshot is empty has a place to go on from when the hub stops', async () => {
  const { table, options } = open()
  const scope = testScope()
  const next = watch(scope, options()).next()
  await turn()
  scope.abort(new HubError('SHUTTING_DOWN', 'The hub stops.'))
  const error: unknown = await next.catch((error: unknown) => error)
  table.put('t', 'A', 'France')
  const resumed = watch(testScope(), options({ after: String((error as HubError).details.cursor) }))
  expect(brief(await pull(resumed, 1))).toEqual(['CREATED A'])
})

test('H-59 a tenant sees its own changes, and cannot use a cursor of another', async () => {
  const { table, options } = open('TENANT')
  const red = watch(testScope({ tenant: 'red' }), options())
  const blue = watch(testScope({ tenant: 'blue' }), options())
  const waiting = [red.next(), blue.next()] as const
  table.put('red', 'CDG', 'France')
  table.put('blue', 'LHR', 'United Kingdom')
  const [ofRed, ofBlue] = await Promise.all(waiting)
  expect([ofRed.value, ofBlue.value]).toEqual([expect.objectContaining({ key: 'CDG' }), expect.objectContaining({ key: 'LHR' })])
  expect(() => watch(testScope({ tenant: 'blue' }), options({ after: ofRed.value!.cursor }))).toThrow(coded('BAD_CURSOR'))
})

test('a cursor of another filter or mode, or an altered one, is refused at once; one the log has forgotten is GONE', async () => {
  const { table, options, log } = open()
  const events = watch(testScope(), options({ filter: inFrance }))
  const first = events.next()
  table.put('t', 'CDG', 'France')
  const after = (await first).value!.cursor
  expect(() => watch(testScope(), options({ after }))).toThrow(coded('BAD_CURSOR'))
  expect(() => watch(testScope(), options({ after, filter: inFrance, mode: 'latest' }))).toThrow(coded('BAD_CURSOR'))
  expect(() => watch(testScope(), options({ after: `${after}x`, filter: inFrance }))).toThrow(coded('BAD_CURSOR'))
  expect(() => watch(testScope(), options({ after, filter: { or: [inFrance, inFrance] } }))).not.toThrow()

  table.put('t', 'LHR', 'United Kingdom')
  table.put('t', 'ORY', 'France')
  log.trim(2)
  expect(() => watch(testScope(), options({ after, filter: inFrance }))).toThrow(coded('GONE', { message: expect.stringContaining('Subscribe again without a cursor') }))
  const renamed = new SimulatedLog('log-2')
  expect(() => watch(testScope(), options({ after, filter: inFrance, changes: renamed, dispatcher: new Dispatcher(renamed) }))).toThrow(coded('GONE'))
})

test('H-58 a slow subscriber becomes a reader of the log, and gets everything', async () => {
  const { table, options, dispatcher } = open()
  const events = watch(testScope(), options({ initial: false, maxQueue: 3 }))
  const first = events.next()
  table.put('t', 'K0', null)
  await first
  expect(dispatcher.size).toBe(1)
  for (let index = 1; index <= 500; index++) table.put('t', `K${index}`, null)
  expect(dispatcher.size).toBe(0)
  expect(brief(await pull(events, 500))).toEqual(Array.from({ length: 500 }, (_, index) => `CREATED K${index + 1}`))
})

test('H-58 a subscriber that falls too far behind is ended with SLOW_CONSUMER and the cursor to come back with', async () => {
  const { table, options } = open()
  const events = watch(testScope(), options({ initial: false, maxQueue: 2, maxLag: 10 }))
  const first = events.next()
  table.put('t', 'K0', null)
  await first
  for (let index = 1; index <= 50; index++) table.put('t', `K${index}`, null)
  expect(brief(await pull(events, 2))).toEqual(['CREATED K1', 'CREATED K2'])
  const error: unknown = await events.next().catch((error: unknown) => error)
  expect(error).toEqual(coded('SLOW_CONSUMER', { details: { region: 'airports', cursor: expect.any(String) } }))
  const back = watch(testScope(), options({ initial: false, maxQueue: 2, maxLag: 10, after: String((error as HubError).details.cursor) }))
  expect(brief(await pull(back, 48))).toEqual(Array.from({ length: 48 }, (_, index) => `CREATED K${index + 3}`))
})

test('a subscriber whose place is trimmed while it reads the log is told GONE', async () => {
  const { table, options, log } = open()
  const events = watch(testScope(), options({ initial: false, maxQueue: 1 }))
  const first = events.next()
  for (let index = 0; index <= 9; index++) table.put('t', `K${index}`, null)
  await first
  log.trim(9)
  await expect(pull(events, 9)).rejects.toEqual(coded('GONE'))
})

test('a region that was replaced ends its subscriptions with GONE, after what came before, and their cursors are GONE too', async () => {
  const { table, options, log } = open()
  const events = watch(testScope(), options())
  const first = events.next()
  table.put('t', 'A', null)
  const { value } = await first
  table.put('t', 'B', null)
  log.commit([], ['airports'])
  table.flush()
  expect(brief(await pull(events, 1))).toEqual(['CREATED B'])
  await expect(events.next()).rejects.toEqual(coded('GONE'))
  const resumed = watch(testScope(), options({ after: value!.cursor }))
  expect(brief(await pull(resumed, 1))).toEqual(['CREATED B'])
  await expect(resumed.next()).rejects.toEqual(coded('GONE'))
})

test('in mode latest, what changes while nobody reads is told once per key, and only the last of it is a place to go on from', async () => {
  const { table, options } = open()
  const events = watch(testScope(), options({ mode: 'latest' }))
  const first = events.next()
  table.put('t', 'A', '1')
  await first
  for (const country of ['2', '3', '4']) {
    table.put('t', 'A', country)
    table.put('t', 'B', country)
    table.put('t', 'C', country)
  }
  table.commit('t', { C: null })
  table.flush()
  const [a, b] = await pull(events, 2)
  expect(a).toMatchObject({ type: 'UPDATED', key: 'A', before: { country: '1' }, after: { country: '4' } })
  expect(b).toMatchObject({ type: 'CREATED', key: 'B', before: null, after: { country: '4' } })
  expect(brief(await pull(watch(testScope(), options({ mode: 'latest', after: a!.cursor })), 2))).toEqual(['SNAPSHOT A', 'SNAPSHOT B'])
  const resumed = watch(testScope(), options({ mode: 'latest', after: b!.cursor })).next()
  table.put('t', 'D', null)
  expect((await resumed).value).toMatchObject({ type: 'CREATED', key: 'D' })
})

test.each(['SCHEMA_CHANGED', 'SHUTTING_DOWN', 'TIMEOUT'] as const)('%s ends the events with that code and the cursor to come back with, while waiting and while not read', async code => {
  for (const waiting of [true, false]) {
    const { table, options, dispatcher } = open()
    const scope = testScope()
    const events = watch(scope, options({ filter: inFrance }))
    const first = events.next()
    table.put('t', 'A', 'France')
    await first
    // Not for this subscriber: it is idle, and its place moves on all the same.
    table.put('t', 'B', 'Spain')
    const next = waiting ? events.next() : undefined
    if (waiting) await Promise.resolve()
    scope.abort(new HubError(code, 'The reason.', { hint: 'why' }))
    expect(dispatcher.size).toBe(0)
    const error: unknown = await (next ?? events.next()).catch((error: unknown) => error)
    expect(error).toEqual(coded(code, { message: 'The reason.', details: { hint: 'why', cursor: expect.any(String) } }))
    const resumed = watch(testScope(), options({ filter: inFrance, after: String((error as HubError).details.cursor) }))
    const next2 = resumed.next()
    table.put('t', 'C', 'France')
    expect((await next2).value).toMatchObject({ type: 'CREATED', key: 'C' })
  }
})

test('a client that leaves, by its signal or by ending the events while it waits, leaves nothing behind', async () => {
  const { table, options, dispatcher } = open()
  const scope = testScope()
  const bySignal = watch(scope, options())
  const byReturn = watch(testScope(), options())
  const waiting = [bySignal.next(), byReturn.next()]
  await Promise.resolve()
  expect(dispatcher.size).toBe(2)
  scope.abort(new HubError('CANCELLED', 'The client left.'))
  await byReturn.return()
  expect(await Promise.all(waiting)).toEqual([{ done: true, value: undefined }, { done: true, value: undefined }])
  expect(dispatcher.size).toBe(0)
  table.put('t', 'A', null)
  expect(await bySignal.next()).toEqual({ done: true, value: undefined })
})

test('an idle client is told a newer cursor now and then, so that its place is not trimmed', async () => {
  const { table, options, log } = open()
  const scope = testScope()
  const told: string[] = []
  const events = watch(scope, options({ initial: false, filter: inFrance, progress: { everyMs: 60_000, tell: cursor => told.push(cursor) } }))
  const next = events.next()
  await Promise.resolve()
  scope.clock.advance(60_000)
  expect(told).toEqual([])
  for (let index = 0; index < 5; index++) table.put('t', `K${index}`, 'Spain')
  scope.clock.advance(60_000)
  scope.clock.advance(60_000)
  expect(told).toHaveLength(1)
  log.trim(5)
  const resumed = watch(testScope(), options({ initial: false, filter: inFrance, after: told[0]! })).next()
  table.put('t', 'CDG', 'France')
  expect([(await next).value, (await resumed).value]).toEqual([expect.objectContaining({ key: 'CDG' }), expect.objectContaining({ key: 'CDG' })])
})

test('an idle client is told its place twice at least in what the log holds, whatever the clock says', async () => {
  const { table, options, log } = open()
  const told: string[] = []
  const events = watch(testScope(), options({ initial: false, filter: inFrance, progress: { everyMs: 60_000, tell: cursor => told.push(cursor) } }))
  const next = events.next()
  await turn()
  for (let index = 0; index < 30; index++) {
    table.put('t', `K${index}`, 'Spain')
    if (index >= 10) log.trim(index - 9)
    // The place told last, or the beginning, is one the log still holds or has let go of in this very step.
    if (told.length > 0) expect(() => watch(testScope(), options({ filter: inFrance, after: told.at(-1)! }))).not.toThrow()
  }
  expect(told.length).toBeGreaterThanOrEqual(4)
  expect(told.length).toBeLessThanOrEqual(8)
  table.put('t', 'CDG', 'France')
  expect((await next).value).toMatchObject({ key: 'CDG' })
})

test('a client that does not take what waits for it is told no place behind it', async () => {
  const { table, options, log } = open()
  const told: string[] = []
  const scope = testScope()
  const events = watch(scope, options({ initial: false, filter: inFrance, progress: { everyMs: 60_000, tell: cursor => told.push(cursor) } }))
  const next = events.next()
  await turn()
  table.put('t', 'CDG', 'France')
  const { value } = await next
  for (let index = 0; index < 10; index++) table.put('t', `K${index}`, 'Spain')
  scope.clock.advance(120_000)
  log.trim(2)
  table.put('t', 'ORY', 'France')
  scope.clock.advance(120_000)
  expect(told).toEqual([])
  expect(value).toMatchObject({ key: 'CDG' })
  expect(brief(await pull(events, 1))).toEqual(['CREATED ORY'])
})

test('a value no filter can compare ends the subscriptions that compare it, after what came before, and nobody else', async () => {
  const { table, options } = open()
  const comparing = watch(testScope(), options({ filter: { column: 'elevation', op: 'gt', value: '5' } }))
  const other = watch(testScope(), options())
  const waiting = [comparing.next(), other.next()]
  table.commit('t', { A: { iata: 'A', elevation: '10.0' } })
  table.commit('t', { B: { iata: 'B', elevation: 'NaN' } })
  table.flush()
  expect((await Promise.all(waiting)).map(({ value }) => value!.key)).toEqual(['A', 'A'])
  expect(brief(await pull(other, 1))).toEqual(['CREATED B'])
  await expect(comparing.next()).rejects.toThrow('"NaN" is not a decimal')
})

test('a filter by a column the region lacks is refused at once', () => {
  const { options } = open()
  expect(() => watch(testScope(), options({ filter: { column: 'contry', op: 'eq', value: 'France' } }))).toThrow(coded('BAD_USER_INPUT'))
})

test('a subscription says where each event leads, where it rests, and when it has all there is', async () => {
  const { table, options, log } = open()
  table.put('t', 'CDG', 'France')
  const said: string[] = []
  const sayPlace = (what: string, place: { next: number; skip: number } | undefined) => void said.push(place ? `${what} ${place.next}.${place.skip}` : `${what} inside`)
  const events = watch(testScope(), options({ leads: ({ place }) => sayPlace('leads', place), rests: ({ place }, hasAll) => sayPlace(hasAll ? 'has all at' : 'rests', place) }))
  expect(brief(await pull(events, 1))).toEqual(['SNAPSHOT CDG'])
  const next = events.next()
  await turn()
  table.commit('t', { LHR: { iata: 'LHR' }, ORY: { iata: 'ORY' } })
  table.flush()
  const first = (await next).value as WatchEvent
  const second = await pull(events, 1)
  const third = events.next()
  await turn()
  expect(said).toEqual(['rests inside', 'leads 1.0', 'has all at 1.0', 'leads 1.1', 'leads 1.2', `has all at ${log.end}.0`])
  const resumed = watch(testScope(), options({ after: first.cursor }))
  expect(await pull(resumed, 1)).toEqual(second)
  table.put('t', 'BRU', 'Belgium')
  await third
})

test('one who fell behind before it came back is ended when it is further behind than anyone may be; one who comes back from afar is not', async () => {
  const { table, options } = open()
  table.put('t', 'CDG', 'France')
  const [{ cursor }] = (await pull(watch(testScope(), options()), 1)) as [WatchEvent]
  for (let index = 0; index < 5; index++) table.put('t', `K${index}`, 'Spain')
  expect(await pull(watch(testScope(), options({ after: cursor, maxLag: 3 })), 5)).toHaveLength(5)
  await expect(watch(testScope(), options({ after: cursor, maxLag: 3, fellBehind: true })).next()).rejects.toEqual(coded('SLOW_CONSUMER', { details: { region: 'airports', cursor } }))
})
