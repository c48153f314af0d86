import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { openIgnite } from '../../connectors/ignite/index.ts'
import { openIgniteRegions } from '../../connectors/ignite/regions/index.ts'
import type { EventLog } from '../../connectors/ports/event-log.ts'
import type { RegionStore } from '../../connectors/ports/region-store.ts'
import { systemClock, type Log, type Scope } from '../../connectors/ports/scope.ts'
import { openSharedLog } from '../../connectors/regions/shared-log/index.ts'
import type { RegionTransactionSubject } from '../conformance/region-transactions.ts'
import { dropNamespace, igniteHosts } from './ignite.ts'
import { changesTopic, dropChanges, openEvents } from './kafka.ts'
import { testScope } from './scope.ts'

/** A scope of the machine's time, in which the cluster's entries expire. */
export function realScope(tenant?: string): Scope {
  return { ...testScope({ tenant }), clock: systemClock, deadlineMs: Date.now() + 60_000 }
}

export function freshNamespace(): string {
  return `t${randomBytes(4).toString('hex')}`
}

/** Regions whose changes are in a topic of these brokers; each in this process's memory where there are none. */
export async function openStore(namespace: string, events?: EventLog, log: Log = testScope().log): Promise<RegionStore> {
  const client = openIgnite({ hosts: igniteHosts(), requestTimeoutMs: 30_000, connectTimeoutMs: 20_000 })
  const changes = events && (await openSharedLog({
    events, topic: changesTopic(namespace), retentionMs: 3_600_000, retainBytes: 64 * 1024 * 1024, clock: systemClock, log, onFatal: error => { throw error },
  }))
  return openIgniteRegions({ client, clock: systemClock, log, namespace, changes, later: work => void work() })
}

/** What the lists of regions and of their transactions are run on. */
export async function regionSubject(brokers?: string): Promise<RegionTransactionSubject> {
  const namespace = freshNamespace()
  const events = brokers === undefined ? undefined : openEvents(brokers)
  let store = await openStore(namespace, events)
  return {
    get store() { return store },
    reopens: 'ALL',
    keepsLog: events !== undefined,
    locks: false,
    plainReads: 'by entry',
    scope: realScope,
    elapse: ms => pause(ms),
    async reopen() {
      await store.close()
      store = await openStore(namespace, events)
    },
    async close() {
      await store.close()
      await dropNamespace(igniteHosts(), namespace)
      await events?.close()
      if (brokers !== undefined) await dropChanges(brokers, namespace)
    },
  }
}
