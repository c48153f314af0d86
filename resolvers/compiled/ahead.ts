import { getNamedType, isObjectType, type GraphQLObjectType, type GraphQLOutputType } from 'graphql'
import type { Path } from 'graphql/jsutils/Path.js'
import { resolveAllOf } from '../loader.ts'
import type { Execution } from './execution.ts'
import { hasProperties, type Field } from './field.ts'
import { pathAt, type Selection } from './selection.ts'
import { isPromise } from './waiting.ts'

/** In the place of a value that could not be found. */
export class Failed {
  readonly raw: unknown

  constructor(raw: unknown) {
    this.raw = raw
  }
}

/** The type of the objects at a field or in its lists, where the schema alone says it. */
export function certainType(type: GraphQLOutputType): GraphQLObjectType | undefined {
  const named = getNamedType(type)
  return isObjectType(named) && !named.isTypeOf ? named : undefined
}

const reaching = new WeakMap<GraphQLObjectType, boolean>()

/** Whether any field of such an object answers many at once, or one of those below it that are properties. */
export function leadsToMany(type: GraphQLObjectType): boolean {
  const known = reaching.get(type)
  if (known !== undefined) return known
  const types = new Set([type])
  let leads = false
  for (const each of types) {
    for (const { resolve, type: value } of Object.values(each.getFields())) {
      const below = resolve ? undefined : certainType(value)
      if (below) types.add(below)
      leads ||= resolve !== undefined && resolveAllOf(resolve) !== undefined
    }
  }
  reaching.set(type, leads)
  return leads
}

/**
 * Asks each field that answers many parents at once, for all the objects of a list and then for those its answers consist of, level by level: what is written afterwards waits for nothing of
 * this, and each field of each level costs one read. The values are kept with the execution. Undefined where nothing has to be waited for.
 */
export function findAhead(x: Execution, selection: Selection, objects: readonly object[], path: Path): Promise<unknown> | undefined {
  const open: Promise<unknown>[] = []
  for (const field of selection.ahead(x)) {
    if (!field.answersMany) {
      const waited = findBelow(x, field, objects.map(object => propertyOf(object, field.name)), path)
      if (waited) open.push(waited)
      continue
    }
    const column = x.columnOf(field)
    open.push(field.valuesOf(x, objects, path).then(
      values => {
        for (const [index, object] of objects.entries()) column.set(object, values[index] ?? null)
        return findBelow(x, field, values, path)
      },
      (raw: unknown) => {
        const failed = new Failed(raw)
        for (const object of objects) column.set(object, failed)
      },
    ))
  }
  return open.length > 0 ? Promise.all(open) : undefined
}

/** The same for the objects these values are, or are lists of. */
function findBelow(x: Execution, field: Field, values: readonly unknown[], path: Path): Promise<unknown> | undefined {
  const type = certainType(field.type)
  const selection = type && field.selections.of(x, type)
  if (!selection || selection.ahead(x).length === 0) return undefined
  const objects = objectsIn(values)
  return objects.length > 0 ? findAhead(x, selection, objects, pathAt(field, path, field.key)) : undefined
}

function propertyOf(object: object, name: string): unknown {
  try {
    return (object as Readonly<Record<string, unknown>>)[name]
  } catch {
    return undefined // it is read again when it is written, and told there
  }
}

/** The objects in a list and in the lists it has. */
export function objectsIn(values: readonly unknown[]): readonly object[] {
  return values.flat(Number.POSITIVE_INFINITY).filter(isObject)
}

function isObject(value: unknown): value is object {
  return hasProperties(value) && typeof value !== 'function' && !Array.isArray(value) && !(value instanceof Error) && !isPromise(value)
}

/** Whether the place is inside of a list. */
export function isInList(path: Path | undefined): boolean {
  for (let at = path; at; at = at.prev) if (typeof at.key === 'number') return true
  return false
}
