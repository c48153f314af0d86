import type { StoredRun } from '../../../connectors/ports/run-store.ts'

export type AnomalyMetric = 'ROWS_READ' | 'ROWS_WRITTEN' | 'DURATION_MS'

/** What is expected of a run, and what the last one had. */
export interface Anomaly {
  readonly runId: string
  readonly metric: AnomalyMetric
  readonly value: number
  /** Of the runs before. */
  readonly median: number
  readonly lowest: number
  readonly highest: number
}

/** Runs before the last that are looked at, and how many of them there have to be. */
export const history = { most: 30, least: 10 } as const

const metrics: Readonly<Record<AnomalyMetric, { readonly of: (run: StoredRun) => number; readonly leastWidth: number }>> = {
  ROWS_READ: { of: ({ rowsRead }) => rowsRead, leastWidth: 1 },
  ROWS_WRITTEN: { of: ({ rowsWritten }) => rowsWritten, leastWidth: 1 },
  DURATION_MS: { of: ({ startedAtMs = 0, endedAtMs = 0 }) => endedAtMs - startedAtMs, leastWidth: 1_000 },
}

/** 3.5 standard deviations of a normal distribution, of which 1.4826 times the MAD is one (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993). */
const width = 3.5 * 1.4826
/** Of the median: what always was the same may be a little different. */
const leastShare = 0.1

/**
 * What is outside of its band with the first of these runs, all of which succeeded, the newest first. The band of a metric is the median of the runs behind the first, and on both sides of it 3.5 × 1.4826 × MAD, the median of their distances
 * from the median, at least a tenth of the median, one row or one second. Undefined: there are too few to tell.
 */
export function anomaliesOf([last, ...before]: readonly StoredRun[]): readonly Anomaly[] | undefined {
  if (!last || before.length < history.least) return undefined
  return Object.entries(metrics).flatMap(([name, { of, leastWidth }]) => {
    const values = before.slice(0, history.most).map(of)
    const middle = median(values)
    const distance = Math.max(width * median(values.map(value => Math.abs(value - middle))), leastShare * middle, leastWidth)
    const [value, lowest, highest] = [of(last), Math.max(0, middle - distance), middle + distance]
    return value < lowest || value > highest ? { runId: last.runId, metric: name as AnomalyMetric, value, median: middle, lowest, highest } : []
  })
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const [left = 0, right = 0] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]]
  return (left + right) / 2
}
