import type { Histogram, Registry } from 'prom-client'

/** Upper bounds in seconds. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

interface Series {
  readonly labels: Readonly<Record<string, string>>
  /** By bound, and those above all. */
  readonly counts: number[]
  sum: number
}

/** A histogram of seconds with two labels of few values each, in the registry's form. To observe costs a look-up and a sum: one of prom-client hashes its labels each time, at 1.5 µs. */
export class Durations {
  readonly #series = new Map<string, Map<string, Series>>()
  readonly #labels: readonly [string, string]

  constructor(registry: Registry, name: string, help: string, labels: readonly [string, string]) {
    this.#labels = labels
    // The registry asks for no more than this, whatever its types say.
    const metric = { name, get: async () => this.#shown(name, help), reset: () => this.#series.clear() }
    registry.registerMetric(metric as unknown as Histogram)
  }

  observe(first: string, second: string, seconds: number): void {
    const series = this.#series.get(first)?.get(second) ?? this.#made(first, second)
    let index = 0
    while (index < bounds.length && seconds > bounds[index]!) index++
    series.counts[index]! += 1
    series.sum += seconds
  }

  #made(first: string, second: string): Series {
    const ofFirst = this.#series.get(first) ?? new Map<string, Series>()
    this.#series.set(first, ofFirst)
    const made = { labels: { [this.#labels[0]]: first, [this.#labels[1]]: second }, counts: Array<number>(bounds.length + 1).fill(0), sum: 0 }
    ofFirst.set(second, made)
    return made
  }

  #shown(name: string, help: string) {
    const values = [...this.#series.values()].flatMap(ofFirst => [...ofFirst.values()]).flatMap(({ labels, counts, sum }) => {
      let total = 0
      const buckets = counts.map((count, index) => {
        total += count
        return { labels: { le: bounds[index] ?? '+Inf', ...labels }, value: total, metricName: `${name}_bucket` }
      })
      return [...buckets, { labels, value: sum, metricName: `${name}_sum` }, { labels, value: total, metricName: `${name}_count` }]
    })
    return { name, help, type: 'histogram', values, aggregator: 'sum' }
  }
}
