import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'
import type { Hub } from '../hub.ts'
import type { Route } from '../http/routes.ts'
import { pageQuery, snakeMembers } from './forms.ts'
import { operation } from './operation.ts'
import { begunRun, type Finding, findingMembers, jobRunMembers, lowered, type Page, pageOf, type Run, runBody, shown } from './runs.ts'
import { route } from './route.ts'

type Members = Readonly<Record<string, unknown>>

interface Job {
  readonly findings: readonly Finding[]
  readonly refs: readonly Members[]
  readonly notifications: readonly Members[]
  readonly dag: { readonly nodes: readonly Members[]; readonly edges: readonly Members[] } | null
}

const jobMembers = `app id version file findings { ${findingMembers} } refs { pipelineId dependsOn onFailure maxRetries fallback } notifications { kind target on } dag { nodes { id onFailure } edges { from to } }`

const list = operation<{ jobs: Page<Job> }>(`query RestJobs($app: String, $first: Int, $after: String) { jobs(app: $app, first: $first, after: $after) { nodes { ${jobMembers} } pageInfo { hasNextPage endCursor } } }`)
const one = operation<{ job: Job | null }>(`query RestJob($app: String!, $id: ID!) { job(app: $app, id: $id) { ${jobMembers} xml } }`)
const start = operation<{ runJob: Run }>(`mutation RestRunJob($app: String!, $id: ID!, $params: JSON, $allowConcurrent: Boolean, $idempotencyKey: String) { runJob(app: $app, id: $id, params: $params, allowConcurrent: $allowConcurrent, idempotencyKey: $idempotencyKey) { ${jobRunMembers} } }`)

/** Jobs; their runs are among those of pipelines. */
export function jobRoutes(hub: Hub): readonly Route[] {
  return [
    route({
      method: 'GET', path: '/api/v1/datahub/jobs', summary: 'The jobs of the hub.', query: pageQuery.extend({ app: z.string().optional().describe('Of one application.') }), answers: { 200: 'A page of them.' },
      answer: async (request, { query: { app, page_size, page_token } }) => ({ status: 200, body: pageOf('jobs', (await list(hub, request, { app, first: page_size, after: page_token })).jobs, shownJob) }),
    }),
    route({
      method: 'GET', path: '/api/v1/datahub/jobs/{app}/{id}', summary: 'One job, with its document and the order of its pipelines.', answers: { 200: 'The job.' },
      answer: async request => {
        const { app = '', id = '' } = request.params
        const { job } = await one(hub, request, { app, id })
        if (!job) throw new HubError('NOT_FOUND', `There is no job "${id}" in "${app}".`, { app, id })
        return { status: 200, body: shownJob(job) }
      },
    }),
    route({
      method: 'POST', path: '/api/v1/datahub/jobs/{app}/{id}/runs', summary: 'Puts a run of a job into the queue.', body: runBody, answers: { 202: 'The run, as it waits.' },
      answer: async (request, { body }) => {
        const { app = '', id = '' } = request.params
        return begunRun((await start(hub, request, { app, id, params: body.params, allowConcurrent: body.allow_concurrent })).runJob)
      },
    }),
  ]
}

function shownJob(job: Job) {
  return {
    ...snakeMembers({ ...job }), findings: job.findings.map(shown), refs: job.refs.map(ref => snakeMembers(lowered(ref, 'onFailure'))), notifications: job.notifications.map(each => lowered(each, 'kind', 'on')),
    dag: job.dag && { nodes: job.dag.nodes.map(node => snakeMembers(lowered(node, 'onFailure'))), edges: job.dag.edges },
  }
}
