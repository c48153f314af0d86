import { getNamedType, isAbstractType, isCompositeType, type GraphQLCompositeType, type GraphQLSchema } from 'graphql'
import type { Canonical } from '../canonical.ts'
import type { Collector, Deferred, Fields } from '../collect.ts'
import type { Shape } from '../shape.ts'
import type { Place, Step } from '../steps.ts'

/** The answer that comes first, or one that follows. */
export type Part = 'first' | Deferred

type Fetch = Extract<Step, { kind: 'root' | 'entities' }>

/** For which parts of the answer each fetch of a plan is made, what it takes from others included. One that nobody asks for by name is made first. */
export function needsOf(step: Step, schema: GraphQLSchema, form: Canonical, collector: Collector, rootType: GraphQLCompositeType, fields: Fields): ReadonlyMap<Step, ReadonlySet<Part>> {
  const asked = new Map<string, Set<Part>>()
  const ask = (place: string, part: Part) => asked.set(place, (asked.get(place) ?? new Set<Part>()).add(part))
  const look = (type: GraphQLCompositeType, own: Fields, at: string, part: Part): void => {
    for (const nodes of own.values()) {
      const [node] = nodes
      if (!node) continue
      const place = `${at}.${form.keyOf.get(node) ?? node.alias?.value ?? node.name.value}`
      ask(place, part)
      const named = 'getFields' in type ? getNamedType(type.getFields()[node.name.value]?.type) : undefined
      if (!isCompositeType(named)) continue
      // What is asked of an object may depend on which of the types it is.
      if (isAbstractType(named)) ask(`${place}.__typename`, part)
      // An object of which nothing depends on its type may stay one of the interface.
      for (const each of isAbstractType(named) ? [named, ...schema.getPossibleTypes(named)] : [named]) look(each, collector.below(each, nodes), place, part)
    }
    for (const deferred of collector.deferredOf(own)) look(type, collector.part(deferred), at, deferred)
  }
  look(rootType, fields, '', 'first')

  const fetches = fetchesOf(step)
  const needs = new Map<Step, Set<Part>>(fetches.map(fetch => [fetch, new Set([...provided(fetch)].flatMap(place => [...(asked.get(place) ?? [])]))]))
  // What a later fetch takes from an earlier one.
  for (const [index, later] of [...fetches.entries()].reverse()) {
    const taken = takenBy(later)
    for (const earlier of fetches.slice(0, index)) {
      if ([...provided(earlier)].some(place => taken.has(place))) for (const part of needs.get(later) ?? []) needs.get(earlier)?.add(part)
    }
  }
  return needs
}

/** Fetches in the order they are begun in. */
function fetchesOf(step: Step): readonly Fetch[] {
  switch (step.kind) {
    case 'sequence':
    case 'parallel':
      return step.steps.flatMap(fetchesOf)
    case 'condition':
      return [step.yes, step.no].flatMap(branch => (branch ? fetchesOf(branch) : []))
    default:
      return [step]
  }
}

/** Places a fetch fills. */
function provided(fetch: Fetch): ReadonlySet<string> {
  const places = new Set<string>()
  const add = (shape: Shape, at: string): void => {
    for (const [key, below] of shape) {
      places.add(`${at}.${key}`)
      if (below) add(below, `${at}.${key}`)
    }
  }
  if (fetch.kind === 'root') add(fetch.shape, '')
  else for (const place of fetch.places) for (const at of pathsOf(place)) add(place.shape, at)
  return places
}

/** Places its entities are found by: on the way to them, and of them. */
function takenBy(fetch: Fetch): ReadonlySet<string> {
  const taken = new Set<string>()
  const add = (selections: Place['requires'], at: string): void => {
    for (const one of selections) {
      if (one.kind === 'InlineFragment') add(one.selections, at)
      else if (one.kind === 'Field' && one.name !== '__typename') {
        taken.add(`${at}.${one.name}`)
        add(one.selections ?? [], `${at}.${one.name}`)
      }
    }
  }
  for (const place of fetch.kind === 'entities' ? fetch.places : []) {
    for (const at of pathsOf(place)) {
      for (let end = at.length; end > 0; end = at.lastIndexOf('.', end - 1)) taken.add(at.slice(0, end))
      add(place.requires, at)
    }
  }
  return taken
}

function pathsOf({ paths }: Place): readonly string[] {
  return paths.map(path => path.map(segment => (typeof segment === 'object' && 'Field' in segment ? `.${segment.Field}` : '')).join(''))
}

/** The step with those of its fetches that `wanted` says; undefined where none is left. */
export function only(step: Step, wanted: (fetch: Step) => boolean): Step | undefined {
  switch (step.kind) {
    case 'sequence':
    case 'parallel': {
      const steps = step.steps.flatMap(child => only(child, wanted) ?? [])
      return steps.length > 0 ? { ...step, steps } : undefined
    }
    case 'condition': {
      const [yes, no] = [step.yes, step.no].map(branch => branch && only(branch, wanted))
      return yes || no ? { ...step, yes, no } : undefined
    }
    default:
      return wanted(step) ? step : undefined
  }
}
