import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { ColumnType } from '../../schema/values.ts'
import type { Hub } from '../hub.ts'
import { hubErrorIn } from '../http/errors.ts'
import type { Route, RouteRequest } from '../http/routes.ts'
import { list, type Endpoint } from './endpoints.ts'
import { route } from './route.ts'

type Json = Readonly<Record<string, unknown>>

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }

/** `/openapi.json`: these routes as OpenAPI 3.1, and each registered endpoint as a path of its own where the caller may list them. */
export function openApiRoute(hub: Hub, routes: readonly Route[]): Route {
  const own: Route = route({
    method: 'GET', path: '/openapi.json', summary: 'This document.', answers: { 200: 'OpenAPI 3.1.' },
    answer: async request => ({ status: 200, body: documentOf([...routes, own], await endpointsFor(hub, request)) }),
  })
  return own
}

async function endpointsFor(hub: Hub, request: RouteRequest): Promise<readonly Endpoint[]> {
  const found: Endpoint[] = []
  try {
    let after: string | null = null
    do {
      const { nodes, pageInfo }: Awaited<ReturnType<typeof list>>['apiEndpoints'] = (await list(hub, request, { first: 1000, after })).apiEndpoints
      found.push(...nodes)
      after = pageInfo.hasNextPage ? pageInfo.endCursor : null
    } while (after !== null)
    return found
  } catch (error) {
    // Who may not list them reads about the routes alone.
    if (hubErrorIn(error)?.code === 'FORBIDDEN') return []
    throw error
  }
}

function documentOf(routes: readonly Route[], endpoints: readonly Endpoint[]): Json {
  const paths: Record<string, Record<string, Json>> = {}
  const put = (path: string, method: string, operation: Json) => {
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation }
  }
  for (const one of routes) put(templateOf(one.path), one.method, operationOf(one))
  for (const endpoint of endpoints) put(`/api/v1/dih/query/${endpoint.path}`, 'POST', endpointOperation(endpoint))
  return {
    openapi: '3.1.0',
    info: { title: 'Tributary', version, description: 'Routes beside /graphql, where the same and more is asked in GraphQL.' },
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }, key: { type: 'apiKey', in: 'header', name: 'x-api-key' } },
      schemas: { Problem: problemSchema },
      responses: { Problem: { description: 'What is wrong (RFC 9457).', content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } } },
    },
    // Either, or none where the hub is open.
    security: [{ token: [] }, { key: [] }, {}],
  }
}

/** `/query/{path*}` → `/query/{path}`: a document cannot say that a part takes slashes too. */
function templateOf(path: string): string {
  return path.replace(/\{(\w+)\*\}/g, '{$1}')
}

function operationOf({ path, about, open }: Route): Json {
  const { summary, query, body, answers = {}, produces = 'application/json' } = about ?? {}
  const inPath = [...path.matchAll(/\{(\w+)\*?\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }))
  const answered = Object.entries(answers).map(([status, description]) => [status, { description, ...(status === '204' ? {} : { content: { [produces]: {} } }) }])
  return {
    ...(summary === undefined ? {} : { summary }),
    parameters: [...inPath, ...(query ? queryParameters(query) : [])],
    ...(body ? { requestBody: { required: !body.safeParse(undefined).success, content: { 'application/json': { schema: schemaOf(body) } } } } : {}),
    responses: { ...Object.fromEntries(answered), default: { $ref: '#/components/responses/Problem' } },
    ...(open ? { security: [{}] } : {}),
  }
}

function queryParameters(query: z.ZodObject): Json[] {
  const { properties = {}, required = [] } = schemaOf(query) as { properties?: Record<string, Json>; required?: readonly string[] }
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({ name, in: 'query', required: required.includes(name), ...(description === undefined ? {} : { description }), schema }))
}

/** What a client writes, before it is read into our own form. */
function schemaOf(schema: z.ZodType): Json {
  const { $schema: _dialect, ...own } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return own
}

/** How a parameter's value is written in JSON. */
const parameterTypes: Readonly<Record<ColumnType, Json>> = {
  String: { type: 'string' }, Int: { type: 'integer', format: 'int32' }, Long: { type: ['integer', 'string'], format: 'int64' }, Float: { type: 'number' }, Decimal: { type: ['string', 'number'] }, Boolean: { type: 'boolean' },
  Date: { type: 'string', format: 'date' }, Time: { type: 'string' }, DateTime: { type: 'string', format: 'date-time' }, LocalDateTime: { type: 'string' }, UUID: { type: 'string', format: 'uuid' }, Bytes: { type: 'string', contentEncoding: 'base64' }, JSON: {},
}

function endpointOperation({ path, description, parameters, strict }: Endpoint): Json {
  const properties = Object.fromEntries(parameters.map(({ name, type, list: many }) => [name, many ? { anyOf: [{ type: 'array', items: parameterTypes[type] }, parameterTypes[type]] } : parameterTypes[type]]))
  const schema = { type: 'object', properties, required: parameters.filter(one => one.required).map(one => one.name), ...(strict ? { additionalProperties: false } : {}) }
  return {
    summary: description ?? `Calls the endpoint ${path}.`,
    parameters: [],
    requestBody: { required: parameters.length > 0, content: { 'application/json': { schema } } },
    responses: { 200: { description: 'Its rows.', content: { 'application/json': {} } }, default: { $ref: '#/components/responses/Problem' } },
  }
}

const problemSchema = {
  type: 'object', required: ['type', 'title', 'status', 'detail', 'code', 'request_id'],
  properties: {
    type: { type: 'string' }, title: { type: 'string' }, status: { type: 'integer' }, detail: { type: 'string' }, code: { type: 'string' }, request_id: { type: 'string' },
    errors: { type: 'array', items: { type: 'object', required: ['loc', 'msg', 'type'], properties: { loc: { type: 'array', items: { type: ['string', 'integer'] } }, msg: { type: 'string' }, type: { type: 'string' } } } },
  },
} as const
