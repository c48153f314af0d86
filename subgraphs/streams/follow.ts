import { HubError } from '../../schema/errors.ts'
import type { EventLog, StoredEvent } from '../../connectors/ports/event-log.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { Positions } from './positions.ts'

const readAtOnce = 200

/**
 * Every event of every partition behind these positions, each partition in its order, as long as the caller goes on. Events are read as they are pulled: who does not pull costs
 * nothing, and finds them in the log later. `show` says what an event becomes, undefined leaves it out; it is given the positions behind the event.
 *
 * Ends quietly when the client leaves, else with the signal's reason, with GONE where events were deleted before they were read, or with NOT_FOUND when the topic goes.
 */
export function follow<T>(scope: Scope, events: EventLog, topic: string, from: Positions, show: (event: StoredEvent, reached: Positions) => Promise<T | undefined>): AsyncGenerator<T, void> {
  const leaving = new AbortController()
  // A subscription outlives the time its request had to begin.
  const lasting = { ...scope, deadlineMs: Number.POSITIVE_INFINITY, signal: AbortSignal.any([scope.signal, leaving.signal]) }
  const generator = follower(lasting, events, topic, [...from], show)
  const end = generator.return.bind(generator)
  // A generator hears `return` only between two pulls; a client that leaves while it waits ends the wait.
  return Object.assign(generator, {
    return(value: void | PromiseLike<void>) {
      leaving.abort(new HubError('CANCELLED', 'The client left.'))
      return end(value)
    },
  })
}

async function* follower<T>(scope: Scope, events: EventLog, topic: string, positions: number[], show: (event: StoredEvent, reached: Positions) => Promise<T | undefined>): AsyncGenerator<T, void, undefined> {
  const ready = new Ready(scope, events, topic)
  try {
    for (const partition of positions.keys()) ready.tell(partition)
    for (;;) {
      const partition = await ready.next()
      const batch = await events.read(scope, topic, partition, positions[partition] ?? 0, readAtOnce)
      for (const event of batch) {
        positions[partition] = event.offset + 1
        const shown = await show(event, positions)
        if (shown !== undefined) yield shown
      }
      // Whoever had something goes to the end of the row, so that no partition starves another.
      if (batch.length > 0) ready.tell(partition)
      else ready.waitFor(partition, positions[partition] ?? 0)
    }
  } catch (error) {
    const reason: unknown = scope.signal.aborted ? scope.signal.reason : error
    if (!(reason instanceof HubError && reason.code === 'CANCELLED')) throw reason
  } finally {
    ready.end()
  }
}

/** Partitions that have something to read, in the order in which they came to have it. */
class Ready {
  readonly #scope: Scope
  readonly #events: EventLog
  readonly #topic: string
  readonly #ending = new AbortController()
  readonly #partitions: number[] = []
  #failure: { readonly error: unknown } | undefined
  #bell = Promise.withResolvers<void>()

  constructor(scope: Scope, events: EventLog, topic: string) {
    this.#events = events
    this.#topic = topic
    this.#scope = { ...scope, signal: AbortSignal.any([scope.signal, this.#ending.signal]) }
  }

  tell(partition: number): void {
    this.#partitions.push(partition)
    this.#bell.resolve()
  }

  waitFor(partition: number, offset: number): void {
    this.#events.wait(this.#scope, this.#topic, partition, offset).then(() => this.tell(partition), (error: unknown) => {
      this.#failure ??= { error }
      this.#bell.resolve()
    })
  }

  async next(): Promise<number> {
    for (;;) {
      if (this.#failure) throw this.#failure.error
      const partition = this.#partitions.shift()
      if (partition !== undefined) return partition
      this.#bell = Promise.withResolvers()
      await this.#bell.promise
    }
  }

  end(): void {
    this.#ending.abort(new HubError('CANCELLED', 'Nobody listens any more.'))
  }
}
