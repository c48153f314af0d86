import { WebSocket } from 'ws'
import { scaled, percentiles, type Figures, type LoadOptions } from './load.ts'
import type { Server } from './processes.ts'
import type { FanOutScenario } from './scenarios.ts'

/** How long a message may be on its way before it counts as lost. */
const patienceMs = 10_000

/** Brings one change about; each subscriber should hear of it once. */
export type Publish = (n: number) => Promise<unknown>

/**
 * Opens the subscribers, waits until a first change reached each of them, then publishes changes one after the other, each when the one before has reached everybody.
 * The figures are per message; latency runs from before a change was sent until a subscriber had it.
 */
export async function fanOut(server: Server, scenario: FanOutScenario, publish: Publish, { scale, progress }: LoadOptions): Promise<Figures> {
  const mutations = scaled(scenario.mutations, scale)
  const crowd = new Crowd()
  try {
    for (let count = 0; count < scenario.subscribers; count += 50) {
      progress(`${scenario.name}: ${count} of ${scenario.subscribers} subscribers`)
      await Promise.all(Array.from({ length: Math.min(50, scenario.subscribers - count) }, () => crowd.join(server.url, scenario.subscription)))
    }
    const warmUp = await warm(crowd, scenario, publish)

    const before = await server.cpuMicros()
    const latencies: number[] = []
    let lost = 0
    for (let n = 0; n < mutations; n++) {
      progress(`${scenario.name}: ${n} of ${mutations} changes`)
      lost += await round(crowd, () => publish(warmUp + n), latencies)
    }
    const messages = mutations * scenario.subscribers
    return { cpuMicros: ((await server.cpuMicros()) - before) / messages, ...percentiles(Float64Array.from(latencies)), errors: lost, bytes: crowd.lastBytes }
  } finally {
    crowd.leave()
  }
}

/** Publishes until one change reached everybody (a subscription is not confirmed by the protocol), then the scenario's warm-up. Answers how many it published. */
async function warm(crowd: Crowd, scenario: FanOutScenario, publish: Publish): Promise<number> {
  let published = 0
  for (let complete = 0; complete < scenario.warmUp; published++) {
    if (published > scenario.warmUp + 30) throw new Error(`${scenario.name}: changes do not reach all ${scenario.subscribers} subscribers.`)
    if ((await round(crowd, () => publish(published), [])) === 0) complete++
  }
  return published
}

/** One change; answers how many subscribers did not hear of it in time. */
async function round(crowd: Crowd, publish: () => Promise<unknown>, latencies: number[]): Promise<number> {
  const started = performance.now()
  const heard = crowd.nextRound(() => latencies.push(performance.now() - started))
  await publish()
  return heard
}

/** Sockets that all hold the same subscription. */
class Crowd {
  lastBytes = 0
  readonly #sockets: WebSocket[] = []
  #onMessage: (() => void) | undefined
  /** Why a subscriber was turned away; ends the run. */
  #refusal: Error | undefined

  async join(url: string, subscription: string): Promise<void> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    this.#sockets.push(socket)
    await new Promise<void>((resolve, reject) => {
      const refuse = (refusal: Error) => {
        this.#refusal ??= refusal
        reject(refusal)
      }
      socket.on('error', refuse)
      socket.once('close', (code, reason) => refuse(new Error(`A subscriber was turned away with ${code} ${reason}`)))
      socket.once('open', () => socket.send('{"type":"connection_init"}'))
      socket.on('message', (data: Buffer) => {
        const text = data.toString()
        if (text.includes('"type":"connection_ack"')) {
          socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: subscription } }))
          resolve()
        } else if (text.includes('"type":"ping"')) socket.send('{"type":"pong"}')
        else if (text.includes('"type":"next"')) {
          this.lastBytes = text.length
          this.#onMessage?.()
        } else refuse(new Error(`A subscriber was told: ${text.slice(0, 1_000)}`))
      })
    })
  }

  /** Counts messages until everybody had one; answers how many are missing when the patience ends. Fails once a subscriber was turned away. */
  nextRound(each: () => void): Promise<number> {
    return new Promise((resolve, reject) => {
      let missing = this.#sockets.length
      const end = () => {
        clearTimeout(timer)
        this.#onMessage = undefined
        if (this.#refusal) reject(this.#refusal)
        else resolve(missing)
      }
      const timer = setTimeout(end, patienceMs)
      this.#onMessage = () => {
        each()
        missing--
        if (missing === 0) end()
      }
    })
  }

  leave(): void {
    for (const socket of this.#sockets) {
      socket.removeAllListeners()
      socket.on('error', () => {})
      socket.terminate()
    }
  }
}
