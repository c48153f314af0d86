import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'
import { closed } from '../../schema/findings.ts'
import type { Hub } from '../hub.ts'
import type { Route, RouteAnswer } from '../http/routes.ts'
import { snakeMembers } from './forms.ts'
import { operation } from './operation.ts'
import { route } from './route.ts'

interface Finding {
  readonly severity: 'ERROR' | 'WARNING'
  readonly code: string
  readonly message: string
  readonly line: number
  readonly column: number
  readonly path: string
  readonly proposal: string | null
}

interface Validation {
  readonly valid: boolean
  readonly kind: 'PIPELINE' | 'JOB' | null
  readonly findings: readonly Finding[]
  readonly plan: { readonly steps: readonly Readonly<Record<string, unknown>>[] } | null
}

const validate = operation<{ validatePipeline: Validation }>(`query RestValidate($xml: String!) {
  validatePipeline(xml: $xml) { valid kind findings { severity code message line column path proposal } plan { steps { id kind type line dependsOn parallelGroup } } }
}`)
const transformations = operation<{ transformationTypes: readonly { readonly attributes: readonly Readonly<Record<string, unknown>>[] }[] }>('query RestTransformations { transformationTypes { name doc example attributes { name doc required expected choices default } } }')
const xsds = operation<{ pipelineXsd: string; jobXsd: string }>('query RestXsds { pipelineXsd jobXsd }')

/** Documents of pipelines. */
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
  ]
}

/** A document that may not run is a problem that lists everything against it, with line and column behind `xml`. */
function answerOf({ valid, kind, findings, plan }: Validation): RouteAnswer {
  if (valid) return { status: 200, body: { valid, kind: kind?.toLowerCase(), findings: findings.map(shown), steps: plan?.steps.map(step => ({ ...snakeMembers(step), kind: String(step['kind']).toLowerCase() })) } }
  const wrong = findings.filter(({ severity }) => severity === 'ERROR').length
  const problems = findings.map(({ line, column, message }) => ({ path: `xml[${line}][${column}]`, message }))
  throw new HubError('VALIDATION_ERROR', `The document has ${wrong} ${wrong === 1 ? 'mistake' : 'mistakes'}.`, { problems, findings: findings.map(shown) })
}

function shown({ severity, proposal, ...finding }: Finding) {
  return { severity: severity.toLowerCase(), ...finding, ...(proposal !== null && { proposal }) }
}
