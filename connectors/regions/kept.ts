import type { Row } from '../../schema/values.ts'
import type { Entry } from '../ports/region-store.ts'

/** What the region keeps in an entry beside the columns of its definition. */
export interface Hidden {
  readonly version: number
  readonly writtenAtMs: number
  readonly createdAtMs: number
  /** Came by `fill`, untold. */
  readonly filled: boolean
}

/** An entry as its store keeps it. */
export interface Kept extends Hidden {
  readonly tenant: string
  readonly key: string
  readonly row: Row
}

export function entryOf({ key, row, version, writtenAtMs }: Kept): Entry {
  return { key, row, version, writtenAtMs }
}

/** Names an entry within its region. */
export function identity({ tenant, key }: Pick<Kept, 'tenant' | 'key'>): string {
  return `${tenant}\u0000${key}`
}
