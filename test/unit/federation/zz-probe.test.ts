import { ask, graphOf, plain, subgraph } from '../../support/federation.ts'
import { composeServices } from '@theguild/federation-composition'
import { parse } from 'graphql'

const a4 = subgraph('a', `type Query { media: [Media!]! } interface Media @key(fields: "id") { id: ID! title: String } type Book implements Media @key(fields: "id") { id: ID! title: String pages: Int }`, { fields: { Query: { media: () => [{ __typename: 'Book', id: '1', title: 't', pages: 3 }] } }, find: { Book: r => ({ ...r, title: 't', pages: 3 }), Media: r => ({ __typename: 'Book', id: r['id'], title: 't', pages: 3 }) } })
const b4 = subgraph('b', `type Query { popular: [Media!]! } type Media @interfaceObject @key(fields: "id") { id: ID! score: Int }`, { fields: { Query: { popular: () => [{ id: '1', score: 5 }] } }, find: { Media: r => ({ ...r, score: 5 }) } })

test.each(['{ popular { id score } }', '{ popular { id title } }', '{ popular { ... on Book { pages } } }', '{ popular { ... on Book { id pages score } } }', '{ popular { __typename id } }', '{ media { score ... on Book { pages } } }'])('4 %s', async q => {
  const g = graphOf(a4, b4)
  const r = await ask(g, q)
  console.log(q, JSON.stringify(r), String((r.errors?.[0]?.originalError as { cause?: unknown } | undefined)?.cause ?? r.errors?.[0]?.originalError))
})
const b41 = subgraph('b', `type Query { popular: [Media!]! } type Media @interfaceObject @key(fields: "id") { id: ID! score: Int }`, { fields: { Query: { popular: () => [{ id: '1', score: 5 }] } }, find: { Media: r => ({ ...r, score: 5 }) } })
const c41 = subgraph('c', `type Book @key(fields: "id") { id: ID! isbn: String }`, { find: { Book: r => ({ ...r, isbn: 'x' }) } })
test.each(['{ popular { ... on Book { isbn } } }', '{ media { ... on Book { isbn } } }', '{ popular { title ... on Book { isbn } } }'])('4b %s', async q => {
  const g = graphOf(a4, b41, c41)
  const r = await ask(g, q)
  console.log(q, JSON.stringify(r), String((r.errors?.[0]?.originalError as { cause?: unknown } | undefined)?.cause ?? r.errors?.[0]?.originalError))
})

const a5 = subgraph('a', `type Query { items: [Item!]! } type Item @key(fields: "id") { id: ID! } `, { fields: { Query: { items: () => [{ id: '1' }] } } })
const b5 = subgraph('b', `type Item @key(fields: "id") { id: ID! part: Part } interface Part { id: ID! } type Screw implements Part @key(fields: "id") { id: ID! size: Int @external weight: Int @requires(fields: "size") } type Nut implements Part @key(fields: "id") { id: ID! }`, { find: { Item: r => ({ ...r, part: { __typename: 'Screw', id: 's' } }), Screw: r => ({ ...r, weight: Number(r['size']) * 2 }), Nut: r => r } })
const c5 = subgraph('c', `type Screw @key(fields: "id") { id: ID! size: Int }`, { find: { Screw: r => ({ ...r, size: 4 }) } })
test.each(['{ items { part { ... on Screw { weight } } } }', '{ items { part { id ... on Screw { weight } ... on Nut { id } } } }'])('5 %s', async q => {
  const g = graphOf(a5, b5, c5)
  const r = await ask(g, q)
  console.log(q, JSON.stringify(r), String((r.errors?.[0]?.originalError as { cause?: unknown } | undefined)?.cause ?? r.errors?.[0]?.originalError))
})
test('2', () => {
  const head = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key","@shareable","@interfaceObject","@external","@requires"])\n'
  const r = composeServices([
    { name: 'a', typeDefs: parse(`${head} type Query { media: Media @shareable book: Book @shareable } union Media = Book | Movie type Book @key(fields: "id") { id: ID! } type Movie @key(fields: "id") { id: ID! }`) },
    { name: 'b', typeDefs: parse(`${head} type Query { media: Book @shareable } type Book @key(fields: "id") { id: ID! t: Int }`) },
  ])
  console.log(r.supergraphSdl?.slice(r.supergraphSdl.indexOf('type Query')), r.errors)
  const r3 = composeServices([
    { name: 'a', typeDefs: parse(`${head} type Query { n: [N!]! } interface N @key(fields: "id") { id: ID! name: String } type X implements N @key(fields: "id") { id: ID! name: String }`) },
    { name: 'b', typeDefs: parse(`${head} type Query { o: [N!]! } type N @interfaceObject @key(fields: "id") { id: ID! name: String @external up: String @requires(fields: "name") }`) },
  ])
  console.log(r3.supergraphSdl?.slice(r3.supergraphSdl.indexOf('interface N')), r3.errors)
})
