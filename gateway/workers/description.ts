import type { Model } from '../../schema/model.ts'
import type { Assembly } from '../assembly/assemble.ts'

/** What a worker has to know of the graph to read entries by key as the owner would. Plain data. */
export interface Description {
  /** The composed SDL. */
  readonly sdl: string
  readonly model: Model
  readonly subgraphs: readonly DescribedSubgraph[]
  readonly regions: readonly DescribedRegion[]
}

export interface DescribedSubgraph {
  readonly name: string
  /** Absent: it is not the hub's own, or has no entries. */
  readonly sdl?: string
  /** Fields that have a resolver, `Type.field`. */
  readonly resolved: readonly string[]
}

/** Of one region or kept view. */
export interface DescribedRegion {
  /** The entity's type. */
  readonly type: string
  /** Of the region in the store. */
  readonly name: string
  /** Every row is in it: a key it lacks has none. */
  readonly isComplete: boolean
  /** Whether its entries last until somebody changes them. */
  readonly isLasting: boolean
  /** Whether it writes JSON itself. */
  readonly writesJson: boolean
}

export function describe({ model, held, subgraphs, foreign, supergraph: { sdl } }: Assembly): Description {
  return {
    sdl,
    model,
    subgraphs: [
      ...subgraphs.map(({ name, sdl: own, fields }) => ({
        name, resolved: Object.entries(fields).flatMap(([type, members]) => Object.keys(members).map(field => `${type}.${field}`)), ...(name === 'regions' || name === 'views' ? { sdl: own } : {}),
      })),
      ...foreign.map(({ service }) => ({ name: service.name, resolved: [] })),
    ],
    regions: model.entities.flatMap(({ name, type, complete: isComplete }) => {
      const region = held.get(name)?.region
      if (!region) return []
      const { name: stored, expiry } = region.definition
      return [{ type, name: stored, isComplete, isLasting: Object.values(expiry).every(limitMs => limitMs === undefined), writesJson: region.getJson !== undefined }]
    }),
  }
}

