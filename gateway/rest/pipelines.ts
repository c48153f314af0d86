import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'
import { closed } from '../../schema/findings.ts'
import type { Hub } from '../hub.ts'
import type { Route, RouteAnswer } from '../http/routes.ts'
import { exportRoutes } from './exports.ts'
import { pageQuery, snakeMembers } from './forms.ts'
import { jobRoutes } from './jobs.ts'
import { maskRoutes } from './mask.ts'
import { onDemandRoutes } from './on-demand.ts'
import { operation } from './operation.ts'
import { route } from './route.ts'
import { begunRun, type Finding, findingMembers, lowered, type Page, pageOf, type Run, runBody, runMembers, runRoutes, shown } from './runs.ts'

interface Validation {
  readonly valid: boolean
  readonly kind: 'PIPELINE' | 'JOB' | null
  readonly findings: readonly Finding[]
  readonly plan: { readonly steps: readonly Readonly<Record<string, unknown>>[] } | null
}

const validate = operation<{ validatePipeline: Validation }>(`query RestValidate($xml: String!) {
  validatePipeline(xml: $xml) { valid kind findings { severity code message line column path proposal } plan { steps { id kind type line dependsOn parallelGroup hint } } }
}`)
const transformations = operation<{ transformationTypes: readonly { readonly attributes: readonly Readonly<Record<string, unknown>>[] }[] }>('query RestTransformations { transformationTypes { name doc example attributes { name doc required expected choices default } } }')
const xsds = operation<{ pipelineXsd: string; jobXsd: string }>('query RestXsds { pipelineXsd jobXsd }')

export const definitionMembers = `app id version layer owner description schedule slaMs file findings { ${findingMembers} }`

export interface Definition {
  readonly id: string
  readonly findings: readonly Finding[]
  /** Of one that is shown alone. */
  readonly watermarks?: readonly Readonly<Record<string, unknown>>[]
}

const list = operation<{ pipelines: Page<Definition> }>(`query RestPipelines($app: String, $first: Int, $after: String) { pipelines(app: $app, first: $first, after: $after) { nodes { ${definitionMembers} } pageInfo { hasNextPage endCursor } } }`)
const one = operation<{ pipeline: Definition | null }>(`query RestPipeline($app: String!, $id: ID!, $version: String) { pipeline(app: $app, id: $id, version: $version) { ${definitionMembers} xml watermarks { source column type value runId movedAt } plan { steps { id kind type line dependsOn parallelGroup hint } } versions { version commit at author } } }`)
const start = operation<{ runPipeline: Run }>(`mutation RestRunPipeline($app: String!, $id: ID!, $params: JSON, $allowConcurrent: Boolean, $idempotencyKey: String) { runPipeline(app: $app, id: $id, params: $params, allowConcurrent: $allowConcurrent, idempotencyKey: $idempotencyKey) { ${runMembers} } }`)

const drift = operation<{ schemaDrift: readonly Readonly<Record<string, unknown>>[] }>('query RestDrift($app: String!) { schemaDrift(app: $app) { pipelineId source column change expected found severity runId seenAt } }')

