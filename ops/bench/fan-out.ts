import { setTimeout as pause } from 'node:timers/promises'
import { scaled, percentiles, type Figures, type LoadOptions } from './load.ts'
import type { Server } from './processes.ts'
import type { FanOutScenario } from './scenarios.ts'
import { Subscriber } from './subscriber.ts'

/** How long a message may be on its way before it counts as lost. */
const patienceMs = 10_000

/** Makes the changes of one mutation; each subscriber should hear of each once. */
export type Publish = (n: number) => Promise<unknown>

/**
 * Opens the subscribers, waits until a first change reached each of them, then sends mutations: each when the one before has reached everybody, or by the scenario's timetable.
 * The figures are per message; latency runs from before a change was sent until a subscriber had it.
 */
export async function fanOut(server: Server, scenario: FanOutScenario, publish: Publish, { scale, progress }: LoadOptions): Promise<Figures> {
  const { name, subscribers, changes = 1, everyMs } = scenario
  const mutations = scaled(scenario.mutations, scale)
  const crowd = new Crowd()
  try {
    for (let count = 0; count < subscribers; count += 50) {
      progress(`${name}: ${count} of ${subscribers} subscribers`)
      await Promise.all(Array.from({ length: Math.min(50, subscribers - count) }, () => crowd.join(server.url, scenario.subscription)))
    }
    const warmUp = await warm(crowd, scenario, publish)

    const before = await server.cpuMicros()
    const latencies: number[] = []
    const sentMs: number[] = []
    crowd.listen(had => latencies.push(performance.now() - (sentMs[Math.floor(had / changes)] ?? Number.NaN)))
    const published: Promise<void>[] = []
    let failure: { readonly error: unknown } | undefined
    const send = async (n: number) => {
      sentMs.push(performance.now())
      try {
        await publish(n)
      } catch (error) {
        failure ??= { error }
      }
    }
    let lost = 0
    const beganMs = performance.now()
    for (let n = 0; n < mutations && !failure; n++) {
      progress(`${name}: ${n} of ${mutations} mutations`)
      if (everyMs !== undefined) await pause(Math.max(0, beganMs + n * everyMs - performance.now()))
      published.push(send(warmUp + n))
      if (everyMs === undefined) lost += await crowd.heard((n + 1) * changes * subscribers - lost)
    }
    await Promise.all(published)
    if (failure) throw failure.error
    const messages = mutations * changes * subscribers
    lost += await crowd.heard(messages - lost)
    return { cpuMicros: ((await server.cpuMicros()) - before) / messages, ...percentiles(Float64Array.from(latencies)), errors: lost, bytes: crowd.lastBytes }
  } finally {
    crowd.leave()
  }
}

/** Publishes until one change reached everybody (a subscription is not confirmed by the protocol), then the scenario's warm-up. Answers how many it published. */
async function warm(crowd: Crowd, { name, subscribers, warmUp, changes = 1 }: FanOutScenario, publish: Publish): Promise<number> {
  let published = 0
  for (let complete = 0; complete < warmUp; published++) {
    if (published > warmUp + 30) throw new Error(`${name}: changes do not reach all ${subscribers} subscribers.`)
    crowd.listen(() => {})
    await publish(published)
    if ((await crowd.heard(changes * subscribers)) === 0) complete++
  }
  return published
}

/** Sockets that all hold the same subscription. */
class Crowd {
  readonly #subscribers: Subscriber[] = []
  #each: (had: number) => void = () => {}
  #total = 0
  #wanted = Number.POSITIVE_INFINITY
  #reached = () => {}
  /** Why a subscriber was turned away; ends the run. */
  #refusal: Error | undefined

  get lastBytes(): number {
    return this.#subscribers[0]?.lastBytes ?? 0
  }

  async join(url: string, subscription: string): Promise<void> {
    const refused = Promise.withResolvers<never>()
    const subscriber = new Subscriber(url, had => this.#hear(had), refusal => {
      this.#refusal ??= refusal
      refused.reject(refusal)
      this.#reached()
    })
    this.#subscribers.push(subscriber)
    await Promise.race([subscriber.subscribe(subscription), refused.promise])
  }

  /** Counts anew; `each` gets, with each event, how many its subscriber had before. */
  listen(each: (had: number) => void): void {
    this.#each = each
    this.#total = 0
    for (const subscriber of this.#subscribers) subscriber.had = 0
  }

  /** Waits until so many events came in all; answers how many are missing when the patience ends. Fails once a subscriber was turned away. */
  async heard(total: number): Promise<number> {
    this.#wanted = total
    if (this.#total < total && !this.#refusal) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, patienceMs)
        this.#reached = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#wanted = Number.POSITIVE_INFINITY
    if (this.#refusal) throw this.#refusal
    return Math.max(0, total - this.#total)
  }

  leave(): void {
    for (const subscriber of this.#subscribers) subscriber.leave()
  }

  #hear(had: number): void {
    this.#each(had)
    this.#total += 1
    if (this.#total >= this.#wanted) this.#reached()
  }
}
