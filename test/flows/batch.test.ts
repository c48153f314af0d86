import { testFront, type Answered, type TestFront } from '../support/front.ts'

const fronts: TestFront[] = []
const open = async (limits: object) => {
  const front = await testFront({ settings: { limits } as never })
  fronts.push(front)
  return front
}
afterEach(() => Promise.all(fronts.splice(0).map(front => front.drain())))

async function post(front: TestFront, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${front.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })
  return { status: response.status, body: (await response.json()) as Answered & readonly Answered[] }
}

describe('a list of operations in one request', () => {
  test('is answered by a list in its order, each with its own data and errors, twice the same', async () => {
    const front = await open({ maxBatch: 10 })
    const list = [{ query: '{ hello }' }, { query: 'query ($name: String) { hello(name: $name) }', variables: { name: 'Ada' } }, { query: '{ nothing }' }, { variables: {} }, 7, { query: '{ hello fails }' }, { query: 'mutation { put(name: "x") }' }]
    const first = await post(front, list)
    expect(first.status).toBe(200)
    expect(first.body.map(({ data, errors = [] }) => [data, errors.map(({ extensions }) => extensions.code)])).toEqual([
      [{ hello: 'hello world' }, []], [{ hello: 'hello Ada' }, []], [undefined, ['GRAPHQL_VALIDATION_FAILED']], [undefined, ['BAD_USER_INPUT']], [undefined, ['BAD_USER_INPUT']],
      [{ hello: 'hello world', fails: null }, ['NOT_FOUND']], [expect.anything(), []],
    ])
    const plain = (answers: readonly Answered[]) => JSON.stringify(answers).replaceAll(/"requestId":"[^"]*"/g, '')
    expect(plain((await post(front, list)).body)).toBe(plain(first.body))
  })

  test.each([
    ['is not taken unless that is allowed', {}, [{ query: '{ hello }' }], /list/],
    ['is not taken above the limit', { maxBatch: 2 }, [1, 2, 3].map(() => ({ query: '{ hello }' })), /list of 3 operations; 2 are taken/],
    ['is not empty', { maxBatch: 2 }, [], /empty list/],
  ])('%s', async (_title, limits, list, message) => {
    const { status, body } = await post(await open(limits), list)
    expect([status, body.errors?.[0]?.extensions.code]).toEqual([400, 'BAD_USER_INPUT'])
    expect(body.errors?.[0]?.message).toMatch(message)
  })

  test('counts as so many operations of its caller', async () => {
    const front = await open({ maxBatch: 10, requestsPerMinute: 3 })
    const three = await post(front, [1, 2, 3].map(() => ({ query: '{ hello }' })))
    expect(three.body).toHaveLength(3)
    expect((await post(front, { query: '{ hello }' })).body.errors?.[0]?.extensions.code).toBe('RATE_LIMITED')
  })
})
