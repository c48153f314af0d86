import fc from 'fast-check'
import { identity, type Kept } from '../../connectors/regions/kept.ts'
import { NearCache } from '../../connectors/regions/near.ts'

const kept = (key: string, version: number): Kept => ({ tenant: '', key, row: { key, version }, version, writtenAtMs: 0, createdAtMs: 0, filled: false })
const id = (key: string) => identity({ tenant: '', key })
const open = (limits = { maxEntries: 100, maxBytes: 10_000 }) => {
  const near = new NearCache(limits)
  near.on()
  return near
}

test('an entry is not given out after a change of it was heard of', () => {
  const near = open()
  near.keep(kept('a', 1), 10, Number.POSITIVE_INFINITY, near.mark())
  expect(near.get(id('a'), 0)?.version).toBe(1)
  near.changed(id('a'))
  expect(near.get(id('a'), 0)).toBeUndefined()
})

test('what was read before a change was heard of is not kept behind it', () => {
  const near = open()
  const mark = near.mark()
  near.changed(id('a'))
  near.keep(kept('a', 1), 10, Number.POSITIVE_INFINITY, mark)
  near.keep(kept('b', 1), 10, Number.POSITIVE_INFINITY, mark)
  expect([near.get(id('a'), 0), near.get(id('b'), 0)?.version]).toEqual([undefined, 1])
})

test('while changes may go by unseen nothing is kept, and what was read meanwhile is not kept afterwards', () => {
  const near = open()
  near.keep(kept('a', 1), 10, Number.POSITIVE_INFINITY, near.mark())
  const mark = near.mark()
  near.off()
  near.keep(kept('b', 1), 10, Number.POSITIVE_INFINITY, near.mark())
  near.on()
  near.keep(kept('c', 1), 10, Number.POSITIVE_INFINITY, mark)
  expect([near.get(id('a'), 0), near.get(id('b'), 0), near.get(id('c'), 0), near.size]).toEqual([undefined, undefined, undefined, 0])
})

test('an entry whose time is over is not given out, told or not', () => {
  const near = open()
  near.keep(kept('a', 1), 10, 1_000, near.mark())
  expect([near.get(id('a'), 999)?.version, near.get(id('a'), 1_000)]).toEqual([1, undefined])
})

test('it holds no more entries and bytes than it may, and those used longest ago go', () => {
  const near = open({ maxEntries: 3, maxBytes: 100 })
  for (const key of ['a', 'b', 'c']) near.keep(kept(key, 1), 10, Number.POSITIVE_INFINITY, near.mark())
  near.get(id('a'), 0)
  near.keep(kept('d', 1), 10, Number.POSITIVE_INFINITY, near.mark())
  expect(['a', 'b', 'c', 'd'].filter(key => near.get(id(key), 0))).toEqual(['a', 'c', 'd'])
  near.keep(kept('e', 1), 85, Number.POSITIVE_INFINITY, near.mark())
  expect([near.size, near.bytes <= 100]).toEqual([2, true])
  near.keep(kept('f', 1), 101, Number.POSITIVE_INFINITY, near.mark())
  expect(near.get(id('f'), 0)).toBeUndefined()
})

test('whatever is read, changed, lost and found in whatever order: no answer is older than the last change heard of', () => {
  const keys = fc.constantFrom('a', 'b', 'c')
  const step = fc.oneof(
    fc.record({ do: fc.constant('write' as const), key: keys }), fc.record({ do: fc.constant('hear' as const) }), fc.record({ do: fc.constant('ask' as const), key: keys }),
    fc.record({ do: fc.constant('answer' as const) }), fc.record({ do: fc.constant('get' as const), key: keys }), fc.record({ do: fc.constant('lose' as const) }),
  )
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), steps => {
    const near = open({ maxEntries: 2, maxBytes: 1_000 })
    const cluster = new Map<string, number>()
    const heard = new Map<string, number>()
    const unheard: { key: string; version: number }[] = []
    const asked: { key: string; version: number; mark: number }[] = []
    for (const one of steps) {
      if (one.do === 'write') {
        cluster.set(one.key, (cluster.get(one.key) ?? 0) + 1)
        unheard.push({ key: one.key, version: cluster.get(one.key) ?? 0 })
      } else if (one.do === 'hear') {
        const event = unheard.shift()
        if (event) {
          heard.set(event.key, event.version)
          near.changed(id(event.key))
        }
      } else if (one.do === 'ask') asked.push({ key: one.key, version: cluster.get(one.key) ?? 0, mark: near.mark() })
      else if (one.do === 'answer') {
        const answer = asked.shift()
        if (answer) near.keep(kept(answer.key, answer.version), 10, Number.POSITIVE_INFINITY, answer.mark)
      } else if (one.do === 'lose') {
        near.off()
        for (const { key, version } of unheard.splice(0)) heard.set(key, version)
        near.on()
      } else {
        const found = near.get(id(one.key), 0)
        if (found && found.version < (heard.get(one.key) ?? 0)) throw new Error(`${one.key} reads ${found.version} after ${heard.get(one.key)} was heard of.`)
      }
    }
  }), { numRuns: 500 })
})
