import { percentiles, scaled, type Counter, type Driven, type LoadOptions } from './load.ts'

/** One kind of call that several clients make, each its next one when it has the answer to its last. */
export interface Calls {
  readonly name: string
  readonly clients: number
  /** The nth call. One that fails counts as an error. */
  readonly call: (n: number) => Promise<Told | undefined>
}

/** What an answer says of itself, where it does. */
export interface Told {
  /** Of its body. */
  readonly bytes?: number
  /** How often a transaction was begun. */
  readonly attempts?: number
}

/** What some calls took. */
export interface Line extends Pick<Driven, 'p50Ms' | 'p95Ms' | 'p99Ms' | 'longestMs' | 'errors'> {
  readonly name: string
  readonly clients: number
  readonly calls: number
  readonly perSecond: number
  /** CPU time of the process that answers, a call; of lines measured together the mean over all of them. */
  readonly cpuMicros: number
  /** Means of what the answers said. */
  readonly bytes?: number
  readonly attempts?: number
  /** The longest the process's event loop did nothing else, in ms, where that was looked at. */
  readonly pauseMs?: number
  /** Why the first error was one. */
  readonly failure?: string
}

/** Makes calls, from the `from`th on, for as long as `goesOn`, which is given how many were begun. */
export async function make({ name, clients, call }: Calls, from: number, goesOn: (begun: number) => boolean): Promise<Omit<Line, 'cpuMicros'>> {
  const latencies: number[] = []
  const told = { bytes: 0, attempts: 0 }
  let begun = 0
  let errors = 0
  let failure: string | undefined

  async function client(): Promise<void> {
    while (goesOn(begun)) {
      const n = from + begun++
      const startedMs = performance.now()
      try {
        const answer = await call(n)
        if (answer) {
          told.bytes += answer.bytes ?? 0
          told.attempts += answer.attempts ?? 0
        }
      } catch (error) {
        errors++
        failure ??= String(error)
      }
      latencies.push(performance.now() - startedMs)
    }
  }
  const startedMs = performance.now()
  await Promise.all(Array.from({ length: clients }, client))
  const calls = latencies.length
  const perSecond = calls / ((performance.now() - startedMs) / 1_000)
  const mean = (sum: number) => (sum > 0 ? sum / calls : undefined)
  return { name, clients, calls, perSecond, ...percentiles(Float64Array.from(latencies)), errors, failure, bytes: mean(told.bytes), attempts: mean(told.attempts) }
}

/** Calls that are measured alone: so many, behind those that warm up; with the default scale. */
export interface Counted extends Calls {
  readonly calls: number
  readonly warmUp: number
}

export async function measure(work: Counted, cpuMicros: Counter, { scale, progress }: Pick<LoadOptions, 'scale' | 'progress'>): Promise<Line> {
  const [warmUp, calls] = [scaled(work.warmUp, scale), scaled(work.calls, scale)]
  const until = (count: number, what: string) => (begun: number) => {
    if (begun % 1_000 === 0) progress(`${work.name}: ${what} ${begun} of ${count}`)
    return begun < count
  }
  await make(work, 0, until(warmUp, 'warming up,'))
  const before = await cpuMicros()
  const line = await make(work, warmUp, until(calls, ''))
  return { ...line, cpuMicros: ((await cpuMicros()) - before) / calls }
}
