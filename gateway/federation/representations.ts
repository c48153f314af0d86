import type { FlattenNodePathSegment, RequiresSelection } from '@graphql-hive/router-query-planner'
import type { Failures } from './failures.ts'
import { rewrite } from './rewrites.ts'
import { isObject, type Data } from './shape.ts'
import type { Place } from './steps.ts'
import type { Types } from './types.ts'

/** Entities of one place, each representation once: `targets[i]` are the objects in the data that representation i stands for. */
export interface Represented {
  readonly representations: readonly Data[]
  /** The same as JSON. */
  readonly texts: readonly string[]
  readonly targets: readonly (readonly Data[])[]
}

/**
 * What stands for the place's entities. An object whose key is unknown has none: a null key names nothing, and of one that a failed fetch was to bring the failure
 * is noted for the fields that now cannot be fetched either.
 */
export function represent(data: Data, place: Place, variables: Readonly<Record<string, unknown>>, types: Types, failures: Failures): Represented {
  const objects = new Set(place.paths.flatMap(path => [...at(data, path, types)]))
  const places = new Map<string, number>()
  const representations: Data[] = []
  const texts: string[] = []
  const targets: Data[][] = []
  for (const object of objects) {
    const found = new Builder(variables, types, failures).build(object, place.requires)
    if (found.reason !== undefined) failures.miss(object, place.shape, found.reason)
    if (!found.representation) continue
    rewrite(found.representation, place.inputs, types)
    const text = JSON.stringify(found.representation, (_key, value) => (typeof value === 'bigint' ? String(value) : value))
    const index = places.get(text)
    if (index === undefined) {
      places.set(text, representations.length)
      representations.push(found.representation)
      texts.push(text)
      targets.push([object])
    } else targets[index]?.push(object)
  }
  return { representations, texts, targets }
}

/** Objects at the path; `@` stands for a list of any depth. */
function* at(value: unknown, path: readonly FlattenNodePathSegment[], types: Types): Generator<Data> {
  const [segment, ...rest] = path
  if (Array.isArray(value)) {
    const below = segment === '@' ? rest : path
    for (const item of value) yield* at(item, Array.isArray(item) ? path : below, types)
  } else if (isObject(value)) {
    if (segment === undefined) yield value
    else if (segment === '@') yield* at(value, rest, types)
    else if ('Field' in segment) yield* at(value[segment.Field], rest, types)
    else if (segment.TypeCondition.some(name => types.satisfies(value['__typename'], name))) yield* at(value, rest, types)
  }
}

class Builder {
  readonly #variables: Readonly<Record<string, unknown>>
  readonly #types: Types
  readonly #failures: Failures
  #isComplete = true
  #reason: unknown

  constructor(variables: Readonly<Record<string, unknown>>, types: Types, failures: Failures) {
    this.#variables = variables
    this.#types = types
    this.#failures = failures
  }

  build(object: Data, requires: readonly RequiresSelection[]): { readonly representation?: Data; readonly reason?: unknown } {
    const representation: Data = {}
    const typename = object['__typename']
    this.#fill(representation, object, requires)
    if (!this.#isComplete) return { reason: this.#reason }
    const isNamed = Object.entries(representation).some(([key, value]) => key !== '__typename' && value !== null)
    if (!isNamed) return {}
    representation['__typename'] ??= typename ?? requires.find(selection => selection.kind === 'InlineFragment')?.typeCondition
    return { representation }
  }

  #fill(into: Data, object: Data, selections: readonly RequiresSelection[]): void {
    for (const selection of selections) {
      if (selection.kind === 'FragmentSpread') continue
      if (selection.kind === 'InlineFragment') {
        const isOut = (selection.skipIf && this.#variables[selection.skipIf] === true) || (selection.includeIf && this.#variables[selection.includeIf] === false)
        if (isOut || !this.#types.satisfies(object['__typename'], selection.typeCondition)) continue
        // Of an interface or union: who is handed the object has to know which of its types it is.
        if (object['__typename'] !== undefined) into['__typename'] ??= object['__typename']
        this.#fill(into, object, selection.selections)
        continue
      }
      const { name, alias = name, selections: below } = selection
      const value = object[name]
      if (value === undefined) {
        if (name === '__typename') continue
        this.#isComplete = false
        this.#reason ??= this.#failures.reasonFor(object, name)
      } else into[alias] = below?.length ? this.#value(into[alias], value, below) : value
    }
  }

  #value(known: unknown, value: unknown, selections: readonly RequiresSelection[]): unknown {
    if (Array.isArray(value)) return value.map((item, index) => this.#value(Array.isArray(known) ? known[index] : undefined, item, selections))
    if (!isObject(value)) return value
    const nested = isObject(known) ? known : {}
    this.#fill(nested, value, selections)
    return nested
  }
}
