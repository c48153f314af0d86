import type { BatchFetchNode, FetchNode, FlattenNodePathSegment, InputRewrite, OutputRewrite, PlanNode, RequiresSelection } from '@graphql-hive/router-query-planner'
import { parse, type DocumentNode } from 'graphql'
import { HubError } from '../../schema/errors.ts'
import { shapeOf, type Shape } from './shape.ts'

/** A query plan made ready to run: documents parsed once, the places entities come from beside the call that fetches them. */
export type Step =
  | { readonly kind: 'sequence' | 'parallel'; readonly steps: readonly Step[] }
  | { readonly kind: 'condition'; readonly variable: string; readonly yes?: Step; readonly no?: Step }
  | { readonly kind: 'root'; readonly call: Call; readonly shape: Shape; readonly outputs: readonly OutputRewrite[] }
  | { readonly kind: 'entities'; readonly call: Call; readonly places: readonly Place[] }

/** One request to a subgraph. */
export interface Call {
  readonly service: string
  readonly document: string
  readonly parsed: DocumentNode
  readonly operationName?: string
  /** Variables of the client's operation that it passes on. */
  readonly variables: readonly string[]
}

/** Entities one call asks for under one alias: where they are in the data, what represents them, and which fields they get. */
export interface Place {
  /** `_entities`, or `_e0`, `_e1` … in a batch. */
  readonly alias: string
  readonly variable: string
  readonly paths: readonly (readonly FlattenNodePathSegment[])[]
  readonly requires: readonly RequiresSelection[]
  readonly inputs: readonly InputRewrite[]
  readonly outputs: readonly OutputRewrite[]
  /** What the call fills on the entity. */
  readonly shape: Shape
}

export interface Subscription {
  readonly call: Call
  readonly shape: Shape
  readonly outputs: readonly OutputRewrite[]
  /** What completes each event. */
  readonly rest: Step | undefined
}

/** Names of the subgraphs a step asks. */
export function servicesOf(step: Step): readonly string[] {
  switch (step.kind) {
    case 'sequence':
    case 'parallel':
      return step.steps.flatMap(servicesOf)
    case 'condition':
      return [step.yes, step.no].flatMap(branch => (branch ? servicesOf(branch) : []))
    default:
      return [step.call.service]
  }
}

export function stepOf(node: PlanNode, within: readonly FlattenNodePathSegment[] = []): Step {
  switch (node.kind) {
    case 'Sequence':
    case 'Parallel':
      return { kind: node.kind === 'Sequence' ? 'sequence' : 'parallel', steps: node.nodes.map(child => stepOf(child, within)) }
    case 'Condition':
      return { kind: 'condition', variable: node.condition, yes: node.ifClause ? stepOf(node.ifClause, within) : undefined, no: node.elseClause ? stepOf(node.elseClause, within) : undefined }
    case 'Flatten':
      return stepOf(node.node, [...within, ...node.path])
    case 'Fetch':
      return node.requires ? entitiesOf(node, within) : rootOf(node)
    case 'BatchFetch':
      return batchOf(node)
    default:
      throw new HubError('INTERNAL', 'The hub failed to plan the operation.', {}, { cause: new Error(`Plan node ${node.kind} is not known here.`) })
  }
}

/** The plan of a subscription: its events' source comes first, whatever follows completes each event. */
export function subscriptionOf(node: PlanNode): Subscription {
  const [first, ...rest] = node.kind === 'Sequence' ? node.nodes : [node]
  if (first?.kind !== 'Subscription') throw new HubError('INTERNAL', 'The hub failed to plan the subscription.', {}, { cause: new Error(`The plan begins with ${first?.kind}.`) })
  const call = callOf(first.primary)
  const outputs = first.primary.outputRewrites ?? []
  return { call, outputs, shape: shapeOf(call.parsed, undefined, outputs), rest: rest.length > 0 ? { kind: 'sequence', steps: rest.map(child => stepOf(child)) } : undefined }
}

function rootOf(node: FetchNode): Step {
  const call = callOf(node)
  const outputs = node.outputRewrites ?? []
  return { kind: 'root', call, shape: shapeOf(call.parsed, undefined, outputs), outputs }
}

function entitiesOf(node: FetchNode, path: readonly FlattenNodePathSegment[]): Step {
  const call = callOf(node)
  const outputs = node.outputRewrites ?? []
  const shape = shapeOf(call.parsed, '_entities', outputs)
  return {
    kind: 'entities', call,
    places: [{ alias: '_entities', variable: 'representations', paths: [path], requires: node.requires ?? [], inputs: node.inputRewrites ?? [], outputs, shape }],
  }
}

function batchOf(node: BatchFetchNode): Step {
  const call = callOf(node)
  const places = node.entityBatch.aliases.map((alias): Place => {
    const outputs = alias.outputRewrites ?? []
    return {
      alias: alias.alias, variable: alias.representationsVariableName, paths: alias.paths, requires: alias.requires, inputs: alias.inputRewrites ?? [], outputs,
      shape: shapeOf(call.parsed, alias.alias, outputs),
    }
  })
  return { kind: 'entities', call, places }
}

function callOf(node: FetchNode | BatchFetchNode): Call {
  return {
    service: node.serviceName, document: node.operation, parsed: parse(node.operation, { noLocation: true }), operationName: node.operationName ?? undefined, variables: node.variableUsages ?? [],
  }
}
