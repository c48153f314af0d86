import type { GraphQLObjectType, GraphQLSchema } from 'graphql'
import { Collector, type Fields } from '../collect.ts'
import { CorePlan } from '../core/run.ts'
import { programOf } from '../core/program.ts'
import type { Plan } from '../plan.ts'
import type { Data } from '../shape.ts'
import type { Place } from '../steps.ts'
import type { Types } from '../types.ts'
import { mergerOf, type Merge } from './merge.ts'
import { representerOf, type Represent } from './represent.ts'
import { canGenerate, Second } from './source.ts'
import { writerOf, type Write } from './write.ts'

/** What is compiled for a place of entities. */
export interface PlaceProgram {
  readonly represent: Represent | undefined
  readonly merge: Merge
}

const ofPlaces = new WeakMap<Place, Second<PlaceProgram>>()

/** Undefined where the general way is to be gone. A place is of one supergraph, and so are its types. */
export function placeProgram(place: Place, types: Types): PlaceProgram | undefined {
  let program = ofPlaces.get(place)
  if (!program) {
    program = new Second(() => (canGenerate ? { represent: representerOf(place, types), merge: mergerOf(place.shape, types) } : undefined))
    ofPlaces.set(place, program)
  }
  return program.value
}

/** How answers of one plan are made of its data. */
export class Answering {
  /** The root's fields as nodes of the plan, which may have been made from an equal document. */
  readonly fields: Fields
  readonly collector: Collector
  /** Whether all it asks are behind URLs. */
  readonly isRemote: boolean
  readonly #plain: Second<Write>
  readonly #escaped: Second<Write>
  readonly #core: Second<CorePlan>

  /** The variables are those of any request with the plan: they decide the same for all. */
  constructor(schema: GraphQLSchema, plan: Plan, rootType: GraphQLObjectType, variables: Data, isRemote: boolean) {
    this.collector = new Collector(schema, plan.fragments, variables)
    this.fields = this.collector.root(rootType, plan.operation.selectionSet)
    const writer = (isPlain: boolean) => new Second(() => (canGenerate ? writerOf(schema, plan, this.collector, rootType, this.fields, isPlain) : undefined))
    this.#plain = writer(true)
    this.#escaped = writer(false)
    this.isRemote = isRemote
    this.#core = new Second(() => {
      const program = isRemote ? programOf(schema, plan, this.collector, rootType, this.fields) : undefined
      return program && new CorePlan(program)
    })
  }

  /** Undefined for a plan the core does not run. */
  get core(): CorePlan | undefined {
    return this.#core.value
  }

  /** The answer as JSON; undefined where the general way is to be gone. `isPlain`: no text of the data needs escapes. */
  write(data: Data, isPlain: boolean): string | undefined {
    return (isPlain ? this.#plain : this.#escaped).value?.(data)
  }
}
