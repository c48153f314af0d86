import { buildSchema, type GraphQLFieldResolver, type GraphQLSchema, isObjectType } from 'graphql'
import type { Clock } from '../../connectors/ports/scope.ts'
import { systemClock } from '../../connectors/ports/scope.ts'
import { type Authenticator, createAuthenticator } from '../../gateway/auth/authenticator.ts'
import { authSettings } from '../../gateway/auth/settings.ts'
import { type Front, type FrontOptions, openFront } from '../../gateway/http/front.ts'
import { frontSettings } from '../../gateway/http/settings.ts'
import { createMetrics, type Metrics } from '../../gateway/telemetry/metrics.ts'
import type { Context } from '../../resolvers/context.ts'
import { HubError } from '../../schema/errors.ts'
import { fastPath } from './fast-path.ts'
import { TestHub } from './plain-supergraph.ts'
import { type TestScope, testScope } from './scope.ts'

export interface TestFront extends Front {
  readonly hub: TestHub
  readonly graph: TestGraph
  readonly metrics: Metrics
  readonly entries: TestScope['entries']
  /** POSTs one operation as JSON. */
  ask(query: string, options?: { variables?: unknown; headers?: Record<string, string>; extensions?: unknown; operationName?: string }): Promise<{ status: number; headers: Headers; body: Answered }>
}

export interface Answered {
  readonly data?: Record<string, unknown> | null
  readonly errors?: readonly { readonly message: string; readonly path?: readonly unknown[]; readonly extensions: { readonly code: string; readonly http: { readonly status: number }; readonly requestId: string; readonly [name: string]: unknown } }[]
  readonly extensions?: Record<string, unknown>
}

/** A front on a free port of the loopback, over a graph whose fields the test holds in its hands. */
export async function testFront(options: { settings?: Parameters<typeof frontSettings.parse>[0]; auth?: unknown; clock?: Clock; more?: Partial<FrontOptions> } = {}): Promise<TestFront> {
  const { entries, log } = testScope()
  const graph = new TestGraph()
  const hub = new TestHub(graph.schema())
  const settings = frontSettings.parse({ fastPath, ...(options.settings as object | undefined), port: 0 })
  const clock = options.clock ?? systemClock
  const metrics = createMetrics({ process: false })
  const auth: Authenticator = createAuthenticator(authSettings.parse(options.auth ?? {}), { host: settings.host, clock, log })
  const front = await openFront({ hub, settings, clock, log, auth, metrics, ...options.more })
  return {
    ...front, hub, graph, metrics, entries,
    async ask(query, { variables, headers, extensions, operationName } = {}) {
      const response = await fetch(`${front.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ query, variables, extensions, operationName }) })
      return { status: response.status, headers: response.headers, body: (await response.json()) as Answered }
    },
  }
}

/** A value the test gives when it likes. */
export class Later<T> {
  readonly promise: Promise<T>
  resolve!: (value: T) => void

  constructor() {
    this.promise = new Promise(resolve => {
      this.resolve = resolve
    })
  }
}

const sdl = /* GraphQL */ `
  type Query {
    hello(name: String): String
    whoami: Who!
    fails: String
    breaks: String
    slow: String
    airports(first: Int, last: Int): AirportConnection!
    airportsByKey(keys: [ID!]!): [Airport]!
    airport(id: ID!): Airport
    near: [Airport!]!
  }
  type Who { tenant: String! subject: String! scopes: [String!]! requestId: String! }
  type Mutation { put(name: String!): String }
  type Subscription { counted(to: Int): Count  other: Count }
  type Count { number: Int! cursor: String! text: String }
  type Airport { id: ID! name: String near(first: Int): AirportConnection! }
  type AirportConnection { edges: [AirportEdge!]! nodes: [Airport!]! totalCount: Int! }
  type AirportEdge { cursor: String! node: Airport! }
`

interface Args {
  readonly name?: string
  readonly to?: number
}

/** What the fields of the test's graph do. */
export class TestGraph {
  /** `slow` answers when this does, or fails with the scope's reason. */
  slow = new Later<string>()
  /** Called when `slow` is asked. */
  asked = new Later<Context['scope']>()
  /** Events of `counted`; absent: 1, 2, 3, … up to `to`. */
  events: ((scope: Context['scope'], live: Context['live']) => AsyncGenerator<{ number: number; cursor: string; text?: string }>) | undefined

  schema(without: readonly string[] = []): GraphQLSchema {
    const counted = (_parent: unknown, { to }: Args, { scope, live }: Context) => wrapped(this.events ? this.events(scope, live) : counting(scope, to))
    return executable(without.reduce((text, part) => text.replace(part, ''), sdl), {
      Query: {
        hello: (_parent: unknown, { name }: Args, context: Context) => {
          context.explain?.({ path: 'hello', from: 'region', name: 'greetings', engine: 'memory', rows: 1, ageMs: 0 })
          return `hello ${name ?? 'world'}`
        },
        whoami: (_parent: unknown, _args: unknown, { scope }: Context) => ({ tenant: scope.tenant, subject: scope.caller.subject, scopes: [...scope.caller.scopes], requestId: scope.requestId }),
        fails: () => {
          throw new HubError('NOT_FOUND', 'Region "airprots" is not declared. Did you mean "airports"?', { hint: 'Declare it.' })
        },
        breaks: () => {
          throw new TypeError('secret-detail is not a function')
        },
        slow: (_parent: unknown, _args: unknown, { scope }: Context) => {
          this.asked.resolve(scope)
          return this.slow.promise
        },
        airports: () => ({ edges: [], nodes: [], totalCount: 0 }),
        airportsByKey: () => [],
        near: () => [],
      },
      Mutation: { put: (_parent: unknown, { name }: Args) => name },
      Subscription: { counted, other: (_parent: unknown, _args: unknown, { scope }: Context) => wrapped(counting(scope, undefined), 'other') },
    })
  }
}

/** One resolver a field; a subscription's field is its source. */
type Resolvers = Readonly<Record<string, Readonly<Record<string, GraphQLFieldResolver<unknown, Context>>>>>

function executable(text: string, resolvers: Resolvers): GraphQLSchema {
  const schema = buildSchema(text)
  for (const [typeName, fields] of Object.entries(resolvers)) {
    const type = schema.getType(typeName)
    for (const [name, resolver] of Object.entries(fields)) {
      const field = isObjectType(type) ? type.getFields()[name] : undefined
      if (field) field[typeName === 'Subscription' ? 'subscribe' : 'resolve'] = resolver
    }
  }
  return schema
}

async function* wrapped(source: AsyncGenerator<object>, field = 'counted'): AsyncGenerator<object> {
  for await (const event of source) yield { [field]: event }
}

/** Counts up to `to`, then waits until the scope ends, as a watch does. */
export async function* counting(scope: Context['scope'], to: number | undefined): AsyncGenerator<{ number: number; cursor: string }> {
  for (let number = 1; number <= (to ?? 1); number++) yield { number, cursor: `c${number}` }
  if (to !== undefined) return
  await new Promise<never>((_resolve, reject) => {
    if (scope.signal.aborted) reject(scope.signal.reason)
    scope.signal.addEventListener('abort', () => reject(scope.signal.reason))
  })
}
