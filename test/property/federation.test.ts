import fc from 'fast-check'
import { execute, parse, validate, type ExecutionResult, type GraphQLFieldResolver, type GraphQLSchema } from 'graphql'
import { openSupergraph } from '../../gateway/federation/execute.ts'
import { localService } from '../../gateway/federation/local.ts'
import type { SubgraphRequest, SubgraphService, Supergraph } from '../../gateway/federation/supergraph.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { inJson, operation } from '../support/federation.ts'
import { garageOf, garageSubgraphs } from '../support/federation-garage.ts'
import { makeOperation } from '../support/federation-operations.ts'
import { deferring, delivered, eventsOf, merged, type Piece, type Said } from '../support/deferred.ts'
import { testFront } from '../support/front.ts'
import { bigNumber, chance, worldOf, worldSubgraphs } from '../support/federation-world.ts'
import { jsonInSomeForm, rawService } from '../support/raw-subgraph.ts'
import { testScope } from '../support/scope.ts'

/** Operations tried, and the seed they follow from: a night tries more of them, and others. */
const numRuns = Number(process.env['FEDERATION_RUNS'] ?? 1_000)
const seed = Number(process.env['FEDERATION_SEED'] ?? 20260101)

/** None that a made operation comes to. */
const limits = { maxTokens: 1_000_000, maxDepth: 1_000, maxFields: 1_000_000, maxRootFields: 1_000, maxAliases: 100_000, maxDirectives: 100_000, maxCost: Number.MAX_SAFE_INTEGER }

type Resolvers = Readonly<Record<string, Readonly<Record<string, (parent: never, args: never) => unknown>>>>

interface World {
  readonly resolvers: Resolvers
  readonly subgraphs: readonly Subgraph[]
}

const worlds: Readonly<Record<string, (seed: number) => World>> = {
  'of plain entities': seed => ({ resolvers: worldOf(seed).resolvers, subgraphs: worldSubgraphs(seed) }),
  'of interface objects, composite keys, and fields shared, moved and hidden': seed => ({ resolvers: garageOf(seed).resolvers, subgraphs: garageSubgraphs(seed) }),
}

/** Half of the graphs run every operation as planned, half of those with subgraphs that take and give bytes; of the others, subgraphs answer alone what they can. What no server would take fails. */
function graphOf({ subgraphs }: World, seed: number): Supergraph {
  const services = subgraphs.map(localService).map((service): SubgraphService => {
    const refusing = {
      ...service,
      async execute(request: SubgraphRequest) {
        const errors = validate(service.schema, request.parsed)
        if (errors.length > 0) throw new Error(`${service.name} refuses ${request.document}: ${errors[0]?.message}`)
        return service.execute(request)
      },
    }
    let count = 0
    const dice = () => chance(seed, service.name, count++)
    if (seed % 4 === 1) return rawService(refusing, result => Buffer.from(seed === 1 ? JSON.stringify(result) : jsonInSomeForm(result, dice)))
    return seed % 2 === 0 ? refusing : { ...refusing, schema: undefined }
  })
  return openSupergraph({ services })
}

/** The same graph in one piece, executed by graphql-js. */
function monolith(schema: GraphQLSchema, { resolvers }: World): GraphQLFieldResolver<unknown, unknown> {
  const big = schema.getType('Big')
  if (big && 'serialize' in big) big.serialize = bigNumber.serialize
  return (parent, args, _context, info) => {
    const own = resolvers[info.parentType.name]?.[info.fieldName]
    return own ? own(parent as never, args as never) : (parent as Record<string, unknown>)[info.fieldName]
  }
}

/**
 * Paths of the errors. Below a null that was carried up, the specification lets an executor tell any of the errors that may have caused it: there the null's
 * place stands for all of them. One told at an object that is there is about what the plan asked of it for others: for a field that requires it, or for other types.
 */
