import { Kind, print, type ExecutionResult, type FieldNode, type FragmentDefinitionNode, type GraphQLObjectType, type OperationDefinitionNode } from 'graphql'
import { HubError } from '../../schema/errors.ts'
import type { MetadataStore } from '../../connectors/ports/metadata-store.ts'
import { Collector, type Fields } from './collect.ts'
import { Answering } from './compiled/programs.ts'
import { composeSupergraph, readSupergraph, type Composed } from './compose.ts'
import { readsOf, refuseElsewhere, saysConsistency, type Reads } from './consistency.ts'
import { deliver, type Delivery } from './deferred/deliver.ts'
import { checkLabels } from './deferred/directive.ts'
import { Directs } from './direct.ts'
import { ErrorList } from './error-list.ts'
import { graphqlError } from './errors.ts'
import { mapEvents } from './events.ts'
import { Failures } from './failures.ts'
import { cancellable, Flights } from './flights.ts'
import { keyedField, Once, type Outcome } from './once.ts'
import { openPlanner, type Plan } from './plan.ts'
import { Preparer, type Prepared } from './prepare.ts'
import { project } from './project.ts'
import { askerOf, mustBeOwn } from './remote.ts'
import { requestOf, runStep, takeRoot, untilAborted, type Run } from './run.ts'
import type { Data } from './shape.ts'
import { servicesOf } from './steps.ts'
import type { Operation, PlanWay, SubgraphService, Supergraph, Whole, Written } from './supergraph.ts'
import { typesOf } from './types.ts'

/** Whether any field of the text may carry a key; most mutations do not, and are planned whole. */
const asksForKeys = /\bidempotencyKey\b/

export interface SupergraphOptions {
  readonly services: readonly SubgraphService[]
  /** Where answers of mutations with an `idempotencyKey` are kept; absent: the argument has no effect. */
  readonly answers?: Pick<MetadataStore, 'keptAnswer' | 'keepAnswer'>
  /** The composition of the services, or its SDL, where it is known already; else they are composed: CATALOG_INVALID when they do not fit. */
  readonly composed?: Composed | string
  /** Errors one answer tells at most. */
  readonly maxErrors?: number
  /** Told of each run of a plan whose subgraphs are all remote. */
  readonly ran?: (way: PlanWay) => void
}

