import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from '../../resolvers/context.ts'
import { mustHold } from '../../resolvers/guard.ts'
import { mergeFields, type Subgraph } from '../../resolvers/subgraph.ts'
import { scalars } from '../../schema/scalars.ts'
import { withIdempotencyKeys } from '../../schema/sdl.ts'
import { alertFields } from './alerts/alert-fields.ts'
import { anomalyFields } from './alerts/anomaly-fields.ts'
import { type DeadNoticeRoles, deadNoticeFields } from './alerts/dead-notice-fields.ts'
import { type AlertRoles, ruleFields } from './alerts/rule-fields.ts'
import { anyRunFields } from './any-run-fields.ts'
import { readDocument } from './document/read.ts'
import { definitionFields, type DefinitionRoles } from './definition-fields.ts'
import type { Audit } from './definitions/audit.ts'
import { auditFields } from './definitions/audit-fields.ts'
import { draftFields } from './definitions/draft-fields.ts'
import type { Drafts } from './definitions/drafts.ts'
import { changeFields } from './definitions/fields.ts'
import { type Layout, layoutFields } from './definitions/layout.ts'
import { driftFields } from './drift-fields.ts'
import { environmentFields, type EnvironmentRoles } from './environments/fields.ts'
import { exportFields } from './exports/export-fields.ts'
import { onDemandFields } from './exports/on-demand-fields.ts'
import { executionPlan } from './execution-plan.ts'
import { jobFields } from './job-fields.ts'
import { jobRunFields } from './job-run-fields.ts'
import { logFields } from './log-fields.ts'
import { queueFields } from './queue-fields.ts'
import { revealFields, type RevealRoles } from './reveal-fields.ts'
import { runFields, type RunRoles } from './run-fields.ts'
import { statisticsFields } from './statistics-fields.ts'
import { transforms } from './transforms/index.ts'
import { schemas } from './xsd.ts'

const sdl = withIdempotencyKeys(['pipelines.graphql', 'alerts.graphql'].map(file => readFileSync(join(import.meta.dirname, '..', '..', 'schema', file), 'utf8')).join('\n'), ['detokenize'])

export interface ChangeRoles extends DefinitionRoles, EnvironmentRoles {
  readonly audit: Audit
  readonly drafts: Drafts
  readonly layout: Layout
}

/** Pipelines and jobs: what their documents may say, those there are, their runs, and who is told of these. */
export function pipelinesSubgraph(roles: RunRoles & ChangeRoles & RevealRoles & AlertRoles & DeadNoticeRoles): Subgraph {
  const held = <Result>(answer: () => Result) => (_parent: unknown, _args: unknown, { scope }: Context): Result => {
    mustHold(scope, 'catalog:read')
    return answer()
  }
  return {
    name: 'pipelines',
    sdl,
    fields: mergeFields(definitionFields(roles), changeFields(roles), draftFields(roles), auditFields(roles), layoutFields(roles), environmentFields(roles), jobFields(roles), runFields(roles), jobRunFields(roles), anyRunFields(roles), statisticsFields(roles), revealFields(roles), driftFields(roles), exportFields(roles), onDemandFields(roles), ruleFields(roles), alertFields(roles), deadNoticeFields(roles), anomalyFields(roles), queueFields(roles), logFields(roles), {
      Query: {
        validatePipeline(_parent: unknown, { xml }: { xml: string }, { scope }: Context) {
          mustHold(scope, 'catalog:read')
          return validated(xml)
        },
        transformationTypes: held(() => types),
        pipelineXsd: held(() => schemas['pipeline.xsd']),
        jobXsd: held(() => schemas['job.xsd']),
      },
    }),
    scalars,
    entities: {},
  }
}

function validated(xml: string) {
  const { kind, document, findings } = readDocument(xml)
  const steps = kind === 'pipeline' ? document?.steps : undefined
  return { valid: document !== undefined, kind: kind?.toUpperCase() ?? null, findings, plan: steps ? executionPlan(steps) : null }
}

const types = transforms.map(({ shape: { name, doc, attributes }, example }) => ({
  name, doc, example,
  attributes: Object.entries(attributes).map(([own, { type, isRequired, fallback, doc: about }]) => ({
    name: own, doc: about, required: isRequired, expected: type.expected, choices: type.choices ?? null, default: fallback === undefined ? null : String(fallback),
  })),
}))
