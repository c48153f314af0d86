import { type Event, Telling } from '../../../../connectors/ignite/regions/told.ts'

const kept = (key: string, version: number) => ({ tenant: '', key, row: {}, version, writtenAtMs: 0, createdAtMs: 0, filled: false })
const put = (key: string, version: number): Event => ({ id: key, type: 'UPDATED', before: undefined, after: kept(key, version) })
const removal = (key: string, version: number): Event => ({ id: key, type: 'REMOVED', before: kept(key, version), after: undefined })

function telling() {
  const told: string[] = []
  const log = new Telling<Event>((all, untold, done) => {
    const events = all.filter(({ id }) => !untold.has(id))
    if (events.length > 0) told.push(events.map(({ id, after, before }) => `${id}${after?.version ?? -(before?.version ?? 0)}`).join(' '))
    done()
  })
  const puts = (...entries: [string, number][]) => log.expect({ entries: new Map(entries.map(([id, version]) => [id, { puts: version }])), untold: new Set() })
  const isTold = async (awaited: { told: Promise<void> }) => Promise.race([awaited.told.then(() => true), Promise.resolve().then(() => Promise.resolve(false))])
  return { told, log, puts, isTold }
}

test('what nobody here wrote is told as it comes', () => {
  const { told, log } = telling()
  log.take(put('a', 1))
  log.take(removal('a', 1))
  expect(told).toEqual(['a1', 'a-1'])
})

test('events of one write are told as one, in the write\'s order, when the last has come; others need not wait', async () => {
  const { told, log, puts, isTold } = telling()
  const write = puts(['a', 5], ['b', 5])
  log.take(put('b', 5))
  log.take(put('c', 1))
  expect([await isTold(write), told]).toEqual([false, ['c1']])
  log.take(put('a', 5))
  expect([await isTold(write), told]).toEqual([true, ['c1', 'a5 b5']])
})

test('changes of one entry are told in the order they came, whoever made them', () => {
  const { told, log, puts } = telling()
  puts(['a', 5], ['b', 5])
  log.take(put('a', 5))
  log.take(put('a', 6))
  log.take(removal('a', 6))
  expect(told).toEqual([])
  log.take(put('b', 5))
  expect(told).toEqual(['a5 b5', 'a6', 'a-6'])
})

test('a write that came behind another on one entry is told behind it, though it was complete first', () => {
  const { told, log, puts } = telling()
  puts(['k', 1], ['m', 1])
  puts(['k', 2], ['j', 2])
  log.take(put('j', 2))
  log.take(put('k', 1))
  log.take(put('k', 2))
  expect(told).toEqual([])
  log.take(put('m', 1))
  expect(told).toEqual(['k1 m1', 'k2 j2'])
})

test('a removal is known by the version it removes, and is not mistaken for another one of its entry', () => {
  const { told, log } = telling()
  log.expect({ entries: new Map([['a', { removes: 7 }], ['b', { removes: 7 }]]), untold: new Set() })
  log.take(removal('a', 3))
  log.take(removal('a', 7))
  expect(told).toEqual(['a-3'])
  log.take(removal('b', 7))
  expect(told).toEqual(['a-3', 'a-7 b-7'])
})

test('what is not to be told is waited for all the same', async () => {
  const { told, log, isTold } = telling()
  const fill = log.expect({ entries: new Map([['a', { puts: 1 }]]), untold: new Set(['a']) })
  expect(await isTold(fill)).toBe(false)
  log.take(put('a', 1))
  expect([await isTold(fill), told]).toEqual([true, []])
})

test('where no more events will come, what is there is told, and nobody waits', async () => {
  const { told, log, puts, isTold } = telling()
  const write = puts(['a', 5], ['lost-b', 5])
  const other = puts(['c', 6], ['lost-d', 6])
  log.take(put('a', 5))
  log.take(put('a', 6))
  log.flush(id => id.startsWith('lost-'))
  expect([await isTold(write), told]).toEqual([true, ['a5', 'a6']])
  expect(await isTold(other)).toBe(false)
  other.giveUp()
  expect(await isTold(other)).toBe(true)
  log.take(put('c', 6))
  expect(told).toEqual(['a5', 'a6', 'c6'])
})
