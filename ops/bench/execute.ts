import { buildSchema, execute, parse, type GraphQLSchema } from 'graphql'
import { compile, type Operation } from '../../resolvers/compiled/operation.ts'

/**
 * CPU of one operation in this process: graphql-js with JSON.stringify, the compiled executor with it, the compiled executor writing the text itself, and JSON.stringify of
 * the ready object, which no executor that makes objects can be below. Run by hand: `node ops/bench/execute.ts [rounds]`.
 */
interface Shape {
  readonly name: string
  readonly document: string
  readonly variables?: Readonly<Record<string, unknown>>
}

const sdl = `
  enum State { READY BUSY }
  type Airport { code: ID! name: String! city: String country: String latitude: Float longitude: Float altitude: Int }
  type Plane { id: ID! state: State! tail: String seats: Int home: Airport! legs: [Leg!]! }
  type Leg { number: Int! to: String! delayed: Boolean }
  type Query { airport(code: ID!): Airport airports(first: Int = 100): [Airport!]! planes: [Plane!]! linked: [Plane!]! }`

const airports = Array.from({ length: 1_000 }, (_, n) => ({
  code: `A${n}`, name: `Airport number ${n}`, city: n % 7 === 0 ? null : `City ${n % 90}`, country: `Country ${n % 30}`, latitude: n / 7, longitude: -n / 3, altitude: n * 3,
}))
const planes = Array.from({ length: 20 }, (_, n) => ({
  id: `plane-${n}`, state: n % 2 ? 'READY' : 'BUSY', tail: `N${n}TR`, seats: 100 + n, home: airports[n * 7], legs: [0, 1].map(leg => ({ number: n * 10 + leg, to: `A${n + leg}`, delayed: leg === 1 })),
}))

/** Root fields answer promises, as whatever reads a store does; below them are the rows. `linked` has its links behind resolvers of their own, which read with one promise a row. */
function schemaOf(): GraphQLSchema {
  const schema = buildSchema(`${sdl} type Linked { id: ID! state: State! tail: String seats: Int home: Airport! legs: [Leg!]! }`.replace('linked: [Plane!]!', 'linked: [Linked!]!'))
  const fields = schema.getQueryType()!.getFields()
  fields['airport']!.resolve = async (_, { code }: { code: string }) => airports[Number(code.slice(1))]
  fields['airports']!.resolve = async (_, { first }: { first: number }) => airports.slice(0, first)
  fields['planes']!.resolve = async () => planes
  fields['linked']!.resolve = async () => planes
  const linked = schema.getType('Linked')
  if (linked && 'getFields' in linked) {
    Object.assign(linked.getFields()['home']!, { resolve: async (plane: (typeof planes)[number]) => plane.home })
    Object.assign(linked.getFields()['legs']!, { resolve: async (plane: (typeof planes)[number]) => plane.legs })
  }
  return schema
}

const nested = '{ id state tail seats home { code name city } legs { number to delayed } }'
const shapes: Shape[] = [
  { name: 'one row by key, 7 leaves', document: 'query ($code: ID!) { airport(code: $code) { code name city country latitude longitude altitude } }', variables: { code: 'A17' } },
  { name: '100 rows of 4 leaves', document: '{ airports { code name city altitude } }' },
  { name: '20 rows with object and list', document: `{ planes ${nested} }` },
  { name: '20 rows, links by promises', document: `{ linked ${nested} }` },
]

type Contender = 'graphql-js' | 'run' | 'text' | 'stringify'

async function contenders(schema: GraphQLSchema, { document: text, variables }: Shape): Promise<Record<Contender, () => unknown>> {
  const document = parse(text)
  const operation = compile(schema, document) as Operation
  const given = { schema, document, variableValues: variables }
  const expected = await execute(given)
  if (expected.errors) throw new Error(`${text}: ${expected.errors.join(', ')}`)
  const ready: unknown = JSON.parse(JSON.stringify(expected.data))
  const all: Record<Contender, () => unknown> = {
    'graphql-js': async () => JSON.stringify((await execute(given)).data),
    run: async () => JSON.stringify((await operation.run({ variables })).data),
    text: async () => (await operation.text({ variables })).json,
    stringify: async () => JSON.stringify(await ready),
  }
  for (const [name, answer] of Object.entries(all)) if ((await answer()) !== JSON.stringify(expected.data)) throw new Error(`${text}: ${name} answers something else.`)
  return all
}

async function cpuMicros(times: number, work: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  for (let n = 0; n < times; n++) await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / times
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}

const rounds = Number(process.argv[2] ?? 9)
const schema = schemaOf()
console.log(`node ${process.version}, median of ${rounds} interleaved rounds, CPU µs per operation`)
for (const shape of shapes) {
  const all = Object.entries(await contenders(schema, shape))
  const times = shape.variables ? 20_000 : 1_000
  const figures = new Map<string, number[]>(all.map(([name]) => [name, []]))
  for (const [, work] of all) await cpuMicros(times * 2, work)
  for (let round = 0; round < rounds; round++) for (const [name, work] of all) figures.get(name)!.push(await cpuMicros(times, work))
  const shown = [...figures].map(([name, values]) => `${name} ${median(values).toFixed(1)}`)
  const [reference = 0, run = 0, text = 0] = [...figures.values()].map(median)
  console.log(`${shape.name.padEnd(30)} ${shown.join('   ')}   (run ${(reference / run).toFixed(1)}x, text ${(reference / text).toFixed(1)}x)`)
}
