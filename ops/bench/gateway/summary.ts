import type { Driven } from '../load.ts'
import { grid, markdownGrid } from '../report.ts'
import { limit, ours } from './contender.ts'
import { outOfReach } from './gateways.ts'
import type { CaseResult, Entry, StageResult } from './rounds.ts'

/** One contender in one case, over its rounds. Times are of the server's process, per request. */
interface Summary {
  readonly contender: string
  readonly version: string
  readonly lowestMicros: number
  readonly medianMicros: number
  /** Lowest CPU time over the lowest of the plain limit in the same run. */
  readonly ratio: number
  /** Most of all rounds. */
  readonly requestsPerSecond: number
  /** Medians of the rounds'. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly peakMb: number
  readonly subgraphMicros: number
  readonly subgraphRequests: number
  readonly errors: number
}

const header = ['contender', '× limit', 'CPU lowest', 'median', 'req/s', 'p50 ms', 'p99 ms', 'peak MB', 'subgr. CPU', 'subgr. requests', 'errors']

/** Ours over the plain limit, by case: what a later run is checked against. Without a run of ours a case is left out. */
export function ratios(cases: readonly CaseResult[]): ReadonlyMap<string, number> {
  return new Map(cases.flatMap(one => summaries(one).flatMap(({ contender, ratio }) => (contender === ours ? [[one.name, ratio] as const] : []))))
}

/** Requests of any contender that were answered with errors: the figures of a run with some do not count. */
export function errorsIn(cases: readonly CaseResult[]): number {
  return cases.flatMap(({ entries }) => entries.flatMap(({ rounds }) => rounds)).reduce((sum, { errors }) => sum + errors, 0)
}

/** For a terminal. */
export function texts({ about, cases, absent }: StageResult): string {
  const tables = cases.map(one => `${titleOf(one)}\n${grid(header, summaries(one).map(cells))}`)
  return [about, ...tables, ...absent.map(({ name, why }) => `${name} did not run: ${why}`)].join('\n\n')
}

/** For a document. */
export function markdown({ about, cases, absent }: StageResult): string {
  const tables = cases.map(one => `### ${titleOf(one)}\n\n${markdownGrid(header, summaries(one).map(cells))}`)
  const missing = absent.map(({ name, why }) => `- ${name} did not run: ${why.split('\n')[0]}`)
  return [about, ...tables, ...(missing.length > 0 ? [missing.join('\n')] : [])].join('\n\n')
}

/** Which versions were compared, and which peers were not. */
export function contendersOf({ cases }: StageResult): string {
  const versions = new Map(cases.flatMap(({ entries }) => entries.map(({ contender, version }) => [contender, version] as const)))
  return [...[...versions].map(([contender, version]) => `- ${contender}: ${version}`), ...outOfReach.map(({ name, why }) => `- ${name} is not among them: ${why}.`)].join('\n')
}

function titleOf({ name, requests, warmUp, entries }: CaseResult): string {
  const { rounds = [] } = entries.find(({ contender }) => contender === limit) ?? {}
  return `${name}: answers of ${rounds[0]?.bytes} bytes, ${rounds.length} rounds of ${requests} requests after ${warmUp}`
}

function summaries({ entries }: CaseResult): readonly Summary[] {
  const lowest = (rounds: readonly Driven[]) => Math.min(...rounds.map(({ cpuMicros }) => cpuMicros))
  const limitMicros = lowest(entries.find(({ contender }) => contender === limit)?.rounds ?? [])
  return entries.map(({ contender, version, rounds, peakMb }: Entry) => ({
    contender, version, peakMb, lowestMicros: lowest(rounds), ratio: lowest(rounds) / limitMicros,
    medianMicros: median(rounds.map(({ cpuMicros }) => cpuMicros)), p50Ms: median(rounds.map(({ p50Ms }) => p50Ms)), p99Ms: median(rounds.map(({ p99Ms }) => p99Ms)),
    requestsPerSecond: Math.max(...rounds.map(({ requestsPerSecond }) => requestsPerSecond)),
    subgraphMicros: median(rounds.map(({ grown }) => grown[0] ?? Number.NaN)), subgraphRequests: median(rounds.map(({ grown }) => grown[1] ?? Number.NaN)),
    errors: rounds.reduce((sum, { errors }) => sum + errors, 0),
  }))
}

function cells({ contender, ratio, lowestMicros, medianMicros, requestsPerSecond, p50Ms, p99Ms, peakMb, subgraphMicros, subgraphRequests, errors }: Summary): readonly string[] {
  return [
    contender, ratio.toFixed(2), micros(lowestMicros), micros(medianMicros), requestsPerSecond.toFixed(0), p50Ms.toFixed(1), p99Ms.toFixed(1), peakMb.toFixed(0),
    subgraphRequests < 0.001 ? '–' : micros(subgraphMicros), subgraphRequests < 0.001 ? '–' : subgraphRequests.toFixed(2), String(errors),
  ]
}

export const micros = (value: number): string => `${value.toFixed(value < 100 ? 1 : 0)} µs`

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
