import { Kind, parse, print, visit, type SelectionNode } from 'graphql'
import type { Delivery } from '../../gateway/federation/deferred/deliver.ts'
import { openSupergraph } from '../../gateway/federation/execute.ts'
import { localService } from '../../gateway/federation/local.ts'
import { remoteService } from '../../gateway/federation/remote.ts'
import type { Operation, Supergraph } from '../../gateway/federation/supergraph.ts'
import { subgraph } from './federation.ts'
import { type HeldSubgraph, heldSubgraph } from './held-subgraph.ts'
import { testScope } from './scope.ts'

const shelf = [{ isbn: '1', title: 'One' }, { isbn: '2', title: 'Two' }]
const books = subgraph('books', 'type Query { books: [Book!] } type Mutation { add: Book } type Subscription { added: Book } type Book @key(fields: "isbn") { isbn: ID! title: String }', {
  fields: {
    Query: { books: () => shelf },
    Mutation: { add: () => ({ isbn: '3', title: 'Three' }) },
    Subscription: { added: { async *subscribe() { yield* shelf }, resolve: (book: unknown) => book } },
  },
})
const stockSdl = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key"]) type Book @key(fields: "isbn") { isbn: ID! inStock: Int }'

/** A piece of an answer, as a client reads it. */
export interface Piece {
  readonly data?: unknown
  readonly errors?: readonly unknown[]
  readonly incremental?: readonly { readonly path: readonly (string | number)[]; readonly data: Record<string, unknown> | null; readonly label?: string; readonly errors?: readonly unknown[] }[]
  readonly hasNext: boolean
}

/** A message of a transport that streams. */
export interface Said {
  readonly type: string
  readonly payload?: unknown
}

/** Events of an event stream, as they arrive. */
export async function* eventsOf(asked: Promise<Response>): AsyncGenerator<Said, void, void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of (await asked).body ?? []) {
    const events = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) {
      const [, type = '', data = ''] = /^event: (\w+)\ndata:(.*)$/.exec(event) ?? []
      if (type) yield { type, ...(data && { payload: JSON.parse(data) as unknown }) }
    }
  }
}

/** Books that are answered at once; how many there are of each is for `stock` to say, when the test lets it. */
export async function heldBooks(): Promise<{ readonly stock: HeldSubgraph; readonly graph: Supergraph }> {
  const stock = await heldSubgraph(stockSdl)
  return { stock, graph: openSupergraph({ services: [localService(books), await remoteService({ name: 'stock', url: stock.url }, testScope())] }) }
}

type Place = Record<string | number, unknown>

/** The document with some of what it asks of its objects deferred; `chance` says from 0 to below 1. */
export function deferring(text: string, chance: () => number): string {
  let count = 0
  const deferred = (selections: readonly SelectionNode[]): SelectionNode => ({
    kind: Kind.INLINE_FRAGMENT,
    directives: [{ kind: Kind.DIRECTIVE, name: { kind: Kind.NAME, value: 'defer' }, arguments: [{ kind: Kind.ARGUMENT, name: { kind: Kind.NAME, value: 'label' }, value: { kind: Kind.STRING, value: `part${++count}` } }] }],
    selectionSet: { kind: Kind.SELECTION_SET, selections },
  })
  return print(visit(parse(text), {
    SelectionSet: {
      leave(node) {
        if (chance() < 0.6) return undefined
        const from = Math.floor(chance() * node.selections.length)
        const [kept, later] = [node.selections.slice(0, from), node.selections.slice(from)]
        return { ...node, selections: [...kept, deferred(later)] }
      },
    },
  }))
}

/** What a client has when all of an answer has come, and in how many pieces after the first it came. */
export async function delivered(graph: Supergraph, asked: Operation): Promise<{ readonly data: unknown; readonly pieces: number; readonly deliveries: readonly Delivery[] }> {
  const result = await graph.deliver?.(asked)
  if (!result || !(Symbol.asyncIterator in result)) throw new Error(`It was not answered in parts: ${JSON.stringify(result)}`)
  const deliveries: Delivery[] = []
  for await (const delivery of result) deliveries.push(structuredClone({ ...delivery, ...(delivery.errors && { errors: delivery.errors.map(error => error.toJSON() as never) }) }))
  return { data: merged(deliveries), pieces: deliveries.length - 1, deliveries }
}

/** As clients put the pieces together. Fails where a piece belongs to nothing that came before it, and where the end is not told with the last. */
export function merged(deliveries: readonly Pick<Delivery, 'data' | 'incremental' | 'hasNext'>[]): unknown {
  const data: unknown = JSON.parse(JSON.stringify(deliveries[0]?.data))
  for (const [index, { incremental = [], hasNext }] of deliveries.entries()) {
    if (hasNext !== index < deliveries.length - 1) throw new Error(`Delivery ${index} of ${deliveries.length} says hasNext ${hasNext}.`)
    for (const { path, data: part } of incremental) {
      const place = path.reduce<unknown>((at, step) => (at as Place | undefined)?.[step], data)
      if (typeof place !== 'object' || place === null) throw new Error(`Nothing stands at ${path.join('.')}.`)
      merge(place as Place, JSON.parse(JSON.stringify(part)) as Place)
    }
  }
  return data
}

function merge(into: Place, part: Place): void {
  for (const [key, value] of Object.entries(part ?? {})) {
    const known = into[key]
    if (typeof known === 'object' && known !== null && typeof value === 'object' && value !== null) merge(known as Place, value as Place)
    else into[key] = value
  }
}
