import type { GraphQLObjectType, GraphQLSchema } from 'graphql'
import type { Collector, Fields } from '../collect.ts'
import type { Plan } from '../plan.ts'
import type { Call, Step } from '../steps.ts'
import { Image } from './image.ts'
import { Layouts, NotCovered, type EntityPlace } from './layout.ts'

/** A plan as the core runs it. */
export interface Program {
  readonly image: Uint8Array
  /** Where the image goes. */
  readonly from: number
  /** Shape of the root. */
  readonly root: number
  /** Writes the answer. */
  readonly writer: number
  readonly step: CoreStep
}

export type CoreStep =
  | { readonly kind: 'sequence' | 'parallel'; readonly steps: readonly CoreStep[] }
  /** `slot`: where the root keeps the answer. */
  | { readonly kind: 'root'; readonly call: Call; readonly shape: number; readonly slot: number }
  | { readonly kind: 'entities'; readonly call: Call; readonly shape: number; readonly places: readonly { readonly variable: string; readonly program: number }[] }

/** Undefined for a plan that has to be run the general way: what it asks for is found by rewrites, conditions, nested keys or in two answers at once. */
export function programOf(schema: GraphQLSchema, plan: Plan, collector: Collector, rootType: GraphQLObjectType, fields: Fields): Program | undefined {
  try {
    if (!plan.step) return undefined
    const layouts = new Layouts(schema, rootType)
    const image = new Image()
    // Shapes have room for what calls add: all calls have to be known first.
    const made = laidOut(layouts, plan.step)
    const step = made(image)
    return { root: image.shape(layouts.root), writer: image.writer(layouts, plan, collector, layouts.root, fields), step, from: image.from, image: image.bytes }
  } catch (error) {
    if (error instanceof NotCovered) return undefined
    throw error
  }
}

type Made = (image: Image) => CoreStep

function laidOut(layouts: Layouts, step: Step): Made {
  switch (step.kind) {
    case 'sequence':
    case 'parallel': {
      const steps = step.steps.map(one => laidOut(layouts, one))
      return image => ({ kind: step.kind, steps: steps.map(make => make(image)) })
    }
    case 'root': {
      if (step.outputs.length > 0) throw new NotCovered()
      const slot = layouts.addRoot(step)
      return image => ({ kind: 'root', call: step.call, slot, shape: image.shape(layouts.root.calls[slot]!) })
    }
    case 'entities': {
      const places = step.places.map((place): { alias: string; place: EntityPlace } => ({ alias: place.alias, place: layouts.addEntities(place, step.call.parsed) }))
      return image => ({ kind: 'entities', call: step.call, shape: image.answer(places.map(({ alias }) => alias)), places: places.map(({ place }) => ({ variable: place.variable, program: image.entities(place) })) })
    }
    case 'condition':
      throw new NotCovered()
  }
}
