import DataLoader from 'dataloader'
import type { GraphQLFieldResolver, GraphQLResolveInfo } from 'graphql'
import type { Context } from './context.ts'

/**
 * The fetch's own loader for one purpose: all keys asked for in one turn become one read, which answers per key, in order. `purpose` is the same object (or text) for
 * calls that may share a read; `reader` makes it for the first of them.
 */
export function batched<Key, Value>(context: Context, purpose: object, variant: string, reader: () => (keys: readonly Key[]) => Promise<readonly Value[]>): DataLoader<Key, Value> {
  const variants = (context.perFetch.get(purpose) ?? new Map()) as Map<string, DataLoader<Key, Value>>
  context.perFetch.set(purpose, variants)
  const known = variants.get(variant)
  if (known) return known
  const loader = new DataLoader<Key, Value>(reader(), { maxBatchSize: 10_000 })
  variants.set(variant, loader)
  return loader
}

/** Answers a field of many parents with one read: a value per parent, in their order, or an error in the place of any. `info` is that of the first; its path has no place in a list. */
export type ResolveAll<Parent, Arguments> = (parents: readonly Parent[], args: Arguments, context: Context, info: GraphQLResolveInfo) => Promise<readonly unknown[]>

/** The loader a field's node was last resolved with. */
interface Loading<Parent> {
  readonly resolve: object
  readonly loader: DataLoader<Parent, unknown>
}

const all = new WeakMap<object, ResolveAll<never, never>>()

/**
 * A resolver of one parent that shares its read with those of the same turn and the same arguments. Whoever has all parents at hand asks `resolveAll` itself, see `resolveAllOf`;
 * so it must be a function of nothing but what it is given.
 */
export function batchResolver<Parent extends object, Arguments extends object>(resolveAll: ResolveAll<Parent, Arguments>): GraphQLFieldResolver<Parent, Context, Arguments> {
  const resolve = (parent: Parent, args: Arguments, context: Context, info: GraphQLResolveInfo): Promise<unknown> => {
    const [node] = info.fieldNodes
    const known = node && (context.perFetch.get(node) as Loading<Parent> | undefined)
    // A fragment on an interface has one node for the resolvers of several types.
    if (known?.resolve === resolve) return known.loader.load(parent)
    const loader = batched<Parent, unknown>(context, resolve, JSON.stringify(args, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one)), () => parents => resolveAll(parents, args, context, info) as Promise<readonly unknown[]>)
    if (node) context.perFetch.set(node, { resolve, loader })
    return loader.load(parent)
  }
  all.set(resolve, resolveAll as ResolveAll<never, never>)
  return resolve
}

/** How a resolver answers many parents at once; undefined for one that does not. */
export function resolveAllOf(resolver: object): ResolveAll<unknown, unknown> | undefined {
  return all.get(resolver) as ResolveAll<unknown, unknown> | undefined
}
