import fc from 'fast-check'
import { accessTo } from '../../resolvers/live/access.ts'
import { canonical } from '../../resolvers/live/canonical.ts'
import { PredicateIndex } from '../../resolvers/live/predicate-index.ts'
import { RangeList } from '../../resolvers/live/range-list.ts'
import { matcher, type Filter } from '../../schema/filter.ts'
import type { Column, ColumnType, Row, Value } from '../../schema/values.ts'

/** Small sets of values, so that filters and rows meet; several spellings of one value where the type has them. */
const domain: Partial<Record<ColumnType, readonly Value[]>> = {
  Int: [0, 1, 2, 3, 4, 5, 6, 7],
  Long: [0, 7, 9_007_199_254_740_993n, 9_007_199_254_740_995n],
  Float: [0, -1.5, 2.25],
  String: ['', 'x', 'xy', 'xyz', 'y%', 'ü', 'x\uffff', '\uffff', '🦊'],
  Decimal: ['1.0', '1.00', '-2', '3.5'],
  Boolean: [true, false],
  DateTime: ['2024-01-01T00:00:00Z', '2024-01-01T00:00:00.5Z'],
  JSON: [{ a: 1 }, [1, 2], 'x'],
}

const columns: readonly Column[] = Object.keys(domain).map(type => ({ name: type.toLowerCase(), type: type as ColumnType, nullable: true }))

const row: fc.Arbitrary<Row> = fc.record(Object.fromEntries(columns.map(({ name, type }) => [name, fc.option(fc.constantFrom(...domain[type]!), { freq: 6 })])))

const comparison: fc.Arbitrary<Filter> = fc.constantFrom(...columns).chain(({ name: column, type }) => {
  const value = fc.option(fc.constantFrom(...domain[type]!), { freq: 10 })
  const ordering = type === 'String' ? (['startsWith', 'like', 'lt', 'gte'] as const) : (['lt', 'lte', 'gt', 'gte'] as const)
  return fc.oneof(
    { weight: 4, arbitrary: value.map((value): Filter => ({ column, op: 'eq', value })) },
    value.map((value): Filter => ({ column, op: 'ne', value })),
    fc.array(value, { maxLength: 4 }).map((value): Filter => ({ column, op: 'in', value })),
    fc.tuple(fc.constantFrom(...ordering), value).map(([op, value]): Filter => ({ column, op, value })),
    fc.boolean().map((value): Filter => ({ column, op: 'isNull', value })),
  )
})

const { filter } = fc.letrec<{ filter: Filter }>(tie => ({
  filter: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'filter' },
    { weight: 3, arbitrary: comparison },
    { weight: 3, arbitrary: fc.array(tie('filter'), { maxLength: 3, depthIdentifier: 'filter' }).map(and => ({ and })) },
    fc.array(tie('filter'), { maxLength: 3, depthIdentifier: 'filter' }).map(or => ({ or })),
    tie('filter').map(not => ({ not })),
  ),
}))

type Step = { readonly do: 'add'; readonly filters: readonly Filter[] } | { readonly do: 'remove'; readonly each: number } | { readonly do: 'match'; readonly before: Row | null; readonly after: Row | null }

const side = fc.option(row, { freq: 5 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.array(filter, { minLength: 1, maxLength: 40 }).map(filters => ({ do: 'add' as const, filters })) },
  { weight: 3, arbitrary: fc.integer({ min: 2, max: 20 }).map(each => ({ do: 'remove' as const, each })) },
  { weight: 5, arbitrary: fc.tuple(side, side).map(([before, after]) => ({ do: 'match' as const, before, after })) },
  // Most changes touch one column.
  { weight: 5, arbitrary: fc.tuple(row, row, fc.constantFrom(...columns)).map(([before, other, { name }]) => ({ do: 'match' as const, before, after: { ...before, [name]: other[name] ?? null } })) },
)

