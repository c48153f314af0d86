import { lookupReading, scanReading } from '../../../../connectors/scan/reading.ts'
import type { Column } from '../../../../schema/values.ts'

const columns: readonly Column[] = [{ name: 'id', type: 'Int', nullable: false }, { name: 'price', type: 'Decimal', nullable: true }, { name: 'tag', type: 'UUID', nullable: true }, { name: 'at', type: 'Long', nullable: true }]
const names = (read: { readonly columns: readonly Column[] }) => read.columns.map(({ name }) => name)

test('columns a condition looks at are read and not answered', () => {
  const reading = scanReading('t', columns, { table: 't', columns: ['price'], filter: { or: [{ column: 'id', op: 'gt', value: 1 }, { not: { column: 'at', op: 'isNull', value: true } }] } })
  expect(names(reading)).toEqual(['price', 'id', 'at'])
  expect(reading.answer([{ price: '1', id: 1, at: null }, { price: '2', id: 2, at: null }, { price: '3', id: 0, at: 5 }])).toEqual([{ price: '2' }, { price: '3' }])
})

test('the limit counts rows that pass, over all batches', () => {
  const reading = scanReading('t', columns, { table: 't', columns: ['id'], filter: { column: 'id', op: 'gt', value: 1 }, limit: 3 })
  expect(reading.answer([{ id: 1 }, { id: 2 }, { id: 3 }])).toEqual([{ id: 2 }, { id: 3 }])
  expect(reading.done).toBe(false)
  expect(reading.answer([{ id: 4 }, { id: 5 }])).toEqual([{ id: 4 }])
  expect(reading.done).toBe(true)
  expect(reading.answer([{ id: 6 }])).toEqual([])
})

test('a look-up answers whole keys only, however equal values are written', () => {
  const reading = lookupReading('t', columns, { table: 't', columns: ['id'], keyColumns: ['price', 'tag', 'at'], keys: [['1.50', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 9_007_199_254_740_993n], ['100', 'b', 2]] })
  expect(names(reading)).toEqual(['id', 'price', 'tag', 'at'])
  const tag = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'
  expect(reading.answer([
    { id: 1, price: '1.5', tag, at: 9_007_199_254_740_993n }, { id: 2, price: '1.5', tag, at: 2 }, { id: 3, price: '100', tag: 'b', at: 2 }, { id: 4, price: '1', tag: 'b', at: 2 }, { id: 5, price: '100.00', tag: 'b', at: 2 }, { id: 6, price: null, tag: 'b', at: 2 },
  ])).toEqual([{ id: 1 }, { id: 3 }, { id: 5 }])
})
