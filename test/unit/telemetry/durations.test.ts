import { AggregatorRegistry, Histogram, Registry } from 'prom-client'
import { Durations } from '../../../gateway/telemetry/durations.ts'

const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const observed: readonly [string, string, number][] = [['a', 'ok', 0.0005], ['a', 'ok', 0.001], ['a', 'ok', 0.0011], ['a', 'TIMEOUT', 30], ['b "x"\n', 'ok', 31], ['a', 'ok', 0.3]]

function both(): readonly [Registry, Registry] {
  const [own, theirs] = [new Registry(), new Registry()]
  const durations = new Durations(own, 'some_seconds', 'How long.', ['subgraph', 'outcome'])
  const histogram = new Histogram({ registers: [theirs], name: 'some_seconds', help: 'How long.', labelNames: ['subgraph', 'outcome'], buckets })
  for (const [subgraph, outcome, seconds] of observed) {
    durations.observe(subgraph, outcome, seconds)
    histogram.labels({ subgraph, outcome }).observe(seconds)
  }
  return [own, theirs]
}

const lines = (text: string) => text.trim().split('\n').map(line => line.replace(/\{(.*)\}/, (_all, labels: string) => `{${labels.split(/,(?=\w+=")/).sort().join()}}`)).sort()

test('durations are shown as a histogram of prom-client shows them, alone and summed over processes', async () => {
  const [own, theirs] = both()
  expect(lines(await own.metrics())).toEqual(lines(await theirs.metrics()))
  const [again, theirsAgain] = both()
  const summed = async (...registries: readonly Registry[]) => AggregatorRegistry.aggregate(await Promise.all(registries.map(registry => registry.getMetricsAsJSON()))).metrics()
  expect(lines(await summed(own, again))).toEqual(lines(await summed(theirs, theirsAgain)))
  expect(await own.metrics()).toMatch(/^some_seconds_count\{subgraph="a",outcome="ok"\} 4$/m)
})