test('the index finds exactly the filters that pass a row before or after its change, whatever was added and removed', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 30 }), steps => {
      const index = new PredicateIndex<number>()
      const filed = new Map<number, { filter: Filter; remove: () => void }>()
      let count = 0
      for (const step of steps) {
        if (step.do === 'add') {
          for (const filter of step.filters) {
            count += 1
            filed.set(count, { filter, remove: index.add(filter, columns, count) })
          }
        }
        if (step.do === 'remove') {
          for (const [member, { remove }] of [...filed].filter((_, at) => at % step.each === 0)) {
            remove()
            filed.delete(member)
          }
        }
        if (step.do === 'match') {
          const found = index.match(step.before, step.after).flatMap(({ members, before, after }) => [...members].map(member => ({ member, before, after })))
          const expected = [...filed].flatMap(([member, { filter }]) => {
            const test = matcher(filter, columns)
            const before = step.before && test(step.before) ? step.before : null
            const after = step.after && test(step.after) ? step.after : null
            return before || after ? [{ member, before, after }] : []
          })
          expect(found.sort((a, b) => a.member - b.member)).toEqual(expected)
        }
      }
      for (const { remove } of filed.values()) remove()
      expect(index.size).toBe(0)
      expect([...index.members()]).toEqual([])
    }),
    { numRuns: 300 },
  )
})

test('a range list finds exactly the ranges that hold a point, bounds included', () => {
  const bound = fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined, freq: 200 })
  fc.assert(
    fc.property(fc.array(fc.tuple(bound, bound), { maxLength: 400, size: 'max' }), fc.array(fc.integer({ min: -1, max: 31 }), { maxLength: 20 }), (ranges, points) => {
      const list = new RangeList<number>()
      for (const [at, [low, high]] of ranges.entries()) list.add(low, high, at)
      for (const at of ranges.keys()) if (at % 5 === 0) list.remove(at)
      for (const point of points) {
        const found: number[] = []
        list.visit(point, at => found.push(at))
        const expected = [...ranges.keys()].filter(at => at % 5 !== 0 && (ranges[at]![0] ?? -2) <= point && point <= (ranges[at]![1] ?? 32))
        expect(found.sort((a, b) => a - b)).toEqual(expected)
      }
    }),
  )
})

test('the range of a prefix holds every text that begins with it', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '\uffff', '🦊'), maxLength: 4 })
  fc.assert(
    fc.property(text, text, (prefix, rest) => {
      const [range] = accessTo({ kind: 'startsWith', column: 'name', constant: prefix }, () => 1) ?? []
      if (!range || 'value' in range) throw new Error('A prefix is filed under a range.')
      expect((range.low ?? '') <= prefix + rest && (range.high === undefined || prefix + rest <= range.high)).toBe(true)
    }),
  )
})

test('filters with one canonical text pass the same rows', () => {
  const shuffled = (filter: Filter): Filter => {
    if ('and' in filter) return { and: [...filter.and, ...filter.and.slice(0, 1)].reverse().map(shuffled) }
    if ('or' in filter) return { or: [{ or: filter.or.map(shuffled).reverse() }] }
    if ('not' in filter) return { not: { not: { not: shuffled(filter.not) } } }
    return filter.op === 'in' ? { ...filter, value: [...filter.value, ...filter.value].reverse() } : filter
  }
  fc.assert(
    fc.property(filter, row, (filter, row) => {
      expect(canonical(shuffled(filter))).toBe(canonical(filter))
      expect(matcher(shuffled(filter), columns)(row)).toBe(matcher(filter, columns)(row))
    }),
  )
})

test('a change is compared with few of many unequal filters', () => {
  let tests = 0
  const counted = (row: Row): Row => new Proxy(row, { get: (target, name) => { tests += 1; return target[String(name)] } })
  const columns: Column[] = ['owner', 'status', 'amount'].map(name => ({ name, type: 'Int', nullable: false }))
  const index = new PredicateIndex<number>()
  for (let member = 0; member < 10_000; member++) {
    index.add({ and: [{ column: 'status', op: 'eq', value: member % 5 }, { column: 'amount', op: 'gt', value: member }, { column: 'owner', op: 'eq', value: member % 1_000 }] }, columns, member)
  }
  const [before, after] = [{ owner: 7, status: 2, amount: 3_000 }, { owner: 7, status: 2, amount: 6_000 }]
  expect(index.match(counted(before), counted(after)).map(({ members }) => [...members]).sort()).toEqual([[1007], [2007], [3007], [4007], [5007], [7]].filter(([member]) => member! % 5 === 2))
  expect(tests).toBeLessThan(200)
})
