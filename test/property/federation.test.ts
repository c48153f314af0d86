import fc from 'fast-check'
import { execute, parse, validate, type ExecutionResult, type GraphQLFieldResolver, type GraphQLSchema } from 'graphql'
import { graphOf, operation } from '../support/federation.ts'
import { makeOperation } from '../support/federation-operations.ts'
import { bigNumber, chance, worldOf, worldSubgraphs } from '../support/federation-world.ts'
import { testScope } from '../support/scope.ts'

/** The same graph in one piece, executed by graphql-js. */
function monolith(schema: GraphQLSchema, seed: number): GraphQLFieldResolver<unknown, unknown> {
  const { resolvers } = worldOf(seed)
  const big = schema.getType('Big')
  if (big && 'serialize' in big) big.serialize = bigNumber.serialize
  return (parent, args, _context, info) => {
    const own = resolvers[info.parentType.name]?.[info.fieldName]
    return own ? own(parent as never, args) : (parent as Record<string, unknown>)[info.fieldName]
  }
}

/**
 * Paths of the errors. Below a null that was carried up, the specification lets an executor tell any of the errors that may have caused it: there the null's
 * place stands for all of them.
 */
function errorPaths({ data, errors = [] }: ExecutionResult): string[] {
  const paths = errors.map(({ path = [] }) => {
    let value: unknown = data
    const seen: (string | number)[] = []
    for (const part of path) {
      if (value === null || value === undefined) break
      seen.push(part)
      value = (value as Record<string | number, unknown>)[part]
    }
    return seen.join('.')
  })
  return [...new Set(paths)].sort()
}

test('a federated graph answers every operation as graphql-js answers it over the same schema in one piece', async () => {
  const graphs = new Map(Array.from({ length: 8 }, (_, seed) => [seed, graphOf(...worldSubgraphs(seed))]))
  const cases = fc.record({ world: fc.nat(7), choices: fc.nat(), depth: fc.integer({ min: 1, max: 5 }) })

  await fc.assert(fc.asyncProperty(cases, async ({ world, choices, depth }) => {
    const graph = graphs.get(world)!
    let count = 0
    const { text, variables } = makeOperation(graph.schema, () => chance(choices, count++), depth)
    fc.pre(text.length < 4_000 && validate(graph.schema, parse(text)).length === 0)

    const expected = await execute({ schema: graph.schema, document: parse(text), variableValues: variables, fieldResolver: monolith(graph.schema, world) })
    const found = await graph.execute(operation(graph, text, { variables, scope: testScope() }))

    const shown = `${text}\n${JSON.stringify(variables)}\n`
    expect(shown + JSON.stringify(found.data)).toBe(shown + JSON.stringify(expected.data))
    expect([shown, errorPaths(found)]).toEqual([shown, errorPaths(expected)])
  }), { seed: 20260101, numRuns: 200, maxSkipsPerRun: 1_000 })
}, 120_000)
