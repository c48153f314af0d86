import { z } from 'zod'
import { HubError, type Problem } from '../../schema/errors.ts'
import { closed } from '../../schema/findings.ts'
import type { Hub } from '../hub.ts'
import type { Route, RouteRequest } from '../http/routes.ts'
import { flag } from './forms.ts'
import { operation } from './operation.ts'
import { problem } from './problem.ts'
import { Reads } from './reads.ts'
import { route } from './route.ts'

type Values = Readonly<Record<string, unknown>>

interface Entry {
  readonly key: string
  readonly row: Values
  readonly version: number | string | null
  readonly writtenAt: string | null
}

const members = 'key row version writtenAt'

const get = operation<{ cacheGet: Entry | null }>(`query RestEntry($region: String!, $key: ID!) { cacheGet(region: $region, key: $key) { ${members} } }`)
const getAll = operation<{ cacheGetAll: readonly (Entry | null)[] }>(`query RestEntries($region: String!, $keys: [ID!]!) { cacheGetAll(region: $region, keys: $keys) { ${members} } }`)
const put = operation<{ cachePut: Entry }>(`mutation RestPut($region: String!, $key: ID!, $value: JSON!, $idempotencyKey: String) { cachePut(region: $region, key: $key, value: $value, idempotencyKey: $idempotencyKey) { ${members} } }`)
const remove = operation<{ cacheRemove: boolean }>('mutation RestRemove($region: String!, $key: ID!, $idempotencyKey: String) { cacheRemove(region: $region, key: $key, idempotencyKey: $idempotencyKey) }')

const failure = problem()
/** The body is the value itself. */
const putFailure: typeof failure = error => {
  const { problems } = error.extensions as { readonly problems?: readonly Problem[] }
  return failure(problems ? { ...error, extensions: { ...error.extensions, problems: problems.map(one => ({ ...one, path: one.path.replace(/^value\.?/, '') })) } } : error)
}

const changes = `subscription RestChanges($region: String!, $where: JSON, $initial: Boolean!, $after: String) {
  cacheChanges(region: $region, where: $where, initial: $initial, after: $after) { type key before after version cursor }
}`

interface Change {
  readonly type: string
  readonly key: string
  readonly before: Values | null
  readonly after: Values | null
  readonly version: number | string
  readonly cursor: string
}

/** Entries of a region by their keys, and its changes as they happen. */
export function entryRoutes(hub: Hub): readonly Route[] {
  const region = '/api/v1/dih/cache-regions/{region_name}'
  return [
    route({
      method: 'GET', path: `${region}/entries/{key}`, summary: 'One entry, from the region or, where that is filled from a source, through it.', failure, answers: { 200: 'The entry; `X-Query-Engine` says who had it, `X-Cache` from where: NEAR, HIT or MISS.' },
      answer: async request => {
        const asked = new Reads(request)
        const { cacheGet } = await get(hub, request, { region: regionOf(request), key: request.params['key'] }, asked.note)
        if (!cacheGet) throw noEntry(request)
        return { status: 200, headers: asked.headers(), body: shown(cacheGet) }
      },
    }),
    route({
      method: 'PUT', path: `${region}/entries/{key}`, summary: 'Creates or replaces one entry, whole; durable when answered.', failure: putFailure, answers: { 200: 'The entry as it is stored.' },
      body: z.record(z.string(), z.unknown()).describe('The values by column; the key may be left out.'),
      answer: async (request, { body }) => {
        const { cachePut } = await put(hub, request, { region: regionOf(request), key: request.params['key'], value: body })
        return { status: 200, body: shown(cachePut) }
      },
    }),
    route({
      method: 'DELETE', path: `${region}/entries/{key}`, summary: 'Removes one entry.', failure, answers: { 204: 'It is gone.' },
      answer: async request => {
        const { cacheRemove } = await remove(hub, request, { region: regionOf(request), key: request.params['key'] })
        if (!cacheRemove) throw noEntry(request)
        return { status: 204 }
      },
    }),
    route({
      method: 'POST', path: `${region}/entries:batchGet`, summary: 'Up to 10,000 entries by their keys.', failure, answers: { 200: 'One entry a key, in order; null where there is none.' },
      body: closed({ keys: z.array(z.union([z.string(), z.number()], { error: 'a text or a number' })) }),
      answer: async (request, { body }) => {
        const asked = new Reads(request)
        const { cacheGetAll } = await getAll(hub, request, { region: regionOf(request), keys: body.keys.map(String) }, asked.note)
        return { status: 200, headers: asked.headers(), body: { entries: cacheGetAll.map(entry => entry && shown(entry)) } }
      },
    }),
    route({
      method: 'GET', path: `${region}/changes`, summary: 'The entries that pass, then every change of them, without gap or double.', failure, answers: { 200: 'Events named snapshot, created, updated, removed and expired; the id of each is a cursor to go on from.' },
      produces: 'text/event-stream',
      query: closed({
        where: z.string().optional().describe('A filter as of `cacheChanges`, as JSON: {"user_id":{"eq":"ada"}}.'),
        initial: flag.optional().describe('Whether the entries there are come first. Default true.'),
        after: z.string().optional().describe('A cursor to go on behind; the header Last-Event-ID says the same.'),
      }),
      answer: async (request, { query }) => {
        const variables = { region: regionOf(request), where: filterIn(query.where), initial: query.initial ?? true, ...(query.after !== undefined && { after: query.after }) }
        return { subscription: { query: changes, variables }, shown: data => changeShown((data as { cacheChanges: Change }).cacheChanges) }
      },
    }),
  ]
}

function regionOf({ params }: RouteRequest): string {
  return params['region_name'] ?? ''
}

function noEntry({ params }: RouteRequest): HubError {
  return new HubError('NOT_FOUND', `Region "${params['region_name']}" has no entry "${(params['key'] ?? '').slice(0, 200)}".`, { region: params['region_name'], key: params['key'] })
}

function filterIn(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new HubError('BAD_USER_INPUT', '"where" is not JSON. Write a filter such as {"user_id":{"eq":"ada"}}.', { problems: [{ path: 'where', message: 'It is not JSON.' }], in: 'query' }, { cause })
  }
}

function shown({ key, row, version, writtenAt }: Entry) {
  return { key, value: row, version, written_at: writtenAt }
}

function changeShown({ type, ...change }: Change) {
  return { event: type.toLowerCase(), data: { type: type.toLowerCase(), ...change } }
}
