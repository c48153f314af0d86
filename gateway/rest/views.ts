import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'
import { closed } from '../../schema/findings.ts'
import { didYouMean } from '../../schema/names.ts'
import { argumentOperators } from '../../schema/filter.ts'
import type { Hub } from '../hub.ts'
import type { Route, RouteRequest } from '../http/routes.ts'
import { pageQuery } from './forms.ts'
import { operation } from './operation.ts'
import { problem } from './problem.ts'
import { route } from './route.ts'

interface Column {
  readonly name: string
  readonly type: string
  readonly nullable: boolean
  readonly comment: string | null
}

interface View {
  readonly name: string
  readonly type: string
  readonly description: string | null
  readonly sql: string
  readonly columns: readonly Column[]
  readonly inputs: readonly string[]
  readonly refreshPolicy: string
  readonly freshness: string
  readonly refreshEveryMs: number | null
  readonly refreshedAt: string | null
}

interface Table {
  readonly catalog: string
  readonly schema: string | null
  readonly name: string
  readonly columns: readonly Column[]
  readonly partitionKeys: readonly string[] | null
  readonly stats: { readonly rowCount: number | string | null }
}

interface DataSource {
  readonly name: string
  readonly catalog: string
  readonly connector: string
  readonly role: string
  readonly status: string
  readonly reason: string | null
  readonly latencyMs: number
  readonly schemas: readonly string[]
  readonly tables: readonly Pick<Table, 'schema' | 'name'>[]
}

const columns = 'columns { name type nullable comment }'
const viewMembers = `name type description sql ${columns} inputs refreshPolicy freshness refreshEveryMs refreshedAt`

const sources = operation<{ queryDataSources: readonly DataSource[] }>('{ queryDataSources { name catalog connector role status reason latencyMs schemas tables { schema name } } }')
const table = operation<{ tableSchema: Table }>(`query RestTable($catalog: String!, $schema: String!, $table: String!) { tableSchema(catalog: $catalog, schema: $schema, table: $table) { catalog schema name ${columns} partitionKeys stats { rowCount } } }`)
const list = operation<{ federatedViews: { nodes: readonly View[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } } }>(
  `query RestViews($first: Int, $after: String) { federatedViews(first: $first, after: $after) { nodes { ${viewMembers} } pageInfo { hasNextPage endCursor } } }`,
)
const names = operation<{ federatedViews: { nodes: readonly { name: string }[] } }>('{ federatedViews(first: 1000) { nodes { name } } }')
const create = operation<{ createFederatedView: View }>(`mutation RestCreateView($name: String!, $type: String, $key: [String!]!, $sql: String!, $description: String, $materialize: MaterializeInput, $arguments: JSON, $idempotencyKey: String) {
  createFederatedView(name: $name, type: $type, key: $key, sql: $sql, description: $description, materialize: $materialize, arguments: $arguments, idempotencyKey: $idempotencyKey) { ${viewMembers} }
}`)
const drop = operation<{ dropView: boolean }>('mutation RestDropView($name: String!, $idempotencyKey: String) { dropView(name: $name, idempotencyKey: $idempotencyKey) }')

const viewBody = closed({
  name: z.string().describe('Also its table in SQL.'),
  type: z.string().optional().describe('Its GraphQL type; absent: from the name.'),
  description: z.string().optional(),
  key: z.union([z.string(), z.array(z.string()).min(1)], { error: 'a column or a list of columns' }).describe('The columns whose values name one row.'),
  sql: z.string().describe('One SELECT in Trino\'s dialect over sources, regions and other views.'),
  materialize: closed({ every: z.int().min(1).describe('Seconds.') }).optional().describe('Keep the rows in memory and compute them anew this often.'),
  arguments: z.record(z.string(), z.union([z.string(), closed({ column: z.string(), is: z.enum(argumentOperators).optional(), description: z.string().optional() })], { error: 'a column or a map with "column" and "is"' })).optional().describe('Arguments of its list in the graph.'),
})

const failure = problem()

/** What statements can name: systems, tables, and views with their declaration. */
export function viewRoutes(hub: Hub): readonly Route[] {
  const base = '/api/v1/federated-views'
  return [
    route({
      method: 'GET', path: '/api/v1/data-sources', summary: 'Every system a statement can name, asked now how it is.', failure, answers: { 200: 'A list; a system that does not answer is in it as DOWN, with the reason.' },
      answer: async request => ({ status: 200, body: (await sources(hub, request, {})).queryDataSources.map(sourceShown) }),
    }),
    route({
      method: 'GET', path: '/api/v1/schema/{catalog}/{schema}/{table}', summary: 'One table as statements see it. A schema `default` stands for tables without one.', failure, answers: { 200: 'Its columns, and what is known of its rows.' },
      answer: async request => {
        const { tableSchema } = await table(hub, request, request.params)
        return { status: 200, body: tableShown(tableSchema) }
      },
    }),
    route({
      method: 'GET', path: base, summary: 'The declared views, by name.', query: pageQuery, failure, answers: { 200: 'A page of views.' },
      answer: async (request, { query }) => {
        const { nodes, pageInfo } = (await list(hub, request, { first: query.page_size, after: query.page_token })).federatedViews
        return { status: 200, body: { federated_views: nodes.map(viewShown), next_page_token: pageInfo.hasNextPage ? pageInfo.endCursor : null } }
      },
    }),
    route({
      method: 'POST', path: base, summary: 'Declares a view. The same definition again changes nothing.', body: viewBody, failure, answers: { 201: 'The view.' },
      answer: async (request, { body: { key, materialize, ...same } }) => {
        const { createFederatedView } = await create(hub, request, { ...same, key: typeof key === 'string' ? [key] : key, materialize: materialize && { every: `PT${materialize.every}S` } })
        return { status: 201, body: viewShown(createFederatedView) }
      },
    }),
    route({
      method: 'DELETE', path: `${base}/{name}`, summary: 'Drops a view declared through the API.', failure, answers: { 204: 'It is gone.' },
      answer: async request => {
        const { dropView } = await drop(hub, request, { name: request.params['name'] })
        return dropView ? { status: 204 } : missing(hub, request)
      },
    }),
  ]
}

/** Always throws: there is no view of the request's name. */
async function missing(hub: Hub, request: RouteRequest): Promise<never> {
  const name = (request.params['name'] ?? '').slice(0, 200)
  const { nodes } = (await names(hub, request, {})).federatedViews
  throw new HubError('NOT_FOUND', `There is no view "${name}".${didYouMean(name, nodes.map(node => node.name))}`, { view: name })
}

function sourceShown({ latencyMs, tables, ...source }: DataSource) {
  return { ...source, latency_ms: latencyMs, tables: tables.map(named) }
}

function tableShown({ catalog, columns: declared, partitionKeys, stats: { rowCount }, ...names }: Table) {
  return { catalog, ...named(names), columns: declared, partition_keys: partitionKeys, stats: { row_count: rowCount } }
}

/** The name without its schema, which stands beside it. */
function named({ schema, name }: Pick<Table, 'schema' | 'name'>) {
  return { schema, name: schema === null ? name : name.slice(schema.length + 1) }
}

function viewShown({ refreshPolicy, refreshEveryMs, refreshedAt, freshness, ...view }: View) {
  return { ...view, refresh_policy: refreshPolicy, refresh_every_seconds: refreshEveryMs === null ? null : refreshEveryMs / 1000, refreshed_at: refreshedAt, freshness }
}
