import type { GraphQLFieldResolver, GraphQLScalarType } from 'graphql'
import type { Context } from './context.ts'

/** A reference as a gateway sends it: `__typename`, the fields of one key, and what `@requires` asked for; values as GraphQL serialised them. */
export type Representation = Readonly<Record<string, unknown>> & { readonly __typename: string }

/** How a field is found: a resolver, or for a subscription's root field where its events come from. The parent's type is each resolver's own to say. */
export type FieldResolution =
  | GraphQLFieldResolver<never, Context>
  | { readonly subscribe: GraphQLFieldResolver<never, Context>; readonly resolve?: GraphQLFieldResolver<never, Context> }

/** A Federation 2 subgraph: its SDL (with `extend schema @link(…)`) and how each field is answered. Fields without a resolver read the property of their name. */
export interface Subgraph {
  readonly name: string
  readonly sdl: string
  readonly fields: Readonly<Record<string, Readonly<Record<string, FieldResolution>>>>
  readonly scalars: readonly GraphQLScalarType[]
  /**
   * Per entity type: one object per representation, in order; null where there is none. Called once per type and `_entities` field, with all representations of that type.
   */
  readonly entities: Readonly<Record<string, (representations: readonly Representation[], context: Context) => Promise<readonly unknown[]>>>
}

/** The fields of several parts, type by type; types without any are left out. */
export function mergeFields(...parts: readonly Subgraph['fields'][]): Subgraph['fields'] {
  const merged: Record<string, Record<string, FieldResolution>> = {}
  for (const part of parts) for (const [type, fields] of Object.entries(part)) merged[type] = { ...merged[type], ...fields }
  return Object.fromEntries(Object.entries(merged).filter(([, fields]) => Object.keys(fields).length > 0))
}
