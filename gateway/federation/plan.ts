import { createHash } from 'node:crypto'
import { QueryPlanner } from '@graphql-hive/router-query-planner'
import type { FragmentDefinitionNode, GraphQLSchema, OperationDefinitionNode } from 'graphql'
import { HubError } from '../../schema/errors.ts'
import { canonical, type Canonical } from './canonical.ts'
import { stepOf, subscriptionOf, type Step, type Subscription } from './steps.ts'

/** One operation, planned. */
export interface Plan extends Canonical {
  /** Absent where nothing needs fetching, and for a subscription. */
  readonly step?: Step
  readonly subscription?: Subscription
}

export interface PlanRequest {
  readonly text: string
  readonly operation: OperationDefinitionNode
  readonly fragments: Iterable<FragmentDefinitionNode>
  /** Coerced. */
  readonly variables: Record<string, unknown>
  readonly requestId: string
}

export interface Planner {
  /**
   * The plan of this operation, kept under its text (and, where fields move between subgraphs by percentage, under the share the request falls in).
   * 20 µs to some milliseconds when new. INTERNAL when the planner finds no way.
   */
  plan(request: PlanRequest): Plan
}

/** What the planner made of an operation: a plan, or why there is none. */
type Attempt = { readonly plan: Plan } | { readonly conditions: readonly string[]; readonly cause: unknown }

/** Plans of one supergraph, of which at most `limit` are kept: those used last. */
export function openPlanner(supergraphSdl: string, schema: GraphQLSchema, limit = 2_000): Planner {
  const planner = new QueryPlanner(supergraphSdl)
  const thresholds = [...new Set(planner.overridePercentages)].sort((a, b) => a - b)
  const attempts = new Map<string, Attempt>()

  return {
    plan({ text, operation, fragments, variables, requestId }) {
      const percentage = thresholds.length > 0 ? percentageOf(requestId) : 0
      const share = thresholds.filter(threshold => percentage >= threshold).length
      const key = `${share}\n${operation.name?.value ?? ''}\n${text}`
      const first = kept(key, () => attempt(canonical(schema, operation, fragments), percentage))
      if ('plan' in first) return first.plan

      // The planner fails over some combinations of conditions. With the conditions decided it does not; each outcome is a plan of its own.
      const outcome = first.conditions.map(name => (variables[name] === true ? 1 : 0)).join('')
      const second = kept(`${outcome}\n${key}`, () => attempt(canonical(schema, operation, fragments, variables), percentage))
      if ('plan' in second) return second.plan
      throw new HubError('INTERNAL', 'The hub failed to plan the operation. The request id finds the detail in the log.', {}, { cause: second.cause })
    },
  }

  function kept(key: string, make: () => Attempt): Attempt {
    const found = attempts.get(key) ?? make()
    attempts.delete(key)
    attempts.set(key, found)
    if (attempts.size > limit) attempts.delete(attempts.keys().next().value ?? '')
    return found
  }

  function attempt(form: Canonical, percentage: number): Attempt {
    try {
      const { node } = planner.plan(form.text, form.operation.name?.value ?? null, new Set(), percentage)
      if (!node) return { plan: form }
      return { plan: form.operation.operation === 'subscription' ? { ...form, subscription: subscriptionOf(node) } : { ...form, step: stepOf(node) } }
    } catch (cause) {
      return { conditions: form.conditions, cause }
    }
  }
}

/** Where a request stands between 0 and 100: the same for every plan of the request. */
function percentageOf(requestId: string): number {
  return (createHash('sha256').update(requestId).digest().readUInt32BE(0) / 2 ** 32) * 100
}
