import { z } from 'zod'
import { closed } from '../../schema/findings.ts'
import type { Hub } from '../hub.ts'
import type { Route } from '../http/routes.ts'
import { snakeMembers } from './forms.ts'
import { operation } from './operation.ts'
import { problem } from './problem.ts'
import { Reads } from './reads.ts'
import { route } from './route.ts'

interface Result {
  readonly queryId: string
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly rows: readonly (readonly unknown[])[]
  readonly stats: { readonly elapsedMs: number; readonly engine: string; readonly bytesScanned: number | string | null; readonly rowsScanned: number | string | null; readonly splits: number | null }
  readonly pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean }
}

interface Lineage {
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly columns: readonly { readonly output: string; readonly inputs: readonly { readonly table: string; readonly column: string; readonly transformation: string }[] }[]
  readonly unresolved: readonly string[]
}

const run = operation<{ unifiedQuery: Result }>(`query RestQuery($sql: String!, $params: [JSON], $catalog: String, $schema: String, $maxRows: Int, $after: String) {
  unifiedQuery(sql: $sql, params: $params, catalog: $catalog, schema: $schema, maxRows: $maxRows, after: $after) { queryId columns { name type } rows stats { elapsedMs engine bytesScanned rowsScanned splits } pageInfo { endCursor hasNextPage } }
}`)
const explain = operation<{ explainQuery: { engine: string; text: string; advice: readonly string[] } }>(
  'query RestExplain($sql: String!, $params: [JSON], $catalog: String, $schema: String) { explainQuery(sql: $sql, params: $params, catalog: $catalog, schema: $schema) { engine text advice } }',
)
const lineage = operation<{ queryLineage: Lineage }>('query RestLineage($sql: String!) { queryLineage(sql: $sql) { inputs outputs columns { output inputs { table column transformation } } unresolved } }')

const query = z.string().describe('One reading statement in Trino\'s dialect over everything declared.')
const explained = {
  query,
  params: z.array(z.unknown()).optional().describe('A value for each `?`, in order; a list stands for `IN (?)`.'),
  catalog: z.string().optional().describe('Of tables the statement names with fewer parts.'),
  schema: z.string().optional().describe('Of tables the statement names alone; only with a catalog.'),
}

const failure = problem({ sql: 'query', maxRows: 'limit', after: 'page_token' })

/** Statements over everything declared. */
export function queryRoutes(hub: Hub): readonly Route[] {
  return [
    route({
      method: 'POST', path: '/api/v1/query', summary: 'Runs one reading statement over everything declared.', failure, answers: { 200: 'A page of rows, one list each in the order of the columns. `X-Query-Engine` says who computed it.' },
      body: closed({
        ...explained,
        limit: z.int().min(1).max(10_000).optional().describe('Rows of one page. Default 1000.'),
        page_token: z.string().nullable().optional().describe('`next_page_token` of the page before, of the same statement, parameters, catalog and schema.'),
      }),
      answer: async (request, { body }) => {
        const asked = new Reads(request)
        const { queryId, columns, rows, stats, pageInfo } = (await run(hub, request, { sql: body.query, params: body.params, catalog: body.catalog, schema: body.schema, maxRows: body.limit, after: body.page_token }, asked.note)).unifiedQuery
        return { status: 200, headers: asked.headers(), body: { query_id: queryId, columns, data: rows, stats: snakeMembers(stats), next_page_token: pageInfo.hasNextPage ? pageInfo.endCursor : null } }
      },
    }),
    route({
      method: 'POST', path: '/api/v1/query/explain', summary: 'How the engine would run a statement, and what would make it cheaper.', failure, body: closed(explained), answers: { 200: 'The engine\'s plan, and advice.' },
      answer: async (request, { body: { query: sql, ...same } }) => {
        const { engine, text, advice } = (await explain(hub, request, { sql, ...same })).explainQuery
        return { status: 200, headers: { 'x-query-engine': engine }, body: { engine, plan: text, advice } }
      },
    }),
    route({
      method: 'POST', path: '/api/v1/query/lineage', summary: 'Which tables and columns feed which columns of a statement. It is not run.', failure, body: closed({ query }), answers: { 200: 'Inputs, outputs, and for each output what it is made from.' },
      answer: async (request, { body }) => ({ status: 200, body: (await lineage(hub, request, { sql: body.query })).queryLineage }),
    }),
  ]
}
