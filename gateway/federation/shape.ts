import type { OutputRewrite } from '@graphql-hive/router-query-planner'
import { Kind, type DocumentNode, type FieldNode, type SelectionSetNode } from 'graphql'

/** Keys an operation asks for, with what is below those that are objects: it tells objects from scalars whose values look alike. */
export type Shape = Map<string, Shape | undefined>

export type Data = Record<string, unknown>

/** What an operation fills: at its root or, given an alias, on each entity of the field under that alias. Keys the plan renames stand under both names. */
export function shapeOf(document: DocumentNode, alias: string | undefined, outputs: readonly OutputRewrite[]): Shape {
  const fragments = new Map(document.definitions.flatMap(node => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node.selectionSet] as const] : [])))
  const fields = function* (set: SelectionSetNode | undefined): Generator<FieldNode> {
    for (const node of set?.selections ?? []) {
      if (node.kind === Kind.FIELD) yield node
      else yield* fields(node.kind === Kind.INLINE_FRAGMENT ? node.selectionSet : fragments.get(node.name.value))
    }
  }
  const shape: Shape = new Map()
  const add = (into: Shape, set: SelectionSetNode) => {
    for (const node of fields(set)) {
      const key = node.alias?.value ?? node.name.value
      const below = node.selectionSet ? into.get(key) ?? new Map() : undefined
      into.set(key, below)
      if (node.selectionSet && below) add(below, node.selectionSet)
    }
  }
  const operation = document.definitions.find(node => node.kind === Kind.OPERATION_DEFINITION)
  if (operation) add(shape, operation.selectionSet)
  const wanted = alias === undefined ? shape : shape.get(alias) ?? new Map()
  for (const rewrite of outputs) if ('KeyRenamer' in rewrite) rename(wanted, rewrite.KeyRenamer.path.flatMap(part => ('Key' in part ? [part.Key] : [])), rewrite.KeyRenamer.renameKeyTo)
  return wanted
}

function rename(shape: Shape, path: readonly string[], to: string): void {
  const last = path.at(-1)
  let at: Shape | undefined = shape
  for (const key of path.slice(0, -1)) at = at?.get(key)
  if (at && last !== undefined && !at.has(to)) at.set(to, at.get(last))
}

/**
 * Adds what a fetch answered to what is known of the same object. What is known stays where the answer has nothing, and a concrete type replaces an interface's
 * name. Objects of the answer may come to stand in several places: they are the same entity's wherever they do.
 */
export function merge(target: Data, answer: Data, shape: Shape, isObjectType: (name: unknown) => boolean): void {
  for (const [key, value] of Object.entries(answer)) {
    const below = shape.get(key)
    if (below) target[key] = mergeValue(target[key], value, below, isObjectType)
    else if (key === '__typename') target[key] = isObjectType(target[key]) ? target[key] : value
    else if (value !== null || target[key] === undefined) target[key] = value
  }
}

export function mergeValue(known: unknown, value: unknown, shape: Shape, isObjectType: (name: unknown) => boolean): unknown {
  if (value === null || value === undefined) return known === undefined ? value : known
  if (Array.isArray(value)) {
    const items = Array.isArray(known) && known.length === value.length ? known : []
    return items.length === 0 ? value : value.map((item, index) => mergeValue(items[index], item, shape, isObjectType))
  }
  if (!isObject(value) || !isObject(known)) return value
  merge(known, value, shape, isObjectType)
  return known
}

export function isObject(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
