import { execFileSync } from 'node:child_process'
import { buildSchema, execute, GraphQLError, type GraphQLScalarType, parse, type DocumentNode, type ExecutionResult, type GraphQLResolveInfo, type GraphQLSchema } from 'graphql'
import { compile, type Operation } from '../../../resolvers/compiled/operation.ts'

function compiled(schema: GraphQLSchema, text: string | DocumentNode, name?: string): Operation {
  const operation = compile(schema, typeof text === 'string' ? parse(text, { maxTokens: 1_000_000 }) : text, name)
  if (!operation) throw new Error('not compiled')
  return operation
}

/** A schema with resolvers: `Type.field` names each. */
function schemaOf(sdl: string, resolvers: Readonly<Record<string, (...given: never[]) => unknown>> = {}): GraphQLSchema {
  const schema = buildSchema(sdl)
  for (const [place, resolve] of Object.entries(resolvers)) {
    const [typeName = '', fieldName = ''] = place.split('.')
    const type = schema.getType(typeName)
    const field = type && 'getFields' in type ? type.getFields()[fieldName] : undefined
    if (!field) throw new Error(`no ${place}`)
    Object.assign(field, { resolve })
  }
  return schema
}

/** Cost by what was called, not by the clock. */
function counted(): { readonly resolve: () => object; count: number } {
  const counter = { count: 0, resolve: () => {
    counter.count++
    return {}
  } }
  return counter
}

test('an operation without promises ends at once, and one with promises does not', async () => {
  const schema = schemaOf('type Query { now: Int later: Int }', { 'Query.later': async () => 2 })
  expect(compiled(schema, '{ now }').run({ rootValue: { now: 1 } })).toEqual({ data: { now: 1 } })
  expect(compiled(schema, '{ now }').text({ rootValue: { now: 1 } })).toEqual({ json: '{"now":1}' })
  const later = compiled(schema, '{ now later }').run({ rootValue: { now: 1 } })
  expect(later).toBeInstanceOf(Promise)
  expect(await later).toEqual({ data: { now: 1, later: 2 } })
})

test('fields of a mutation run one after the other', async () => {
  const heard: string[] = []
  const schema = schemaOf('type Query { x: Int } type Mutation { step(name: String!, turns: Int!): String }', {
    'Mutation.step': async (_: unknown, { name, turns }: { name: string; turns: number }) => {
      heard.push(`${name} begins`)
      for (let turn = 0; turn < turns; turn++) await undefined
      heard.push(`${name} ends`)
      return name
    },
  })
  const operation = compiled(schema, 'mutation { a: step(name: "a", turns: 9) b: step(name: "b", turns: 0) c: step(name: "c", turns: 4) }')
  expect(await operation.text({})).toEqual({ json: '{"a":"a","b":"b","c":"c"}' })
  expect(heard).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
})

test('a resolver is told what graphql-js tells it, and may take it apart', () => {
  let told: GraphQLResolveInfo | undefined
  const schema = schemaOf('type Row { name(n: Int = 3): String } type Query { rows: [Row] }', {
    'Row.name': (_: unknown, _args: unknown, _context: unknown, info: GraphQLResolveInfo) => {
      told = { ...info }
      return 'x'
    },
  })
  const document = parse('query Named($n: Int = 5) { all: rows { ...F } } fragment F on Row { title: name(n: $n) }')
  const rootValue = { rows: [{}, {}] }
  compiled(schema, document).run({ rootValue, variables: {} })
  const ours = told
  void execute({ schema, document, rootValue })
  expect(Object.keys(ours ?? {}).sort()).toEqual(Object.keys(told ?? {}).sort())
  expect(ours).toEqual(told)
  expect(ours?.path).toEqual({ key: 'title', typename: 'Row', prev: { key: 1, typename: undefined, prev: { key: 'all', typename: 'Query', prev: undefined } } })
})

