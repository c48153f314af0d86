import { readSchema } from '../../../subgraphs/pipelines/schema-document.ts'

const avro = (fields: readonly unknown[], more: object = {}) => readSchema(JSON.stringify({ type: 'record', name: 'r', fields, ...more }), 'a.avsc')
const json = (properties: object, more: object = {}) => readSchema(JSON.stringify({ type: 'object', properties, ...more }), 'a.json')
const typesOf = (read: ReturnType<typeof readSchema>) => ('schema' in read ? Object.fromEntries(read.schema.columns.map(({ name, type, nullable }) => [name, `${type}${nullable ? '?' : ''}`])) : read.problems)

test('D-42: Avro: primitive and logical types, unions with null, and what has parts', () => {
  const logical = (type: string, logicalType: string) => ({ type, logicalType })
  const types: Readonly<Record<string, unknown>> = {
    a: 'int', b: ['null', 'long'], c: 'double', d: logical('bytes', 'decimal'), e: logical('int', 'date'), f: logical('long', 'time-micros'), g: ['null', logical('long', 'timestamp-millis')], h: logical('long', 'local-timestamp-micros'),
    i: logical('string', 'uuid'), j: { type: 'enum', name: 'e', symbols: ['x'] }, k: { type: 'array', items: 'string' }, l: ['int', 'string'], m: { type: 'string' }, n: 'bytes', o: 'boolean', p: { type: 'fixed', name: 'f', size: 2 }, q: logical('string', 'unknown'),
  }
  expect(typesOf(avro(Object.entries(types).map(([name, type]) => ({ name, type }))))).toEqual({
    a: 'Int', b: 'Long?', c: 'Float', d: 'Decimal', e: 'Date', f: 'Time', g: 'DateTime?', h: 'LocalDateTime', i: 'UUID', j: 'String', k: 'JSON', l: 'JSON', m: 'String', n: 'Bytes', o: 'Boolean', p: 'Bytes', q: 'String',
  })
  expect(avro([{ name: 'id', type: 'int', doc: 'Who.' }], { keys: ['id'] })).toEqual({ schema: { columns: [{ name: 'id', type: 'Int', nullable: false, description: 'Who.' }], keys: ['id'] } })
})

test('D-42: JSON Schema: types, formats, what is required and what may be null', () => {
  const types = {
    a: { type: 'integer' }, b: { type: 'integer', format: 'int32' }, c: { type: ['number', 'null'] }, d: { type: 'string', format: 'date-time' }, e: { type: 'string', format: 'date' }, f: { type: 'string', format: 'uuid' },
    g: { type: 'string', format: 'decimal' }, h: { type: 'object' }, i: { type: 'array' }, j: {}, k: { type: ['string', 'integer'] }, l: { type: 'boolean' }, m: { type: 'string', format: 'email' },
  }
  expect(typesOf(json(types, { required: Object.keys(types).filter(name => name !== 'l') }))).toEqual({ a: 'Long', b: 'Int', c: 'Float?', d: 'DateTime', e: 'Date', f: 'UUID', g: 'Decimal', h: 'JSON', i: 'JSON', j: 'JSON', k: 'JSON', l: 'Boolean?', m: 'String' })
  expect(json({ id: { type: 'string', description: 'Who.' } }, { 'x-keys': ['id'] })).toEqual({ schema: { columns: [{ name: 'id', type: 'String', nullable: true, description: 'Who.' }], keys: ['id'] } })
})

test.each([
  ['{', 'a.avsc', [/^"a\.avsc" is not JSON: /]],
  ['{"type":"record","name":"r","fields":[]}', 'a.avsc', [/^"a\.avsc" is not an Avro record: fields: /]],
  ['{"type":"enum","name":"r","symbols":["a"]}', 'a.avsc', [/^"a\.avsc" is not an Avro record: type: /, /fields: /]],
  ['{"type":"record","name":"r","fields":[{"name":"a","type":"text"},{"name":"b","type":"null"},{"name":"c","type":"constructor"}]}', 'a.avsc', [/"a" the type "text", which is none of Avro\.$/, /"b" the type "null"/, /"c" the type "constructor"/]],
  ['{"type":"record","name":"r","keys":["x"],"fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}', 'a.avsc', [/^"a\.avsc" has two columns "a"\.$/, /^"a\.avsc" names the key "x", which is none of its columns\.$/]],
  ['{"type":"array"}', 'a.json', [/^"a\.json" is not a JSON Schema of an object: type: /, /properties: /]],
  ['{"type":"object","properties":{}}', 'a.json', [/^"a\.json" has no properties\.$/]],
  ['{"type":"object","properties":{"a":{"type":"int"}}}', 'a.json', [/^"a\.json" gives "a" the type "int", which is none of JSON Schema\.$/]],
] as const)('%s is no schema, and all of why is said', (text, file, expected) => {
  const read = readSchema(text, file)
  expect('problems' in read ? read.problems : read).toEqual(expected.map(one => expect.stringMatching(one)))
})
