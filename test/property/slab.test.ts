import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { keyedHash } from '../../connectors/memory/keyed-hash.ts'
import { KeyTable } from '../../connectors/memory/key-table.ts'
import { doubles } from '../../connectors/memory/lines.ts'
import { Records } from '../../connectors/memory/records.ts'
import type { Column, Row, Value } from '../../schema/values.ts'

const columns: Column[] = [
  { name: 'id', type: 'String', nullable: false },
  { name: 'name', type: 'String', nullable: true },
  { name: 'price', type: 'Decimal', nullable: true },
  { name: 'count', type: 'Long', nullable: true },
  { name: 'share', type: 'Float', nullable: true },
  { name: 'open', type: 'Boolean', nullable: true },
  { name: 'extra', type: 'JSON', nullable: true },
]

/** Hashes under which all keys meet, those of one length meet, or none do but by chance. */
const hashes: Record<string, () => (key: string) => number> = {
  'one hash for all keys': () => () => 7,
  'one hash for each length, at the end of the table': () => key => -1 - (key.length % 4),
  'the keyed hash': () => keyedHash(),
}

const characters = fc.constantFrom('a', 'Z', '7', '"', '\\', '\n', '\u0000', 'é', 'ÿ', 'Ā', '語', '\ud83d\ude00', '\ud800', '\udc00')
const text = (maxLength: number) => fc.array(characters, { maxLength }).map(parts => parts.join(''))
const lengths = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0, max: 120 }) },
  { weight: 3, arbitrary: fc.integer({ min: 120, max: 9_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(8_100, 8_191, 8_192, 65_535, 65_536, 70_000, 200_000) },
)
const long = fc.tuple(lengths, fc.constantFrom('x', '"', 'é', '語')).map(([length, part]) => part.repeat(length))
const values: Record<string, fc.Arbitrary<Value>> = {
  name: fc.oneof<fc.Arbitrary<Value>[]>(fc.constant(null), text(12), long),
  price: fc.constantFrom<Value>(null, '1.10', '-0.0', '123456789012345678901234567890.5'),
  count: fc.constantFrom<Value>(null, 0, -5, 999_999_999, 1_000_000_000, Number.MAX_SAFE_INTEGER, 9_007_199_254_740_993n, -9_223_372_036_854_775_808n),
  share: fc.oneof<fc.Arbitrary<Value>[]>(fc.constantFrom<Value>(null, -0, 0, 1e21, 5e-324, Number.NaN, Number.POSITIVE_INFINITY), fc.double()),
  open: fc.constantFrom<Value>(null, true, false),
  extra: fc.oneof<fc.Arbitrary<Value>[]>(fc.constant(null), fc.json().map(json => JSON.parse(json) as Value).filter(value => value !== null && typeof value === 'object')),
}
const filled = fc.record(values) as fc.Arbitrary<Row>
const key = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 0, max: 300 }).map(String) }, { weight: 1, arbitrary: text(4) }, { weight: 1, arbitrary: fc.constantFrom('', '語'.repeat(40_000), 'k'.repeat(70_000)) })

type Step =
  | { readonly do: 'put'; readonly key: string; readonly row: Row; readonly lives: number }
  | { readonly do: 'remove' | 'read'; readonly key: string }
  | { readonly do: 'pass' }

const step = (puts: number): fc.Arbitrary<Step> => fc.oneof(
  { weight: puts, arbitrary: fc.record({ do: fc.constant('put' as const), key, row: filled, lives: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('remove' as const, 'read' as const), key }) },
  { weight: 1, arbitrary: fc.constant({ do: 'pass' as const }) },
)

/** Records with their keys' table, and beside them a Map that must agree. */
class Model {
  readonly records = new Records(columns)
  readonly table: KeyTable
  readonly expected = new Map<string, { row: Row; version: number; until: number }>()
  version = 0
  now = 0

  constructor(hash: (key: string) => number) {
    this.table = new KeyTable(hash, (id, key) => this.records.holds(id, key), () => undefined)
  }

  put(key: string, given: Row, lives: number): void {
    const row = Object.fromEntries(columns.map(({ name }) => [name, name === 'id' ? key : (given[name] ?? null)]))
    this.version += 1
    let id = this.table.find(key)
    if (id >= 0) this.records.replace(id, key, row)
    else {
      id = this.records.create(key, row)
      this.table.insert(key, id)
    }
    this.records.lines.setDouble(id, doubles.version, this.version)
    this.records.lines.setDouble(id, doubles.writtenAtMs, this.now)
    this.expected.set(key, { row, version: this.version, until: this.now + lives })
  }

  remove(key: string): void {
    const id = this.table.find(key)
    expect(id >= 0).toBe(this.expected.delete(key))
    if (id < 0) return
    this.table.remove(key, id)
    this.records.remove(id)
  }

  /** Takes out what has lived long enough. */
  pass(): void {
    this.now += 10
    for (const [key, { until }] of this.expected) if (until <= this.now) this.remove(key)
  }

  read(key: string): void {
    const id = this.table.find(key)
    const expected = this.expected.get(key)
    if (!expected || id < 0) {
      expect([key, id >= 0]).toEqual([key, expected !== undefined])
      return
    }
    const { row, version } = this.records.entry(id)
    const fields = columns.map((_, index) => this.records.field(id, index))
    // As `toEqual`, which takes ten times as long.
    if (!isDeepStrictEqual([row, version, fields], [expected.row, expected.version, Object.values(expected.row)])) expect([row, version, fields]).toEqual([expected.row, expected.version, Object.values(expected.row)])
  }

  agrees(): void {
    expect(this.table.size).toBe(this.expected.size)
    for (const key of this.expected.keys()) {
      this.read(key)
      const found = this.records.key(this.table.find(key))
      if (found !== key) expect(found).toBe(key)
    }
  }
}

test.each(Object.keys(hashes))('records are what a Map holds after thousands of puts, removals and expiries, with %s', name => {
  const phases = fc.tuple(...[9, 1, 5].map(puts => fc.array(step(puts), { minLength: 1_000, maxLength: 1_500, size: 'max' })))
  fc.assert(fc.property(phases, all => {
    const model = new Model((hashes[name] as () => (key: string) => number)())
    for (const steps of all) {
      for (const one of steps) {
        if (one.do === 'put') model.put(one.key, one.row, one.lives)
        else if (one.do === 'pass') model.pass()
        else model[one.do](one.key)
      }
      model.agrees()
    }
  }), { numRuns: 2, endOnFailure: true })
})

test('what was taken from the system for records that are gone comes back, and those that stay are as they were', () => {
  const model = new Model(keyedHash())
  const count = 40_000
  const row = (index: number) => ({ name: 'n'.repeat(900 + (index % 50)), price: String(index), count: index, share: null, open: null, extra: null })
  for (let index = 0; index < count; index++) model.put(`key ${index}`, row(index), 1)
  const { allocated: most } = model.records
  expect(most).toBeGreaterThan(40_000_000)
  // Scattered, so that no page is left empty by itself.
  for (let index = 0; index < count; index++) if (index % 16 !== 7) model.remove(`key ${(index * 7_919) % count}`)
  model.agrees()
  expect(model.records.bytes).toBeLessThan(4_000_000)
  expect(model.records.allocated).toBeLessThan(28_000_000)
  for (let index = 0; index < count; index++) model.put(`key ${index}`, row(index + 1), 1)
  model.agrees()
  expect(model.records.allocated).toBeLessThan(most * 1.2)
})
