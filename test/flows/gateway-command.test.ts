import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { composeSupergraph } from '../../gateway/federation/compose.ts'
import { catalogFolder } from '../support/catalog-folder.ts'
import { eventually } from '../support/eventually.ts'
import { fastPath } from '../support/fast-path.ts'
import { serveForeign, type Foreign } from '../support/foreign.ts'
import { runProgram, startProgram } from '../support/program.ts'

const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@external", "@requires", "@shareable"])'
const booksSdl = 'type Query { books: [Book!]! book(isbn: ID!): Book } type Book @key(fields: "isbn") { isbn: ID! title: String! weight: Int }'
const books: { isbn: string; title: string; weight: number | null }[] = [{ isbn: '1', title: 'One', weight: 300 }, { isbn: '2', title: 'Two', weight: null }]
const bookResolvers = {
  Query: { books: () => books, book: (_: never, { isbn }: { isbn: string }) => books.find(one => one.isbn === isbn) },
  Book: { __resolveReference: ({ isbn }: { isbn: string }) => books.find(one => one.isbn === isbn) },
}
const stockSdl = 'type Book @key(fields: "isbn") { isbn: ID! weight: Int @external inStock: Int! postage: Int @requires(fields: "weight") }'
const stockResolvers = {
  Book: {
    __resolveReference: (book: { isbn: string }) => book,
    inStock: ({ isbn }: { isbn: string }) => Number(isbn) * 10,
    postage: ({ weight }: { weight: number | null }) => (weight === null ? null : weight * 2),
  },
}
const supergraphOf = (urls: Readonly<Record<string, readonly [string, string]>>) => composeSupergraph(Object.entries(urls).map(([name, [sdl, url]]) => ({ name, url, sdl: `${link}\n${sdl}` }))).sdl

async function ask(url: string, query: string) {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query }) })
  return (await response.json()) as { data?: unknown; errors?: readonly { message: string; path?: unknown; extensions: { code: string } }[] }
}

