import {
  defaultTypeResolver, GraphQLError, isAbstractType, isLeafType, isListType, isNonNullType, isObjectType,
  type GraphQLAbstractType, type GraphQLList, type GraphQLNullableType, type GraphQLObjectType, type GraphQLOutputType,
} from 'graphql'
import { inspect } from 'graphql/jsutils/inspect.js'
import type { Path } from 'graphql/jsutils/Path.js'
import { certainType, findAhead, isInList, objectsIn } from './ahead.ts'
import type { Execution } from './execution.ts'
import { hasProperties, type Field } from './field.ts'
import { Position, type Complete } from './position.ts'
import { possibleType } from './runtime-type.ts'
import { pathAt, type Selection } from './selection.ts'
import { JsonText } from './verbatim.ts'
import { isPromise, later } from './waiting.ts'

/** How values of the type become parts of the answer, at a field or at the items of its lists. */
export function completer(type: GraphQLOutputType, field: Field): Complete {
  const { nothing } = field.form
  if (!isNonNullType(type)) {
    const complete = ofValue(type, field)
    return (x, value, prev, key) => (value === null || value === undefined ? nothing : complete(x, value, prev, key))
  }
  const complete = ofValue(type.ofType, field)
  return (x, value, prev, key) => {
    if (value === null || value === undefined) throw new Error(`Cannot return null for non-nullable field ${field.parent.name}.${field.name}.`)
    return complete(x, value, prev, key)
  }
}

/** For values that are not null. An error in place of a value is thrown. */
function ofValue(type: GraphQLNullableType & GraphQLOutputType, field: Field): Complete {
  if (isLeafType(type)) {
    const leaf = field.form.leaf(type)
    return (_x, value) => {
      if (value instanceof Error) throw value
      return leaf(value)
    }
  }
  if (isListType(type)) return ofList(type, field)
  const complete = isObjectType(type) ? ofObject(type, field) : isAbstractType(type) ? ofAbstract(type, field) : undefined
  if (!complete) throw new Error(`Cannot complete value of unexpected output type: ${inspect(type)}`)
  return (x, value, prev, key) => {
    if (value instanceof Error) throw value
    return complete(x, value, prev, key)
  }
}

function ofList(type: GraphQLList<GraphQLOutputType>, field: Field): Complete {
  const write = field.form.list(new Position(type.ofType, field))
  const item = certainType(type)
  return (x, value, prev, key) => {
    if (value instanceof Error) throw value
    if (value instanceof JsonText) return value.json
    if (!isIterable(value)) throw new GraphQLError(`Expected Iterable, but did not find one for field "${field.parent.name}.${field.name}".`)
    const path = pathAt(field, prev, key)
    const waited = item && !isInList(path) ? aheadOf(x, field.selections.of(x, item), value, path) : undefined
    return waited ? later(x, waited, () => write(x, value, path)) : write(x, value, path)
  }
}

/** Lists inside of lists are looked at with the outermost: many small ones would be many reads. */
function aheadOf(x: Execution, selection: Selection, values: unknown, path: Path): Promise<unknown> | undefined {
  if (selection.ahead(x).length === 0 || !Array.isArray(values)) return undefined
  const objects = objectsIn(values)
  return objects.length > 0 ? findAhead(x, selection, objects, path) : undefined
}

function ofObject(type: GraphQLObjectType, field: Field): Complete {
  return (x, value, prev, key) => completeAs(x, field.selections.of(x, type), value, prev, key)
}

function ofAbstract(type: GraphQLAbstractType, field: Field): Complete {
  const resolveType = type.resolveType ?? defaultTypeResolver
  const isDefault = resolveType === defaultTypeResolver
  return (x, value, prev, key) => {
    if (isDefault && hasProperties(value) && typeof value['__typename'] === 'string') {
      return completeAs(x, field.selections.of(x, possibleType(x, type, value['__typename'], value, field)), value, prev, key)
    }
    const name: unknown = resolveType(value, x.context, x.info(field, prev, key), type)
    const complete = (resolved: unknown) => completeAs(x, field.selections.of(x, possibleType(x, type, resolved, value, field)), value, prev, key)
    return isPromise(name) ? later(x, name, complete) : complete(name)
  }
}

/** The object's fields, once it is known to be of the type. */
function completeAs(x: Execution, selection: Selection, value: unknown, prev: Path | undefined, key: string | number): unknown {
  const { type, field } = selection
  if (!type.isTypeOf || !field) return selection.write(x, value, prev, key)
  const is = type.isTypeOf(value, x.context, x.info(field, prev, key))
  const complete = (isOfType: unknown) => {
    if (!isOfType) throw new GraphQLError(`Expected value of type "${type.name}" but got: ${inspect(value)}.`, { nodes: field.nodes })
    return selection.write(x, value, prev, key)
  }
  return isPromise(is) ? later(x, is, complete) : complete(is)
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && typeof (value as Iterable<unknown>)[Symbol.iterator] === 'function'
}
