import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse, type FieldNode } from 'graphql'
import { Collector } from '../../../gateway/federation/collect.ts'
import { composeSupergraph } from '../../../gateway/federation/compose.ts'
import { programOf } from '../../../gateway/federation/core/program.ts'
import { openPlanner } from '../../../gateway/federation/plan.ts'
import type { RawAnswer, SubgraphService } from '../../../gateway/federation/supergraph.ts'
import { fingerprint, markOf, sourcesOf } from '../../../ops/core/fingerprint.ts'
import { inJson, subgraph } from '../../support/federation.ts'
import { rawAnswer } from '../../support/raw-subgraph.ts'
import { testScope } from '../../support/scope.ts'

const core = resolve(import.meta.dirname, '../../../gateway/federation/core')

/** Every memory the core asks for. */
const memories: { readonly buffer: ArrayBuffer }[] = []
const { Memory } = WebAssembly
Object.assign(WebAssembly, { Memory: class extends Memory { constructor(...size: ConstructorParameters<typeof Memory>) { super(...size); memories.push(this) } } })
const { runProgram } = await import('../../../gateway/federation/core/run.ts')
Object.assign(WebAssembly, { Memory })

const values = subgraph('values', `
  type Query { text: String id: ID int: Int float: Float yes: Boolean enum: Size any: Json texts: [String] ids: [ID!] ints: [Int] one: Json must: String! thing: Thing things: [Thing!] }
  scalar Json
  enum Size { S M }
  type Thing @key(fields: "id") { id: ID! name: String }`)
const { sdl, publicSchema: schema } = composeSupergraph([values])
const planner = openPlanner(sdl, schema)

function programFor(text: string) {
  const [operation] = parse(text).definitions
  if (operation?.kind !== 'OperationDefinition') throw new Error(text)
  const plan = planner.plan({ text, operation, fragments: [], variables: {}, requestId: '' })
  const collector = new Collector(schema, plan.fragments, {})
  const fields: ReadonlyMap<string, readonly FieldNode[]> = collector.root(schema.getQueryType()!, operation.selectionSet)
  return programOf(schema, plan, collector, schema.getQueryType()!, fields)!
}

function serviceOf(send: () => Promise<RawAnswer>): ReadonlyMap<string, SubgraphService> {
  const service = { name: 'values', sdl: '', raw: { send, read: () => ({}) }, execute: async () => ({}), subscribe: async () => ({}) }
  return new Map([['values', service]])
}

/** What the core makes of the answer; undefined where it leaves it to the general way. */
async function made(query: string, answer: string | Buffer): Promise<string | undefined> {
  const result = await runProgram(programFor(query), { services: serviceOf(async () => rawAnswer(Buffer.from(answer))), scope: testScope(), variables: {} })
  return 'whole' in result ? inJson(result).json : undefined
}

test('core.wasm was built from the sources beside it', () => {
  expect(markOf(readFileSync(join(core, 'core.wasm')))).toBe(fingerprint(sourcesOf(core)))
})

describe('a leaf is written as JSON.stringify writes it', () => {
  test.each([
    ['text', '"a"', '"a"'], ['text', '"\\u0041\\/"', '"A/"'], ['text', '"\\ud83c\\udf0d \\ud800 \\u001f"', '"🌍 \\ud800 \\u001f"'], ['text', '"\\b\\f\\n\\r\\t\\"\\\\"', '"\\b\\f\\n\\r\\t\\"\\\\"'], ['text', 'null', 'null'],
    ['id', '"a"', '"a"'], ['id', '7', '"7"'], ['id', '7.0', '"7"'], ['id', '1e3', '"1000"'],
    ['int', '2147483647', '2147483647'], ['int', '-2147483648', '-2147483648'], ['int', '1.0', '1'], ['int', '-0', '0'], ['int', '10e-1', '1'],
    ['float', '0.1', '0.1'], ['float', '0.10', '0.1'], ['float', '1E2', '100'], ['float', '1e21', '1e+21'], ['float', '0.000001', '0.000001'], ['float', '0.0000001', '1e-7'], ['float', '-0.0', '0'],
    ['float', '0.1234567890123456789', '0.12345678901234568'], ['float', '123456789012345678901', '123456789012345680000'],
    ['yes', 'true', 'true'], ['yes', 'false', 'false'], ['enum', '"M"', '"M"'],
    ['any', '{ "b": [1.0, "\\u0041"], "a": {} }', '{"b":[1,"A"],"a":{}}'], ['any', '"x"', '"x"'], ['any', '1e2', '100'], ['any', 'true', 'true'],
    ['texts', '[ "a" , null,"\\u0041"]', '["a",null,"A"]'], ['texts', '[]', '[]'], ['ids', '["1"]', '["1"]'], ['ints', '[1.0,2]', '[1,2]'],
  ])('%s %s → %s', async (field, found, expected) => {
    expect(await made(`{ ${field} }`, `{"data":{"${field}":${found}}}`)).toBe(`{"${field}":${expected}}`)
  })
})

