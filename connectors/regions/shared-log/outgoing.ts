import { HubError } from '../../../schema/errors.ts'
import type { EventPlace } from '../../ports/event-log.ts'
import type { Clock, Log } from '../../ports/scope.ts'
import type { LogNode } from './node.ts'
import { encodeShared, type SharedRecord } from './record.ts'

const mostRecords = 500
const mostBytes = 400_000
const pausesMs = [50, 2_000] as const

export interface OutgoingParts {
  readonly node: LogNode
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
  append(values: readonly Uint8Array[]): Promise<readonly EventPlace[]>
  /** It stands there. */
  stored(offset: number, value: Buffer): void
}

/**
 * Sends what a node has to say, one append at a time, in order, until it is stored: one whose outcome is unknown is sent again, and counts once. What comes meanwhile goes
 * with the next.
 */
export class Outgoing {
  readonly #parts: OutgoingParts
  #sending: Promise<void> | undefined
  #failing = false

  constructor(parts: OutgoingParts) {
    this.#parts = parts
  }

  send(): void {
    const { node, signal } = this.#parts
    if (this.#sending || node.outbox.records.length === 0 || signal.aborted) return
    this.#sending = this.#drain().finally(() => {
      this.#sending = undefined
      this.send()
    })
  }

  get ended(): Promise<void> {
    return this.#sending ?? Promise.resolve()
  }

  async empty(): Promise<void> {
    while (this.#sending) await this.#sending
  }

  async #drain(): Promise<void> {
    const { node, signal } = this.#parts
    while (node.outbox.records.length > 0 && !signal.aborted) {
      const records: { readonly record: SharedRecord; readonly value: Buffer }[] = []
      let bytes = 0
      for (const record of node.outbox.records.slice(0, mostRecords)) {
        const value = encodeShared(record)
        if (records.length > 0 && bytes + value.length > mostBytes) break
        records.push({ record, value })
        bytes += value.length
      }
      for (const batch of await this.#stored(records) ? [] : records.map(one => [one])) {
        if (!(await this.#stored(batch))) node.outbox.tooLarge(batch[0]?.record as SharedRecord)
      }
    }
  }

  /** False: they are too large. */
  async #stored(records: readonly { readonly record: SharedRecord; readonly value: Buffer }[]): Promise<boolean> {
    const { node, log, signal, append, stored, clock } = this.#parts
    for (let delayMs: number = pausesMs[0]; !signal.aborted; delayMs = Math.min(delayMs * 2, pausesMs[1])) {
      try {
        const places = await append(records.map(({ value }) => value))
        node.outbox.stored(records.map(({ record }) => record))
        for (const [index, { value }] of records.entries()) stored(places[index]?.offset ?? -1, value)
        if (this.#failing) log.info('The shared change log takes entries again.')
        this.#failing = false
        return true
      } catch (error) {
        if (signal.aborted) break
        if (error instanceof HubError && error.code === 'PAYLOAD_TOO_LARGE') return false
        if (!this.#failing) log.warn('The shared change log takes no entries; they are kept and sent again.', { reason: String(error) })
        this.#failing = true
        await new Promise<void>(resolve => {
          const cancel = clock.after(delayMs, () => end())
          const end = () => {
            cancel()
            signal.removeEventListener('abort', end)
            resolve()
          }
          signal.addEventListener('abort', end, { once: true })
        })
      }
    }
    return true
  }
}
