import { type DocumentNode, specifiedRules, validate } from 'graphql'
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