describe('a gateway of a supergraph alone', () => {
  let [bookshop, warehouse]: Foreign[] = []
  const folder = catalogFolder({})
  const file = join(folder.folder, 'supergraph.graphql')
  beforeAll(async () => {
    bookshop = await serveForeign(booksSdl, bookResolvers)
    warehouse = await serveForeign(stockSdl, stockResolvers)
    writeFileSync(file, supergraphOf({ books: [booksSdl, bookshop.url], stock: [stockSdl, warehouse.url] }))
  })
  afterAll(async () => {
    await bookshop?.close()
    await warehouse?.close()
    folder.remove()
  })

  test('serves it over the subgraphs it names, says how they are, follows edits of the file and refuses wrong ones', async () => {
    const gateway = startProgram(['gateway', '--supergraph', 'supergraph.graphql', '--port', '0'], { cwd: folder.folder })
    const [url] = await gateway.written(/http:\S+/)
    const base = url.replace('/graphql', '')
    expect(await ask(url, '{ books { title inStock postage } }')).toEqual({ data: { books: [{ title: 'One', inStock: 10, postage: 600 }, { title: 'Two', inStock: 20, postage: null }] } })
    expect(warehouse?.requests).toHaveLength(1)
    expect((await fetch(`${base}/readyz`)).status).toBe(200)

    await warehouse?.close()
    const partly = await ask(url, '{ books { title stock: inStock } }')
    expect(partly).toMatchObject({ data: null, errors: [{ extensions: { code: 'UPSTREAM_UNAVAILABLE' } }] })
    expect(await (await fetch(`${base}/readyz?verbose`)).json()).toMatchObject({ status: 'degraded', components: [{ name: 'subgraph:books', state: 'up' }, { name: 'subgraph:stock', state: 'down' }] })

    const replaced = (text: string) => {
      writeFileSync(`${file}.new`, text)
      renameSync(`${file}.new`, file)
    }
    replaced('type Query { hello: String }')
    await gateway.written(/The edited supergraph is refused/)
    expect(await ask(url, '{ books { title } }')).toMatchObject({ data: { books: [{ title: 'One' }, { title: 'Two' }] } })

    replaced(supergraphOf({ books: [booksSdl, bookshop?.url ?? ''] }))
    await eventually('the new graph serves', async () => (await ask(url, '{ books { inStock } }')).errors?.[0]?.extensions.code === 'GRAPHQL_VALIDATION_FAILED')
    expect(await ask(url, '{ book(isbn: "2") { title } }')).toEqual({ data: { book: { title: 'Two' } } })
    expect((await gateway.stop()).code).toBe(0)
  }, 120_000)

  test('what is asked again is answered in the same bytes, whatever way it takes: alone, in a batch, with texts beyond ASCII, and with a subgraph that has failed meanwhile', async () => {
    const stock = await serveForeign(stockSdl, stockResolvers)
    const odd = { isbn: '3', title: 'Drei "Bücher" 世界 \n\\ 🌍', weight: 1 }
    books.push(odd)
    const shop = await serveForeign(booksSdl, bookResolvers)
    writeFileSync(join(folder.folder, 'again.graphql'), supergraphOf({ books: [booksSdl, shop.url], stock: [stockSdl, stock.url] }))
    const gateway = startProgram(['gateway', '--supergraph', 'again.graphql', '--port', '0', '--limits-max-batch', '3'], { cwd: folder.folder })
    const [url] = await gateway.written(/http:\S+/)
    const query = '{ books { isbn title weight inStock postage } }'
    const sent = async (body: unknown) => {
      const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
      const bytes = Buffer.from(await response.arrayBuffer())
      expect(response.headers.get('content-length')).toBe(String(bytes.length))
      return bytes.toString()
    }
    const expected = JSON.stringify({ data: { books: books.map(({ isbn, title, weight }) => ({ isbn, title, weight, inStock: Number(isbn) * 10, postage: weight === null ? null : weight * 2 })) } })
    for (let round = 0; round < 5; round++) expect(await sent({ query })).toBe(expected)
    expect(await Promise.all(Array.from({ length: 20 }, () => sent({ query })))).toEqual(Array(20).fill(expected))
    const inBatch = await sent([{ query }, { query: '{ books { isbn } nothing }' }, { query }])
    expect([inBatch.startsWith(`[${expected},{"errors":[`), inBatch.endsWith(`,${expected}]`)]).toEqual([true, true])

    const shown = await (await fetch(url.replace('/graphql', '/metrics'))).text()
    expect(/^subgraph_plan_runs_total\{way="core"\} [1-9]\d*$/m.test(shown)).toBe(fastPath)
    expect(shown).toMatch(/^subgraph_request_duration_seconds_count\{(?=.*subgraph="stock")(?=.*outcome="ok").*\} [1-9]\d*$/m)
    await stock.close()
    expect(JSON.parse(await sent({ query }))).toMatchObject({ data: null, errors: [{ path: ['books', 0, 'inStock'], extensions: { code: 'UPSTREAM_UNAVAILABLE', service: 'stock' } }] })
    const after = await (await fetch(url.replace('/graphql', '/metrics'))).text()
    expect(/^subgraph_plan_runs_total\{way="given_up"\} 1$/m.test(after)).toBe(fastPath)
    expect(after).toMatch(/^subgraph_request_duration_seconds_count\{(?=.*subgraph="stock")(?=.*outcome="UPSTREAM_UNAVAILABLE").*\} 1$/m)
    expect((await gateway.stop()).code).toBe(0)
    books.splice(books.indexOf(odd), 1)
    await shop.close()
  }, 120_000)

  test('needs the option and a file that is a supergraph', async () => {
    writeFileSync(join(folder.folder, 'subgraph.graphql'), booksSdl)
    writeFileSync(join(folder.folder, 'broken.graphql'), 'type Query {')
    writeFileSync(join(folder.folder, 'placeless.graphql'), supergraphOf({ books: [booksSdl, ''] }))
    const run = async (...argv: string[]) => {
      const { code, err } = await runProgram(['gateway', ...argv, '--port', '0'], { cwd: folder.folder })
      return [code, err.trim()]
    }
    expect(await run()).toEqual([2, expect.stringContaining('Option "--supergraph" is missing. Usage: tributary gateway --supergraph FILE')])
    expect(await run('--supergraph', 'none.graphql')).toEqual([1, expect.stringMatching(/The supergraph ".*none\.graphql" cannot be read \(ENOENT\)/)])
    expect(await run('--supergraph', 'subgraph.graphql')).toEqual([1, expect.stringContaining('it has no enum join__Graph that names subgraphs')])
    expect(await run('--supergraph', 'broken.graphql')).toEqual([1, expect.stringContaining('is not GraphQL: Syntax Error')])
    expect(await run('--supergraph', 'placeless.graphql')).toEqual([1, expect.stringContaining('Subgraph "books" has no url in @join__graph.')])
  }, 120_000)
})
