import type { Supergraph } from '../../gateway/federation/supergraph.ts'
import { heldBooks, merged, type Piece } from '../support/deferred.ts'
import { testFront, type TestFront } from '../support/front.ts'
import type { HeldSubgraph } from '../support/held-subgraph.ts'

const inParts = 'multipart/mixed;deferSpec=20220824, application/json'
const text = '{ books { title ... @defer(label: "stock") { inStock } } }'

describe('an answer in parts', () => {
  let stock: HeldSubgraph
  let graph: Supergraph
  let front: TestFront
  beforeAll(async () => {
    ({ stock, graph } = await heldBooks())
    front = await testFront({ more: { hub: { supergraph: graph, onSupergraph: () => () => {}, health: async () => [] } } })
  })
  afterAll(async () => {
    await front.drain()
    await stock.close()
  })

  const post = (query: string, headers: Record<string, string> = {}, variables?: unknown) => fetch(`${front.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', accept: inParts, ...headers }, body: JSON.stringify({ query, variables }) })
  /** The pieces as they arrive. */
  async function* pieces(response: Response): AsyncGenerator<Piece, void, void> {
    const decoder = new TextDecoder()
    let text = ''
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true })
      for (let end = text.indexOf('\r\n---', 1); end > 0; end = text.indexOf('\r\n---', 1)) {
        const [head = '', body = ''] = text.slice(0, end).split('\r\n\r\n')
        expect(head).toContain('content-type: application/json; charset=utf-8')
        yield JSON.parse(body) as Piece
        text = text.slice(end + 5)
      }
    }
    expect(text.trim()).toBe('--')
  }

  test('comes without what is deferred before that has been fetched, and then with it, labelled and at its place', async () => {
    const response = await post(text)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'multipart/mixed; boundary="-"; deferSpec=20220824'])
    const reader = pieces(response)
    const { value: first } = await reader.next()
    expect(first).toEqual({ data: { books: [{ title: 'One' }, { title: 'Two' }] }, hasNext: true })
    // The subgraph has not answered yet.
    await stock.asked()
    stock.release({ _entities: [{ inStock: 10 }, { inStock: 20 }] })
    const rest: Piece[] = []
    for await (const piece of reader) rest.push(piece)
    expect(rest).toEqual([{ incremental: [{ data: { inStock: 10 }, path: ['books', 0], label: 'stock' }, { data: { inStock: 20 }, path: ['books', 1], label: 'stock' }], hasNext: false }])
    expect(merged([first as never, ...(rest as never[])])).toEqual({ books: [{ title: 'One', inStock: 10 }, { title: 'Two', inStock: 20 }] })
  })

  test('tells an error with the part it belongs to', async () => {
    const reader = pieces(await post(text))
    const { value: first } = await reader.next()
    expect(first).toMatchObject({ data: { books: [{ title: 'One' }, { title: 'Two' }] }, hasNext: true })
    await stock.asked()
    stock.release({ _entities: [{ inStock: 10 }] })
    const { value: second } = await reader.next()
    expect(second).toMatchObject({
      incremental: [0, 1].map(index => ({ data: { inStock: null }, path: ['books', index], errors: [{ path: ['books', index, 'inStock'], extensions: { code: 'UPSTREAM_REJECTED', requestId: expect.any(String) } }] })), hasNext: false,
    })
    await reader.next()
  })

  test('is whole for those who take no parts, where nothing is deferred after all, and of several mutations', async () => {
    const asJson = async (...asked: Parameters<typeof post>) => {
      const response = await post(...asked)
      expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
      return response.json()
    }
    for (const accept of ['application/json', 'multipart/mixed;q=0, application/json', 'multipart/mixed;deferSpec=20991231, application/json']) {
      const whole = asJson(text, { accept })
      await stock.asked()
      stock.release({ _entities: [{ inStock: 1 }, { inStock: 2 }] })
      expect(await whole).toEqual({ data: { books: [{ title: 'One', inStock: 1 }, { title: 'Two', inStock: 2 }] } })
    }

    const now = asJson('query ($later: Boolean!) { books { isbn ... @defer(if: $later) { title } } }', {}, { later: false })
    expect(await now).toEqual({ data: { books: [{ isbn: '1', title: 'One' }, { isbn: '2', title: 'Two' }] } })
    expect(await asJson('mutation { add { ... @defer { title } } other: add { isbn } }')).toEqual({ data: { add: { title: 'Three' }, other: { isbn: '3' } } })
  })

  test('is there of a mutation too, which no link begins', async () => {
    const mutation = 'mutation { add { title ... @defer { isbn } } }'
    const all: Piece[] = []
    for await (const piece of pieces(await post(mutation))) all.push(piece)
    expect(all).toEqual([{ data: { add: { title: 'Three' } }, hasNext: true }, { incremental: [{ data: { isbn: '3' }, path: ['add'] }], hasNext: false }])
    const got = await fetch(`${front.url}/graphql?${new URLSearchParams({ query: mutation })}`, { headers: { accept: inParts, 'apollo-require-preflight': '1' } })
    expect([got.status, got.headers.get('content-type')]).toEqual([405, 'application/json; charset=utf-8'])
  })

  test.each([
    ['labels that are alike', '{ books { ... @defer(label: "a") { title } ... @defer(label: "a") { isbn } } }', 'BAD_USER_INPUT'],
    ['a label from a variable', 'query ($label: String) { books { ... @defer(label: $label) { title } } }', 'BAD_USER_INPUT'],
    ['a field', '{ books @defer { title } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['what costs too much', `{ ${Array.from({ length: 40 }, (_, index) => `a${index}: books { ... @defer { title } }`).join(' ')} }`, 'QUERY_TOO_COMPLEX'],
  ])('refuses %s', async (_what, query, code) => {
    expect(await (await post(query)).json()).toMatchObject({ errors: [{ extensions: { code } }] })
  })

  test('is cut where it fails in between, and left open for nobody', async () => {
    const failing: Supergraph = { ...graph, deliver: async () => (async function* () {
      yield { data: { books: [] }, hasNext: true }
      throw new Error('lost')
    })() }
    const other = await testFront({ more: { hub: { supergraph: failing, onSupergraph: () => () => {}, health: async () => [] } } })
    const answered = fetch(`${other.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', accept: inParts }, body: JSON.stringify({ query: text }) }).then(response => response.text())
    await expect(answered).rejects.toThrow()
    await other.drain()
  })

  test('ends the fetches of a client that leaves', async () => {
    const stop = new AbortController()
    const response = await fetch(`${front.url}/graphql`, { method: 'POST', signal: stop.signal, headers: { 'content-type': 'application/json', accept: inParts }, body: JSON.stringify({ query: text }) })
    await pieces(response).next()
    await stock.asked()
    stop.abort()
    await expect(front.drain()).resolves.toBeUndefined()
    front = await testFront({ more: { hub: { supergraph: graph, onSupergraph: () => () => {}, health: async () => [] } } })
  })
})
