import fc from 'fast-check'
import { BinaryType, fieldOf, jsonOf, keysOf, rowsOf, valuesOf } from '../../../../connectors/ignite/index.ts'
import { hashOf } from '../../../../connectors/ignite/binary/codec.ts'
import { javaHash, nameId, schemaIdOf } from '../../../../connectors/ignite/binary/names.ts'
import { partitionOf } from '../../../../connectors/ignite/affinity.ts'
import { Reader } from '../../../../connectors/ignite/wire/reader.ts'
import { type ValueTypeName, valueTypes, readValue, writeValue } from '../../../../connectors/ignite/wire/values.ts'
import { Writer } from '../../../../connectors/ignite/wire/writer.ts'
import { toLong, type Row, type Value } from '../../../../schema/values.ts'
import { everyColumn, everyValue } from '../../../support/ignite.ts'

const type = new BinaryType('tests.Every_1', everyColumn.map(fieldOf))
const rows = rowsOf(type)
const json = jsonOf(type)

function bytesOf(write: (writer: Writer) => void): Buffer {
  const writer = new Writer(16)
  write(writer)
  return Buffer.from(writer.written)
}

const written = (row: Row) => bytesOf(writer => rows.write(writer, row))
/** Whole surrogate pairs only: half a pair is not text, and becomes U+FFFD. */
const text = fc.string({ unit: 'binary' })
const digits = (min: number, max: number) => fc.stringMatching(new RegExp(`^[0-9]{${min},${max}}$`))
const whole = digits(1, 30).map(value => value.replace(/^0+(?=\d)/, ''))
const decimal = fc.tuple(fc.constantFrom('', '-'), whole, fc.option(digits(1, 10), { nil: undefined }))
  .map(([sign, high, low]) => `${/[1-9]/.test(high + (low ?? '')) ? sign : ''}${high}${low === undefined ? '' : `.${low}`}`)
const two = (max: number) => fc.integer({ min: 0, max }).map(value => String(value).padStart(2, '0'))
const fraction = fc.option(digits(1, 9), { nil: '' }).map(value => value.replace(/0+$/, '')).map(value => (value === '' ? '' : `.${value}`))
const time = fc.tuple(two(23), two(59), two(59), fraction).map(([hour, minute, second, rest]) => `${hour}:${minute}:${second}${rest}`)
const date = fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true }).map(value => value.toISOString().slice(0, 10))
const values: Readonly<Record<string, fc.Arbitrary<Value>>> = {
  a_string: text, a_int: fc.integer(), a_long: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(toLong),
  a_float: fc.double({ noNaN: true, noDefaultInfinity: true }), a_decimal: decimal, a_boolean: fc.boolean(), a_date: date, a_time: time,
  a_datetime: fc.tuple(date, time).map(([day, hour]) => `${day}T${hour}Z`), a_localdatetime: fc.tuple(date, time).map(([day, hour]) => `${day}T${hour}`), a_uuid: fc.uuid(),
  a_bytes: fc.uint8Array().map(bytes => Buffer.from(bytes).toString('base64')), a_json: fc.jsonValue().map(value => JSON.parse(JSON.stringify(value)) as Value),
}
const anyRow: fc.Arbitrary<Row> = fc.record(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, fc.option(value)])))

test('a row reads as it was written, whatever stands in it', () => {
  fc.assert(fc.property(anyRow, row => {
    const reader = new Reader(written(row))
    expect(rows.read(reader)).toEqual(row)
    expect(reader.at).toBe(reader.buffer.length)
  }))
})

test('the JSON of a row is what JSON.stringify of it gives, with whole numbers beyond 2^53 as text', () => {
  fc.assert(fc.property(anyRow, row => {
    const bytes = json.read(new Reader(written(row)))
    expect(String(bytes)).toBe(JSON.stringify(row, (_name, value) => (typeof value === 'bigint' ? String(value) : value)))
  }))
})

test('offsets take one, two or four bytes as the last field needs, and every width reads', () => {
  const wide = new BinaryType('tests.Wide_1', [{ name: 'A', property: 'a', type: 'string' }, { name: 'B', property: 'b', type: 'int' }])
  for (const [size, flag] of [[10, 8], [1_000, 16], [100_000, 0]] as const) {
    const bytes = bytesOf(writer => wide.write(writer, { a: 'x'.repeat(size), b: 7 }))
    expect(bytes.readUInt16LE(2) & 24).toBe(flag)
    expect(rowsOf(wide).read(new Reader(bytes))).toEqual({ a: 'x'.repeat(size), b: 7 })
  }
})

test('an object of a longer or shorter schema reads: unknown fields are passed over, missing ones are null', () => {
  const old = new BinaryType('tests.Grown_1', [{ name: 'A', property: 'a', type: 'int' }])
  const grown = new BinaryType('tests.Grown_1', [{ name: 'A', property: 'a', type: 'int' }, { name: 'B', property: 'b', type: 'string' }])
  old.learn(grown.schema)
  grown.learn(old.schema)
  expect(rowsOf(old).read(new Reader(bytesOf(writer => grown.write(writer, { a: 1, b: 'x' }))))).toEqual({ a: 1 })
  expect(rowsOf(grown).read(new Reader(bytesOf(writer => old.write(writer, { a: 1 }))))).toEqual({ a: 1, b: null })
  expect(String(jsonOf(grown).read(new Reader(bytesOf(writer => old.write(writer, { a: 1 })))))).toBe('{"a":1,"b":null}')
})

