import { createHash } from 'node:crypto'
import { QueryPlanner, type PlanNode } from '@graphql-hive/router-query-planner'
import type { FragmentDefinitionNode, GraphQLSchema, OperationDefinitionNode } from 'graphql'
import { HubError } from '../../schema/errors.ts'
import { canonical, conditionsOf, type Canonical } from './canonical.ts'
import { withEveryType } from './every-type.ts'
import { fitting } from './fitting.ts'
import { Kept } from './kept.ts'
import { plannerNames, saysInterfaceObject } from './planner-order.ts'
import { withoutSharedMutations } from './shared-mutations.ts'
import { stepOf, subscriptionOf, type Step, type Subscription } from './steps.ts'
import { interfacesOfHidden } from './types.ts'

/** One operation, planned. */
export interface Plan extends Canonical {
  /** Whether every request with the operation has this plan, whatever its variables and its id. */
  readonly isFixed?: boolean
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
   * The plan of this operation, kept under its name and text, under what its conditions decide, and, where fields move between subgraphs by percentage, under the
   * share the request falls in.
   * 20 µs to some milliseconds when new. UPSTREAM_REJECTED, naming the field, when the planner finds no way.
   */
  plan(request: PlanRequest): Plan
}

/** Plans of one supergraph, of which at most `limit` are kept: those used last. */
export function openPlanner(supergraphSdl: string, schema: GraphQLSchema, limit = 2_000): Planner {
  const { sdl, restored } = plannerNames(supergraphSdl)
  const fitted = fitting(supergraphSdl)
  const ofHidden = interfacesOfHidden(supergraphSdl, schema)
  const hasInterfaceObjects = saysInterfaceObject(supergraphSdl)
  const planner = new QueryPlanner(sdl)
  /** Made with the first mutation. The one that finds a way first is taken. */
  let forMutations: readonly QueryPlanner[] | undefined
  const thresholds = [...new Set(planner.overridePercentages)].sort((a, b) => a - b)
  const conditions = new Kept<readonly string[]>(limit)
  const plans = new Kept<Plan>(limit)

  return {
    plan({ text, operation, fragments, variables, requestId }) {
      const percentage = thresholds.length > 0 ? percentageOf(requestId) : 0
      const share = thresholds.filter(threshold => percentage >= threshold).length
      const name = `${operation.name?.value ?? ''}\n${text}`
      const outcome = conditions.get(name, () => conditionsOf(operation, fragments)).map(variable => (variables[variable] === true ? 1 : 0))
      return plans.get(`${share} ${outcome.join('')} ${name}`, () => ({ ...make(canonical(schema, operation, fragments, variables, ofHidden), variables, percentage), isFixed: outcome.length === 0 && thresholds.length === 0 }))
    },
  }

  function make(form: Canonical, variables: Record<string, unknown>, percentage: number): Plan {
    const node = planned(form, percentage)
    if (!node) return form
    const complete = (step: Step) => (hasInterfaceObjects ? withEveryType(step, form, schema, variables) : step)
    if (form.operation.operation !== 'subscription') return { ...form, step: complete(stepOf(node)) }
    const subscription = subscriptionOf(node)
    return { ...form, subscription: { ...subscription, rest: subscription.rest && complete(subscription.rest) } }
  }

  function planned(form: Canonical, percentage: number): PlanNode | undefined {
    const planners = form.operation.operation === 'mutation' ? mutationPlanners() : [planner]
    let failure: unknown
    for (const one of planners) {
      try {
        const { node } = one.plan(form.text, form.operation.name?.value ?? null, new Set(), percentage)
        return node && fitted(restored(node))
      } catch (error) {
        failure ??= error
      }
    }
    throw unplanned(failure)
  }

  function mutationPlanners(): readonly QueryPlanner[] {
    if (forMutations === undefined) {
      const alone = withoutSharedMutations(sdl)
      forMutations = alone.length > 0 ? alone.map(one => new QueryPlanner(one)) : [planner]
    }
    return forMutations
  }
}

const patterns = [/No paths found for selection item: (.{1,200})/, /Path '(.{1,200}?)' cannot be found in selection set/, /No field found for name '(.{1,200}?)' in type/]

/** What the planner cannot do it says in words of its own, with the field or path it stumbled over; everything else is a fault. */
function unplanned(cause: unknown): HubError {
  const message = String(cause)
  const [, found] = patterns.map(pattern => pattern.exec(message)).find(Boolean) ?? []
  if (found === undefined) return new HubError('INTERNAL', 'The hub failed to plan the operation. The request id finds the detail in the log.', {}, { cause })
  // `far.more.@.|[Parcel]` → `far.more on Parcel`
  const selection = found.trim().replaceAll('.@', '').replace(/\.?\|\[([^\]]*)\]/g, ' on $1')
  const wayOut = 'Ask for it in an operation of its own, nearer to the root, or begin at another field of the graph.'
  return new HubError('UPSTREAM_REJECTED', `The planner finds no way through the subgraphs to "${selection}" where this operation asks for it. ${wayOut}`, { selection }, { cause })
}

/** Where a request stands between 0 and 100: the same for every plan of the request. */
function percentageOf(requestId: string): number {
  return (createHash('sha256').update(requestId).digest().readUInt32BE(0) / 2 ** 32) * 100
}
