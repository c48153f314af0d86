import { jest } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { openIgnite } from '../../connectors/ignite/index.ts'
import { openIgniteRegions } from '../../connectors/ignite/regions/index.ts'
import { systemClock, type Scope } from '../../connectors/ports/scope.ts'
import { conforms } from '../support/conformance.ts'
import { withEngine } from '../support/engines.ts'
import { dropNamespace, igniteHosts } from '../support/ignite.ts'
import { testScope } from '../support/scope.ts'
import { regionStoreChecks } from './region-store.ts'
import { type RegionTransactionSubject, regionTransactionChecks } from './region-transactions.ts'

/** A scope of the machine's time, in which the cluster's entries expire. */
function realScope(tenant?: string): Scope {
  return { ...testScope({ tenant }), clock: systemClock, deadlineMs: Date.now() + 60_000 }
}

async function subject(): Promise<RegionTransactionSubject> {
  const namespace = `t${randomBytes(4).toString('hex')}`
  const { log } = testScope()
  const open = () => {
    const client = openIgnite({ hosts: igniteHosts(), requestTimeoutMs: 30_000, connectTimeoutMs: 20_000 })
    return openIgniteRegions({ client, clock: systemClock, log, namespace, later: work => void work() })
  }
  let store = await open()
  return {
    get store() { return store },
    reopens: 'ALL',
    locks: false,
    plainReads: 'by entry',
    scope: realScope,
    elapse: ms => pause(ms),
    async reopen() {
      await store.close()
      store = await open()
    },
    async close() {
      await store.close()
      await dropNamespace(igniteHosts(), namespace)
    },
  }
}

jest.setTimeout(180_000)

withEngine('IGNITE_HOST_1', 'regions', () => {
  conforms('regions on Ignite', [...regionStoreChecks, ...regionTransactionChecks], subject)
})
