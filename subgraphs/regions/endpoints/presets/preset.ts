import type { EndpointInput, RegionInput } from '../../../../schema/catalog.ts'
import type { Row } from '../../../../schema/values.ts'

/** A ready-made endpoint over a region of its own, as a catalog file would declare the two, with rows to try it on. */
export interface Preset {
  readonly name: 'SESSION_LOOKUP' | 'ASSET_METADATA' | 'METRICS_REALTIME' | 'FEATURE_STORE'
  readonly title: string
  readonly description: string
  readonly region: { readonly name: string; readonly definition: RegionInput }
  readonly endpoint: { readonly path: string; readonly definition: EndpointInput }
  /** Always the same, by column, canonical. */
  readonly rows: readonly Row[]
  /** Parameters that find one of the rows. */
  readonly example: Readonly<Record<string, string | readonly string[]>>
}

/** `count` of something, each made of its number from 0. */
export function numbered<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index))
}

/** The member of the list at this place, going round. */
export function round<T>(list: readonly [T, ...T[]], index: number): T {
  return list[index % list.length] ?? list[0]
}

/** A minute of 2024's first day after another, as a DateTime. */
export function minute(index: number): string {
  return `${new Date(Date.UTC(2024, 0, 1, 0, index)).toISOString().slice(0, 19)}Z`
}