function errorPaths({ data, errors = [] }: ExecutionResult): string[] {
  const paths = errors.flatMap(({ path = [] }) => {
    let value: unknown = data
    const seen: (string | number)[] = []
    for (const part of path) {
      if (value === null || value === undefined) break
      seen.push(part)
      value = (value as Record<string | number, unknown>)[part]
    }
    return value === null || value === undefined ? [seen.join('.')] : []
  })
  return [...new Set(paths)].sort()
}

test.each(Object.keys(worlds))('a federated graph %s answers every operation as graphql-js answers it over the same schema in one piece', async name => {
  const graphs = await Promise.all(Array.from({ length: 8 }, async (_, at) => {
    const world = worlds[name]!(at)
    const graph = graphOf(world, at)
    return { world, graph, front: await testFront({ settings: { limits }, more: { hub: { supergraph: graph, onSupergraph: () => () => {}, health: async () => [] } } }) }
  }))
  let [tried, refused, writtenAsJson, pieces, streamed] = [0, 0, 0, 0, 0]
  const cases = fc.record({ at: fc.nat(7), choices: fc.nat(), depth: fc.integer({ min: 1, max: 5 }) })

  await fc.assert(fc.asyncProperty(cases, async ({ at, choices, depth }) => {
    const { world, graph, front } = graphs[at]!
    let count = 0
    const { text, variables } = makeOperation(graph.schema, () => chance(choices, count++), depth)
    fc.pre(text.length < 4_000 && validate(graph.schema, parse(text)).length === 0)

    const expected = await execute({ schema: graph.schema, document: parse(text), variableValues: variables, fieldResolver: monolith(graph.schema, world) })
    const asked = operation(graph, text, { variables, scope: testScope() })
    const found = await graph.execute(asked)
    tried += 1
    if (found.errors?.[0]?.extensions['selection'] !== undefined) {
      refused += 1
      return
    }

    const shown = `${text}\n${JSON.stringify(variables)}\n`
    expect(shown + JSON.stringify(found.data)).toBe(shown + JSON.stringify(expected.data))
    expect([shown, errorPaths(found)]).toEqual([shown, errorPaths(expected)])
    // What is asked often is compiled.
    for (let round = 0; round < 3; round++) {
      const result = await graph.write(asked)
      const { json, errors } = inJson(result)
      const written = { data: json === undefined ? undefined : JSON.parse(json) as typeof expected.data, errors }
      expect(shown + json).toBe(shown + JSON.stringify(expected.data))
      expect([shown, errorPaths(written)]).toEqual([shown, errorPaths(expected)])
      if (!('data' in result)) writtenAsJson += 1
    }
    if (expected.errors) return
    const inParts = deferring(text, () => chance(choices, count++))
    const parts = await delivered(graph, operation(graph, inParts, { variables, scope: testScope() }))
    expect([inParts, parts.data]).toEqual([inParts, JSON.parse(JSON.stringify(expected.data))])
    pieces += parts.pieces
    if (choices % 8 !== 0) return
    const request = { method: 'POST', headers: { 'content-type': 'application/json', accept: 'text/event-stream' }, body: JSON.stringify({ query: inParts, variables }) }
    const events: Said[] = []
    for await (const event of eventsOf(fetch(`${front.url}/graphql`, request))) events.push(event)
    // Parts that are ready at one time come together, which time decides.
    const payloads = events.slice(0, -1).map(({ payload }) => ({ hasNext: false, ...(payload as Partial<Piece>) }))
    expect([inParts, events.at(-1), merged(payloads as never[])]).toEqual([inParts, { type: 'complete' }, JSON.parse(JSON.stringify(expected.data))])
    streamed += payloads.length - 1
  }), { seed, numRuns, maxSkipsPerRun: 1_000 })
  expect(writtenAsJson / tried).toBeGreaterThan(0.5)
  expect(pieces / tried).toBeGreaterThan(0.5)
  expect(streamed).toBeGreaterThan(0)
  await Promise.all(graphs.map(({ front }) => front.drain()))
  // The planner has limits, and says so; they are few.
  expect(refused / tried).toBeLessThan(0.02)
}, 3_600_000)
