import { parseKeyText, parseValue, scalars } from '../../../schema/scalars.ts'
import { compareValues, toLong, type ColumnType } from '../../../schema/values.ts'

test.each([
  ['Int', 5], ['Int', -2147483648], ['Long', 9007199254740993n], ['Float', 0.5], ['Decimal', '12.50'], ['Boolean', false], ['Date', '2024-02-29'], ['UUID', '123e4567-e89b-12d3-a456-426614174000'], ['Bytes', 'AQI='],
] as const)('%s takes %j as it is', (type, value) => {
  expect(parseValue(type, value)).toEqual(value)
})

test.each([
  ['Long', '9007199254740993', 9007199254740993n], ['Long', '7', 7], ['Decimal', 1.5, '1.5'], ['DateTime', '2024-01-31T23:59:59+02:00', '2024-01-31T21:59:59Z'], ['DateTime', '2024-01-31t23:59:59.120z', '2024-01-31T23:59:59.12Z'],
  ['LocalDateTime', '2024-01-31 23:59', '2024-01-31T23:59:00'], ['Time', '07:05', '07:05:00'], ['UUID', '123E4567-E89B-12D3-A456-426614174000', '123e4567-e89b-12d3-a456-426614174000'], ['String', null, null],
] as const)('%s makes %j canonical', (type, given, value) => {
  expect(parseValue(type, given)).toEqual(value)
})

test.each([
  ['Int', 2147483648], ['Int', 1.5], ['Int', '5'], ['Long', 1e300], ['Long', '9223372036854775808'], ['Float', Number.NaN], ['Decimal', '1e5'], ['Boolean', 'true'], ['Date', '2023-02-29'], ['Time', '24:00'], ['DateTime', '2024-01-31T23:59:59'],
  ['UUID', 'x'], ['Bytes', '%%'], ['String', 5],
] as const)('%s refuses %j', (type, given) => {
  expect(() => parseValue(type, given)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT' }))
})

test('a key is given as a literal of its type or as text', () => {
  expect(parseKeyText('Int', '3830')).toBe(3830)
  expect(parseKeyText('Int', 3830)).toBe(3830)
  expect(parseKeyText('Boolean', 'true')).toBe(true)
  expect(() => parseKeyText('Int', 'ORD')).toThrow('"ORD" is not a whole number of 32 bits.')
  expect(() => parseKeyText('Int', '')).toThrow('is not a whole number')
})

test('values compare by what they are, not by how they are written', () => {
  const ordered: readonly (readonly [ColumnType, unknown, unknown])[] = [
    ['Decimal', '-2', '-1.99'], ['Decimal', '9.5', '10'], ['Long', 9007199254740991, 9007199254740993n], ['DateTime', '2024-01-01T00:00:00Z', '2024-01-01T00:00:00.5Z'], ['Float', -1, 0], ['Boolean', false, true], ['String', 'B', 'a'],
  ]
  for (const [type, less, more] of ordered) {
    expect(compareValues(type, less as never, more as never)).toBeLessThan(0)
    expect(compareValues(type, more as never, less as never)).toBeGreaterThan(0)
  }
  expect(compareValues('Decimal', '1.50', '1.5')).toBe(0)
  expect([toLong(5n), toLong(2n ** 60n)]).toEqual([5, 2n ** 60n])
})

test('long integers inside of JSON are answered as text, like every Long', () => {
  const json = scalars.find(scalar => scalar.name === 'JSON')
  const big = 2n ** 60n
  expect(json?.serialize({ a: [1, { b: big }], c: 'x' })).toEqual({ a: [1, { b: String(big) }], c: 'x' })
  const plain = { a: 1 }
  expect(json?.serialize(plain)).toBe(plain)
})
