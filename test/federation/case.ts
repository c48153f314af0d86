import type { Subgraph } from '../../resolvers/subgraph.ts'
import type { Calls } from '../support/federation-ways.ts'

export interface Case {
  /** A sentence about the graph. */
  readonly title: string
  readonly subgraphs: readonly Subgraph[]
  readonly asks: readonly Ask[]
}

export interface Ask {
  readonly query: string
  readonly variables?: Readonly<Record<string, unknown>>
  /** Decides, where fields move by percentage, on which side the request falls. */
  readonly requestId?: string
  /** Of a subscription: the data of each event. */
  readonly data: unknown
  /** Path and code of each error, in any order; FAILED: what a resolver threw. */
  readonly errors?: readonly (readonly [path: string, code: string])[]
  /** Requests it takes, where that is part of the promise. */
  readonly calls?: Calls
}

/** A resolver that fails with what nobody may read who is not its operator. */
export function fails(): never {
  throw new Error('secret detail')
}

/** Finds by id; null for what is not there. */
export const byId = <T extends { readonly id: string }>(list: readonly T[]) => (representation: Readonly<Record<string, unknown>>): T | null =>
  list.find(({ id }) => id === representation['id']) ?? null
