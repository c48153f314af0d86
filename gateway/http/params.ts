import { HubError, type Problem } from '../../schema/errors.ts'

/** A GraphQL request, whatever carried it. */
export interface Params {
  readonly query?: string
  readonly operationName?: string
  readonly variables: Readonly<Record<string, unknown>>
  readonly extensions?: Readonly<Record<string, unknown>>
}

type Fields = Readonly<Record<string, unknown>>

/** The operations of a body that is a list, each to be looked at by itself; undefined where the body is none. As many as are allowed, or BAD_USER_INPUT. */
export function batchOf(body: unknown, maxBatch: number): readonly unknown[] | undefined {
  if (!Array.isArray(body) || maxBatch === 0) return undefined
  if (body.length === 0) throw new HubError('BAD_USER_INPUT', 'The body is an empty list; a list of operations is expected.')
  if (body.length > maxBatch) throw new HubError('BAD_USER_INPUT', `The body is a list of ${body.length} operations; ${maxBatch} are taken in one request. Send several requests.`, { limits: { batch: maxBatch } })
  return body
}

/** The parameters of a request body. Fails with BAD_USER_INPUT that lists everything that is not as the specification has it. */
export function paramsOf(body: unknown, maxVariableDepth: number): Params {
  if (Array.isArray(body)) throw new HubError('BAD_USER_INPUT', 'The body is a list; several operations in one request are not taken. Send one after the other, or one with several fields.')
  if (!isObject(body)) throw new HubError('BAD_USER_INPUT', `The body is ${kind(body)}; an object with "query", and optionally "variables", "operationName" and "extensions", is expected.`)
  const problems: Problem[] = []
  const expect = <T>(name: string, what: string, fits: (value: unknown) => value is T): T | undefined => {
    const value = body[name]
    if (value === undefined || value === null) return undefined
    if (fits(value)) return value
    problems.push({ path: name, message: `"${name}" is ${kind(value)}; ${what} is expected.` })
    return undefined
  }
  const query = expect('query', 'a text', isString)
  const operationName = expect('operationName', 'a text', isString)
  const variables = expect('variables', 'an object', isObject) ?? {}
  const extensions = expect('extensions', 'an object', isObject)
  if (!query && !problems.some(({ path }) => path === 'query') && !extensions?.['persistedQuery']) {
    problems.push({ path: 'query', message: '"query" is missing; it is the text of a GraphQL document, unless extensions.persistedQuery names one.' })
  }
  if (problems.length > 0) throw new HubError('BAD_USER_INPUT', problems.map(({ message }) => message).join(' '), { problems })
  if (deeperThan(variables, maxVariableDepth)) {
    throw new HubError('QUERY_TOO_COMPLEX', `The variables nest more than ${maxVariableDepth} lists and objects inside one another, which is the limit.`, { limits: { variableDepth: maxVariableDepth } })
  }
  return { ...(query ? { query } : {}), ...(operationName ? { operationName } : {}), variables, ...(extensions ? { extensions } : {}) }
}

/** The same from the search part of a URL, where objects are JSON texts. */
export function paramsOfSearch(search: URLSearchParams, maxVariableDepth: number): Params {
  const one = (name: string): string | undefined => {
    const all = search.getAll(name)
    if (all.length > 1) throw new HubError('BAD_USER_INPUT', `The URL has ${all.length} parameters "${name}"; one is expected.`)
    return all[0]
  }
  const json = (name: string): unknown => {
    const text = one(name)
    if (text === undefined || text === '') return undefined
    try {
      return JSON.parse(text)
    } catch (cause) {
      throw new HubError('BAD_USER_INPUT', `The parameter "${name}" of the URL is not JSON.`, {}, { cause })
    }
  }
  return paramsOf({ query: one('query'), operationName: one('operationName') || undefined, variables: json('variables'), extensions: json('extensions') }, maxVariableDepth)
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function kind(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function deeperThan(value: unknown, limit: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return limit === 0 || Object.values(value).some(each => deeperThan(each, limit - 1))
}
