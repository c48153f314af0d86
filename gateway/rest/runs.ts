import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'
import { closed } from '../../schema/findings.ts'
import type { Hub } from '../hub.ts'
import type { Route, RouteAnswer } from '../http/routes.ts'
import { pageQuery, snakeMembers, word } from './forms.ts'
import { operation } from './operation.ts'
import { route } from './route.ts'

export interface Finding {
  readonly severity: 'ERROR' | 'WARNING'
  readonly code: string
  readonly message: string
  readonly line: number
  readonly column: number
  readonly path: string
  readonly proposal: string | null
}

/** Of a pipeline or a job. */
export interface Run {
  readonly runId: string
  readonly params: unknown
  readonly error: Failure | null
  readonly steps: readonly (Readonly<Record<string, unknown>> & { readonly error?: Failure | null })[]
}

type Failure = Readonly<Record<string, unknown>>

export interface Page<Node> {
  readonly nodes: readonly Node[]
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null }
}

export const findingMembers = 'severity code message line column path proposal'
export const runMembers = 'runId app pipelineId jobRunId version layer state attempt trigger rerunOf params startedBy engine queuedAt startedAt endedAt rowsRead rowsWritten rowsRejected peakMemoryBytes configVersion { commit tag environment } slaStatus error { category message } steps { id kind type state rows rejected partitionsPruned into bytes key startedAt endedAt }'
export const jobRunMembers = 'runId app jobId version state attempt trigger rerunOf params startedBy queuedAt startedAt endedAt rowsRead rowsWritten rowsRejected error { category message } steps { pipelineId state attempts runIds fallback startedAt endedAt rowsRead rowsWritten rowsRejected error { category message } }'
const anyRunMembers = `... on PipelineRun { ${runMembers} } ... on JobRun { ${jobRunMembers} }`

const cancel = operation<{ cancelRun: Run }>(`mutation RestCancelRun($runId: ID!, $idempotencyKey: String) { cancelRun(runId: $runId, idempotencyKey: $idempotencyKey) { ${anyRunMembers} } }`)
const again = operation<{ rerun: Run }>(`mutation RestRerun($runId: ID!, $fromStep: ID, $idempotencyKey: String) { rerun(runId: $runId, fromStep: $fromStep, idempotencyKey: $idempotencyKey) { ${anyRunMembers} } }`)
const runs = operation<{ runs: Page<Run> }>(`query RestRuns($filter: RunFilter, $first: Int, $after: String) { runs(filter: $filter, first: $first, after: $after) { nodes { ${runMembers} } pageInfo { hasNextPage endCursor } } }`)
const run = operation<{ run: Run | null; jobRun: Run | null }>(`query RestRun($runId: ID!) { run(runId: $runId) { ${runMembers} } jobRun(runId: $runId) { ${jobRunMembers} } }`)

const states = ['queued', 'running', 'succeeded', 'skipped_no_data', 'failed', 'cancelled'] as const

/** With what a run is begun. */
export const runBody = closed({ params: z.record(z.string(), z.json()).default({}).describe('Parameters by name.'), allow_concurrent: z.boolean().default(false).describe('Also while another run of it waits or goes on.') })

/** Runs of pipelines and jobs. */
export function runRoutes(hub: Hub): readonly Route[] {
  return [
    route({
      method: 'GET', path: '/api/v1/datahub/runs', summary: 'Runs of pipelines, the newest first.', answers: { 200: 'A page of them.' },
      query: pageQuery.extend({ app: z.string().optional().describe('Of one application.'), pipeline: z.string().optional().describe('Of one pipeline.'), state: word(states).optional().describe('In one state.') }),
      answer: async (request, { query: { app, pipeline, state, page_size, page_token } }) => ({ status: 200, body: pageOf('runs', (await runs(hub, request, { filter: { app, pipelineId: pipeline, states: state && [state.toUpperCase()] }, first: page_size, after: page_token })).runs, shownRun) }),
    }),
    route({
      method: 'GET', path: '/api/v1/datahub/runs/{run_id}', summary: 'One run, of a pipeline or a job.', answers: { 200: 'The run as it stands.' },
      answer: async request => {
        const runId = request.params['run_id'] ?? ''
        const { run: ofPipeline, jobRun } = await run(hub, request, { runId })
        const found = ofPipeline ?? jobRun
        if (!found) throw new HubError('NOT_FOUND', `There is no run "${runId}".`, { runId })
        return { status: 200, headers: { 'x-run-id': found.runId }, body: shownRun(found) }
      },
    }),
    route({
      method: 'POST', path: '/api/v1/datahub/runs/{run_id}/cancel', summary: 'Asks a run to end.', answers: { 200: 'The run: CANCELLED where it waited, else asked to stop.' },
      answer: async request => ({ status: 200, body: shownRun((await cancel(hub, request, { runId: request.params['run_id'] ?? '' })).cancelRun) }),
    }),
    route({
      method: 'POST', path: '/api/v1/datahub/runs/{run_id}/rerun', summary: 'Runs again what has ended, of a job what has not succeeded.', answers: { 202: 'The new run, as it waits.' },
      body: closed({ from_step: z.string().optional().describe('Of a job: the pipeline that runs in any case, with all that depend on it.') }),
      answer: async (request, { body }) => begunRun((await again(hub, request, { runId: request.params['run_id'] ?? '', fromStep: body.from_step })).rerun),
    }),
  ]
}

/** A run that was put into the queue, and where it is to be found. */
export function begunRun(begun: Run): RouteAnswer {
  return { status: 202, headers: { location: `/api/v1/datahub/runs/${begun.runId}`, 'x-run-id': begun.runId }, body: shownRun(begun) }
}

export function pageOf<Node>(name: string, { nodes, pageInfo }: Page<Node>, show: (node: Node) => unknown) {
  return { [name]: nodes.map(show), next_page_token: pageInfo.hasNextPage ? pageInfo.endCursor : null }
}

function shownRun(found: Run) {
  return { ...snakeMembers(lowered({ ...found }, 'layer', 'state', 'trigger', 'slaStatus')), params: found.params, error: shownFailure(found.error), steps: found.steps.map(step => ({ ...snakeMembers(lowered(step, 'kind', 'state')), ...(step.error !== undefined && { error: shownFailure(step.error) }) })) }
}

function shownFailure(failure: Failure | null) {
  return failure && lowered(failure, 'category')
}

/** Words of enums in lower case. */
export function lowered(members: Readonly<Record<string, unknown>>, ...names: readonly string[]): Readonly<Record<string, unknown>> {
  return { ...members, ...Object.fromEntries(names.map(name => [name, typeof members[name] === 'string' ? members[name].toLowerCase() : members[name]])) }
}

export function shown({ severity, proposal, ...finding }: Finding) {
  return { severity: severity.toLowerCase(), ...finding, ...(proposal !== null && { proposal }) }
}
