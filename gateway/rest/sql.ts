import { z } from 'zod'
import { closed } from '../../schema/findings.ts'
import type { Hub } from '../hub.ts'
import type { Route } from '../http/routes.ts'
import { flag } from './forms.ts'
import { operation } from './operation.ts'
import { problem } from './problem.ts'
import { Reads } from './reads.ts'
import { route } from './route.ts'

interface Page {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly rows: readonly (readonly unknown[])[]
  readonly pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean }
  readonly tookMs: number
  readonly engine: string
  readonly warnings: readonly string[]
}

const run = operation<{ sqlQuery: Page }>(
  'query RestSql($query: String!, $params: [JSON], $pageSize: Int, $after: String) { sqlQuery(query: $query, params: $params, pageSize: $pageSize, after: $after) { columns { name type } rows pageInfo { endCursor hasNextPage } tookMs engine warnings } }',
)
const explain = operation<{ sqlExplain: { engine: string; text: string; usesIndex: readonly string[]; fullScan: readonly string[]; advice: readonly string[] } }>(
  'query RestSqlExplain($query: String!, $params: [JSON]) { sqlExplain(query: $query, params: $params) { engine text usesIndex fullScan advice } }',
)

const statement = closed({
  query: z.string().describe('One reading statement in Trino\'s dialect over the regions.'),
  params: z.array(z.unknown()).optional().describe('A value for each `?`, in order; a list stands for `IN (?)`.'),
  page_size: z.int().min(1).max(10_000).optional().describe('Rows of one page. Default 1000.'),
  page_token: z.string().nullable().optional().describe('`next_page_token` of the page before, of the same statement and parameters.'),
})

/** SQL over the regions. */
export function sqlRoutes(hub: Hub): readonly Route[] {
  return [
    route({
      method: 'POST', path: '/api/v1/dih/sql-query', summary: 'Runs one reading statement over the regions, or explains it.', body: statement,
      query: closed({ explain: flag.optional().describe('Say how the statement would run, and do not run it.') }),
      answers: { 200: 'Columns, a page of rows, the token of the next page and warnings; explained: the plan, regions found by an index or read whole, and advice.' },
      failure: problem({ pageSize: 'page_size', after: 'page_token' }),
      answer: async (request, { query, body }) => {
        if (query.explain) {
          const { engine, text, usesIndex, fullScan, advice } = (await explain(hub, request, { query: body.query, params: body.params })).sqlExplain
          return { status: 200, headers: { 'x-query-engine': engine }, body: { engine, plan: text, uses_index: usesIndex, full_scan: fullScan, advice } }
        }
        const asked = new Reads(request)
        const { columns, rows, pageInfo, tookMs, engine, warnings } = (await run(hub, request, { query: body.query, params: body.params, pageSize: body.page_size, after: body.page_token }, asked.note)).sqlQuery
        return { status: 200, headers: asked.headers(), body: { columns, rows, next_page_token: pageInfo.hasNextPage ? pageInfo.endCursor : null, took_ms: tookMs, engine, warnings } }
      },
    }),
  ]
}
