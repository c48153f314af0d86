import type { FetchNodePathSegment, FetchRewrite } from '@graphql-hive/router-query-planner'
import { isObject, type Data } from './shape.ts'
import type { Types } from './types.ts'

/** Renames keys and sets values as the plan says, in place; lists are passed through. */
export function rewrite(value: unknown, rewrites: readonly FetchRewrite[], types: Types): void {
  for (const one of rewrites) {
    if ('KeyRenamer' in one) {
      const { path, renameKeyTo } = one.KeyRenamer
      atEnd(value, path, types, (holder, key) => {
        if (!(key in holder)) return
        holder[renameKeyTo] = holder[key]
        delete holder[key]
      })
    } else {
      const { path, setValueTo } = 'ValueSetter' in one ? one.ValueSetter : one
      atEnd(value, path, types, (holder, key) => {
        holder[key] = setValueTo
      })
    }
  }
}

/** The path of an error in an answer, with the keys the rewrites give. Types are not known here: a renamed key is the plan's own and stands nowhere else. */
export function rewritePath(path: readonly (string | number)[], rewrites: readonly FetchRewrite[]): (string | number)[] {
  const result = [...path]
  for (const one of rewrites) {
    if (!('KeyRenamer' in one)) continue
    const keys = one.KeyRenamer.path.flatMap(part => ('Key' in part ? [part.Key] : []))
    let matched = 0
    for (const [index, part] of result.entries()) {
      if (typeof part === 'number') continue
      if (part !== keys[matched]) break
      matched += 1
      if (matched === keys.length) {
        result[index] = one.KeyRenamer.renameKeyTo
        break
      }
    }
  }
  return result
}

function atEnd(value: unknown, path: readonly FetchNodePathSegment[], types: Types, change: (holder: Data, key: string) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) atEnd(item, path, types, change)
    return
  }
  const [segment, ...rest] = path
  if (!isObject(value) || !segment) return
  if ('TypenameEquals' in segment) {
    if (segment.TypenameEquals.some(name => types.satisfies(value['__typename'], name))) atEnd(value, rest, types, change)
  } else if (rest.length === 0) change(value, segment.Key)
  else atEnd(value[segment.Key], rest, types, change)
}
