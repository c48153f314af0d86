import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Random } from '../../../gateway/demo/random.ts'
import { type Server, startProgram } from '../processes.ts'
import type { Places } from './files.ts'

const cli = join(import.meta.dirname, '../../../gateway/cli.ts')
/** Runs at a time of one hub. */
export const slots = 2
/** How long a request may find no hub that answers. */
const patienceMs = 120_000
const askMs = 30_000
/** A lease is over after fifteen seconds, and is looked for each second. */
const frozenMs = 18_000

export interface HubsOptions {
  readonly count: number
  readonly places: Places
  /** Below which each hub has its data, and they have their temporary files. */
  readonly folder: string
  /** Where they keep their runs together; absent: each in its data. */
  readonly postgresUrl: string | undefined
  /** Ends what waits for an answer. */
  readonly signal: AbortSignal
  /** Hears what they write. */
  readonly heard: (text: string) => void
}

/** What was asked for, or what the first error says. */
export interface Answer<Data> {
  readonly data?: Data | null
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string; readonly retryable?: boolean } }[]
}

/** Errors after which a client asks again, and so does whoever finds nobody there. */
const again = new Set(['UPSTREAM_UNAVAILABLE', 'SHUTTING_DOWN', 'RATE_LIMITED', 'POOL_EXHAUSTED', 'TIMEOUT', 'CANCELLED'])

/** Hubs over one store of runs, as programs of their own, of which one may be killed at any moment. */
export class Hubs {
  readonly #options: HubsOptions
  readonly #servers: (Server | undefined)[]
  /** Whom nobody asks, as it does not answer just now. */
  #frozen: Server | undefined
  #turn = 0
  #cpuMicros = 0
  #peakMb = 0
  /** What was tried again, by why. */
  readonly retries = new Map<string, number>()

  private constructor(options: HubsOptions) {
    this.#options = options
    this.#servers = Array<undefined>(options.count).fill(undefined)
  }

  static async start(options: HubsOptions): Promise<Hubs> {
    const hubs = new Hubs(options)
    await mkdir(hubs.#temporary, { recursive: true })
    try {
      await Promise.all(hubs.#servers.map((_, place) => hubs.#start(place)))
    } catch (error) {
      await hubs.stop()
      throw error
    }
    return hubs
  }

  /** Where they have their temporary files, and rows that are not in memory. */
  get temporary(): readonly string[] {
    return [this.#temporary, ...this.#servers.map((_, place) => join(this.#data(place), 'spill'))]
  }

  /** What all had that ever ran: CPU in seconds, and the most memory that one of them held, in MB. */
  async figures(): Promise<{ readonly cpuSeconds: number; readonly peakMb: number }> {
    for (const server of this.#servers) if (server) await this.#note(server)
    return { cpuSeconds: (this.#cpuMicros + (await this.#runningMicros())) / 1e6, peakMb: this.#peakMb }
  }

  /** Asks one after the other until one answers. */
  async ask<Data>(query: string, variables: Readonly<Record<string, unknown>> = {}): Promise<Answer<Data>> {
    const untilMs = performance.now() + patienceMs
    for (;;) {
      this.#options.signal.throwIfAborted()
      const answer = await this.#ask<Data>(JSON.stringify({ query, variables }))
      const why = typeof answer === 'string' ? answer : (answer.errors ?? []).map(({ extensions }) => extensions?.code ?? '').find(code => again.has(code))
      if (why === undefined && typeof answer !== 'string') return answer
      this.retries.set(why ?? '', (this.retries.get(why ?? '') ?? 0) + 1)
      if (performance.now() > untilMs) throw new Error(`No hub answered within ${patienceMs / 1000} seconds; the last: ${typeof answer === 'string' ? answer : JSON.stringify(answer.errors)}.`)
      await pause(50)
    }
  }

  /** Ends one with SIGKILL, whatever it does just then, and starts it again. */
  async kill(random: Random): Promise<void> {
    const place = random.whole(0, this.#servers.length - 1)
    const server = this.#servers[place]
    if (!server) return
    await this.#note(server)
    this.#cpuMicros += await server.lifetimeCpuMicros()
    this.#servers[place] = undefined
    await server.kill()
    await this.#start(place)
  }

  /** Holds one where it is for longer than its runs stay its own, and lets it go on. */
  async freeze(random: Random): Promise<void> {
    const server = this.#servers[random.whole(0, this.#servers.length - 1)]
    if (!server) return
    this.#frozen = server
    server.freeze()
    try {
      await pause(frozenMs)
    } finally {
      server.thaw()
      this.#frozen = undefined
    }
  }

  /** Asks all to end, and waits for them. */
  async stop(): Promise<void> {
    await Promise.all(this.#servers.map(async server => server?.stop()))
  }

  get #temporary(): string {
    return join(this.#options.folder, 'tmp')
  }

  #data(place: number): string {
    return join(this.#options.folder, `hub-${place + 1}`)
  }

  async #start(place: number): Promise<void> {
    const { places, postgresUrl, heard } = this.#options
    const { POSTGRES_URL: _, ...env } = process.env
    this.#servers[place] = await startProgram({
      command: process.execPath, heard, env: { ...env, TMPDIR: this.#temporary, ...(postgresUrl !== undefined && { POSTGRES_URL: postgresUrl }) },
      args: [
        cli, 'start', '--catalog', places.catalog, '--port', '0', '--data', this.#data(place), '--log-level', 'warn', '--limits-requests-per-minute', '1000000',
        '--pipelines-folder', places.pipelines, '--pipelines-slots', String(slots), '--pipelines-threads', '1', '--pipelines-memory-limit', '256MB',
      ],
    })
  }

  async #ask<Data>(body: string): Promise<Answer<Data> | string> {
    const there = this.#servers.filter(server => server !== undefined && server !== this.#frozen)
    this.#turn += 1
    const server = there[this.#turn % there.length]
    if (!server) return 'no hub is up'
    try {
      const answer = await fetch(`${server.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body, signal: AbortSignal.timeout(askMs) })
      return (await answer.json()) as Answer<Data>
    } catch (error) {
      const { cause } = error as { readonly cause?: { readonly code?: string } }
      return cause?.code ?? (error instanceof Error ? error.name : String(error))
    }
  }

  async #note(server: Server): Promise<void> {
    this.#peakMb = Math.max(this.#peakMb, await server.peakMb())
  }

  async #runningMicros(): Promise<number> {
    const all = await Promise.all(this.#servers.map(async server => server?.lifetimeCpuMicros() ?? 0))
    return all.reduce((sum, one) => sum + one, 0)
  }
}