/** The graph over these services. Services stay the caller's: they are closed by whoever opened them. */
export function openSupergraph({ services, composed, answers, maxErrors = 1_000, ran }: SupergraphOptions): Supergraph {
  const { sdl, publicSchema: schema, version } = typeof composed === 'string' ? readSupergraph(composed) : composed ?? composeSupergraph(services)
  const byName = new Map(services.map(service => [service.name, service]))
  const planner = openPlanner(sdl, schema)
  const once = answers && new Once(answers)
  const types = typesOf(sdl)
  const directs = new Directs(schema, services)
  const preparer = new Preparer(schema)
  const answerings = new WeakMap<Plan, Answering>()
  /** Answered by now: who asks after one is not answered by a query that began before. */
  let mutations = 0

  return {
    version, sdl, schema,
    execute: operation => guarded(() => execute(operation)),
    write: operation => guarded(() => write(operation)),
    deliver: operation => guarded(() => deliveries(operation)),
    subscribe: operation => guarded(() => subscribe(operation)),
  }

  async function write(operation: Operation): Promise<Written | Whole | ExecutionResult> {
    const errors = new ErrorList(maxErrors)
    const known = await directs.known(operation)?.write(operation, operation.variables, errors)
    if (known !== undefined) return written(known, errors)
    const prepared = preparer.prepare(operation)
    if ('errors' in prepared) return prepared
    const { node, variables } = prepared
    if (node.operation !== 'query' || saysConsistency.test(operation.text)) return execute(operation)
    const plan = plannedFor(operation, prepared)
    const own = await directs.of(plan, operation, node)?.write(operation, variables, errors)
    if (own !== undefined) return written(own, errors)
    const { scope } = operation
    // What another's run is made from is noted in his footprint alone.
    if (!prepared.known.flights || scope.footprint || mustBeOwn(scope)) return writePlanned(operation, plan, prepared)
    return prepared.known.flights.join(`${mutations} ${askerOf(scope)}`, JSON.stringify(variables), scope.signal, () => cancellable(signal => writePlanned({ ...operation, scope: { ...scope, signal } }, plan, prepared)))
  }

  async function writePlanned(operation: Operation, plan: Plan, { rootType, variables }: Prepared): Promise<Written | Whole | ExecutionResult> {
    const errors = new ErrorList(maxErrors)
    const answering = answeringOf(plan, rootType, variables)
    const begun = runOf(operation, plan, variables)
    const made = operation.explain ? undefined : await answering.core?.run(begun)
    const isWhole = made !== undefined && 'whole' in made
    if (ran && answering.isRemote) ran(isWhole ? 'core' : made ? 'given_up' : 'general')
    if (isWhole) return made
    const run = made ? { ...begun, sent: made } : begun
    if (plan.step) await runStep(run, plan.step)
    const json = run.failures.all.size === 0 ? answering.write(run.data, run.isPlain) : undefined
    return json === undefined ? result(projected(run, rootType, operation, variables, errors), errors) : { json }
  }

  async function execute(operation: Operation): Promise<ExecutionResult> {
    const errors = new ErrorList(maxErrors)
    const known = await directs.known(operation)?.execute(operation, operation.variables, errors)
    if (known !== undefined) return result(known, errors)
    const prepared = preparer.prepare(operation)
    if ('errors' in prepared) return prepared
    const parts = saysConsistency.test(operation.text) ? readsOf(schema, operation, prepared) : []
    if (prepared.node.operation !== 'mutation') return parts.length > 1 ? answerParts(operation, prepared, parts) : answerWhole(operation, prepared, parts)
    try {
      return await mutate(operation, prepared, parts)
    } finally {
      mutations += 1
    }
  }

  async function answerWhole(operation: Operation, prepared: Prepared, [reads]: readonly Reads[]): Promise<ExecutionResult> {
    const { node, rootType, variables } = prepared
    const errors = new ErrorList(maxErrors)
    const asked = reads ? { ...operation, scope: reads.scope, explain: reads.explain } : operation
    const plan = plannedFor(asked, prepared)
    const own = await directs.of(plan, asked, node)?.execute(asked, variables, errors)
    return result(own === undefined ? await answer(asked, plan, rootType, variables, errors) : own, errors)
  }

  /** Root fields run one after the other, each to its end, and none after one that may not fail has. */
  async function mutate(operation: Operation, prepared: Prepared, parts: readonly Reads[]): Promise<ExecutionResult> {
    const { fragments, rootType, fields, variables } = prepared
    const isKeyed = once !== undefined && asksForKeys.test(operation.text)
    if (fields.size === 1 && !isKeyed) return answerWhole(operation, prepared, parts)
    const errors = new ErrorList(maxErrors)
    const data: Data = {}
    for (const [key, nodes] of fields) {
      const perform = async () => {
        const before = errors.list.length
        const reads = parts.find(one => one.fields.has(key)) ?? operation
        const part = await answerFields({ ...operation, scope: reads.scope, explain: reads.explain }, prepared, new Map([[key, nodes]]), errors)
        return { part, failed: errors.list.length > before }
      }
      const part = isKeyed ? await performOnce(operation, rootType, nodes, fragments, variables, perform, failure => errors.tell(failure, [key], nodes)) : (await perform()).part
      if (!part) return result(null, errors)
      Object.assign(data, part)
    }
    return result(data, errors)
  }

  async function deliveries(operation: Operation): Promise<AsyncGenerator<Delivery, void, void> | ExecutionResult> {
    const prepared = preparer.prepare(operation)
    if ('errors' in prepared) return prepared
    const { node, rootType, variables } = prepared
    checkLabels(operation.document)
    const [reads = operation, ...others] = saysConsistency.test(operation.text) ? readsOf(schema, operation, prepared) : []
    if (others.length > 0) throw new HubError('VALIDATION_ERROR', 'Root fields with different @consistency cannot be answered in parts. Ask for them in operations of their own, or without @defer.', { field: '@consistency' })
    const plan = plannedFor(operation, prepared)
    const collector = new Collector(schema, plan.fragments, variables, true)
    const fields = collector.root(rootType, plan.operation.selectionSet)
    const isMutation = node.operation === 'mutation'
    // Each of several fields has to end before the next begins, none waits for the first part, and an answer under a key is kept whole.
    if (isMutation && (prepared.fields.size > 1 || collector.deferredOf(fields).length > 0 || (once && asksForKeys.test(operation.text)))) return execute(operation)
    const parts = deliver(runOf({ ...operation, scope: reads.scope }, plan, variables), plan.step, { schema, form: plan, collector, rootType, fields, variables: operation.variables, maxErrors })
    return isMutation ? mutating(parts) : parts
  }

  /** The mutation is done when the first part is there; the others are read behind it. */
  async function* mutating(parts: AsyncGenerator<Delivery, void, void>): AsyncGenerator<Delivery, void, void> {
    const first = await parts.next().finally(() => {
      mutations += 1
    })
    if (first.done) return
    yield first.value
    yield* parts
  }

  /** Root fields that are read differently, side by side. */
  async function answerParts(operation: Operation, prepared: Prepared, parts: readonly Reads[]): Promise<ExecutionResult> {
    const answers = await Promise.all(parts.map(async ({ scope, explain, fields }) => {
      const errors = new ErrorList(maxErrors)
      return { data: await answerFields({ ...operation, scope, explain }, prepared, fields, errors), errors }
    }))
    const errors = answers.flatMap(one => one.errors.list).slice(0, maxErrors)
    const found: Data = Object.assign({}, ...answers.map(one => one.data))
    const data = answers.some(one => one.data === null) ? null : Object.fromEntries([...prepared.fields.keys()].map(key => [key, found[key]]))
    return errors.length > 0 ? { data, errors } : { data }
  }

  /** Some of the root fields, with a plan of their own. */
  function answerFields(operation: Operation, prepared: Prepared, fields: Fields, errors: ErrorList): Promise<Data | null> {
    const { node, rootType, variables } = prepared
    const own: OperationDefinitionNode = { ...node, selectionSet: { kind: Kind.SELECTION_SET, selections: [...fields.values()].flat() } }
    const text = `${operation.text}\n${[...fields].map(([key, nodes]) => `${key}:${nodes.map(one => one.loc?.start ?? print(one)).join()}`).join(' ')}`
    const plan = plannedFor({ ...operation, text }, { ...prepared, node: own, fields, known: {} })
    return answer(operation, plan, rootType, variables, errors)
  }

  /** As performed now or, under the client's key, before. A key used for something else is told at the field, and nothing behind it runs. */
  async function performOnce(
    { scope }: Operation, rootType: GraphQLObjectType, nodes: readonly FieldNode[], fragments: readonly FragmentDefinitionNode[], variables: Data,
    perform: () => Promise<Outcome>, tell: (failure: unknown) => void,
  ): Promise<Data | null> {
    try {
      const field = keyedField(rootType, nodes, fragments, variables)
      if (!field || !once) return (await perform()).part
      return await once.answer(scope, field, perform)
    } catch (error) {
      if (!(error instanceof HubError)) throw error
      tell(error)
      return null
    }
  }

  async function answer(operation: Operation, plan: Plan, rootType: GraphQLObjectType, variables: Data, errors: ErrorList): Promise<Data | null> {
    const run = runOf(operation, plan, variables)
    if (plan.step) await runStep(run, plan.step)
    return projected(run, rootType, operation, variables, errors)
  }

  async function subscribe(operation: Operation): Promise<AsyncGenerator<ExecutionResult, void, void> | ExecutionResult> {
    const prepared = preparer.prepare(operation)
    if ('errors' in prepared) return prepared
    const { node, fragments, rootType, variables } = prepared
    if (saysConsistency.test(operation.text)) refuseElsewhere(node, fragments)
    const plan = planner.plan({ text: operation.text, operation: node, fragments, variables, requestId: operation.scope.requestId })
    const { subscription } = plan
    if (!subscription) throw new HubError('INTERNAL', 'The hub failed to plan the subscription.')
    const service = byName.get(subscription.call.service)
    if (!service) throw new HubError('INTERNAL', `The graph has a subgraph "${subscription.call.service}" that is not connected.`)

    const start = runOf(operation, plan, variables)
    const source = await untilAborted(operation.scope.signal, () => service.subscribe({ ...requestOf(start, subscription.call, ''), live: operation.live }))
    if (!(Symbol.asyncIterator in source)) return { errors: (source.errors ?? [new HubError('UPSTREAM_REJECTED', `Subgraph "${service.name}" refused the subscription.`)]).map(error => graphqlError(error)) }

    return mapEvents(source, async event => {
      const run = runOf(operation, plan, variables)
      takeRoot(run, event, subscription)
      if (subscription.rest && event.data) await runStep(run, subscription.rest)
      const errors = new ErrorList(maxErrors)
      const made = result(projected(run, rootType, operation, variables, errors), errors)
      return event.extensions ? { ...made, extensions: event.extensions } : made
    })
  }

  /** The plan; where only the schema is asked about, no plan is made. */
  function plannedFor(operation: Operation, { node, fragments, fields, variables, known }: Prepared): Plan {
    if (known.plan) return known.plan
    const isFetched = [...fields.values()].some(([first]) => first && !first.name.value.startsWith('__'))
    if (!isFetched) return { operation: node, fragments: new Map(fragments.map(one => [one.name.value, one])), keyOf: new Map<FieldNode, string>(), renamed: new Map(), text: '' }
    const plan = planner.plan({ text: operation.text, operation: node, fragments, variables, requestId: operation.scope.requestId })
    if (!plan.isFixed) return plan
    known.plan = plan
    if (isRemote(plan)) known.flights = new Flights()
    return plan
  }

  /** Whether all it asks are behind URLs. */
  function isRemote({ step }: Plan): boolean {
    return step !== undefined && servicesOf(step).every(name => byName.get(name)?.raw)
  }

  function answeringOf(plan: Plan, rootType: GraphQLObjectType, variables: Data): Answering {
    let answering = answerings.get(plan)
    if (!answering) {
      answering = new Answering(schema, plan, rootType, variables, isRemote(plan))
      answerings.set(plan, answering)
    }
    return answering
  }

  function runOf({ scope, explain }: Operation, plan: Plan, variables: Data): Run {
    const named = plan.renamed.size === 0 ? variables : Object.fromEntries(Object.entries(variables).map(([name, value]) => [plan.renamed.get(name) ?? name, value]))
    return { plan, services: byName, types, scope, explain, variables: named, data: {}, failures: new Failures(), isPlain: true }
  }

  function projected(run: Run, rootType: GraphQLObjectType, operation: Operation, variables: Data, errors: ErrorList): Data | null {
    const { collector, fields } = answeringOf(run.plan, rootType, variables)
    const data = project({ schema, form: run.plan, collector, failures: run.failures, errors, variables: operation.variables }, rootType, fields, run.data)
    errors.finish(run.failures.all)
    return data
  }
}

function result(data: Data | null, errors: ErrorList): ExecutionResult {
  return errors.list.length > 0 ? { data, errors: errors.list } : { data }
}

function written(json: string, { list }: ErrorList): Written {
  return list.length > 0 ? { json, errors: list } : { json }
}

/** What stops an operation before it begins is an answer too. */
async function guarded<T>(work: () => Promise<T>): Promise<T | ExecutionResult> {
  try {
    return await work()
  } catch (error) {
    return { errors: [graphqlError(error)] }
  }
}
