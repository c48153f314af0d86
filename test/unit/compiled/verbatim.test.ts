import { buildSchema, isScalarType, parse, type GraphQLResolveInfo } from 'graphql'
import { compile } from '../../../resolvers/compiled/operation.ts'
import { JsonText, membersAsked, propertyResolver } from '../../../resolvers/compiled/verbatim.ts'
import { scalars } from '../../../schema/scalars.ts'

const schema = buildSchema(`
  scalar Long scalar Upper
  type Query { list: [Thing] required: [Thing]! whole: [Thing!] one: Thing nested: [[Thing]] named: [Named] texts: [String] }
  interface Named { name: String }
  type Thing implements Named {
    id: ID! name: String count: Int share: Float! open: Boolean size: Long loud: Upper things: [Thing] sized(by: Int): Int ownerId: String worked: String
  }
`)
const fieldsOf = (type: string) => (schema.getType(type) as unknown as { getFields(): Record<string, { resolve?: unknown }> }).getFields()
fieldsOf('Thing')['ownerId']!.resolve = propertyResolver('owner_id')
fieldsOf('Thing')['worked']!.resolve = () => 'x'
const long = schema.getType('Long')
if (isScalarType(long)) long.serialize = scalars.find(({ name }) => name === 'Long')!.serialize

let members: ReturnType<typeof membersAsked>
let answer: unknown = []
for (const field of Object.values(fieldsOf('Query'))) {
  field.resolve = (_source: unknown, _args: unknown, _context: unknown, info: GraphQLResolveInfo) => {
    members = membersAsked(info)
    return answer
  }
}
const asked = (document: string, variables = {}, form: 'text' | 'run' = 'text') => {
  members = undefined
  const answered = compile(schema, parse(document))?.[form]({ variables })
  return { answered, members }
}

test('a list of objects is asked for as members where all of it is properties as they are', () => {
  answer = []
  expect(asked('{ list { id again: id name count share open size ownerId } }').members).toEqual([
    { name: 'id', column: 'id', as: 'String', required: true }, { name: 'again', column: 'id', as: 'String', required: true }, { name: 'name', column: 'name', as: 'String' },
    { name: 'count', column: 'count', as: 'Int' }, { name: 'share', column: 'share', as: 'Float', required: true }, { name: 'open', column: 'open', as: 'Boolean' }, { name: 'size', column: 'size' },
    { name: 'ownerId', column: 'owner_id', as: 'String' },
  ])
  expect(asked('{ required { ... on Thing { name } ...F } } fragment F on Named { name }').members).toEqual([{ name: 'name', column: 'name', as: 'String' }])
  for (const skip of [true, false]) {
    expect(asked('query ($skip: Boolean!) { list { name worked @skip(if: $skip) } }', { skip }).members).toEqual(skip ? [{ name: 'name', column: 'name', as: 'String' }] : undefined)
  }
})

test('nothing else is: other shapes, fields with arguments or resolvers, scalars that work on values, the name of a type, and answers that are no text', () => {
  answer = null
  for (const document of ['{ whole { id } }', '{ one { id } }', '{ nested { id } }', '{ named { name } }', '{ texts }', '{ list { things { id } } }', '{ list { sized(by: 1) } }', '{ list { worked } }', '{ list { loud } }', '{ list { id __typename } }']) {
    expect({ document, members: asked(document).members }).toEqual({ document, members: undefined })
  }
  answer = []
  expect(asked('{ list { id } }', {}, 'run').members).toBeUndefined()
})

test('what a resolver wrote stands in the answer as it is', () => {
  answer = new JsonText('[{"id":"1"},null]')
  expect(asked('{ before: __typename list { id } after: list { id } }').answered).toEqual({ json: '{"before":"Query","list":[{"id":"1"},null],"after":[{"id":"1"},null]}' })
})
