import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'
import { parseWithTexts } from '../../schema/exact-json.ts'
import { closed } from '../../schema/findings.ts'
import type { Hub } from '../hub.ts'
import type { Route, RouteAnswer } from '../http/routes.ts'
import { mediaTypeOf } from './exports.ts'
import { snakeMembers, word } from './forms.ts'
import { operation } from './operation.ts'
import { route } from './route.ts'
import { lowered } from './runs.ts'

interface Job {
  readonly id: string
  readonly app: string
  readonly name: string | null
  readonly filter: unknown
  readonly error: Readonly<Record<string, unknown>> | null
}

const jobMembers = 'id app dataset filter format state startedBy queuedAt startedAt endedAt rows bytes name expiresAt error { category message }'
const content = operation<{ datasetContent: { readonly content: string | null } }>('query RestDataset($app: String!, $dataset: String!, $filter: JSON, $format: ExportFormat!) { datasetContent(app: $app, dataset: $dataset, filter: $filter, format: $format) { content } }')
const begin = operation<{ requestExport: Job }>(`mutation RestRequestExport($app: String!, $dataset: String!, $filter: JSON, $format: ExportFormat!, $idempotencyKey: String) { requestExport(app: $app, dataset: $dataset, filter: $filter, format: $format, idempotencyKey: $idempotencyKey) { ${jobMembers} } }`)
const job = operation<{ exportJob: Job | null }>(`query RestExportJob($id: ID!) { exportJob(id: $id) { ${jobMembers} } }`)

const formats = ['csv', 'json', 'parquet'] as const
const endings = { csv: 'csv', json: 'ndjson', parquet: 'parquet' } as const

/** Rows of what an application publishes, at once or as a file that is made on demand. */
export function onDemandRoutes(hub: Hub): readonly Route[] {
  return [
    route({
      method: 'GET', path: '/api/v1/datahub/data/{app}/{dataset}', summary: 'The rows of a dataset; where there are more than are answered at once, an export of them is begun.', produces: 'application/x-ndjson', answers: { 200: 'The rows.', 202: 'The export, as it waits.' },
      query: closed({ filter: z.string().optional().describe('JSON, by column: `{"country":{"eq":"DE"}}`.'), format: word(formats).default('json').describe('json is an object a line.') }),
      async answer(request, { query: { filter, format } }) {
        const { app = '', dataset = '' } = request.params
        const wanted = { app, dataset, filter: filter === undefined ? undefined : filterOf(filter), format: format.toUpperCase() }
        const found = (await content(hub, request, wanted)).datasetContent.content
        if (found === null) return begun((await begin(hub, request, wanted)).requestExport)
        return { status: 200, headers: { 'content-type': mediaTypeOf(endings[format]), 'cache-control': 'private, no-cache' }, body: Buffer.from(found, 'base64') }
      },
    }),
    route({
      method: 'POST', path: '/api/v1/datahub/exports/{app}/{dataset}', summary: 'Begins an export of a dataset into a file.', answers: { 202: 'The export, as it waits.' },
      body: closed({ filter: z.record(z.string(), z.json()).optional().describe('By column: `{"country": {"eq": "DE"}}`.'), format: word(formats).default('csv').describe('json is an object a line.') }),
      answer: async (request, { body: { filter, format } }) => begun((await begin(hub, request, { app: request.params['app'] ?? '', dataset: request.params['dataset'] ?? '', filter, format: format.toUpperCase() })).requestExport),
    }),
    route({
      method: 'GET', path: '/api/v1/datahub/export-jobs/{id}', summary: 'An export that was begun.', answers: { 200: 'The export as it stands, with `file` once it can be downloaded.' },
      answer: async request => {
        const { id = '' } = request.params
        const found = (await job(hub, request, { id })).exportJob
        if (!found) throw new HubError('NOT_FOUND', `There is no export "${id.slice(0, 64)}".`)
        return { status: 200, body: shown(found) }
      },
    }),
  ]
}

function filterOf(text: string): unknown {
  try {
    return parseWithTexts(text)
  } catch (error) {
    throw new HubError('BAD_USER_INPUT', `The filter is not JSON: ${error instanceof Error ? error.message : String(error)}. Write it as {"country":{"eq":"DE"}}.`, { field: 'filter' })
  }
}

function begun(found: Job): RouteAnswer {
  return { status: 202, headers: { location: `/api/v1/datahub/export-jobs/${found.id}` }, body: shown(found) }
}

function shown(found: Job) {
  const { app, name, filter, error } = found
  const file = name === null ? null : `/api/v1/datahub/exports/${encodeURIComponent(app)}/${name}`
  return { ...snakeMembers(lowered({ ...found }, 'format', 'state')), filter, file, error: error && lowered(error, 'category') }
}
