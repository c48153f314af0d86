import { z } from 'zod'
import type { Hub } from '../hub.ts'
import type { Route } from '../http/routes.ts'
import { closed } from '../../schema/findings.ts'
import { snakeMembers } from './forms.ts'
import { operation } from './operation.ts'
import { route } from './route.ts'
import { lowered } from './runs.ts'

type Members = Readonly<Record<string, unknown>>

interface Rule extends Members {
  readonly targets: readonly Members[]
}

const rules = operation<{ alertRules: readonly Rule[] }>('query RestAlertRules($app: String) { alertRules(app: $app) { app name kind pipelineId jobId failures quietMs targets { kind target } changedBy changedAt } }')

/** Who is told of what. */
export function alertRoutes(hub: Hub): readonly Route[] {
  return [
    route({
      method: 'GET', path: '/api/v1/datahub/alert-rules', summary: 'What is told of runs, and to whom.', query: closed({ app: z.string().optional().describe('Of one application.') }), answers: { 200: 'All of them, webhooks with scheme and host.' },
      answer: async (request, { query: { app } }) => ({ status: 200, body: { alert_rules: (await rules(hub, request, { app })).alertRules.map(shownRule) } }),
    }),
  ]
}

function shownRule(rule: Rule) {
  return { ...snakeMembers(lowered({ ...rule }, 'kind')), targets: rule.targets.map(target => lowered(target, 'kind')) }
}
