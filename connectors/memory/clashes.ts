import type { Shaped } from '../regions/shape.ts'
import { type Clash, within } from '../regions/unique.ts'
import type { Rows } from './rows.ts'

/**
 * What the unique indexes have against writing these rows, of which no two have one key, while the keys of `removed` go and every other entry stays. Expired entries
 * that are in the way are no clash: they are added to `lapsed`, to leave in the same commit. Costs a look-up a row and index.
 */
export function clashesOf(rows: Rows, written: readonly Shaped[], removed: readonly string[], now: number, lapsed: number[]): Clash[] {
  if (rows.uniqueIndexes.length === 0) return []
  const clashes = within(rows.uniqueIndexes, written)
  const keys = new Set([...written.map(({ key }) => key), ...removed])
  const gone = new Set<number>()
  for (const index of rows.uniqueIndexes) {
    for (const { key, row } of written) {
      for (const id of index.holders(row)) {
        const holder = rows.key(id)
        if (keys.has(holder)) continue
        if (rows.isLive(id, now)) clashes.push({ key, columns: index.columns, row, holder })
        else gone.add(id)
      }
    }
  }
  lapsed.push(...gone)
  return clashes
}
