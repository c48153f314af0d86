import fc from 'fast-check'
import type { StoredRun } from '../../../connectors/ports/run-store.ts'
import { anomaliesOf } from '../../../subgraphs/pipelines/alerts/anomalies.ts'

const run = (rowsWritten: number, durationMs = 10_000, rowsRead = 500): StoredRun => ({ runId: `of ${rowsWritten}`, rowsWritten, rowsRead, startedAtMs: 1_000, endedAtMs: 1_000 + durationMs }) as StoredRun
const runs = (...written: readonly number[]) => written.map(rows => run(rows))
const before = [100, 110, 90, 105, 95, 100, 120, 80, 100, 100]

test('D-119 what the last run wrote outside the band of those before is an anomaly, and the band is said', () => {
  // Median 100, MAD 5: 25.9455 on both sides.
  expect(anomaliesOf(runs(74, ...before))).toEqual([{ runId: 'of 74', metric: 'ROWS_WRITTEN', value: 74, median: 100, lowest: expect.closeTo(74.0545), highest: expect.closeTo(125.9455) }])
  expect([anomaliesOf(runs(75, ...before)), anomaliesOf(runs(125, ...before)), anomaliesOf(runs(0, ...before))?.length, anomaliesOf(runs(126, ...before))?.length]).toEqual([[], [], 1, 1])
})

test('D-119 one run that was unlike the others does not move the band', () => {
  expect(anomaliesOf(runs(126, ...before, 1_000_000))).toHaveLength(1)
})

test('D-119 what always was the same may differ by a tenth, by a row or by a second', () => {
  const same = Array.from({ length: 10 }, () => run(100))
  expect([anomaliesOf([run(110), ...same]), anomaliesOf([run(111), ...same])?.map(({ metric }) => metric)]).toEqual([[], ['ROWS_WRITTEN']])
  const few = Array.from({ length: 10 }, () => run(1, 200, 0))
  expect([anomaliesOf([run(2, 1_200, 1), ...few]), anomaliesOf([run(3, 1_201, 2), ...few])?.map(({ metric }) => metric)]).toEqual([[], ['ROWS_READ', 'ROWS_WRITTEN', 'DURATION_MS']])
})

test('D-119 with fewer than ten runs before there is not enough to tell, and of more than thirty the last thirty count', () => {
  expect([anomaliesOf([]), anomaliesOf(runs(1, ...before.slice(1)))]).toEqual([undefined, undefined])
  const [young, old] = [Array.from({ length: 30 }, () => 100), Array.from({ length: 100 }, () => 7)]
  expect([anomaliesOf(runs(100, ...young, ...old)), anomaliesOf(runs(7, ...young, ...old))?.length]).toEqual([[], 1])
})

test('D-119 a run that is in the middle of those before is none, whatever they were', () => {
  fc.assert(fc.property(fc.array(fc.nat(1_000_000_000), { minLength: 11, maxLength: 29 }).filter(({ length }) => length % 2 === 1), values => {
    const middle = values.toSorted((a, b) => a - b)[(values.length - 1) / 2] ?? 0
    expect(anomaliesOf(runs(middle, ...values))).toEqual([])
  }))
})
