import {
  type DocumentNode, type ExecutionResult, getOperationAST, getVariableValues, GraphQLError, Kind, NoSchemaIntrospectionCustomRule, type OperationDefinitionNode, OperationTypeNode, parse, specifiedRules, validate,
} from 'graphql'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { Live, Read } from '../../resolvers/context.ts'
import type { Consistency } from '../../schema/consistency.ts'
import { HubError } from '../../schema/errors.ts'
import { consistencyOf } from '../federation/consistency.ts'
import type { Delivery, Increment } from '../federation/deferred/deliver.ts'
import type { Supergraph, Whole, Written } from '../federation/supergraph.ts'
import { costOf, refuseAbove } from '../limits/cost.ts'
import type { PersistedDocuments } from '../limits/persisted.ts'
import type { ShapeCheck } from '../limits/shape.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { type AnsweredError, answeredError } from './errors.ts'
import type { Params } from './params.ts'
import { planOf } from './plan.ts'
import { cachedOperation, type CachedOperation } from './response-cache/operation.ts'
import type { ResponseCache, Wanted } from './response-cache/response-cache.ts'
import { untilAborted } from './scope.ts'
import type { FrontSettings } from './settings.ts'

/** One operation that passed every check, and the graph it will run on. */
export interface Prepared {
  readonly supergraph: Supergraph
  readonly document: DocumentNode
  readonly text: string
  readonly node: OperationDefinitionNode
  readonly params: Params
  /** The client asked for its answer to be kept. */
  readonly cached?: CachedOperation
}

/** An answer ready to be written. */
export interface Answer {
  readonly errors?: readonly AnsweredError[]
  readonly data?: ExecutionResult['data']
  /** Data that is JSON already, in place of `data`. */
  readonly json?: string
  /** All of the answer as it is sent, in place of everything else. */
  readonly whole?: Buffer
  readonly extensions?: Readonly<Record<string, unknown>>
}

/** A piece of an answer that comes in pieces, ready to be written. */
export interface WordedDelivery extends Answer {
  readonly incremental?: readonly (Omit<Increment, 'errors'> & { readonly errors?: readonly AnsweredError[] })[]
  readonly hasNext: boolean
}

/** A document with several mistakes, each with its place. */
export class Refusal extends Error {
  readonly errors: readonly GraphQLError[]

  constructor(errors: readonly GraphQLError[]) {
    super(errors.map(({ message }) => message).join(' '))
    this.errors = errors
  }
}

interface Chosen {
  readonly node: OperationDefinitionNode
  readonly cost: (variables: Params['variables']) => number
  readonly cached: CachedOperation | undefined
}

const maxDocuments = 2_000
/** Of a list that nobody gave a size. */
const usualRows = 50

/** What every transport does with an operation: find its document, check it, run it, word its errors. */
export class Operations {
  readonly #settings: FrontSettings
  readonly #persisted: PersistedDocuments
  readonly #shape: ShapeCheck
  readonly #metrics: Metrics
  readonly #responses: ResponseCache
  readonly #valid = new WeakMap<Supergraph, Map<string, DocumentNode>>()
  readonly #choices = new WeakMap<DocumentNode, Map<string, Chosen>>()

  constructor(parts: { settings: FrontSettings; persisted: PersistedDocuments; shape: ShapeCheck; metrics: Metrics; responses: ResponseCache }) {
    this.#settings = parts.settings
    this.#persisted = parts.persisted
    this.#shape = parts.shape
    this.#metrics = parts.metrics
    this.#responses = parts.responses
  }