test('an object with a schema nobody named is refused until it is learned', () => {
  const other = new BinaryType(type.name, [{ name: 'A_INT', property: 'a', type: 'int' }])
  const bytes = bytesOf(writer => other.write(writer, { a: 3 }))
  expect(() => rows.read(new Reader(bytes))).toThrow(`Type "tests.Every_1" has schema ${other.schema.id} on the server, unknown here.`)
})

test('an object that comes wrapped reads like a bare one', () => {
  const bare = written(everyValue)
  const wrapped = bytesOf(writer => {
    writer.u8(27)
    writer.i32(bare.length + 3)
    writer.raw(Buffer.from([1, 2, 3]))
    writer.raw(bare)
    writer.i32(3)
  })
  const reader = new Reader(wrapped)
  expect(rows.read(reader)).toEqual(everyValue)
  expect(reader.at).toBe(wrapped.length)
})

test('an object of another type is refused with its id, not read as nonsense', () => {
  const other = new BinaryType('tests.Other_1', [])
  expect(() => rows.read(new Reader(bytesOf(writer => other.write(writer, {}))))).toThrow(`The cache holds an object of type ${other.id} where "tests.Every_1"`)
})

test('a value that its column cannot hold is refused with the column, before anything is sent', () => {
  const refused = (row: Row) => () => written(row)
  expect(refused({ a_int: 1.5 })).toThrow('Column "a_int": 1.5 is not a whole number from -2147483648 to 2147483647.')
  expect(refused({ a_long: 2n ** 63n })).toThrow('Column "a_long": 9223372036854775808 is not a whole number of 64 bits.')
  expect(refused({ a_decimal: '1e5' })).toThrow('Column "a_decimal": "1e5" is not a decimal number such as "12.50".')
  expect(refused({ a_string: 5 })).toThrow('Column "a_string": 5 is not a text.')
})

test('two fields that differ only in case are refused: Ignite cannot tell them apart', () => {
  const field = (name: string) => ({ name, property: name, type: 'int' as const })
  expect(() => new BinaryType('tests.Twins_1', [field('extra'), field('EXTRA')])).toThrow('two fields that Ignite cannot tell apart; one is "EXTRA"')
})

test('half a surrogate pair becomes U+FFFD', () => {
  expect(rows.read(new Reader(written({ a_string: 'a\ud800b' })))).toMatchObject({ a_string: 'a\ufffdb' })
})

test.each([
  ['decimal', '0'], ['decimal', '127'], ['decimal', '128'], ['decimal', '-128'], ['decimal', '255'], ['decimal', '281474976710655'], ['decimal', '-281474976710656'], ['decimal', '1.10'],
  ['decimal', '0.000001'], ['date', '1969-12-31'], ['date', '2024-02-29'], ['timestamp', '2024-01-31T23:59:59.123456789'], ['timestamp', '1969-12-31T23:59:59.5'], ['time', '23:59:59.123'],
  ['uuid', '123e4567-e89b-12d3-a456-426614174000'], ['byte', -128], ['short', -32_768], ['float', 0.5], ['double', -0], ['boolean', false],
] as const)('a %s reads as it was written: %s', (name: ValueTypeName, value: Value) => {
  expect(readValue(new Reader(bytesOf(writer => writeValue(writer, valueTypes[name], value))))).toBe(value)
})

test('minus nothing is nothing, with its scale', () => {
  expect(readValue(new Reader(bytesOf(writer => writeValue(writer, valueTypes.decimal, '-0.00'))))).toBe('0.00')
})

test('names hash as Java does: the type id of app.Trade is what a server printed', () => {
  expect(nameId('app.Trade')).toBe(440_564_567)
  expect(javaHash('hello')).toBe(99_162_322)
  expect(schemaIdOf([])).toBe(0)
})

test('keys hash as Java does', () => {
  expect(hashOf('int', -7)).toBe(-7)
  expect(hashOf('long', 2n ** 40n + 5n)).toBe(256 ^ 5)
  expect(hashOf('long', -1)).toBe(0)
  expect(hashOf('boolean', true)).toBe(1231)
  expect(hashOf('uuid', '123e4567-e89b-12d3-a456-426614174000')).toBe((0x123e4567 ^ 0xe89b12d3 ^ 0xa4564266 ^ 0x14174000) | 0)
  expect(hashOf('double', 1.5)).toBe(0x3ff80000)
  expect(hashOf('decimal', '1')).toBeUndefined()
  expect(partitionOf(-1, 1024)).toBe((-1 ^ 0xffff) & 1023)
})

test('of a composite key the affinity field alone picks the partition', () => {
  const fields = [{ name: 'BOOK', property: 'book', type: 'string' }, { name: 'N', property: 'n', type: 'int' }] as const
  const whole = keysOf(new BinaryType('tests.Key_1', fields))
  const byBook = keysOf(new BinaryType('tests.Key_1', fields, 'BOOK'))
  expect(byBook.hash({ book: 'a', n: 1 })).toBe(javaHash('a'))
  expect(byBook.hash({ book: 'a', n: 2 })).toBe(javaHash('a'))
  expect(whole.hash({ book: 'a', n: 1 })).not.toBe(whole.hash({ book: 'a', n: 2 }))
  expect(whole.identity({ book: 'a', n: 1 })).not.toBe(whole.identity({ book: 'a', n: 2 }))
  expect(valuesOf('long').identity(5n)).toBe(valuesOf('long').identity(5))
})
