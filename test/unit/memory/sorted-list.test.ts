import fc from 'fast-check'
import { SortedList } from '../../../connectors/memory/sorted-list.ts'

test('a sorted list answers as a sorted array would, however it came to be', () => {
  const numbers = fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 3_000 })
  fc.assert(fc.property(numbers, numbers, numbers, fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 3_000 }), (first, added, removed, low, high) => {
    const list = new SortedList<number>((a, b) => a - b, new Set(first))
    const oracle = new Set(first)
    for (const one of added) {
      if (oracle.has(one)) continue
      list.insert(one)
      oracle.add(one)
    }
    for (const one of removed) {
      list.remove(one)
      oracle.delete(one)
    }
    const sorted = [...oracle].sort((a, b) => a - b)
    expect([...list.ascending()]).toEqual(sorted)
    expect([...list.descending()]).toEqual(sorted.toReversed())
    expect([...list.ascending(item => item >= low)]).toEqual(sorted.filter(item => item >= low))
    expect([...list.descending(item => item > high)]).toEqual(sorted.filter(item => item <= high).toReversed())
    expect(list.countBetween(item => item >= low, item => item > high)).toBe(sorted.filter(item => item >= low && item <= high).length)
  }), { numRuns: 50 })
})
