import { z } from 'zod'
import type { Hub } from '../hub.ts'
import type { Route } from '../http/routes.ts'
import { closed } from '../../schema/findings.ts'
import { flag, pageQuery, snakeMembers, word } from './forms.ts'
import { operation } from './operation.ts'
import { route } from './route.ts'
import { lowered, type Page, pageOf } from './runs.ts'

type Members = Readonly<Record<string, unknown>>

interface Rule extends Members {
  readonly targets: readonly Members[]
}

const rules = operation<{ alertRules: readonly Rule[] }>('query RestAlertRules($app: String) { alertRules(app: $app) { app name kind pipelineId jobId failures quietMs targets { kind target } changedBy changedAt } }')

const alerts = operation<{ alerts: Page<Members> }>('query RestAlerts($filter: AlertFilter, $first: Int, $after: String) { alerts(filter: $filter, first: $first, after: $after) { nodes { id app kind rule pipelineId jobId runId message count firstAt lastAt raisedAt acknowledgedBy acknowledgedAt comment } pageInfo { hasNextPage endCursor } } }')
const deadNotices = operation<{ deadNotices: Page<Members> }>('query RestDeadNotices($app: String, $first: Int, $after: String) { deadNotices(app: $app, first: $first, after: $after) { nodes { id app kind target about attempts failure { code message } diedAt } pageInfo { hasNextPage endCursor } } }')
const anomalies = operation<{ anomalies: readonly Members[] }>('query RestAnomalies($app: String!) { anomalies(app: $app) { app pipelineId verdict runId runs metric value median lowest highest } }')

const kinds = ['sla_breach', 'repeated_failure'] as const

/** Who is told of what, and what was. */
export function alertRoutes(hub: Hub): readonly Route[] {
  return [
    route({
      method: 'GET', path: '/api/v1/datahub/alert-rules', summary: 'What is told of runs, and to whom.', query: closed({ app: z.string().optional().describe('Of one application.') }), answers: { 200: 'All of them, webhooks with scheme and host.' },
      answer: async (request, { query: { app } }) => ({ status: 200, body: { alert_rules: (await rules(hub, request, { app })).alertRules.map(shownRule) } }),
    }),
    route({
      method: 'GET', path: '/api/v1/datahub/alerts', summary: 'What was told of runs, the newest first.', answers: { 200: 'A page of them.' },
      query: pageQuery.extend({
        app: z.string().optional().describe('Of one application.'), pipeline: z.string().optional().describe('Of one pipeline.'), job: z.string().optional().describe('Of one job.'), kind: word(kinds).optional().describe('Of one kind.'),
        acknowledged: flag.optional().describe('Those that somebody has seen to, or the others.'),
      }),
      answer: async (request, { query: { app, pipeline, job, kind, acknowledged, page_size, page_token } }) => ({
        status: 200, body: pageOf('alerts', (await alerts(hub, request, { filter: { app, pipelineId: pipeline, jobId: job, kind: kind?.toUpperCase(), acknowledged }, first: page_size, after: page_token })).alerts, alert => snakeMembers(lowered(alert, 'kind'))),
      }),
    }),
    route({
      method: 'GET', path: '/api/v1/datahub/dead-notices', summary: 'Notices that did not arrive, the newest first.', query: pageQuery.extend({ app: z.string().optional().describe('Of one application.') }), answers: { 200: 'A page of them.' },
      answer: async (request, { query: { app, page_size, page_token } }) => ({ status: 200, body: pageOf('dead_notices', (await deadNotices(hub, request, { app, first: page_size, after: page_token })).deadNotices, dead => snakeMembers(lowered(dead, 'kind'))) }),
    }),
    route({
      method: 'GET', path: '/api/v1/datahub/anomalies', summary: 'Pipelines whose last run is unlike those before.', query: closed({ app: z.string().describe('Of this application.') }), answers: { 200: 'What is outside of its band, and pipelines without enough history.' },
      answer: async (request, { query: { app } }) => ({ status: 200, body: { anomalies: (await anomalies(hub, request, { app })).anomalies.map(anomaly => snakeMembers(lowered(anomaly, 'verdict', 'metric'))) } }),
    }),
  ]
}

function shownRule(rule: Rule) {
  return { ...snakeMembers(lowered({ ...rule }, 'kind')), targets: rule.targets.map(target => lowered(target, 'kind')) }
}
