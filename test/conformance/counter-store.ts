import type { BufferedEvent, CounterStore } from '../../connectors/ports/counter-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import { must } from '../support/conformance.ts'

/** A counter store under test. Two handles on the same data stand for two nodes. */
export interface CounterStoreSubject {
  readonly counters: CounterStore
  readonly other: CounterStore
  scope(tenant?: string): Scope
  close(): Promise<void>
}

const event = (offset: number, partition = 0): BufferedEvent => ({ partition, offset, value: Buffer.from(`${partition}/${offset}`) })
const range = (from: number, to: number, partition = 0) => Array.from({ length: to - from }, (_, nth) => event(from + nth, partition))
const texts = (events: readonly BufferedEvent[] = []) => events.map(({ value }) => Buffer.from(value).toString())
const lease = 1_000

export const counterStoreChecks = [
  must<CounterStoreSubject>('CS01', 'a buffer counts what is added and says when its first event came', async ({ counters, scope }) => {
    expect(await counters.state(scope(), 'a')).toEqual({ count: 0, bytes: 0 })
    expect(await counters.add(scope(), 'a', range(0, 3), 100)).toEqual({ count: 3, bytes: 9, firstAtMs: 100 })
    expect(await counters.add(scope(), 'a', range(3, 4), 200)).toEqual({ count: 4, bytes: 12, firstAtMs: 100 })
    expect(await counters.state(scope(), 'a')).toEqual({ count: 4, bytes: 12, firstAtMs: 100 })
  }),
  must<CounterStoreSubject>('CS02', 'an event that comes again counts once, also after its batch was finished', async ({ counters, scope }) => {
    await counters.add(scope(), 'a', [...range(0, 3), ...range(5, 7, 1)], 100)
    expect((await counters.add(scope(), 'a', [...range(0, 4), ...range(5, 8, 1)], 100)).count).toBe(7)
    const batch = await counters.claim(scope(), 'a', { count: 7 }, 100, lease)
    await counters.finish(scope(), 'a', batch?.id ?? '')
    expect(await counters.add(scope(), 'a', range(0, 4), 300)).toEqual({ count: 0, bytes: 0 })
    expect(await counters.add(scope(), 'a', range(3, 5), 300)).toMatchObject({ count: 1, firstAtMs: 300 })
  }),
  must<CounterStoreSubject>('CS03', 'E-49 a buffer is due when the count is reached, not before, and gives its events in their order', async ({ counters, scope }) => {
    await counters.add(scope(), 'a', range(0, 9), 100)
    expect(await counters.claim(scope(), 'a', { count: 10, ageMs: 3_600_000 }, 200, lease)).toBeUndefined()
    await counters.add(scope(), 'a', range(9, 10), 200)
    const batch = await counters.claim(scope(), 'a', { count: 10, ageMs: 3_600_000 }, 200, lease)
    expect(batch?.reason).toBe('COUNT')
    expect(texts(batch?.events)).toEqual(texts(range(0, 10)))
    expect(await counters.state(scope(), 'a')).toEqual({ count: 0, bytes: 0 })
  }),
  must<CounterStoreSubject>('CS04', 'E-50 it is due when its first event is old enough, and never while it is empty', async ({ counters, scope }) => {
    expect(await counters.claim(scope(), 'a', { count: 1, ageMs: 0 }, 100, lease)).toBeUndefined()
    await counters.add(scope(), 'a', range(0, 2), 1_000)
    expect(await counters.claim(scope(), 'a', { count: 10, ageMs: 500 }, 1_499, lease)).toBeUndefined()
    expect(await counters.claim(scope(), 'a', { count: 10, ageMs: 500 }, 1_500, lease)).toMatchObject({ reason: 'TIME', events: [{ offset: 0 }, { offset: 1 }] })
  }),
  must<CounterStoreSubject>('CS05', 'without a condition whatever waits is due', async ({ counters, scope }) => {
    await counters.add(scope(), 'a', range(0, 1), 100)
    expect(await counters.claim(scope(), 'a', {}, 100, lease)).toMatchObject({ reason: 'MANUAL', events: [{ offset: 0 }] })
    expect(await counters.claim(scope(), 'none', {}, 100, lease)).toBeUndefined()
  }),
  must<CounterStoreSubject>('CS06', 'E-56 of many who ask at the same time on two nodes one is given the batch', async ({ counters, other, scope }) => {
    await counters.add(scope(), 'a', range(0, 10), 100)
    const asked = await Promise.all(Array.from({ length: 20 }, (_, nth) => (nth % 2 ? counters : other).claim(scope(), 'a', { count: 10 }, 200, lease)))
    expect(asked.filter(batch => batch !== undefined)).toHaveLength(1)
  }),
  must<CounterStoreSubject>('CS07', 'E-57 a batch nobody finished is given again when its lease is over: the same events under the same id', async ({ counters, other, scope }) => {
    await counters.add(scope(), 'a', range(0, 10), 100)
    const first = await counters.claim(scope(), 'a', { count: 10 }, 200, lease)
    await counters.add(scope(), 'a', range(10, 25), 300)
    expect(await other.claim(scope(), 'a', { count: 10 }, 200 + lease - 1, lease)).toBeUndefined()
    const again = await other.claim(scope(), 'a', { count: 10 }, 200 + lease, lease)
    expect([again?.id, again?.reason, texts(again?.events)]).toEqual([first?.id, 'COUNT', texts(range(0, 10))])
    expect(await counters.claim(scope(), 'a', { count: 10 }, 200 + lease, lease)).toBeUndefined()
  }),
  must<CounterStoreSubject>('CS08', 'what is added while a batch is under way waits for the next, with a window of its own', async ({ counters, scope }) => {
    await counters.add(scope(), 'a', range(0, 10), 100)
    const first = await counters.claim(scope(), 'a', { count: 10 }, 200, lease)
    expect(await counters.add(scope(), 'a', range(10, 20), 300)).toMatchObject({ count: 10, firstAtMs: 300 })
    expect(await counters.claim(scope(), 'a', { count: 10 }, 300, lease)).toBeUndefined()
    expect(await counters.finish(scope(), 'a', first?.id ?? '')).toBe(true)
    expect(await counters.finish(scope(), 'a', first?.id ?? '')).toBe(false)
    const second = await counters.claim(scope(), 'a', { count: 10 }, 300, lease)
    expect(texts(second?.events)).toEqual(texts(range(10, 20)))
    expect(second?.id).not.toBe(first?.id)
  }),
  must<CounterStoreSubject>('CS09', 'many who add at the same time lose nothing and double nothing', async ({ counters, other, scope }) => {
    await Promise.all(Array.from({ length: 20 }, (_, partition) => (partition % 2 ? counters : other).add(scope(), 'a', range(0, 50, partition), 100)))
    expect((await counters.state(scope(), 'a')).count).toBe(1_000)
    const batch = await other.claim(scope(), 'a', { count: 1_000 }, 200, lease)
    expect(new Set(texts(batch?.events)).size).toBe(1_000)
  }),
  must<CounterStoreSubject>('CS10', 'a buffer is its tenant\'s; a dropped one remembers nothing', async ({ counters, scope }) => {
    await counters.add(scope(), 'a', range(0, 2), 100)
    expect((await counters.state(scope('another'), 'a')).count).toBe(0)
    await counters.add(scope('another'), 'a', range(0, 1), 100)
    await counters.drop(scope('another'), 'a')
    expect((await counters.state(scope(), 'a')).count).toBe(2)
    await counters.drop(scope(), 'a')
    expect((await counters.add(scope(), 'a', range(0, 1), 500))).toMatchObject({ count: 1, firstAtMs: 500 })
    await counters.drop(scope(), 'a')
  }),
  must<CounterStoreSubject>('CS11', 'values are bytes of any kind, also none', async ({ counters, scope }) => {
    const value = Uint8Array.from({ length: 256 }, (_, index) => index)
    await counters.add(scope(), 'a', [{ partition: 0, offset: 0, value }, { partition: 0, offset: 1, value: new Uint8Array(0) }], 100)
    const batch = await counters.claim(scope(), 'a', {}, 100, lease)
    expect(batch?.events.map(one => [...one.value])).toEqual([[...value], []])
  }),
  must<CounterStoreSubject>('CS12', 'a caller who has left changes nothing', async ({ counters, scope }) => {
    const left = { ...scope(), signal: AbortSignal.abort(new Error('the client left')) }
    await expect(counters.add(left, 'a', range(0, 1), 100)).rejects.toThrow('the client left')
    expect((await counters.state(scope(), 'a')).count).toBe(0)
  }),
]
