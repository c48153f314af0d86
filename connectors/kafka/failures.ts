import { setTimeout as pause } from 'node:timers/promises'
import { HubError, type Code } from '../../schema/errors.ts'
import type { Scope } from '../ports/scope.ts'
import { untilLeft } from '../signals/until-left.ts'

/** What brokers refuse for good, and what that is to the caller; other refusals that no repetition mends are UPSTREAM_REJECTED. */
const refusals: Readonly<Record<string, Code>> = {
  INVALID_REPLICATION_FACTOR: 'VALIDATION_ERROR',
  INVALID_PARTITIONS: 'VALIDATION_ERROR',
  INVALID_CONFIG: 'VALIDATION_ERROR',
  INVALID_TOPIC_EXCEPTION: 'VALIDATION_ERROR',
  MESSAGE_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  RECORD_LIST_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
}

/** Failures of the way there, which a next attempt may not meet. */
const passing: ReadonlySet<string> = new Set([
  'KafkaJSConnectionError', 'KafkaJSConnectionClosedError', 'KafkaJSRequestTimeoutError', 'KafkaJSNumberOfRetriesExceeded', 'KafkaJSBrokerNotFound', 'KafkaJSLockTimeout', 'KafkaJSTimeout',
  'KafkaJSMetadataNotLoaded', 'KafkaJSGroupCoordinatorNotFound', 'KafkaJSNoBrokerAvailableError',
])

interface KafkaError extends Error {
  readonly retriable?: boolean
  /** The broker's word for it, as `NOT_LEADER_FOR_PARTITION`. */
  readonly type?: string
}

/** The innermost failure kafkajs tells of: it wraps what it gave up on. */
export function rootOf(error: unknown): KafkaError {
  if (!(error instanceof Error)) return new Error(String(error))
  if ('errors' in error && Array.isArray(error.errors) && error.errors.length > 0) return rootOf(error.errors[0])
  const { cause } = error
  return cause instanceof Error && (error.name === 'KafkaJSNonRetriableError' || error.name === 'KafkaJSNumberOfRetriesExceeded') ? rootOf(cause) : error
}

export function isType(error: unknown, ...types: readonly string[]): boolean {
  return types.includes(rootOf(error).type ?? '')
}

/** Whether the same request may succeed a moment later. A topic that is not there is no such case: who makes a topic waits until it is. */
export function isPassing(error: unknown): boolean {
  if (error instanceof HubError) return false
  const root = rootOf(error)
  if (root.type !== undefined) return root.retriable === true && root.type !== 'UNKNOWN_TOPIC_OR_PARTITION'
  return passing.has(root.name) || root.message === 'Broker not connected'
}

/** What the caller is told of a failure that no repetition mends; our own mistakes pass unchanged. */
export function refusal(error: unknown): unknown {
  const root = rootOf(error)
  if (root.type !== undefined) return new HubError(refusals[root.type] ?? 'UPSTREAM_REJECTED', `Kafka refused: ${root.message}.`.replace(/\.\.$/, '.'), { kafka: root.type }, { cause: error })
  if (root.name === 'KafkaJSNotImplemented') return new HubError('UPSTREAM_REJECTED', `Events of this topic cannot be read here: ${root.message}. gzip and zstd can.`, {}, { cause: error })
  return error
}

/** How long a call keeps trying where its scope would wait longer: a broker that restarts is back by then. */
const patienceMs = 30_000

/** Does the work until it succeeds, fails for good, the scope ends, or patience does; `again` is told each failure that is tried again. */
export async function attempt<T>(scope: Pick<Scope, 'signal' | 'clock' | 'deadlineMs'>, work: () => Promise<T>, again: (error: unknown) => void = () => undefined): Promise<T> {
  // A little before the deadline: who gives up says why, the deadline does not.
  const until = performance.now() + Math.min(patienceMs, Math.max(0, scope.deadlineMs - scope.clock.now()) * 0.8)
  for (let delayMs = 25; ; delayMs = Math.min(delayMs * 2, 1_000)) {
    scope.signal.throwIfAborted()
    try {
      return await inTime(until - performance.now(), untilLeft(scope.signal, work()))
    } catch (error) {
      scope.signal.throwIfAborted()
      if (!isPassing(error)) throw refusal(error)
      if (performance.now() + delayMs > until) throw unavailable(error)
      again(error)
    }
    await pause(delayMs, undefined, { signal: scope.signal }).catch(() => scope.signal.throwIfAborted())
  }
}

export function unavailable(error: unknown): HubError {
  return new HubError('UPSTREAM_UNAVAILABLE', `Kafka gave no answer: ${rootOf(error).message}. It is safe to ask again; an append may have taken place.`, {}, { cause: error })
}

/** A broker that is connected and says nothing counts as one that is not there. */
function inTime<T>(leftMs: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new HubError('UPSTREAM_UNAVAILABLE', 'Kafka gave no answer: a broker took the request and said nothing. It is safe to ask again; an append may have taken place.')), Math.max(1, leftMs))
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
