import { ask, graphOf, plain } from '../support/federation.ts'
import { cases } from './cases.ts'

describe.each(cases)('$title', ({ subgraphs, asks }) => {
  const graph = graphOf(...subgraphs)

  test.each(asks)('$query', async ({ query, variables, data, errors = [] }) => {
    const result = await ask(graph, query, { variables })
    expect(result.errors?.map(error => [error.path?.join('.') ?? '', error.extensions['code']]) ?? []).toEqual(expect.arrayContaining([...errors]))
    expect(result.errors ?? []).toHaveLength(errors.length)
    expect(JSON.stringify(result)).not.toContain('secret')
    expect(plain(result)).toEqual(errors.length > 0 ? expect.objectContaining(plain({ data }) as object) : { data })
    expect(JSON.stringify(result.data)).toBe(JSON.stringify(data))
  })
})
