import type { Problem } from '../../schema/errors.ts'
import type { AnsweredError } from '../http/errors.ts'
import { problemOf } from '../http/errors.ts'
import type { RouteAnswer } from '../http/routes.ts'

/** An error as the routes answer it: RFC 9457, each single mistake in `errors` with its place in the request. `members` are names the graph has for members of the body, and the body's own. */
export function problem(members: Readonly<Record<string, string>> = {}): (error: AnsweredError) => RouteAnswer {
  return error => {
    const { problems, status: closer, in: written, ...rest } = error.extensions as AnsweredError['extensions'] & { readonly problems?: readonly Problem[]; readonly in?: 'query' | 'body' }
    const status = typeof closer === 'number' ? closer : rest.http.status
    const type = rest.code.toLowerCase()
    // With `in`, the names are the client's own already.
    const errors = problems?.map(({ path, message }) => ({ loc: [written ?? 'body', ...placeOf(path, written ? {} : members)], msg: message, type }))
    const body = { ...problemOf({ ...error, extensions: { ...rest, http: { status } } }), ...(errors ? { errors } : {}) }
    return { status, headers: { 'content-type': 'application/problem+json; charset=utf-8' }, body: JSON.stringify(body) }
  }
}

/** `cacheRegions[0]` → `cache_regions`, 0. */
function placeOf(path: string, members: Readonly<Record<string, string>>): (string | number)[] {
  const parts = [...path.matchAll(/\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|([^.[\]]+)/g)]
  return parts.map(([, index, quoted, name = '']) => (index !== undefined ? Number(index) : (quoted ?? (Object.hasOwn(members, name) ? members[name] : undefined) ?? name)))
}
