import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from '../../resolvers/context.ts'
import { mustHold } from '../../resolvers/guard.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import type { Step } from './document/datasets.ts'
import { readDocument } from './document/read.ts'
import { transforms } from './transforms/index.ts'
import { schemas } from './xsd.ts'

const sdl = readFileSync(join(import.meta.dirname, '..', '..', 'schema', 'pipelines.graphql'), 'utf8')

/** Documents of pipelines: what they may say, and what is wrong with one. */
export function pipelinesSubgraph(): Subgraph {
  const held = <Result>(answer: () => Result) => (_parent: unknown, _args: unknown, { scope }: Context): Result => {
    mustHold(scope, 'catalog:read')
    return answer()
  }
  return {
    name: 'pipelines',
    sdl,
    fields: {
      Query: {
        validatePipeline(_parent: unknown, { xml }: { xml: string }, { scope }: Context) {
          mustHold(scope, 'catalog:read')
          return validated(xml)
        },
        transformationTypes: held(() => types),
        pipelineXsd: held(() => schemas['pipeline.xsd']),
        jobXsd: held(() => schemas['job.xsd']),
      },
    },
    scalars: [],
    entities: {},
  }
}

function validated(xml: string) {
  const { kind, document, findings } = readDocument(xml)
  const steps = kind === 'pipeline' ? document?.steps : undefined
  return { valid: document !== undefined, kind: kind?.toUpperCase() ?? null, findings, plan: steps ? { steps: executionSteps(steps) } : null }
}

/** Each with its group: one behind the last of those it waits for. */
function executionSteps(steps: readonly Step[]) {
  const groups = new Map<string, number>()
  return steps.map(({ id, kind, dependsOn, checked: { element } }) => {
    const parallelGroup = Math.max(0, ...dependsOn.map(one => (groups.get(one) ?? 0) + 1))
    groups.set(id, parallelGroup)
    return { id, kind: kind.toUpperCase(), type: element.name, line: element.at.line, dependsOn, parallelGroup }
  })
}

const types = transforms.map(({ shape: { name, doc, attributes }, example }) => ({
  name, doc, example,
  attributes: Object.entries(attributes).map(([own, { type, isRequired, fallback, doc: about }]) => ({
    name: own, doc: about, required: isRequired, expected: type.expected, choices: type.choices ?? null, default: fallback === undefined ? null : String(fallback),
  })),
}))
