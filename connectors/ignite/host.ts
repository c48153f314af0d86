import { asHubError, type HubError } from '../../schema/errors.ts'
import type { Connection } from './connection.ts'
import { openConnection } from './dial.ts'
import { unavailable } from './failures.ts'
import type { HostAddress, IgniteSettings } from './options.ts'

export type HostState = 'connecting' | 'connected' | 'waiting' | 'closed'

export interface HostEvents {
  /** Runs on every new connection before anyone else may use it; a failure counts as one to connect. */
  prepare(connection: Connection): Promise<void>
  up(connection: Connection): void
  down(reason: HubError): void
  topologyChanged(version: bigint): void
}

/** Keeps one connection to one address: connects, and after every failure or loss connects again, with growing pauses, until closed. */
export class Host {
  readonly name: string
  state: HostState = 'connecting'
  connection: Connection | undefined
  /** Why there is no connection. */
  failure: HubError | undefined
  readonly #address: HostAddress
  readonly #settings: IgniteSettings
  readonly #events: HostEvents
  readonly #closing = new AbortController()
  #failures = 0
  #cancelRetry = () => {}
  /** Ends with the attempt under way, however it ends. */
  attempt: Promise<void>

  constructor(address: HostAddress, settings: IgniteSettings, events: HostEvents) {
    this.name = `${address.host}:${address.port}`
    this.#address = address
    this.#settings = settings
    this.#events = events
    this.attempt = this.#connect()
  }

  close(): void {
    this.state = 'closed'
    this.#cancelRetry()
    this.#closing.abort()
    this.connection?.close()
  }

  async #connect(): Promise<void> {
    this.state = 'connecting'
    let opened: Connection | undefined
    try {
      opened = await openConnection(this.#address, this.#settings, {
        topologyChanged: version => this.#events.topologyChanged(version),
        closed: reason => this.#lost(reason),
      }, this.#closing.signal)
      await this.#events.prepare(opened)
      if (opened.closed) return
      if (this.#isClosed()) {
        opened.close()
        return
      }
      this.connection = opened
      this.state = 'connected'
      this.failure = undefined
      this.#failures = 0
      this.#settings.log?.info('Ignite: connected.', { host: this.name, node: opened.nodeId })
      this.#events.up(opened)
    } catch (error) {
      const reason = asHubError(error)
      if (opened && !opened.closed) opened.close(reason)
      else if (!opened) this.#lost(reason)
    }
  }

  #isClosed(): boolean {
    return this.state === 'closed'
  }

  #lost(reason: HubError): void {
    const had = this.connection !== undefined
    this.connection = undefined
    if (this.#isClosed()) return
    this.failure = reason
    this.state = 'waiting'
    const pauseMs = this.#pause()
    this.#failures += 1
    if (had || this.#failures === 1) this.#settings.log?.warn('Ignite: no connection.', { host: this.name, reason: reason.message, againInMs: pauseMs })
    this.#cancelRetry = this.#settings.clock.after(pauseMs, () => {
      this.attempt = this.#connect()
    })
    if (had) this.#events.down(reason)
  }

  /** Doubles with each failure; chance shortens it, so that many clients do not come back at once. */
  #pause(): number {
    const [first, last] = this.#settings.backOffMs
    return Math.min(last, first * 2 ** this.#failures) * (0.5 + Math.random() / 2)
  }
}

/** Nobody answers: every host with its reason. */
export function noneAnswers(hosts: readonly Host[]): HubError {
  const reasons = hosts.map(({ name, failure, state }) => `${name}: ${failure?.message ?? state}`).join(' ')
  return unavailable(hosts.map(({ name }) => name).join(', '), `gives no answer. Connecting goes on in the background. ${reasons}`)
}
