import { keyedHash } from '../../../connectors/memory/keyed-hash.ts'
import { KeyTable } from '../../../connectors/memory/key-table.ts'

/** A table over keys that stand in an array, by place. */
function tableOf(keys: readonly string[], hash: (key: string) => number): { table: KeyTable; told: number[] } {
  const told: number[] = []
  const table = new KeyTable(hash, (id, key) => keys[id] === key, probes => told.push(probes))
  for (const [id, key] of keys.entries()) table.insert(key, id)
  return { table, told }
}

const keys = Array.from({ length: 40_000 }, (_, index) => `${index % 3 === 0 ? 'é' : index % 3 === 1 ? '語' : ''}key ${index}`)

test('a table that was split finds each of its keys and no other, one by one and many at once', () => {
  const { table, told } = tableOf(keys, keyedHash())
  for (const [id, key] of keys.entries()) if (table.find(key) !== id) expect([key, table.find(key)]).toEqual([key, id])
  expect(table.findMany(['nobody', ...keys.slice(0, 100)], () => undefined)).toEqual([-1, ...keys.slice(0, 100).keys()])
  for (const [id, key] of keys.entries()) if (id % 2 === 0) table.remove(key, id)
  expect(table.findMany(keys, () => undefined)).toEqual(keys.map((_, id) => (id % 2 === 0 ? -1 : id)))
  expect(table.size).toBe(20_000)
  expect(told).toEqual([])
})

test('keys that all have one hash are found, and told of as the flood they are', () => {
  const some = keys.slice(0, 600)
  const { table, told } = tableOf(some, () => 0x5eed)
  expect(table.findMany(some, () => undefined)).toEqual([...some.keys()])
  expect(told[0]).toBe(513)
})

test('the hash of a key depends on every character of it, and on a secret', () => {
  const hash = keyedHash()
  const alike = ['', 'a', 'b', 'ab', 'ba', 'a\u0000', '\u0000', 'aaaa', 'aaaaa', 'aaaab', 'ā', 'Ā', 'a\u0100', '\u0100a', 'x'.repeat(255), 'x'.repeat(511)]
  expect(new Set(alike.map(hash)).size).toBe(alike.length)
  expect(alike.map(hash)).toEqual(alike.map(hash))
  expect(alike.map(keyedHash())).not.toEqual(alike.map(hash))
})

test('the hashes of numbered keys lie as evenly as chance has it', () => {
  const counts = new Array<number>(256).fill(0)
  const low = new Array<number>(256).fill(0)
  const hash = keyedHash()
  for (const key of keys) {
    const value = hash(key)
    counts[value >>> 24] = (counts[value >>> 24] ?? 0) + 1
    low[value & 255] = (low[value & 255] ?? 0) + 1
  }
  const expected = keys.length / 256
  // Chi-squared of 255 degrees: above 400 once in a hundred million.
  for (const found of [counts, low]) expect(found.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)).toBeLessThan(400)
})