/** Pipelines there are. */
function definitionRoutes(hub: Hub): readonly Route[] {
  return [
    route({
      method: 'GET', path: '/api/v1/datahub/pipelines', summary: 'The pipelines of the hub.', query: pageQuery.extend({ app: z.string().optional().describe('Of one application.') }), answers: { 200: 'A page of them.' },
      answer: async (request, { query: { app, page_size, page_token } }) => ({ status: 200, body: pageOf('pipelines', (await list(hub, request, { app, first: page_size, after: page_token })).pipelines, shownDefinition) }),
    }),
    route({
      method: 'GET', path: '/api/v1/datahub/pipelines/{app}/{id}', summary: 'One pipeline, with its document, the steps of a run and its last twenty versions.', query: closed({ version: z.string().optional().describe('As it was then.') }), answers: { 200: 'The pipeline.' },
      answer: async (request, { query: { version } }) => {
        const { app = '', id = '' } = request.params
        const { pipeline } = await one(hub, request, { app, id, version })
        if (!pipeline) throw new HubError('NOT_FOUND', `There is no pipeline "${id}" in "${app}"${version === undefined ? '' : ` of version ${version}`}.`, { app, id })
        return { status: 200, body: shownDefinition(pipeline) }
      },
    }),
    route({
      method: 'GET', path: '/api/v1/datahub/drift/{app}', summary: 'What sources of an application had against the schemas they name, in the last runs.', answers: { 200: 'Each column that is not as its schema says.' },
      answer: async request => ({ status: 200, body: { drift: (await drift(hub, request, { app: request.params['app'] ?? '' })).schemaDrift.map(one => snakeMembers(lowered(one, 'change', 'severity'))) } }),
    }),
    route({
      method: 'POST', path: '/api/v1/datahub/pipelines/{app}/{id}/runs', summary: 'Puts a run of a pipeline into the queue.', body: runBody, answers: { 202: 'The run, as it waits.' },
      answer: async (request, { body }) => {
        const { app = '', id = '' } = request.params
        return begunRun((await start(hub, request, { app, id, params: body.params, allowConcurrent: body.allow_concurrent })).runPipeline)
      },
    }),
  ]
}

export function shownDefinition(definition: Definition) {
  return { ...snakeMembers(lowered({ ...definition }, 'layer')), findings: definition.findings.map(shown), ...(definition.watermarks && { watermarks: definition.watermarks.map(snakeMembers) }) }
}

/** Documents of pipelines and jobs, those there are, and their runs. */
export function pipelineRoutes(hub: Hub): readonly Route[] {
  const xsd = (name: 'pipelineXsd' | 'jobXsd', path: string, of: string) => route({
    method: 'GET', path, summary: `The XML Schema of ${of}.`, produces: 'application/xml', answers: { 200: 'XML Schema 1.0.' },
    answer: async request => ({ status: 200, headers: { 'content-type': 'application/xml; charset=utf-8' }, body: (await xsds(hub, request, {}))[name] }),
  })
  return [
    route({
      method: 'POST', path: '/api/v1/datahub/pipelines/validate', summary: 'Everything that can be said against a pipeline or a job without its data.',
      body: closed({ xml: z.string().describe('The document.') }), answers: { 200: 'It may run: its kind, warnings, and of a pipeline the steps of a run.' },
      answer: async (request, { body: { xml } }) => answerOf((await validate(hub, request, { xml })).validatePipeline),
    }),
    route({
      method: 'GET', path: '/api/v1/datahub/transformations', summary: 'Every transformation a pipeline may have.', answers: { 200: 'Each with its attributes and an example.' },
      answer: async request => ({ status: 200, body: (await transformations(hub, request, {})).transformationTypes }),
    }),
    xsd('pipelineXsd', '/api/v1/datahub/xsd/pipeline.xsd', 'pipelines'),
    xsd('jobXsd', '/api/v1/datahub/xsd/job.xsd', 'jobs'),
    ...definitionRoutes(hub),
    ...jobRoutes(hub),
    ...runRoutes(hub),
    ...maskRoutes(hub),
    ...exportRoutes(hub),
    ...onDemandRoutes(hub),
  ]
}

/** A document that may not run is a problem that lists everything against it, with line and column behind `xml`. */
function answerOf({ valid, kind, findings, plan }: Validation): RouteAnswer {
  if (valid) return { status: 200, body: { valid, kind: kind?.toLowerCase(), findings: findings.map(shown), steps: plan?.steps.map(step => snakeMembers(lowered(step, 'kind', 'hint'))) } }
  const wrong = findings.filter(({ severity }) => severity === 'ERROR').length
  const problems = findings.map(({ line, column, message }) => ({ path: `xml[${line}][${column}]`, message }))
  throw new HubError('VALIDATION_ERROR', `The document has ${wrong} ${wrong === 1 ? 'mistake' : 'mistakes'}.`, { problems, findings: findings.map(shown) })
}
