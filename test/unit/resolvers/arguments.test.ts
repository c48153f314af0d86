import { parseArguments } from '../../../resolvers/arguments.ts'
import type { EntityModel, ListArgument } from '../../../schema/model.ts'
import type { ColumnType } from '../../../schema/values.ts'

const types: Readonly<Record<string, ColumnType>> = { id: 'Int', at: 'DateTime', price: 'Decimal', size: 'Long', name: 'String' }
const declared: readonly ListArgument[] = [
  { name: 'id', column: 'id', op: 'eq' },
  { name: 'from', column: 'at', op: 'gte' }, { name: 'to', column: 'at', op: 'lt' },
  { name: 'above', column: 'price', op: 'gt' }, { name: 'upTo', column: 'price', op: 'lte' },
  { name: 'least', column: 'size', op: 'gte' }, { name: 'most', column: 'size', op: 'lte' },
  { name: 'not', column: 'name', op: 'ne' },
]
const entity: EntityModel = {
  kind: 'region', name: 'visits', type: 'Visit', key: ['id'], listField: 'visits', lookupField: 'visit', writable: true, complete: true, tenancy: 'SHARED', arguments: declared,
  fields: Object.entries(types).map(([name, type]) => ({ name, field: name, type, nullable: true })),
}

test('M-27 each argument given is one comparison of its column; those left out, and null, are none', () => {
  expect(parseArguments(entity, { id: 7, from: '2026-01-01T01:00:00+01:00', to: null, not: 'x', where: { id: { eq: 8 } }, first: 3 })).toEqual([
    { column: 'id', op: 'eq', value: 7 }, { column: 'at', op: 'gte', value: '2026-01-01T00:00:00Z' }, { column: 'name', op: 'ne', value: 'x' },
  ])
  expect(parseArguments(entity, {})).toEqual([])
  expect(parseArguments({ ...entity, arguments: undefined }, { id: 7 })).toEqual([])
})

test('M-27 a lower bound above the upper one of its column is refused with both, by value and not by text', () => {
  const refused = (args: Readonly<Record<string, unknown>>) => {
    try {
      parseArguments(entity, args)
    } catch (error) {
      return error
    }
    throw new Error('It was taken.')
  }
  expect(refused({ from: '2026-02-01T00:00:00Z', to: '2026-01-31T23:59:59.5Z' })).toMatchObject({ code: 'VALIDATION_ERROR', details: { field: 'from' }, message: expect.stringMatching(/^from is "2026-02-01T00:00:00Z" and to is "2026-01-31T23:59:59.5Z":/) })
  expect(refused({ above: '10.0', upTo: '9.99' })).toMatchObject({ code: 'VALIDATION_ERROR', details: { field: 'above' } })
  expect(refused({ least: '9007199254740993', most: 9007199254740991 })).toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining('9007199254740993') })
  expect(refused({ above: '2', upTo: '1', least: 2, most: 1 })).toMatchObject({ details: { problems: [{ path: 'above' }, { path: 'least' }] } })
})

test('M-27 bounds that meet, and bounds of different columns, are taken', () => {
  expect(parseArguments(entity, { from: '2026-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' })).toHaveLength(2)
  expect(parseArguments(entity, { above: '9.99', upTo: '10.0' })).toHaveLength(2)
  expect(parseArguments(entity, { from: '2026-02-01T00:00:00Z', most: 1 })).toHaveLength(2)
})

test('M-27 a value that is none of the column is refused with what the column takes', () => {
  expect(() => parseArguments(entity, { id: 'seven' })).toThrow('"seven" is not a whole number of 32 bits.')
})
