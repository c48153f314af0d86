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
import { definitionFields } from './definition-fields.ts'
import { executionPlan } from './execution-plan.ts'
import { jobFields } from './job-fields.ts'
import { jobRunFields } from './job-run-fields.ts'
import { runFields, type RunRoles } from './run-fields.ts'
import { statisticsFields } from './statistics-fields.ts'
import { transforms } from './transforms/index.ts'
import { schemas } from './xsd.ts'

const sdl = withIdempotencyKeys(['pipelines.graphql', 'alerts.graphql'].map(file => readFileSync(join(import.meta.dirname, '..', '..', 'schema', file), 'utf8')).join('\n'))

/** Pipelines and jobs: what their documents may say, those there are, their runs, and who is told of these. */
export function pipelinesSubgraph(roles: RunRoles & AlertRoles & DeadNoticeRoles): Subgraph {
  const held = <Result>(answer: () => Result) => (_parent: unknown, _args: unknown, { scope }: Context): Result => {
    mustHold(scope, 'catalog:read')
    return answer()
  }
  return {
    name: 'pipelines',
    sdl,
    fields: mergeFields(definitionFields(roles), jobFields(roles), runFields(roles), jobRunFields(roles), anyRunFields(roles), statisticsFields(roles), ruleFields(roles), alertFields(roles), deadNoticeFields(roles), anomalyFields(roles), {
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
