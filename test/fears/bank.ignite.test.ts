import { randomBytes } from 'node:crypto'
import { openIgnite } from '../../connectors/ignite/index.ts'
import { openIgniteRegions } from '../../connectors/ignite/regions/index.ts'
import type { RegionStore } from '../../connectors/ports/region-store.ts'
import { systemClock, type Scope } from '../../connectors/ports/scope.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { type IgniteNodes, startIgnite } from '../support/ignite.ts'
import { testScope } from '../support/scope.ts'
import { openBank, readSum, total, unsound } from './bank/bank.ts'
import { stress, type StressReport } from './bank/stress.ts'

/** Up to 200,000 where somebody has the time. */
const transfers = Number(process.env['BANK_TRANSFERS'] ?? 4_000)
const limitMs = 300_000 + transfers * 30
/** Longer than Ignite takes on two cores to answer a commit. */
const shortMs = 100
/** Away from the ports of the engines that other tests share. */
const portOffset = 18_000

withEngine('IGNITE_HOST_1', 'a bank on a cluster of its own', () => {
  const scope: Scope = { ...testScope(), clock: systemClock, deadlineMs: Number.MAX_SAFE_INTEGER }
  let nodes: IgniteNodes
  let store: RegionStore
  const both = () => eventually('both nodes are up', async () => (await store.cluster(scope)).nodes.filter(({ state, partitionsPrimary }) => state === 'UP' && partitionsPrimary !== null).length === 2, 120_000)
  beforeAll(async () => {
    nodes = await startIgnite(2, portOffset)
    store = await openIgniteRegions({ client: openIgnite({ hosts: nodes.hosts }), clock: systemClock, log: scope.log, namespace: `t${randomBytes(4).toString('hex')}`, later: work => void work() })
    await both()
    await openBank(store, scope, { mode: 'PARTITIONED', backups: 1 })
  }, 300_000)
  afterAll(async () => {
    await store?.close()
    await nodes?.stop()
  }, 120_000)

  const holds = async ({ sums, committed }: StressReport) => {
    expect(sums).toEqual(new Set([total]))
    expect((await readSum(store, scope)).result).toBe(total)
    expect(await unsound(store, scope)).toEqual([])
    const receipts = new Set((await store.region('receipts').select(scope, {})).map(row => String(row['id'])))
    expect(committed.filter(id => !receipts.has(id))).toEqual([])
  }
  const told = (title: string, fromMs: number, { committed, attempts, again, outcomes }: StressReport) => {
    const seconds = (performance.now() - fromMs) / 1_000
    if (process.env['BANK_TRANSFERS']) process.stderr.write(`${title}: ${committed.length} answered in ${seconds.toFixed(1)} s, ${(committed.length / seconds).toFixed(0)} a second, ${attempts} attempts, ${again} begun again; ${JSON.stringify(Object.fromEntries(outcomes))}\n`)
  }

  test('H-31 money moved over two regions by many at once, with conflicts and timeouts, is never more or less, nor seen half moved', async () => {
    const fromMs = performance.now()
    const report = await stress(store, scope, { transfers, clients: 32, shortMs })
    told('conflicts and timeouts', fromMs, report)
    await holds(report)
    // Every entry of the log is a whole transfer.
    expect(report.uneven).toEqual([])
    expect(Object.fromEntries(report.outcomes)).toEqual({ TX_CONFLICT: expect.any(Number), TX_TIMEOUT: expect.any(Number) })
    expect(report.again).toBeGreaterThan(0)
    expect(report.committed.length + [...report.outcomes.values()].reduce((sum, count) => sum + count, 0)).toBe(transfers)
  }, limitMs)

  test('H-29 a node that is killed under the transfers, and comes back, loses none that was answered, and no transactional reader ever sees another sum', async () => {
    const receipts = store.region('receipts')
    const before = await receipts.count(scope)
    const more = async (count: number) => {
      const from = await receipts.count(scope)
      await eventually(`${count} more transfers are answered`, async () => (await receipts.count(scope)) > from + count, limitMs)
    }
    let isOver = false
    const fromMs = performance.now()
    const working = stress(store, scope, { transfers: 0, more: () => !isOver, clients: 32, shortMs, prefix: 'k' })
    try {
      await more(transfers / 8)
      await nodes.kill(1)
      const killedMs = performance.now()
      await more(1)
      if (process.env['BANK_TRANSFERS']) process.stderr.write(`the next transfer ${Math.round(performance.now() - killedMs)} ms after the kill\n`)
      await more(transfers / 8)
      await nodes.start(1)
      await both()
      await more(transfers / 8)
    } finally {
      isOver = true
    }
    const report = await working
    told('a kill and a return', fromMs, report)
    await holds(report)
    expect(report.committed.length).toBeGreaterThan(transfers / 4)
    expect((await receipts.count(scope)) - before).toBeGreaterThanOrEqual(report.committed.length)
    // What the kill cut short says so, and may be run again.
    expect([...report.outcomes.keys()].filter(code => !/^(reader )?(TX_CONFLICT|TX_TIMEOUT|UPSTREAM_UNAVAILABLE|TIMEOUT)$/.test(code))).toEqual([])
  }, limitMs)
})
