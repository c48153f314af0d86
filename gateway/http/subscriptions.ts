import { type DocumentNode, type ExecutionResult, specifiedRules, validate } from 'graphql'
import { HubError } from '../../schema/errors.ts'
import type { Identity } from '../auth/identity.ts'
import type { Supergraph } from '../federation/supergraph.ts'
import type { Metrics } from '../telemetry/metrics.ts'

export type Transport = 'sse' | 'websocket'

interface Open {
  readonly document: DocumentNode
  readonly caller: string
  readonly transport: Transport
  readonly abort: (reason: HubError) => void
}

/** The subscriptions open in this process: counted per caller, told when the graph changes under them, ended when the hub stops. */
export class Subscriptions {
  readonly #maxPerCaller: number
  readonly #metrics: Metrics
  readonly #open = new Set<Open>()
  readonly #perCaller = new Map<string, number>()
  #ending: HubError | undefined
  #waiting: (() => void)[] = []

  constructor(maxPerCaller: number, metrics: Metrics) {
    this.#maxPerCaller = maxPerCaller
    this.#metrics = metrics
  }

  get size(): number {
    return this.#open.size
  }

  /** Files one more; the answer takes it out. Fails with RATE_LIMITED when the caller has as many as allowed, with SHUTTING_DOWN when all are ended. */
  add(subscription: { document: DocumentNode; identity: Identity; transport: Transport; abort: (reason: HubError) => void }): () => void {
    if (this.#ending) throw this.#ending
    const { identity, transport, document, abort } = subscription
    const caller = callerKey(identity)
    const count = this.#perCaller.get(caller) ?? 0
    if (count >= this.#maxPerCaller) {
      throw new HubError('RATE_LIMITED', `This caller has ${count} subscriptions open, which is the limit. End one first.`, { limits: { subscriptionsPerCaller: this.#maxPerCaller } })
    }
    const open: Open = { document, caller, transport, abort }
    this.#open.add(open)
    this.#perCaller.set(caller, count + 1)
    this.#metrics.subscriptionsOpen.inc({ transport })
    return () => this.#remove(open)
  }

  /** Ends those whose operation the new graph no longer has, with SCHEMA_CHANGED. The others go on as they are. A document is validated once, however many use it. */
  onSupergraph(next: Supergraph): void {
    const problems = new Map<DocumentNode, readonly string[]>()
    for (const { document, abort } of this.#open) {
      const found = problems.get(document) ?? validate(next.schema, document, specifiedRules).map(({ message }) => message)
      problems.set(document, found)
      if (found.length > 0) abort(new HubError('SCHEMA_CHANGED', `The graph changed, and the operation is no longer valid: ${found.join(' ')}`, { problems: found }))
    }
  }

  /** Ends all, and lets no new one in. */
  end(reason: HubError): void {
    this.#ending = reason
    for (const { abort } of this.#open) abort(reason)
  }

  /** Waits until none is open. */
  empty(): Promise<void> {
    return this.#open.size === 0 ? Promise.resolve() : new Promise(resolve => this.#waiting.push(resolve))
  }

  #remove(open: Open): void {
    if (!this.#open.delete(open)) return
    const left = (this.#perCaller.get(open.caller) ?? 1) - 1
    if (left === 0) this.#perCaller.delete(open.caller)
    else this.#perCaller.set(open.caller, left)
    this.#metrics.subscriptionsOpen.dec({ transport: open.transport })
    if (this.#open.size === 0) for (const wake of this.#waiting.splice(0)) wake()
  }
}

/** Names a caller across tenants, for limits. */
export function callerKey({ tenant, caller }: Identity): string {
  return `${tenant}\n${caller.subject}`
}

/**
 * The events of one subscription as a transport pulls them. `return` aborts first: a generator that waits for its next event cannot be returned before
 * it comes. An error that ends the subscription from our side gets the cursor of the last event, if the client asked for cursors and the source set none.
 */
export class Events implements AsyncGenerator<ExecutionResult, void, void> {
  readonly #source: AsyncGenerator<ExecutionResult, void, void>
  readonly #leave: () => void
  readonly #ended: () => void
  #cursor: string | undefined

  /** `leave` aborts the scope because the client is gone; `ended` is called once, when nothing more will come. */
  constructor(source: AsyncGenerator<ExecutionResult, void, void>, hooks: { leave: () => void; ended: () => void }) {
    this.#source = source
    this.#leave = hooks.leave
    this.#ended = hooks.ended
  }

  /** Of the last event pulled. */
  get cursor(): string | undefined {
    return this.#cursor
  }

  async next(): Promise<IteratorResult<ExecutionResult, void>> {
    try {
      const step = await this.#source.next()
      if (step.done) this.#ended()
      else this.#cursor = cursorIn(step.value) ?? this.#cursor
      return step
    } catch (error) {
      this.#ended()
      throw this.#withCursor(error)
    }
  }

  async return(): Promise<IteratorResult<ExecutionResult, void>> {
    this.#leave()
    this.#ended()
    // What the source still has to say is said to nobody; it was told to stop through the signal.
    await this.#source.return().catch(() => undefined)
    return { done: true, value: undefined }
  }

  async throw(error: unknown): Promise<IteratorResult<ExecutionResult, void>> {
    await this.return()
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  #withCursor(error: unknown): unknown {
    if (!(error instanceof HubError) || !resumable.has(error.code) || error.details['cursor'] !== undefined || this.#cursor === undefined) return error
    return new HubError(error.code, error.message, { ...error.details, cursor: this.#cursor }, { cause: error })
  }
}

const resumable = new Set(['SLOW_CONSUMER', 'SCHEMA_CHANGED', 'SHUTTING_DOWN', 'TIMEOUT'])

/** `data.<root field>.cursor` of an event. */
export function cursorIn(event: ExecutionResult): string | undefined {
  for (const value of Object.values(event.data ?? {})) {
    const cursor: unknown = typeof value === 'object' && value !== null ? (value as { cursor?: unknown }).cursor : undefined
    if (typeof cursor === 'string') return cursor
  }
  return undefined
}
