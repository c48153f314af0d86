import type { LogEntry } from '../../../schema/change.ts'
import { ResultCache, type ResultRequest } from '../../../subgraphs/regions/endpoints/result-cache.ts'
import { testScope, type TestScope } from '../../support/scope.ts'

/** A log whose commits the test makes. */
class Commits {
  readonly listeners = new Set<(entry: LogEntry) => void>()

  onCommit(listener: (entry: LogEntry) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  change(region: string, tenant: string): void {
    this.#tell({ changes: [{ region, tenant, key: 'k', type: 'UPDATED', before: {}, after: {}, version: 1 }], resets: [] })
  }

  reset(region: string): void {
    this.#tell({ changes: [], resets: [region] })
  }

  #tell(entry: Pick<LogEntry, 'changes' | 'resets'>): void {
    for (const listener of this.listeners) listener({ offset: 0, committedAtMs: 0, ...entry })
  }
}

function world(limits = { maxEntries: 100, maxBytes: 10_000 }) {
  const commits = new Commits()
  const cache = new ResultCache<number>(commits, limits)
  const scope = testScope()
  let runs = 0
  const request = (key: string, given: Partial<ResultRequest<number>> = {}): ResultRequest<number> => ({
    key, ttlMs: 60_000, reads: [{ region: 'sessions', tenant: 'acme' }], ...given,
    compute: given.compute ?? (async () => {
      runs += 1
      return { value: runs, sizeBytes: 100 }
    }),
  })
  const ask = async (key: string, given?: Partial<ResultRequest<number>>, by: TestScope = scope) => {
    const { value, hit } = await cache.answer(by, request(key, given))
    return [value, hit ? 'HIT' : 'MISS']
  }
  return { commits, cache, scope, ask, request }
}

test('H-48 a result is answered again until its time is over, counted from when it was begun', async () => {
  const { ask, scope, cache, request } = world()
  expect(await ask('a')).toEqual([1, 'MISS'])
  scope.clock.advance(59_999)
  expect(await ask('a')).toEqual([1, 'HIT'])
  expect(scope.clock.now() - (await cache.answer(scope, request('a'))).sinceMs).toBe(59_999)
  scope.clock.advance(1)
  expect(await ask('a')).toEqual([2, 'MISS'])
})

test('H-48 with a time of 0 nothing is kept and nobody waits for another\'s', async () => {
  const { ask, cache } = world()
  expect(await Promise.all([ask('a', { ttlMs: 0 }), ask('a', { ttlMs: 0 })])).toEqual([[1, 'MISS'], [2, 'MISS']])
  expect(cache.size).toBe(0)
})

test('H-48 a change voids what was made of the region and the tenant it concerns, and nothing else', async () => {
  const { ask, commits } = world()
  const of = { acme: {}, globex: { reads: [{ region: 'sessions', tenant: 'globex' }] }, shared: { reads: [{ region: 'sessions', tenant: 'acme' }, { region: 'notes', tenant: '' }] } }
  const all = async () => [await ask('acme', of.acme), await ask('globex', of.globex), await ask('shared', of.shared)].map(([, status]) => status)
  expect(await all()).toEqual(['MISS', 'MISS', 'MISS'])
  commits.change('other', 'acme')
  expect(await all()).toEqual(['HIT', 'HIT', 'HIT'])
  commits.change('sessions', 'acme')
  expect(await all()).toEqual(['MISS', 'HIT', 'MISS'])
  commits.change('notes', '')
  expect(await all()).toEqual(['HIT', 'HIT', 'MISS'])
  commits.reset('sessions')
  expect(await all()).toEqual(['MISS', 'MISS', 'MISS'])
})

test('H-48 a result computed before a change is not kept after it, and who asks behind the change gets a new one', async () => {
  const { ask, commits } = world()
  const slow = Promise.withResolvers<void>()
  const first = ask('a', { compute: async () => {
    await slow.promise
    return { value: -1, sizeBytes: 1 }
  } })
  commits.change('sessions', 'acme')
  expect(await ask('a')).toEqual([1, 'MISS'])
  slow.resolve()
  expect(await first).toEqual([-1, 'MISS'])
  expect(await ask('a')).toEqual([1, 'HIT'])
})

test('H-50 of those who miss one key at a time one computes, and a failure is told to all of them and not kept', async () => {
  const { ask, cache } = world()
  expect(await Promise.all(Array.from({ length: 20 }, () => ask('a')))).toEqual(Array.from({ length: 20 }, () => [1, 'MISS']))
  const failing = { compute: () => Promise.reject(new Error('no engine')) }
  const failed = await Promise.allSettled([ask('b', failing), ask('b', failing)])
  expect(failed.map(one => one.status)).toEqual(['rejected', 'rejected'])
  expect(await ask('b')).toEqual([2, 'MISS'])
  expect(cache.size).toBe(2)
})

test('H-50 one who leaves does not disturb the others; when the last has left, the computation is stopped and not kept', async () => {
  const { ask, cache } = world()
  const signals: AbortSignal[] = []
  const started = Promise.withResolvers<void>()
  const compute: ResultRequest<number>['compute'] = ({ signal }) => {
    signals.push(signal)
    return started.promise.then(() => ({ value: 7, sizeBytes: 1 }))
  }
  const [leaver, stayer, last] = [testScope(), testScope(), testScope()]
  const left = ask('a', { compute }, leaver)
  const stayed = ask('a', { compute }, stayer)
  leaver.abort(new Error('left'))
  await expect(left).rejects.toThrow('left')
  expect(signals.map(signal => signal.aborted)).toEqual([false])
  started.resolve()
  expect(await stayed).toEqual([7, 'MISS'])

  const alone = ask('b', { compute: ({ signal }) => new Promise((_, reject) => {
    signals.push(signal)
    signal.addEventListener('abort', () => reject(signal.reason))
  }) }, last)
  last.abort(new Error('left too'))
  await expect(alone).rejects.toThrow('left too')
  expect(signals[1]?.aborted).toBe(true)
  expect(cache.size).toBe(1)
})

test('a computation ends with the deadline of who began it', async () => {
  const { ask, scope } = world()
  const waiting = ask('a', { compute: ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))) })
  scope.clock.advance(30_000)
  await expect(waiting).rejects.toMatchObject({ code: 'TIMEOUT' })
})

test('what was used longest ago goes first, by number and by bytes; what is larger than all the room is not kept', async () => {
  const few = world({ maxEntries: 2, maxBytes: 10_000 })
  for (const key of ['a', 'b', 'a', 'c']) await few.ask(key)
  expect(await few.ask('a')).toEqual([1, 'HIT'])
  expect(await few.ask('b')).toEqual([4, 'MISS'])

  const small = world({ maxEntries: 100, maxBytes: 250 })
  for (const key of ['a', 'b', 'c']) await small.ask(key)
  expect([small.cache.size, small.cache.bytes]).toEqual([2, 200])
  const large = { compute: async () => ({ value: 0, sizeBytes: 251 }) }
  expect(await small.ask('large', large)).toEqual([0, 'MISS'])
  expect(await small.ask('large', large)).toEqual([0, 'MISS'])
  expect([small.cache.size, small.cache.bytes]).toEqual([2, 200])
  expect(await small.ask('c')).toEqual([3, 'HIT'])
})

test('a new graph meets no result of an older one, and a closed cache hears of no changes', async () => {
  const { ask, cache, commits } = world()
  const first = cache.begin()
  await ask(`${first}`)
  expect(cache.begin()).not.toBe(first)
  expect([cache.size, cache.bytes]).toEqual([0, 0])
  cache.close()
  expect(commits.listeners.size).toBe(0)
})
