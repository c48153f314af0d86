import { buildSchema, execute, parse, type ExecutionResult } from 'graphql'
import { compile, type Text } from '../../../resolvers/compiled/operation.ts'

/** The eight ways a list of a type, and a list of lists, may take nulls. */
const wrappings = ['[Leaf]', '[Leaf!]', '[Leaf]!', '[Leaf!]!', '[[Leaf]]', '[[Leaf!]]', '[[Leaf]!]!', '[[Leaf!]!]!'] as const
const holes = { 'the value': 'value', 'an item': 'item', 'an item that fails': 'failing', 'everything there': 'none' } as const

interface Expected {
  readonly data: unknown
  readonly errors?: readonly { readonly message: string; readonly path: readonly (string | number)[] }[]
}

function valueWith(hole: (typeof holes)[keyof typeof holes], isNested: boolean, item: unknown): unknown {
  if (hole === 'value') return null
  const items = [item, hole === 'item' ? null : hole === 'failing' ? new Error('no item') : item]
  return isNested ? [[item], items] : items
}

/** What the wrapping makes of the hole, told by the specification's rule: a null goes up to the first place that takes one. */
function expected(wrapping: string, hole: (typeof holes)[keyof typeof holes], shown: unknown): Expected {
  const isNested = wrapping.startsWith('[[')
  const [takesItem, takesInner, takesValue] = [!wrapping.includes('Leaf!'), !/\]!(?=\])/.test(wrapping), !wrapping.endsWith('!')]
  const message = hole === 'failing' ? 'no item' : 'Cannot return null for non-nullable field Box.list.'
  const path = hole === 'value' ? ['box', 'list'] : isNested ? ['box', 'list', 1, 1] : ['box', 'list', 1]
  const errors = [{ message, path }]
  if (hole === 'none') return { data: { box: { list: isNested ? [[shown], [shown, shown]] : [shown, shown], after: 'x' } } }
  if (hole === 'value') return takesValue ? { data: { box: { list: null, after: 'x' } } } : { data: { box: null }, errors }

  const told = hole === 'failing' || !takesItem ? { errors } : {}
  if (takesItem) return { data: { box: { list: isNested ? [[shown], [shown, null]] : [shown, null], after: 'x' } }, ...told }
  if (isNested && takesInner) return { data: { box: { list: [[shown], null], after: 'x' } }, ...told }
  return takesValue ? { data: { box: { list: null, after: 'x' } }, ...told } : { data: { box: null }, ...told }
}

function plain({ data, errors }: ExecutionResult): Expected {
  return { data: JSON.parse(JSON.stringify(data)), ...(errors && { errors: errors.map(({ message, path = [] }) => ({ message, path })) }) }
}

function read({ json = 'absent', errors }: Text): Expected {
  return { data: JSON.parse(json), ...(errors && { errors: errors.map(({ message, path = [] }) => ({ message, path })) }) }
}

for (const leaf of ['Int', 'Row'] as const) {
  describe.each(wrappings)(`${leaf} in %s`, wrapping => {
    test.each(Object.keys(holes) as (keyof typeof holes)[])('with a null at %s, at once and later', async name => {
      const schema = buildSchema(`type Row { n: Int! } type Box { list: ${wrapping.replace('Leaf', leaf)} after: String } type Query { box: Box }`)
      const document = parse(`{ box { list ${leaf === 'Row' ? '{ n }' : ''} after } }`)
      const operation = compile(schema, document)!
      const [item, shown] = leaf === 'Row' ? [{ n: 5 }, { n: 5 }] : [5, 5]
      const value = valueWith(holes[name], wrapping.startsWith('[['), item)
      const wanted = expected(wrapping, holes[name], shown)

      const later = (given: unknown): unknown => (Array.isArray(given) ? given.map(each => Promise.resolve(later(each))) : given)
      for (const list of [value, () => value, async () => value, later(value)]) {
        const request = { rootValue: { box: { list, after: 'x' } } }
        expect(plain(await execute({ schema, document, rootValue: request.rootValue }))).toEqual(wanted)
        expect(plain(await operation.run(request))).toEqual(wanted)
        expect(read(await operation.text(request))).toEqual(wanted)
      }
    })
  })
}
