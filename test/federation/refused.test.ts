import { composeServices } from '@theguild/federation-composition'
import { parse } from 'graphql'
import { composeSupergraph, readSupergraph } from '../../gateway/federation/compose.ts'

const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.8", import: ["@key", "@shareable", "@context", "@fromContext"])'
const contexts = [
  { name: 'a', sdl: `${link} type Query { reader: Reader } type Reader @key(fields: "id") { id: ID! language: String! @shareable }` },
  { name: 'b', sdl: `${link} type Reader @key(fields: "id") @context(name: "reader") { id: ID! language: String! @shareable page: Page } type Page @key(fields: "id") { id: ID! text(in: String @fromContext(field: "$reader { language }")): String }` },
]

test('an argument taken from a context is refused, by subgraphs and by a supergraph, and not left out in silence', () => {
  const problem = { code: 'CATALOG_INVALID', details: { problems: [{ path: 'Page.text', message: expect.stringContaining('takes an argument @fromContext, which is not supported') }] } }
  const { supergraphSdl } = composeServices(contexts.map(({ name, sdl }) => ({ name, typeDefs: parse(sdl) })))
  expect(() => composeSupergraph(contexts)).toThrow(expect.objectContaining(problem))
  expect(() => readSupergraph(supergraphSdl ?? '')).toThrow(expect.objectContaining(problem))
})

test('a guard that is not enforced here is refused by its name, and what hides fields is not one', () => {
  const guards = ['@authenticated', '@requiresScopes', '@policy']
  const own = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.6", import: ${JSON.stringify([...guards, '@inaccessible'])})`
  const graph = (guard: string) => [{ name: 'a', sdl: `${own} type Query { open: Int closed: Int ${guard} hidden: Int @inaccessible }` }]
  for (const [name, guard] of [['@authenticated', '@authenticated'], ['@requiresScopes', '@requiresScopes(scopes: [["a"]])'], ['@policy', '@policy(policies: [["p"]])']] as const) {
    const problem = { code: 'CATALOG_INVALID', details: { problems: [{ path: name, message: expect.stringContaining(`guarded by ${name} (https://specs.apollo.dev/${name.slice(1)}/v0.1), which is not enforced here`) }] } }
    const { supergraphSdl } = composeServices(graph(guard).map(one => ({ name: one.name, typeDefs: parse(one.sdl) })))
    expect(() => composeSupergraph(graph(guard))).toThrow(expect.objectContaining(problem))
    expect(() => readSupergraph(supergraphSdl ?? '')).toThrow(expect.objectContaining(problem))
  }
  expect(Object.keys(composeSupergraph(graph('')).publicSchema.getQueryType()?.getFields() ?? {})).toEqual(['open', 'closed'])
})
