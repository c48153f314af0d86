import { make } from '../../../ops/bench/clients.ts'
import { documentOf, requestAt } from '../../../ops/bench/growth/documents.ts'
import { sizesWithin } from '../../../ops/bench/growth/entries.ts'
import { account, conflicting, hot, hotAccounts, hotIds, teamOf } from '../../../ops/bench/hub/accounts.ts'
import { sumsIn } from '../../../ops/bench/metrics.ts'
import { findingsMarkdown, findingsText } from '../../../ops/bench/report.ts'

const records = 1_000

test('each client makes its next call when it has the answer to its last, and what fails is counted', async () => {
  const asked: number[] = []
  let inFlight = 0
  let most = 0
  const call = async (n: number) => {
    asked.push(n)
    most = Math.max(most, ++inFlight)
    await new Promise(setImmediate)
    inFlight--
    if (n % 4 === 0) throw new Error(`no ${n}`)
    return { attempts: 2, bytes: 10 }
  }
  const line = await make({ name: 'calls', clients: 3, call }, 100, begun => begun < 20)
  expect(asked).toEqual(Array.from({ length: 20 }, (_, n) => 100 + n))
  expect(most).toBe(3)
  expect(line).toMatchObject({ calls: 20, errors: 5, failure: 'Error: no 100', attempts: 1.5, bytes: 7.5 })
  expect(line.longestMs).toBeGreaterThanOrEqual(line.p99Ms)
})

test('of a hundred transactions as many as said want the same two accounts, and the others that are under way none of another\'s', () => {
  for (const share of [0, 10, 50]) {
    const transfers = Array.from({ length: 300 }, (_, n) => conflicting(share, records)(n))
    const [contended, apart] = [transfers.filter(([from]) => from === records - 1), transfers.filter(([from]) => from !== records - 1)]
    expect(contended).toHaveLength(3 * share)
    for (let n = 0; n + 32 <= apart.length; n++) expect(new Set(apart.slice(n, n + 32).flat()).size).toBe(64)
    expect(Math.max(0, ...apart.flat())).toBeLessThan(records - hotAccounts)
  }
})

test('transactions on hot accounts move between two of them, and come to each', () => {
  const transfers = Array.from({ length: 1_000 }, (_, n) => hot(records)(n))
  expect(transfers.every(([from, to]) => from !== to)).toBe(true)
  expect(new Set(transfers.flat().map(n => account(n, records)['id']))).toEqual(new Set(hotIds(records)))
})

test('a team has ten members', () => {
  const sizes = Map.groupBy(Array.from({ length: records }, (_, n) => teamOf(n, records)), team => team)
  expect(new Set([...sizes.values()].map(members => members.length))).toEqual(new Set([10]))
})

test('a figure at /metrics is the sum over its labels, whatever these hold', () => {
  const sums = sumsIn('# HELP heap_bytes Bytes.\n# TYPE heap_bytes gauge\nheap_bytes 12\nspace_bytes{space="old"} 1.5e3\nspace_bytes{space="a } 7"} 500\n')
  expect(Object.fromEntries(sums)).toEqual({ heap_bytes: 12, space_bytes: 2_000 })
})

test('a region is measured with the sizes up to the one asked for, and with that alone below them all', () => {
  expect(sizesWithin(1_000_000)).toEqual([10_000, 1_000_000])
  expect(sizesWithin(500)).toEqual([500])
})

test('no document is another\'s text', () => {
  expect(new Set(Array.from({ length: 10_000 }, (_, n) => requestAt(n, 0).document)).size).toBe(10_000)
})

test('nine of ten requests are for the same thousand documents, and in time all are asked for', () => {
  const asked = Array.from({ length: 100_000 }, (_, n) => documentOf(n, 10_000))
  expect(new Set(asked.filter((_, n) => n % 10 < 9)).size).toBe(1_000)
  expect(new Set(asked).size).toBe(10_000)
})

test('findings read alike on a terminal and in a document', () => {
  const findings = { name: 'it', about: 'What it is.', tables: [{ title: 'Reads', header: ['name', 'ms'], rows: [['get', '1.5']] }], notes: ['slow'] }
  expect(findingsText(findings)).toBe('What it is.\n\nReads\nname   ms\n────  ───\nget   1.5\n\nslow')
  expect(findingsMarkdown(findings)).toBe('What it is.\n\n### Reads\n\n| name | ms |\n| --- | ---: |\n| get | 1.5 |\n\n- slow')
})