test('arguments a resolver changes are its own', () => {
  const seen: unknown[] = []
  const schema = schemaOf('input In { a: Int } type Query { f(n: Int = 1, list: [Int!] = [1], in: In): Int }', {
    'Query.f': (_: unknown, args: { n: number; list: number[]; in?: { a?: number } }) => {
      seen.push(JSON.stringify(args))
      args.n = 99
      if (args.in) args.in.a = 99
      return 1
    },
  })
  const operation = compiled(schema, '{ f(in: { a: 1 }) g: f }')
  void operation.run({})
  void operation.run({})
  expect(seen).toEqual(['{"n":1,"list":[1],"in":{"a":1}}', '{"n":1,"list":[1]}', '{"n":1,"list":[1],"in":{"a":1}}', '{"n":1,"list":[1]}'])
})

test('rows asked with the same variables get arguments of their own', () => {
  const seen: number[] = []
  const schema = schemaOf('type Row { f(n: Int): Int } type Query { rows: [Row] }', { 'Row.f': (_: unknown, args: { n: number }) => {
    seen.push(args.n)
    args.n++
    return 0
  } })
  void compiled(schema, 'query ($n: Int) { rows { f(n: $n) } }').run({ rootValue: { rows: [{}, {}, {}] }, variables: { n: 1 } })
  expect(seen).toEqual([1, 1, 1])
})

test('an argument that cannot be is the field\'s failure, also where the value is only a property', async () => {
  const schema = buildSchema('type Query { a(n: Int! = 1): Int b: Int }')
  const given = { schema, document: parse('query ($n: Int) { a(n: $n) b }'), rootValue: { a: 1, b: 2 }, variables: { n: null }, variableValues: { n: null } }
  const { json, errors } = await compiled(schema, given.document).text(given)
  const expected = await execute(given)
  expect(json).toBe('{"a":null,"b":2}')
  expect(errors).toEqual(expected.errors)
})

test('where a null took an object\'s place, nothing below it is asked or told any more', async () => {
  const asked: string[] = []
  const gate = Promise.withResolvers<void>()
  const schema = schemaOf('type Row { needed: Int! other: Row slow: Int } type Query { row: Row last: Int }', {
    'Row.needed': () => Promise.reject(new Error('no needed')),
    'Row.other': async () => {
      await gate.promise
      return {}
    },
    'Row.slow': async () => {
      asked.push('slow')
      await gate.promise
      throw new Error('no slow')
    },
    'Query.last': async () => {
      await gate.promise
      // Later than what was waiting at the gate.
      for (let turn = 0; turn < 20; turn++) await undefined
      return 1
    },
  })
  const answer = compiled(schema, '{ row { needed other { slow } slow } last }').text({ rootValue: { row: {} } })
  gate.resolve()
  const { json, errors = [] } = await answer
  expect([json, errors.map(({ message }) => message), asked]).toEqual(['{"row":null,"last":1}', ['no needed'], ['slow']])
})

test('a field that fails at once is the reason, although others fail while they are heard', async () => {
  const schema = schemaOf('type Row { later: Int! now: Int! never: Int } type Query { row: Row }', {
    'Row.later': () => Promise.reject(new Error('later')),
    'Row.now': () => {
      throw new Error('now')
    },
  })
  const document = parse('{ row { later now never } }')
  const expected = await execute({ schema, document, rootValue: { row: {} } })
  expect(expected.errors?.map(({ message }) => message)).toEqual(['now'])
  expect(await compiled(schema, document).run({ rootValue: { row: {} } })).toEqual(expected)
})

