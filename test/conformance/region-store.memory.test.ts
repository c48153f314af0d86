import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openMemoryRegions } from '../../connectors/memory/store.ts'
import { conforms } from '../support/conformance.ts'
import { MovedClock, testScope } from '../support/scope.ts'
import { regionStoreChecks } from './region-store.ts'
import { type RegionTransactionSubject, regionTransactionChecks } from './region-transactions.ts'
import { regionVersionChecks } from './region-versions.ts'

const checks = [...regionStoreChecks, ...regionTransactionChecks, ...regionVersionChecks]
/** Commits are one step of the process, and found out at the end. */
const differences = { locks: false, plainReads: 'whole' } as const

async function subject(): Promise<RegionTransactionSubject> {
  const directory = await mkdtemp(join(tmpdir(), 'regions-'))
  const clock = new MovedClock()
  const open = () => openMemoryRegions({ directory, clock, log: testScope().log, segmentBytes: 64 * 1024 })
  let store = await open()
  return {
    ...differences,
    get store() { return store },
    reopens: 'DURABLE',
    scope: tenant => testScope({ clock, tenant }),
    async elapse(ms) {
      clock.advance(ms)
      // What expired is told once it is durable.
      while (store.changes.durable < store.changes.end) await new Promise<void>(resolve => {
        const stop = store.changes.onDurable(() => {
          stop()
          resolve()
        })
      })
    },
    async reopen() {
      await store.close()
      store = await open()
    },
    async close() {
      await store.close()
      await rm(directory, { recursive: true })
    },
  }
}

conforms('regions in memory with a log on disk', checks, subject)

const forgotten = new Set(['RS05', 'RS06', 'RS18', 'RS36', 'RS37', 'RS52', 'RS75'])

conforms('regions in memory alone', checks.filter(check => !forgotten.has(check.id)), async (): Promise<RegionTransactionSubject> => {
  const clock = new MovedClock()
  const store = await openMemoryRegions({ clock, log: testScope().log })
  return {
    ...differences,
    store,
    reopens: 'DURABLE',
    scope: tenant => testScope({ clock, tenant }),
    async elapse(ms) { clock.advance(ms) },
    async reopen() { throw new Error('Without a directory nothing outlives the store.') },
    close: () => store.close(),
  }
})