  /** The document's text, after the checks that need no parser of ours: persisted documents, and the limits of shape for what is not trusted. */
  admit(params: Params): string {
    const text = this.#persisted.resolve(params)
    if (!text) throw new HubError('BAD_USER_INPUT', '"query" is missing; it is the text of a GraphQL document.')
    if (!this.#persisted.trusts(text)) this.#shape.check(text)
    return text
  }

  /** Everything that stands before execution, for transports without a pipeline of their own. `own` is a text of the hub's own, which the limits of texts are not for. Throws a HubError, or a Refusal for mistakes in the document. */
  prepare(supergraph: Supergraph, params: Params, own?: string): Prepared {
    const text = own ?? this.admit(params)
    return this.choose({ supergraph, document: this.#document(supergraph, text), text, params })
  }

  /** The operation that is asked for, within its limit of cost. */
  choose({ supergraph, document, text, params }: Omit<Prepared, 'node' | 'cached'>): Prepared {
    const { node, cost, cached } = this.#chosen(supergraph, document, params.operationName ?? '')
    refuseAbove(this.#settings.limits, cost(params.variables))
    return { supergraph, document, text, node, params, cached }
  }

  /** What holds for every request with the document. A document is parsed for one supergraph only. */
  #chosen(supergraph: Supergraph, document: DocumentNode, operationName: string): Chosen {
    const ofDocument = this.#choices.get(document) ?? new Map<string, Chosen>()
    this.#choices.set(document, ofDocument)
    const known = ofDocument.get(operationName)
    if (known) return known
    const node = getOperationAST(document, operationName || undefined)
    if (!node) throw new HubError('BAD_USER_INPUT', noOperation(document, operationName || undefined))
    const chosen = { node, cost: costOf(supergraph.schema, document, node, this.#settings.limits.defaultRows ?? usualRows), cached: cachedOperation(document, node) }
    ofDocument.set(operationName, chosen)
    return chosen
  }

  /** Runs a query or a mutation; the answer comes by the scope's deadline, with `json` data may come as JSON. Throws the reason when the scope was aborted first. */
  async execute(prepared: Prepared, scope: Scope, wanted: Wanted): Promise<Answer> {
    if (prepared.cached) return this.#responses.answer(prepared.cached, prepared, scope, wanted, (own, noted) => this.#run(own, noted, wanted))
    return this.#run(prepared, scope, wanted)
  }

  async #run(prepared: Prepared, scope: Scope, wanted: Wanted): Promise<Answer> {
    const { supergraph, document, text, params } = prepared
    if (prepared.node.operation === OperationTypeNode.SUBSCRIPTION) {
      throw new HubError('BAD_USER_INPUT', 'A subscription has no single answer.', { hint: 'Ask with "Accept: text/event-stream", or over a WebSocket with graphql-transport-ws.' })
    }
    const reads: Read[] = []
    const explain = wanted.explain ? (read: Read) => void reads.push(read) : undefined
    const operation = { document, text, variables: params.variables, scope, ...(params.operationName ? { operationName: params.operationName } : {}), ...(explain ? { explain } : {}) }
    const result = await untilAborted<ExecutionResult | Written | Whole>(wanted.json && !explain ? supergraph.write(operation) : supergraph.execute(operation), scope.signal)
    if ('whole' in result) return result
    const answer = this.answer(result, scope)
    return explain ? { ...answer, extensions: { ...answer.extensions, hub: { reads, plan: planOf(reads), ...appliedTo(prepared, scope, answer) } } } : answer
  }

  /** Runs a query or a mutation in parts, as `deliver` of the supergraph does; one that does not begin, of which nothing is deferred or that is to be explained has one answer. */
  async deliver(prepared: Prepared, scope: Scope, wanted: Pick<Wanted, 'explain'>): Promise<AsyncGenerator<WordedDelivery, void, void> | Answer> {
    const { supergraph, cached, document, text, params: { variables, operationName } } = prepared
    const result = wanted.explain ? undefined : await supergraph.deliver?.({ document: cached?.document ?? document, text, variables, scope, ...(operationName ? { operationName } : {}) })
    if (!result) return this.execute(prepared, scope, wanted)
    if (!(Symbol.asyncIterator in result)) return this.answer(result, scope)
    const { value: first, done } = await untilAborted(result.next(), scope.signal)
    if (done || !first.hasNext) return this.answer(first ?? {}, scope)
    return this.#worded(first, result, scope)
  }

  async *#worded(first: Delivery, rest: AsyncIterable<Delivery>, scope: Scope): AsyncGenerator<WordedDelivery, void, void> {
    yield { ...this.answer(first, scope), hasNext: first.hasNext }
    for await (const { incremental = [], hasNext } of rest) {
      yield { incremental: incremental.map(({ errors, ...part }) => ({ ...part, ...(errors && { errors: errors.map(error => this.error(error, scope)) }) })), hasNext }
    }
  }

  /** Begins a subscription: its events, or the result that refuses it. */
  async subscribe({ supergraph, document, text, params }: Prepared, scope: Scope, live: Live): Promise<AsyncGenerator<ExecutionResult, void, void> | ExecutionResult> {
    return untilAborted(supergraph.subscribe({ document, text, variables: params.variables, scope, live, ...(params.operationName ? { operationName: params.operationName } : {}) }), scope.signal)
  }

  /** A result as it is written: errors worded, counted and stripped of what is not the client's. */
  answer(result: Pick<ExecutionResult, 'data' | 'errors' | 'extensions'> | Written, context: Pick<Scope, 'requestId' | 'log'>): Answer {
    const { errors, data, json, extensions } = { data: undefined, json: undefined, extensions: undefined, ...result }
    return {
      ...(errors && errors.length > 0 ? { errors: errors.map(error => this.error(error, context)) } : {}),
      ...(data === undefined ? {} : { data }),
      ...(json === undefined ? {} : { json }),
      ...(extensions ? { extensions } : {}),
    }
  }

  /** What was thrown, as an answer without data. */
  failure(error: unknown, context: Pick<Scope, 'requestId' | 'log'>): Answer & { readonly errors: readonly AnsweredError[] } {
    const all: readonly unknown[] = error instanceof Refusal ? error.errors : [error]
    return { errors: all.map(each => this.error(each, context)) }
  }

  error(error: unknown, context: Pick<Scope, 'requestId' | 'log'>): AnsweredError {
    const answered = answeredError(error, context)
    this.#metrics.errors.inc({ code: Object.hasOwn(answered.extensions, 'code') ? answered.extensions.code : 'INTERNAL' })
    return answered
  }

  #document(supergraph: Supergraph, text: string): DocumentNode {
    const known = this.#valid.get(supergraph) ?? new Map<string, DocumentNode>()
    this.#valid.set(supergraph, known)
    const found = known.get(text)
    if (found) return found
    const document = parsed(text, this.#settings.limits.maxTokens)
    const rules = this.#settings.introspection ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule]
    const errors = validate(supergraph.schema, document, rules)
    if (errors.length > 0) throw new Refusal(errors.map(error => withCode(error, 'GRAPHQL_VALIDATION_FAILED')))
    for (const oldest of known.keys()) {
      if (known.size < maxDocuments) break
      known.delete(oldest)
    }
    known.set(text, document)
    return document
  }
}

/** What the reads were bound by, but for those that say so themselves. */
function appliedTo({ supergraph: { schema }, node, params }: Prepared, { consistency }: Scope, { data }: Answer): { readonly consistency?: Consistency } {
  if (!consistency || data === undefined) return {}
  const { coerced } = getVariableValues(schema, node.variableDefinitions ?? [], params.variables)
  return { consistency: coerced ? consistencyOf(schema, node, coerced, consistency) : consistency }
}

function parsed(text: string, maxTokens: number): DocumentNode {
  try {
    return parse(text, { maxTokens })
  } catch (error) {
    throw error instanceof GraphQLError ? new Refusal([withCode(error, 'GRAPHQL_PARSE_FAILED')]) : error
  }
}

function withCode(error: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(error.message, { nodes: error.nodes, source: error.source, positions: error.positions, extensions: { ...error.extensions, code } })
}

/** Why no operation of the document is the one asked for. */
export function noOperation(document: DocumentNode, asked: string | undefined): string {
  const names = document.definitions.flatMap(definition => (definition.kind === Kind.OPERATION_DEFINITION ? [definition.name?.value ?? '(without a name)'] : []))
  if (names.length === 0) return 'The document has no operation.'
  const has = `the document has ${names.map(name => `"${name}"`).join(', ')}`
  return asked ? `There is no operation "${asked}": ${has}.` : `operationName is missing, and ${has}. Say which one.`
}
