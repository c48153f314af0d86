import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AggregatorRegistry, Counter, Gauge } from 'prom-client'
import type { Clock, Log } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'
import type { Config } from '../config.ts'
import { listen } from '../http/front.ts'
import type { ComponentHealth } from '../hub.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { Member } from './member.ts'

export interface TeamOptions {
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
}

/** How long a worker may take to say what it is asked for. */
const wordLimitMs = 1_000
/** A worker that ends is started again after so long, and twice as long each time it did not last. */
const firstPauseMs = 100
const longestPauseMs = 10_000
const lastingMs = 60_000

/** The workers of a hub, seen from the process that owns everything: they have the port, and hand it what they cannot answer. */
export class Team {
  readonly #config: Config
  readonly #clock: Clock
  readonly #log: Log
  readonly #folder: string
  readonly #members = new Map<number, Member>()
  #port: number
  #draining = false
  #restarts = 0

  constructor({ config, clock, log }: TeamOptions) {
    this.#config = config
    this.#clock = clock
    this.#log = log
    this.#port = config.port
    // Nobody but its user can look into it.
    this.#folder = mkdtempSync(join(tmpdir(), 'tributary-'))
  }

  /** Path of the socket at which the owner takes requests. */
  get at(): string {
    return join(this.#folder, 'http')
  }

  /** Path of the socket at which the owner lets them read regions. */
  get readsAt(): string {
    return join(this.#folder, 'reads')
  }

  /** Starts all of them; answers the port they serve. Fails with what kept one of them from it, and none is left then. */
  async start(): Promise<number> {
    const numbers = Array.from({ length: this.#config.workers }, (_, index) => index + 1)
    try {
      // Workers share the port with whoever does so, too: that nobody else has it is found out before.
      this.#port = await freePort(this.#config)
      await Promise.all(numbers.map(number => this.#begin(number).serving))
      return this.#port
    } catch (error) {
      await this.end(0)
      throw error
    }
  }

  health(): ComponentHealth {
    const serving = this.#serving.length
    const { workers } = this.#config
    const common = { name: 'workers', required: true }
    return serving === workers ? { ...common, state: 'up' } : { ...common, state: serving === 0 ? 'down' : 'degraded', message: `${serving} of ${workers} workers serve; the others are being started.` }
  }

  /** Makes /metrics that of the owner and all workers together: what is counted is summed. */
  joinMetrics(metrics: Metrics): void {
    const registers = [metrics.registry]
    new Gauge({ registers, name: 'hub_workers', help: 'Processes that take requests now.', collect: gauge(() => this.#serving.length) })
    const restarts = () => this.#restarts
    new Counter({ registers, name: 'hub_worker_restarts_total', help: 'Workers that ended and were started again.', collect() { this.reset(); this.inc(restarts()) } })
    metrics.shown = async () => {
      const asked = this.#serving.map(async member => {
        const figures = await member.figures(wordLimitMs)
        if (!figures) this.#log.warn(`The figures of worker ${member.number} are missing from the metrics.`, { worker: member.number })
        return figures ?? []
      })
      return AggregatorRegistry.aggregate([await metrics.registry.getMetricsAsJSON(), ...(await Promise.all(asked))]).metrics()
    }
  }

  /** Ends when no worker takes anything new, and the answers to all they took have begun: until then the owner takes what they hand on. */
  async drain(): Promise<void> {
    this.#draining = true
    await Promise.all([...this.#members.values()].map(member => member.drain(this.#config.drainTimeoutMs)))
  }

  /** Ends when all are gone; those that have work under way after so long are ended. */
  async end(limitMs: number): Promise<void> {
    this.#draining = true
    await Promise.all([...this.#members.values()].map(member => member.end(limitMs)))
    rmSync(this.#folder, { recursive: true, force: true })
  }

  get #serving(): readonly Member[] {
    return [...this.#members.values()].filter(member => member.isServing)
  }

  #begin(number: number, pausedMs = 0): Member {
    const { workers, maxConnections } = this.#config
    const config = { ...this.#config, port: this.#port, maxConnections: Math.ceil(maxConnections / workers) }
    const member = new Member({ kind: 'serve', number, config, owner: this.at, readsAt: this.readsAt }, this.#clock)
    this.#members.set(number, member)
    // A start that fails is told by whoever waits for it; one that nobody waits for, by the worker's end.
    member.serving.then(() => this.#log.info(`Worker ${number} serves.`, { worker: number, pid: member.pid }), () => undefined)
    void member.ended.then(({ how, servedMs }) => {
      this.#members.delete(number)
      if (this.#draining) return
      if (servedMs === undefined && pausedMs === 0) return
      const pauseMs = (servedMs ?? 0) >= lastingMs || pausedMs === 0 ? firstPauseMs : Math.min(longestPauseMs, pausedMs * 2)
      this.#log.error(`Worker ${number} ended (${how}); it is started again in ${pauseMs} ms.`, { worker: number })
      this.#restarts += 1
      this.#clock.after(pauseMs, () => {
        if (!this.#draining) this.#begin(number, pauseMs)
      })
    })
    return member
  }
}

/** The port, or one that is free where the settings leave it open. IN_USE where somebody has it. */
async function freePort(config: Config): Promise<number> {
  const server = createServer()
  await listen(server, config)
  const { port } = server.address() as AddressInfo
  await new Promise(closed => server.close(closed))
  return port
}

function gauge(read: () => number) {
  return function collect(this: Gauge) {
    this.set(read())
  }
}

/** Of a hub that cannot have workers. */
export function refuseWorkers({ workers }: Config, command: string): void {
  if (workers > 1) throw new HubError('VALIDATION_ERROR', `The command "${command}" has no workers; --workers is for "start". Start it several times behind a balancer instead.`, { problems: [{ path: '--workers', message: `The command "${command}" has no workers; --workers is for "start".` }] })
}
