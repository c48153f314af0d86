import { readsFor, readsForKeys, type Restriction } from '../../../../connectors/cassandra/access.ts'
import { cqlType, type CqlColumn } from '../../../../connectors/cassandra/types.ts'
import type { Filter } from '../../../../schema/filter.ts'

const column = (name: string, type: string): CqlColumn => ({ name, type: cqlType(type).type, nullable: false, cql: cqlType(type) })
const keys = { partition: [column('device', 'text'), column('year', 'int')], clustering: [column('at', 'timestamp'), column('no', 'bigint')] }
const eq = (name: string, value: string | number) => ({ column: name, op: 'eq' as const, value })
const shown = (reads: readonly (readonly Restriction[])[] | undefined) => reads?.map(read => read.map(({ column: name, sign, value }) => `${name} ${sign} ${value instanceof Date ? value.toISOString() : String(value)}`).join(' and '))

test.each<[string, Filter, string[] | undefined]>([
  ['nothing', { and: [] }, undefined],
  ['a part of the partition key', eq('device', 'a'), undefined],
  ['the partition key', { and: [eq('device', 'a'), eq('year', 2024)] }, ['device = a and year = 2024']],
  ['the partition key below another and', { and: [{ and: [eq('year', 2024)] }, { or: [eq('device', 'a')] }] }, ['device = a and year = 2024']],
  ['each combination of two lists', { and: [{ column: 'device', op: 'in', value: ['a', 'b', null] }, { column: 'year', op: 'in', value: [1, 2] }] }, ['device = a and year = 1', 'device = a and year = 2', 'device = b and year = 1', 'device = b and year = 2']],
  ['one of two is not enough', { or: [{ and: [eq('device', 'a'), eq('year', 1)] }, eq('no', 1)] }, undefined],
  ['a negation is nothing to look for', { and: [{ not: eq('device', 'a') }, eq('year', 1)] }, undefined],
  ['a value the column cannot hold', { and: [eq('device', 'a'), eq('year', 4_000_000_000)] }, []],
  ['a comparison with null', { and: [eq('device', 'a'), { column: 'year', op: 'eq', value: null }] }, []],
  ['the clustering columns too', { and: [eq('device', 'a'), eq('year', 1), eq('at', '2024-01-01T00:00:00Z'), eq('no', 7)] }, ['device = a and year = 1 and at = 2024-01-01T00:00:00.000Z and no = 7']],
  ['a range on the first of them, its end included', { and: [eq('device', 'a'), eq('year', 1), { column: 'at', op: 'gt', value: '2024-01-01T00:00:00Z' }, { column: 'at', op: 'lt', value: '2024-02-01T00:00:00Z' }, { column: 'at', op: 'lt', value: '2024-03-01T00:00:00Z' }] }, ['device = a and year = 1 and at >= 2024-01-01T00:00:00.000Z and at <= 2024-02-01T00:00:00.000Z']],
  ['no column behind a range or a gap', { and: [eq('device', 'a'), eq('year', 1), eq('no', 7)] }, ['device = a and year = 1']],
  ['more combinations than are asked one by one', { and: [{ column: 'device', op: 'in', value: Array.from({ length: 50 }, (_, n) => `d${n}`) }, { column: 'year', op: 'in', value: Array.from({ length: 50 }, (_, n) => n) }] }, undefined],
  ['an instant between two milliseconds', { and: [eq('device', 'a'), eq('year', 1), eq('at', '2024-01-01T00:00:00.0001Z')] }, []],
])('of a filter Cassandra is asked: %s', (_, filter, reads) => {
  expect(shown(readsFor(filter, keys))).toEqual(reads)
})

test('texts and floats are never asked for by range, nor floats and decimals by equality: Cassandra orders and stores them otherwise', () => {
  const range: Filter = { and: [eq('k', 1), { column: 'c', op: 'gt', value: 'a' }] }
  expect(shown(readsFor(range, { partition: [column('k', 'int')], clustering: [column('c', 'text')] }))).toEqual(['k = 1'])
  for (const type of ['double', 'float', 'decimal']) expect(readsFor(eq('k', 0), { partition: [column('k', type)], clustering: [] })).toBeUndefined()
})

test('a single partition key that is an empty text has no row, and Cassandra is not asked', () => {
  const one = { partition: [column('k', 'text')], clustering: [] }
  expect(readsFor(eq('k', ''), one)).toEqual([])
  expect(readsForKeys(one.partition, [[''], ['a']], one)).toHaveLength(1)
  expect(shown(readsFor({ and: [eq('device', ''), eq('year', 1)] }, keys))).toEqual(['device =  and year = 1'])
})

test('a look-up asks once for each key that can have a row, by as much of the key as it has without a gap', () => {
  const [device, year] = keys.partition
  const [at, no] = keys.clustering
  if (!device || !year || !at || !no) throw new Error('a column is missing')
  expect(shown(readsForKeys([year, device], [[1, 'a'], [1, 'a'], [4_000_000_000, 'a'], [2, 'b']], keys))).toEqual(['device = a and year = 1', 'device = b and year = 2'])
  expect(shown(readsForKeys([year, device, no], [[1, 'a', 7]], keys))).toEqual(['device = a and year = 1'])
  expect(shown(readsForKeys([no, at, year, device], [[7, '2024-01-01T00:00:00Z', 1, 'a']], keys))).toEqual(['device = a and year = 1 and at = 2024-01-01T00:00:00.000Z and no = 7'])
  expect(readsForKeys([device], [['a']], keys)).toBeUndefined()
})
