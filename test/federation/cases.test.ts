import type { ExecutionResult } from 'graphql'
import type { Operation, Supergraph } from '../../gateway/federation/supergraph.ts'
import { inJson, operation, plain } from '../support/federation.ts'
import { ways, type Opened } from '../support/federation-ways.ts'
import { testScope } from '../support/scope.ts'
import type { Ask } from './case.ts'
import { themes } from './themes.ts'

const inEveryWay = Object.entries(themes).flatMap(([theme, cases]) => cases.flatMap(({ title, ...of }) => ways.map(({ title: way, ...opened }) => ({ theme, title, way, ...of, ...opened }))))

describe.each(inEveryWay)('$theme: $title ($way)', ({ subgraphs, asks, open, failed }) => {
  let opened: Opened
  beforeAll(async () => {
    opened = await open(subgraphs)
  })
  afterAll(() => opened.close())

  test.each(asks)('$query', async one => {
    const { data, errors = [], calls } = one
    opened.takeCalls()
    const asked = operationOf(opened.graph, one)
    const result = await answer(opened.graph, asked)
    const taken = opened.takeCalls()
    const expected = errors.map(([path, code]) => [path, code === 'FAILED' ? failed : code])
    expect((result.errors ?? []).map(error => [error.path?.join('.') ?? '', error.extensions['code']]).toSorted()).toEqual(expected.toSorted())
    expect(JSON.stringify(result.data)).toBe(JSON.stringify(data))
    if (calls) expect(taken).toEqual(calls)
    if (failed === 'INTERNAL') expect(JSON.stringify(result)).not.toContain('secret')
    // What is asked again may take a shorter way, and what is asked often is compiled.
    if (!/^(query|fragment|\{)/.test(one.query)) return
    expect([plain(await answer(opened.graph, asked)), opened.takeCalls()]).toEqual([plain(result), taken])
    for (let round = 0; round < 3; round++) expect([await written(opened.graph, asked), opened.takeCalls()]).toEqual([plain({ ...result, data: JSON.stringify(result.data) }), taken])
  })
})

function operationOf(graph: Supergraph, { query, variables, requestId }: Ask): Operation {
  return operation(graph, query, { variables, scope: { ...testScope(), ...(requestId !== undefined && { requestId }) } })
}

/** The answer with its data as it is written. */
async function written(graph: Supergraph, asked: Operation): Promise<unknown> {
  const { json, errors } = inJson(await graph.write(asked))
  return plain({ data: json, errors })
}

/** Of a subscription the list of its events' data, with the errors of all. */
async function answer(graph: Supergraph, asked: Operation): Promise<ExecutionResult<unknown>> {
  if (!asked.text.startsWith('subscription')) return graph.execute(asked)
  const events = await graph.subscribe(asked)
  if (!(Symbol.asyncIterator in events)) return events
  const results: ExecutionResult[] = []
  for await (const event of events) results.push(event)
  return { data: results.map(({ data }) => plain(data)), errors: results.flatMap(({ errors = [] }) => errors) }
}
