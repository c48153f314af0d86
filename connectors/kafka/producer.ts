import { HubError } from '../../schema/errors.ts'
import type { Clock } from '../ports/scope.ts'
import type { ProducedMessage } from './client.ts'
import type { Connections } from './connections.ts'
import { attempt, isPassing, isType, rootOf, unavailable } from './failures.ts'

/** Calls that wait go together up to this size; one larger call goes alone. Below what brokers take by default. */
const batchBytes = 512 * 1024
const batchEvents = 1_000
const answerMs = 9_000

interface Call {
  readonly messages: readonly ProducedMessage[]
  readonly bytes: number
  readonly signal: AbortSignal
  readonly done: PromiseWithResolvers<number>
}

/**
 * Appends to one partition, one request at a time, as an idempotent producer of its own: a request sent again is stored once. After an append of which nobody knows whether
 * it took place the producer is given up. A next batch under its number could be taken for the lost one and dropped.
 */
export class PartitionProducer {
  readonly #connections: Connections
  readonly #clock: Clock
  readonly #closing: AbortSignal
  readonly #topic: string
  readonly #partition: number
  readonly #waiting: Call[] = []
  #producer: { readonly producerId: string; readonly producerEpoch: number } | undefined
  #sequence = 0
  #sending = false

  constructor(parts: { readonly connections: Connections; readonly clock: Clock; readonly closing: AbortSignal; readonly topic: string; readonly partition: number }) {
    this.#connections = parts.connections
    this.#clock = parts.clock
    this.#closing = parts.closing
    this.#topic = parts.topic
    this.#partition = parts.partition
  }

  /** Answers the first message's offset, the others' follow it. What has not been sent when the signal comes is not. */
  append(messages: readonly ProducedMessage[], signal: AbortSignal): Promise<number> {
    const bytes = messages.reduce((sum, { key, value }) => sum + value.length + (key?.length ?? 0) + 64, 0)
    const call = { messages, bytes, signal, done: Promise.withResolvers<number>() }
    this.#waiting.push(call)
    if (!this.#sending) void this.#drain()
    return call.done.promise
  }

  async #drain(): Promise<void> {
    this.#sending = true
    for (let calls = this.#take(); calls.length > 0; calls = this.#take()) await this.#together(calls)
    this.#sending = false
  }

  #take(): Call[] {
    const calls: Call[] = []
    let bytes = 0
    let events = 0
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      if (calls.length > 0 && (bytes + next.bytes > batchBytes || events + next.messages.length > batchEvents)) break
      this.#waiting.shift()
      if (next.signal.aborted) {
        next.done.reject(next.signal.reason)
        continue
      }
      calls.push(next)
      bytes += next.bytes
      events += next.messages.length
    }
    return calls
  }

  /** One batch for several calls; where it is too large for the topic, one for each. */
  async #together(calls: readonly Call[]): Promise<void> {
    try {
      let offset = await this.#send(calls.flatMap(({ messages }) => messages))
      for (const { messages, done } of calls) {
        done.resolve(offset)
        offset += messages.length
      }
    } catch (error) {
      if (calls.length > 1 && error instanceof HubError && error.code === 'PAYLOAD_TOO_LARGE') for (const call of calls) await this.#together([call])
      else for (const { done } of calls) done.reject(error)
    }
  }

  async #send(messages: readonly ProducedMessage[]): Promise<number> {
    let uncertain = false
    const scope = { signal: this.#closing, clock: this.#clock, deadlineMs: Number.POSITIVE_INFINITY }
    const tried = async () => {
      try {
        return await this.#try(messages)
      } catch (error) {
        // Brokers forget producers of a topic that was made anew; the producer begins anew, too, unless the batch may be stored already.
        if (!uncertain && isType(error, 'OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_EPOCH')) {
          this.#producer = undefined
          return this.#try(messages)
        }
        if (uncertain && isType(error, 'OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID')) throw unavailable(error)
        uncertain ||= isPassing(error) && rootOf(error).type === undefined
        throw error
      }
    }
    try {
      const offset = await attempt(scope, tried, () => this.#connections.forget(this.#topic))
      this.#sequence += messages.length
      return offset
    } catch (error) {
      this.#producer = undefined
      throw error
    }
  }

  async #try(messages: readonly ProducedMessage[]): Promise<number> {
    const leader = (await this.#connections.leaders(this.#topic))?.[this.#partition]
    if (leader === undefined) throw new HubError('NOT_FOUND', 'The topic was deleted while events were appended to it.')
    // Sequence numbers have 31 bits.
    if (!this.#producer || this.#sequence + messages.length > 0x7fff_ffff) {
      this.#producer = await (await this.#connections.any()).initProducerId({ transactionTimeout: 60_000 })
      this.#sequence = 0
    }
    const broker = await this.#connections.at(leader, 'requests')
    const partition = { partition: this.#partition, firstSequence: this.#sequence, messages }
    const answer = await broker.produce({ acks: -1, timeout: answerMs, ...this.#producer, topicData: [{ topic: this.#topic, partitions: [partition] }] })
    const stored = answer.topics[0]?.partitions[0]
    if (!stored) throw new HubError('UPSTREAM_REJECTED', 'Kafka answered an append without saying where it stands.')
    return Number(stored.baseOffset)
  }
}