test('the same is answered where code may not be made from strings', () => {
  const program = `
    import { buildSchema, parse } from 'graphql'
    import { compile } from ${JSON.stringify(new URL('../../../resolvers/compiled/operation.ts', import.meta.url).href)}
    let made = true
    try { new Function('return 1') } catch { made = false }
    const operation = compile(buildSchema('type Row { a: Int b: String } type Query { rows: [Row] }'), parse('{ rows { a b } }'))
    const rows = Array.from({ length: 200 }, (_, a) => ({ a, b: 'b' + a }))
    console.log(JSON.stringify({ made, isRight: operation.text({ rootValue: { rows } }).json === JSON.stringify({ rows }) }))`
  const out = execFileSync(process.execPath, ['--disallow-code-generation-from-strings', '--input-type=module', '--eval', program], { encoding: 'utf8', cwd: import.meta.dirname })
  expect(JSON.parse(out)).toEqual({ made: false, isRight: true })
})

test('an error keeps what was thrown, its code and its place', () => {
  const thrown = Object.assign(new Error('not today'), { extensions: { code: 'LATER' } })
  const schema = schemaOf('type Row { bad: Int } type Query { rows: [Row] }', { 'Row.bad': () => {
    throw thrown
  } })
  const { errors = [] } = compiled(schema, '{ rows { bad } }').run({ rootValue: { rows: [{}] } }) as ExecutionResult
  expect(errors[0]).toBeInstanceOf(GraphQLError)
  expect(errors[0]?.originalError).toBe(thrown)
  expect(errors[0]?.toJSON()).toEqual({ message: 'not today', path: ['rows', 0, 'bad'], locations: [{ line: 1, column: 10 }], extensions: { code: 'LATER' } })
})

test('a getter that throws is the field\'s failure, also in rows that were written often', () => {
  const operation = compiled(buildSchema('type Row { a: Int b: Int c: Int! } type Query { rows: [Row] }'), '{ rows { a b c } }')
  const rows = Array.from({ length: 300 }, (_, n) => ({ a: n, get b() {
    if (n === 299) throw new Error('no b')
    return n
  }, get c() {
    if (n === 298) throw new Error('no c')
    return n
  } }))
  const { json, errors } = operation.text({ rootValue: { rows } }) as { json: string; errors: GraphQLError[] }
  expect(JSON.parse(json).rows.slice(297)).toEqual([{ a: 297, b: 297, c: 297 }, null, { a: 299, b: null, c: 299 }])
  expect(errors.map(({ message, path }) => [message, path])).toEqual([['no c', ['rows', 298, 'c']], ['no b', ['rows', 299, 'b']]])
})

test('names that mean something to JavaScript are names like others', () => {
  const schema = buildSchema('type Row { constructor: Int toString: Int hasOwnProperty: Int } type Query { row: Row }')
  const operation = compiled(schema, '{ row { __proto__: constructor toString hasOwnProperty constructor then: toString } }')
  const rootValue = { row: { constructor: 1, toString: 2, hasOwnProperty: 3 } }
  for (let turn = 0; turn < 100; turn++) {
    expect(operation.text({ rootValue })).toEqual({ json: '{"row":{"__proto__":1,"toString":2,"hasOwnProperty":3,"constructor":1,"then":2}}' })
    expect(JSON.stringify((operation.run({ rootValue }) as ExecutionResult).data)).toBe('{"row":{"__proto__":1,"toString":2,"hasOwnProperty":3,"constructor":1,"then":2}}')
  }
  // What an object inherits is a property of it to graphql-js too.
  const inherited = { schema, document: parse('{ row { constructor } }'), rootValue: { row: {} } }
  expect(JSON.stringify(compiled(schema, inherited.document).run(inherited))).toBe(JSON.stringify(execute(inherited)))
})

test('what JSON has no text for is null in the text, and what it refuses is the field\'s failure', () => {
  const schema = schemaOf('scalar Any type Query { a: Any b: Any c: Int }')
  const any = schema.getType('Any') as GraphQLScalarType
  any.serialize = value => value
  const { json, errors } = compiled(schema, '{ a b c }').text({ rootValue: { a: Symbol('s'), b: 12n, c: 1 } }) as { json: string; errors: GraphQLError[] }
  expect(json).toBe('{"a":null,"b":null,"c":1}')
  expect(errors.map(({ path }) => path)).toEqual([['b']])
})

