import type { ExecutionResult } from 'graphql'
import type { Live, Reached } from '../../resolvers/context.ts'
import { isBeyond, type Place } from '../../resolvers/live/place.ts'
import { HubError } from '../../schema/errors.ts'
import type { Group, Groups, Wanted } from './group.ts'
import type { Answer } from './operations.ts'
import type { Transport } from './subscriptions.ts'

/** One event, as every member of a group gets it. */
export class SharedEvent {
  readonly answer: Answer
  /** Of the event, where the client asked for it. */
  readonly cursor: string | undefined
  #json: Buffer | undefined

  constructor(answer: Answer, result: ExecutionResult) {
    this.answer = answer
    this.cursor = cursorIn(result)
  }

  /** The answer as JSON, made once. */
  get json(): Buffer {
    this.#json ??= Buffer.from(JSON.stringify(this.answer))
    return this.#json
  }
}

/** `data.<root field>.cursor` of an event. */
function cursorIn({ data }: ExecutionResult): string | undefined {
  for (const value of Object.values(data ?? {})) {
    const cursor: unknown = typeof value === 'object' && value !== null ? (value as { cursor?: unknown }).cursor : undefined
    if (typeof cursor === 'string') return cursor
  }
  return undefined
}

/** Where a subscriber's events go. Nothing of it waits. */
export interface Sink {
  /** Whether another event should come now. */
  readonly hasRoom: boolean
  /** Calls when there is room again, once for each function. */
  whenRoom(call: () => void): void
  /** Takes the event, if there is room or it has to; answers whether it did. */
  take(event: SharedEvent, hasTo: boolean): boolean
  /** A newer cursor, for a subscriber who has all events before it. */
  progress(cursor: string): void
}

/**
 * One subscriber. To who iterates it shows no event, only the end: the events go to the sink, beginning with the first `next`. An error that ends the subscription from our side has the `cursor`
 * to come back with, where there is one.
 */
export class Member implements AsyncGenerator<never, void, void> {
  readonly #groups: Groups
  readonly #wanted: Wanted
  readonly #ended: () => void
  readonly #over = Promise.withResolvers<void>()
  #isOver = false
  #failure: { readonly error: unknown } | undefined
  #group: Group | undefined
  /** What it had when it came to its group. */
  #from: Reached | undefined
  #sink: Sink | undefined
  #isRunning = false

  constructor(groups: Groups, wanted: Wanted, ended: () => void) {
    this.#groups = groups
    this.#wanted = wanted
    this.#ended = ended
  }

  /** Begins with a group of its own. The result that refuses it, if it is refused. */
  async begin(from: Pick<Live, 'after' | 'fellBehind'>): Promise<ExecutionResult | undefined> {
    const { signal } = this.#wanted.scope
    signal.throwIfAborted()
    signal.addEventListener('abort', this.#abort, { once: true })
    this.#group = this.#groups.open(this.#wanted, this)
    try {
      const refusal = await this.#group.begin(from)
      if (refusal) this.#quit(left)
      return refusal
    } catch (error) {
      this.#quit(left)
      throw error
    }
  }

  /** Where the events go, from the first `next` on. */
  attach(sink: Sink): void {
    this.#sink = sink
  }

  get transport(): Transport {
    return this.#wanted.transport
  }

  get hasRoom(): boolean {
    return this.#sink?.hasRoom === true
  }

  whenRoom(call: () => void): void {
    this.#sink?.whenRoom(call)
  }

  /** An event of the group, and the place behind it. Answers whether it was sent: one that it had already is not, nor one that there is no room for. */
  take(event: SharedEvent, place: Place | undefined): boolean {
    if (this.#from?.place) {
      if (place && !isBeyond(place, this.#from.place)) return false
      this.#from = undefined
    }
    if (this.#sink?.take(event, this.#group?.size === 1)) return true
    void this.#goOnAlone(this.#cursor)
    return false
  }

  progress(cursor: string): void {
    if (this.#cursor === cursor) this.#sink?.progress(cursor)
  }

  /** Leaves a group for another, which tells it what lies beyond what it has. */
  join(group: Group): void {
    this.#from = this.#group?.at
    this.#group = group
  }

  /** Nothing more comes: quietly, or with this error. For `reason` a group that has lost its last member stops. */
  end(error?: unknown, reason = left): void {
    if (this.#isOver) return
    if (error !== undefined) this.#failure = { error: this.#withCursor(error) }
    this.#isOver = true
    this.#quit(reason)
    this.#ended()
    this.#over.resolve()
  }

  async next(): Promise<IteratorReturnResult<void>> {
    if (!this.#isRunning) {
      this.#isRunning = true
      void this.#group?.run()
    }
    await this.#over.promise
    const failure = this.#failure
    this.#failure = undefined
    if (failure) throw failure.error
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorReturnResult<void>> {
    this.end()
    return { done: true, value: undefined }
  }

  async throw(error: unknown): Promise<never> {
    this.end()
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end()
  }

  /** Of what it has, which may be more than its group. */
  get #cursor(): string | undefined {
    const at = this.#group?.at
    if (!at || (at.place && this.#from?.place && isBeyond(this.#from.place, at.place))) return this.#from?.cursor
    return at.cursor
  }

  readonly #abort = () => {
    const reason = this.#wanted.scope.signal.reason as HubError
    this.end(reason.code === 'CANCELLED' ? undefined : reason, reason)
  }

  #quit(reason: HubError): void {
    this.#wanted.scope.signal.removeEventListener('abort', this.#abort)
    this.#group?.remove(this, reason)
    this.#group = undefined
  }

  /** Behind what it has, at its own pace, until it has all there is again. */
  async #goOnAlone(cursor: string | undefined): Promise<void> {
    this.#quit(left)
    this.#from = cursor === undefined ? undefined : { cursor }
    try {
      const refusal = await this.begin({ after: cursor, fellBehind: true })
      if (refusal) this.end(refusal.errors?.[0])
      else await this.#group?.run()
    } catch (error) {
      this.end(error)
    }
  }

  #withCursor(error: unknown): unknown {
    const cursor = this.#cursor
    if (!(error instanceof HubError) || !resumable.has(error.code) || error.details['cursor'] !== undefined || cursor === undefined) return error
    return new HubError(error.code, error.message, { ...error.details, cursor }, { cause: error })
  }
}

const left = new HubError('CANCELLED', 'The client ended the subscription.')

const resumable = new Set(['SLOW_CONSUMER', 'SCHEMA_CHANGED', 'SHUTTING_DOWN', 'TIMEOUT', 'UNAUTHENTICATED'])
