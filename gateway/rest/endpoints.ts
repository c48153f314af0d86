import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'
import { closed } from '../../schema/findings.ts'
import { didYouMean } from '../../schema/names.ts'
import type { ColumnType } from '../../schema/values.ts'
import type { Hub } from '../hub.ts'
import type { Route, RouteAnswer, RouteRequest } from '../http/routes.ts'
import { pageQuery } from './forms.ts'
import { operation } from './operation.ts'
import { problem } from './problem.ts'
import { Reads } from './reads.ts'
import { route } from './route.ts'

export interface Endpoint {
  readonly path: string
  readonly description: string | null
  readonly cacheRegions: readonly { readonly name: string }[]
  readonly query: string
  readonly cacheKeyPattern: string
  readonly ttlSeconds: number
  readonly strict: boolean
  readonly parameters: readonly { readonly name: string; readonly type: ColumnType; readonly list: boolean; readonly required: boolean }[]
}

const members = 'path description cacheRegions { name } query cacheKeyPattern ttlSeconds strict parameters { name type list required }'

const run = operation<{ apiQuery: { rows: readonly unknown[]; rowCount: number; cache: { status: 'HIT' | 'MISS'; ageMs: number; ttlSeconds: number }; tookMs: number; warnings: readonly string[] } }>(
  'query RestQuery($path: String!, $params: JSONObject!) { apiQuery(path: $path, params: $params) { rows rowCount cache { status ageMs ttlSeconds } tookMs warnings } }',
)
const register = operation<{ registerApiEndpoint: { endpoint: Endpoint } }>(
  `mutation RestRegister($input: ApiEndpointInput!, $idempotencyKey: String) { registerApiEndpoint(input: $input, idempotencyKey: $idempotencyKey) { endpoint { ${members} } } }`,
)
/** A page of the endpoints. */
export const list = operation<{ apiEndpoints: { nodes: readonly Endpoint[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } } }>(
  `query RestEndpoints($first: Int, $after: String) { apiEndpoints(first: $first, after: $after) { nodes { ${members} } pageInfo { hasNextPage endCursor } } }`,
)
const drop = operation<{ deleteApiEndpoint: boolean }>('mutation RestDrop($path: String!, $idempotencyKey: String) { deleteApiEndpoint(path: $path, idempotencyKey: $idempotencyKey) }')

const endpointBody = closed({
  path: z.string().describe('Parts of letters, digits, `_`, `-` and `.`, joined by `/`, such as `session/validate`.'),
  description: z.string().optional(),
  cache_regions: z.array(z.string()).describe('The regions it may read.'),
  query_template: z.string().describe('One SELECT over these regions; `{name}` or `\'{name}\'` stands for a bound parameter.'),
  cache_key_pattern: z.string().describe('Under which name a result is kept, such as `session:{token}`.'),
  ttl_seconds: z.int().min(0).max(2_147_483_647).describe('How many seconds a result may be answered again. 0: every call runs the statement.'),
  strict: z.boolean().optional().describe('Refuse parameters the statement does not have.'),
})
const failure = problem({ cacheRegions: 'cache_regions', query: 'query_template', cacheKeyPattern: 'cache_key_pattern', ttlSeconds: 'ttl_seconds' })

/** Named endpoints: called, registered, listed and dropped. */
export function endpointRoutes(hub: Hub): readonly Route[] {
  const base = '/api/v1/dih/api-endpoints'
  return [
    route({
      method: 'POST', path: '/api/v1/dih/query/{path*}', summary: 'Calls a registered endpoint.', answers: { 200: 'Its rows; `X-Cache` says whether they were kept from before.' },
      body: z.record(z.string(), z.unknown()).optional().describe('A value for each of its parameters.'),
      answer: (request, { body }) => answerQuery(hub, request, body ?? {}),
    }),
    route({
      method: 'POST', path: base, summary: 'Registers an endpoint: a statement with parameters that clients call by its path.', body: endpointBody, failure, answers: { 201: 'The endpoint, with the parameters found in its statement.' },
      answer: async (request, { body: { cache_regions, query_template, cache_key_pattern, ttl_seconds, ...same } }) => {
        const input = { ...same, cacheRegions: cache_regions, query: query_template, cacheKeyPattern: cache_key_pattern, ttlSeconds: ttl_seconds }
        const { registerApiEndpoint } = await register(hub, request, { input })
        return { status: 201, headers: { location: `/api/v1/dih/query/${registerApiEndpoint.endpoint.path}` }, body: shown(registerApiEndpoint.endpoint) }
      },
    }),
    route({
      method: 'GET', path: base, summary: 'The registered endpoints, by path.', query: pageQuery, failure, answers: { 200: 'A page of endpoints.' },
      answer: async (request, { query }) => {
        const { nodes, pageInfo } = (await list(hub, request, { first: query.page_size, after: query.page_token })).apiEndpoints
        return { status: 200, body: { endpoints: nodes.map(shown), next_page_token: pageInfo.hasNextPage ? pageInfo.endCursor : null } }
      },
    }),
    route({
      method: 'DELETE', path: `${base}/{path*}`, summary: 'Drops an endpoint declared through the API.', failure, answers: { 204: 'It is gone.' },
      answer: request => answerDrop(hub, request),
    }),
  ]
}

async function answerQuery(hub: Hub, request: RouteRequest, params: Readonly<Record<string, unknown>>): Promise<RouteAnswer> {
  const asked = new Reads(request)
  const { apiQuery } = await run(hub, request, { path: request.params['path'], params }, asked.note)
  const { rows, rowCount, cache, tookMs, warnings } = apiQuery
  return {
    status: 200,
    headers: { ...asked.headers(), 'x-cache': cache.status, age: String(Math.floor(cache.ageMs / 1000)) },
    body: { rows, row_count: rowCount, cache: { status: cache.status, age_ms: cache.ageMs, ttl_seconds: cache.ttlSeconds }, took_ms: tookMs, warnings },
  }
}

async function answerDrop(hub: Hub, request: RouteRequest): Promise<RouteAnswer> {
  const { path = '' } = request.params
  if ((await drop(hub, request, { path })).deleteApiEndpoint) return { status: 204 }
  const { nodes } = (await list(hub, request, { first: 1000, after: null })).apiEndpoints
  throw new HubError('NOT_FOUND', `There is no endpoint "${path.slice(0, 200)}".${didYouMean(path, nodes.map(node => node.path))}`, { path: path.slice(0, 200) })
}

function shown({ path, description, cacheRegions, query, cacheKeyPattern, ttlSeconds, strict, parameters }: Endpoint) {
  return {
    path, ...(description === null ? {} : { description }), cache_regions: cacheRegions.map(region => region.name), query_template: query, cache_key_pattern: cacheKeyPattern, ttl_seconds: ttlSeconds, strict, parameters,
  }
}
