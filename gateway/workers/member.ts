import cluster, { type Worker } from 'node:cluster'
import { join } from 'node:path'
import type { Clock } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'
import type { Figures, FromWorker, Orders, ToWorker } from './messages.ts'

export interface Ended {
  /** As a person reads it: `SIGKILL`, `code 1`. */
  readonly how: string
  /** How long it served; undefined: it never did. */
  readonly servedMs: number | undefined
}

// Connections handed from process to process are lost where the one that is to take them ends just then.
cluster.schedulingPolicy = cluster.SCHED_NONE

/** One worker process, from its start to its end. */
export class Member {
  readonly number: number
  /** The port, once it serves. Fails with what kept it from that. */
  readonly serving: Promise<number>
  /** Never fails. */
  readonly ended: Promise<Ended>
  readonly #worker: Worker
  readonly #clock: Clock
  readonly #asked = new Map<number, (figures: Figures) => void>()
  readonly #draining = Promise.withResolvers<void>()
  #servesSinceMs: number | undefined
  #isGone = false
  #questions = 0

  constructor(orders: Orders, clock: Clock) {
    this.number = orders.number
    this.#clock = clock
    cluster.setupPrimary({ exec: join(import.meta.dirname, 'main.ts'), args: [], serialization: 'advanced' })
    this.#worker = cluster.fork()
    const serving = Promise.withResolvers<number>()
    const ended = Promise.withResolvers<Ended>()
    this.serving = serving.promise
    this.ended = ended.promise
    this.#worker.on('message', (message: FromWorker) => {
      if (message.kind === 'serving') {
        this.#servesSinceMs = clock.now()
        serving.resolve(message.port)
      } else if (message.kind === 'failed') serving.reject(new HubError(message.code, message.message, message.details))
      else if (message.kind === 'draining') this.#draining.resolve()
      else this.#asked.get(message.id)?.(message.figures)
    })
    const gone = (how: string) => {
      this.#isGone = true
      this.#draining.resolve()
      serving.reject(new HubError('INTERNAL', `Worker ${this.number} ended (${how}) before it served. Its own words are above.`))
      ended.resolve({ how, servedMs: this.#servesSinceMs === undefined ? undefined : clock.now() - this.#servesSinceMs })
    }
    this.#worker.once('error', error => gone(error.message))
    this.#worker.once('exit', (code, signal) => gone(signal || `code ${code}`))
    this.#tell(orders)
  }

  get pid(): number | undefined {
    return this.#worker.process.pid
  }

  get isServing(): boolean {
    return this.#servesSinceMs !== undefined && !this.#isGone
  }

  /** What it counted; undefined where it does not say so in time. */
  async figures(limitMs: number): Promise<Figures | undefined> {
    const id = ++this.#questions
    const { promise, resolve } = Promise.withResolvers<Figures | undefined>()
    this.#asked.set(id, resolve)
    const cancel = this.#clock.after(limitMs, () => resolve(undefined))
    void this.ended.then(() => resolve(undefined))
    this.#tell({ kind: 'metrics', id })
    return promise.finally(() => {
      cancel()
      this.#asked.delete(id)
    })
  }

  /** Ends when it says that it is draining, or after so long. */
  drain(limitMs: number): Promise<void> {
    this.#clock.after(limitMs, () => this.#draining.resolve())
    this.#tell({ kind: 'drain' })
    return this.#draining.promise
  }

  /** Ends when it is gone; it is ended where it is not after so long. */
  async end(limitMs: number): Promise<void> {
    const cancel = this.#clock.after(limitMs, () => this.#worker.process.kill('SIGKILL'))
    await this.ended
    cancel()
  }

  #tell(message: ToWorker): void {
    // One that is gone says so by its end.
    if (this.#worker.isConnected()) this.#worker.send(message, () => undefined)
  }
}
