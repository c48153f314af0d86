import DataLoader from 'dataloader'
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
