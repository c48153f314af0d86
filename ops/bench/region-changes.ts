import { randomBytes } from 'node:crypto'
import { openIgnite } from '../../connectors/ignite/index.ts'
import { openIgniteRegions } from '../../connectors/ignite/regions/index.ts'
import { openKafkaEvents } from '../../connectors/kafka/index.ts'
import type { RegionDefinition, RegionStore } from '../../connectors/ports/region-store.ts'
import { systemClock, type Log, type Scope } from '../../connectors/ports/scope.ts'
import { openSharedLog } from '../../connectors/regions/shared-log/index.ts'
import type { LogEntry } from '../../schema/change.ts'

/**
 * `IGNITE_HOST_1=… KAFKA_BROKER=… node ops/bench/region-changes.ts`: from a write's call to its answer, and to its change being told to a listener of the log, in milliseconds;
 * the log in memory, then in Kafka, told by the process that writes and by another one.
 */
const hosts = Object.entries(process.env).flatMap(([name, host]) => (/^IGNITE_HOST_\d+$/.test(name) && host ? [host] : []))
const brokers = (process.env['KAFKA_BROKER'] ?? '').split(',').filter(Boolean)
if (hosts.length === 0 || brokers.length === 0) throw new Error('Set IGNITE_HOST_1 and KAFKA_BROKER.')

const rounds = 2_000
const inFlight = 64
const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }
const scope = (tenant = 'bench'): Scope => ({ requestId: 'bench', tenant, caller: { subject: 'bench', scopes: new Set() }, signal: new AbortController().signal, deadlineMs: Date.now() + 60_000, clock: systemClock, log: silent, later: work => void work() })
const items: RegionDefinition = {
  name: 'items', columns: [{ name: 'id', type: 'String', nullable: false }, { name: 'n', type: 'Int', nullable: true }], key: ['id'], indexes: [], atomicity: 'TRANSACTIONAL', expiry: {}, maxEntries: 1_000_000, durable: true, tenancy: 'SHARED',
}
const events = openKafkaEvents({ brokers, clock: systemClock, log: silent })

async function open(namespace: string, isShared: boolean): Promise<RegionStore> {
  const changes = isShared ? await openSharedLog({ events, topic: `region-changes.${namespace}`, retentionMs: 3_600_000, retainBytes: 64 * 1024 * 1024, clock: systemClock, log: silent, onFatal: error => { throw error } }) : undefined
  const store = await openIgniteRegions({ client: openIgnite({ hosts }), clock: systemClock, log: silent, namespace, changes, later: work => void work() })
  await store.define(items)
  return store
}

function percentiles(taken: readonly number[]): string {
  const sorted = taken.toSorted((a, b) => a - b)
  return [0.5, 0.99].map(share => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(2)).join(' / ')
}

async function measure(what: string, writer: RegionStore, reader: RegionStore): Promise<void> {
  const begun = new Map<number, number>()
  const told: number[] = []
  const stop = reader.changes.onCommit(({ changes }: LogEntry) => {
    for (const { after } of changes) told.push(performance.now() - (begun.get(Number(after?.['n'])) ?? performance.now()))
  })
  const region = writer.region('items')
  const write = async (n: number) => {
    begun.set(n, performance.now())
    await region.putMany(scope(), [{ id: `k${n % 200}`, n }])
    return performance.now() - (begun.get(n) ?? 0)
  }
  const answered: number[] = []
  for (let n = 0; n < rounds; n++) answered.push(await write(n))
  const [one, oneTold] = [percentiles(answered.slice(rounds / 10)), percentiles(told.slice(rounds / 10))]
  const began = performance.now()
  let next = rounds
  await Promise.all(Array.from({ length: inFlight }, async () => {
    while (next < 2 * rounds) await write(next++)
  }))
  stop()
  console.log(`${what.padEnd(44)} answered ${one}   told ${oneTold}   ${Math.round(rounds / ((performance.now() - began) / 1_000))} writes/s with ${inFlight} in flight`)
}

console.log(`p50 / p99 ms of ${rounds} writes of one row, one after the other`)
for (let round = 0; round < 2; round++) {
  for (const isShared of [false, true]) {
    const namespace = `b${randomBytes(4).toString('hex')}`
    const first = await open(namespace, isShared)
    await measure(isShared ? 'in Kafka, by the process that tells' : 'in memory', first, first)
    if (isShared) {
      const second = await open(namespace, true)
      await measure('in Kafka, by another, told to that one', second, second)
      await second.close()
    }
    await first.drop('items')
    await first.close()
    if (isShared) await events.deleteTopic(scope(''), `region-changes.${namespace}`)
  }
}
await events.close()