test('each outcome of the conditions has its own selection, and more of them than are kept are answered all the same', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const schema = buildSchema(`type Query { ${names.map(name => `${name}: Int`).join(' ')} }`)
  const document = parse(`query (${names.map(name => `$${name}: Boolean!`).join(' ')}) { ${names.map(name => `${name} @include(if: $${name})`).join(' ')} }`)
  const operation = compiled(schema, document)
  const rootValue = Object.fromEntries(names.map((name, index) => [name, index]))
  for (let outcome = 0; outcome < 64; outcome++) {
    const variables = Object.fromEntries(names.map((name, index) => [name, (outcome >> index) % 2 === 1]))
    const { data } = await execute({ schema, document, rootValue, variableValues: variables })
    expect(await operation.text({ rootValue, variables })).toEqual({ json: JSON.stringify(data) })
  }
})

test('a document without the operation asked for is left to graphql-js', () => {
  const schema = buildSchema('type Query { a: Int }')
  expect(compile(schema, parse('query A { a } query B { a }'))).toBeUndefined()
  expect(compile(schema, parse('query A { a }'), 'C')).toBeUndefined()
  expect(compile(schema, parse('mutation { a }'))).toBeUndefined()
  expect(compiled(schema, 'query A { a } query B { b: a }', 'B').text({ rootValue: { a: 1 } })).toEqual({ json: '{"b":1}' })
})

test('fragments that multiply are collected as far as there is data, and no further', () => {
  const counter = counted()
  const schema = schemaOf('type Row { x: Row y: Row } type Query { x: Row y: Row }', { 'Query.x': counter.resolve })
  const bomb = Array.from({ length: 60 }, (_, n) => `fragment F${n} on Row { x { ...F${n + 1} } y { ...F${n + 1} } }`).join('\n')
  const operation = compiled(schema, `{ x { ...F0 } } ${bomb} fragment F60 on Row { __typename }`)
  expect(operation.text({})).toEqual({ json: '{"x":{"x":null,"y":null}}' })
  expect(counter.count).toBe(1)
})

test('a document that reaches more fields than are kept is answered, again and again', async () => {
  const row: Record<string, unknown> = {}
  row['x'] = row['y'] = row
  const schema = buildSchema('type Row { x: Row y: Row } type Query { row: Row }')
  const levels = 12 // 2 ** 12 places
  const bomb = Array.from({ length: levels }, (_, n) => `fragment F${n} on Row { x { ...F${n + 1} } y { ...F${n + 1} } }`).join('\n')
  const document = parse(`{ row { ...F0 } } ${bomb} fragment F${levels} on Row { __typename }`)
  const operation = compiled(schema, document)
  const { data } = await execute({ schema, document, rootValue: { row } })
  for (let turn = 0; turn < 3; turn++) expect(((await operation.text({ rootValue: { row } })).json ?? '') === JSON.stringify(data)).toBe(true)
})

test('a document nested deeper than anybody asks is left to graphql-js, whose stack it fits longer', async () => {
  const rootValue: Record<string, unknown> = { b: 1 }
  rootValue['a'] = rootValue
  const schema = buildSchema('type Query { a: Query b: Int }')
  const nested = (depth: number) => parse(`${'{ a '.repeat(depth)}{ b }${' }'.repeat(depth)}`)
  expect(compile(schema, nested(1_200))).toBeUndefined()
  const threaded = `{ ...F0 } ${Array.from({ length: 600 }, (_, n) => `fragment F${n} on Query { a { ...F${n + 1} } }`).join(' ')} fragment F600 on Query { b }`
  expect(compile(schema, parse(threaded))).toBeUndefined()

  const document = nested(450)
  const { data } = await execute({ schema, document, rootValue })
  expect(await compiled(schema, document).text({ rootValue })).toEqual({ json: JSON.stringify(data) })
})
