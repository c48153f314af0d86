import type { z } from 'zod'
import { HubError, type Problem } from '../../schema/errors.ts'
import { asProblem, findings } from '../../schema/findings.ts'
import type { About, Route, RouteAnswer, RouteEvents, RouteRequest } from '../http/routes.ts'
import { problem } from './problem.ts'

interface Definition<Query extends z.ZodObject, Body extends z.ZodType> extends Omit<Route, 'answer' | 'about'>, Omit<About, 'query' | 'body'> {
  readonly query?: Query
  readonly body?: Body
  readonly answer: (request: RouteRequest, given: { readonly query: z.output<Query>; readonly body: z.output<Body> }) => Promise<RouteAnswer | RouteEvents>
}

/** A route whose query and body are checked by the schemas that /openapi.json shows. A query it does not declare is not looked at. */
export function route<Query extends z.ZodObject = z.ZodObject, Body extends z.ZodType = z.ZodUndefined>(definition: Definition<Query, Body>): Route {
  const { method, path, open, failure = problem(), summary, query, body, answers, produces, answer } = definition
  const about = { summary, query, body, answers, produces }
  return {
    method, path, open, failure, about,
    answer: async request => answer(request, {
      query: (query ? within('query', query, Object.fromEntries(request.url.searchParams)) : {}) as z.output<Query>,
      body: (body ? within('body', body, await request.json()) : undefined) as z.output<Body>,
    }),
  }
}

/** The input in the form of the schema. A word that is none of those taken → BAD_USER_INPUT, any other mistake of form → VALIDATION_ERROR; both with all mistakes, by the names the client wrote. */
function within<Schema extends z.ZodType>(where: 'query' | 'body', schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const problems: Problem[] = findings(schema, input).map(asProblem)
  const code = parsed.error.issues.every(isOfWord) ? 'BAD_USER_INPUT' : 'VALIDATION_ERROR'
  throw new HubError(code, problems.map(one => one.message).join(' '), { problems, in: where })
}

function isOfWord(issue: z.core.$ZodIssue): boolean {
  if (issue.code === 'invalid_union') return issue.errors.some(errors => errors.length > 0 && errors.every(isOfWord))
  return issue.code === 'invalid_value'
}