describe('what is no value of its type is left to the general way', () => {
  test.each([
    ['text', '1'], ['text', '"a\u0001"'], ['text', '"a\\x"'], ['text', '"\\u00zz"'], ['text', '"open'], ['id', 'true'], ['id', '1.5'], ['int', '2147483648'], ['int', '1.5'], ['int', '1e10'], ['int', '"1"'], ['float', '"1"'], ['float', '1e999'],
    ['float', '01'], ['float', '1.'], ['float', '.5'], ['float', '+1'], ['float', '1e'], ['float', `1${'0'.repeat(400)}`], ['yes', '1'], ['yes', 'truth'], ['enum', '"L"'], ['enum', '"S'], ['any', '{"a":}'], ['any', '[1,]'], ['any', 'nul'], ['texts', '["a"'], ['texts', '["a" "b"]'],
    ['texts', '"a"'], ['ids', '[null]'], ['ids', '[1]'], ['ints', '[2147483648.0]'], ['must', 'null'], ['thing', '[]'], ['things', '{}'], ['things', '[null]'],
  ])('%s %s', async (field, found) => {
    const query = field.startsWith('thing') ? `{ ${field} { id } }` : `{ ${field} }`
    expect(await made(query, `{"data":{"${field}":${found}}}`)).toBeUndefined()
  })
})

describe('an answer as a whole', () => {
  test.each([
    ['{"data":{"text":"a","int":1}}', true], [' {\n "data" : { "int" : 1 , "text" : "a" } , "extensions" : {"a":[1]} }\r\n', true], ['{"extensions":{},"data":{"text":"a","int":1}}', true],
    ['{"data":{"text":"a","int":1},"errors":[]}', false], ['{"data":{"text":"a","int":1,"more":1}}', false], ['{"data":{"text":"a"}}', false], ['{"data":{"text":"a","text":"b","int":1}}', false],
    ['{"data":{"text":"a","int":1},}', false], ['{"data":{"text":"a","int":1}}}', false], ['{"data":{"text":"a","int":1}', false], ['{"data":null}', false], ['', false], ['null', false], ['\ufeff{"data":{"text":"a","int":1}}', false],
    ['{"data":{"text":"a","int":1},"extensions":{"a":}}', false], ['{"data":{"text":"a","int":1},"data":{"text":"a","int":1}}', false],
  ])('%s', async (answer, isTaken) => {
    expect(await made('{ text int }', answer)).toBe(isTaken ? '{"text":"a","int":1}' : undefined)
  })

  test('bytes that are no UTF-8 are left to the general way', async () => {
    expect(await made('{ text }', Buffer.concat([Buffer.from('{"data":{"text":"'), Buffer.from([0xc3]), Buffer.from('"}}')]))).toBeUndefined()
  })
})

test('a list of many objects makes the memory grow, and the answer is whole', async () => {
  const things = Array.from({ length: 50_000 }, (_, at) => ({ id: String(at), name: `thing ${at}` }))
  expect(await made('{ things { id name } }', JSON.stringify({ data: { things } }))).toBe(JSON.stringify({ things }))
})

test('nothing of a run is left in its memory, and memories are used again', async () => {
  const known = memories.length
  const secret = 'a secret of somebody else, which must not be found'
  for (let round = 0; round < 100; round++) await made('{ text any }', `{"data":{"text":"${secret}","any":["${secret}","\\u0041"${round % 2 === 0 ? '' : ',}'}]}}`)
  expect(memories.length).toBeLessThanOrEqual(Math.max(1, known))
  for (const { buffer } of memories) expect(Buffer.from(buffer).equals(Buffer.alloc(buffer.byteLength))).toBe(true)
})

test('an answer that comes when its run is over is not taken', async () => {
  const late = Promise.withResolvers<RawAnswer>()
  const scope = testScope()
  const begun = runProgram(programFor('{ text }'), { services: serviceOf(() => late.promise), scope, variables: {} })
  late.reject(new Error('the caller has left'))
  expect(await begun).not.toHaveProperty('whole')
  expect(scope.entries).toEqual([])
})

test('runs beyond a thousand at a time go the general way', async () => {
  const gate = Promise.withResolvers<RawAnswer>()
  const program = programFor('{ text }')
  const begun = Array.from({ length: 1_010 }, () => runProgram(program, { services: serviceOf(() => gate.promise), scope: testScope(), variables: {} }))
  gate.resolve(rawAnswer(Buffer.from('{"data":{"text":"a"}}')))
  const results = await Promise.all(begun)
  expect(results.filter(result => 'whole' in result)).toHaveLength(1_000)
  expect(await made('{ text }', '{"data":{"text":"a"}}')).toBe('{"text":"a"}')
})
