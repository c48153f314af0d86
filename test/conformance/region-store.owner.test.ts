import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openMemoryRegions } from '../../connectors/memory/store.ts'
import type { RegionStore } from '../../connectors/ports/region-store.ts'
import { conforms } from '../support/conformance.ts'
import { type OwnerWorld, ownerWorld } from '../support/owner.ts'
import { MovedClock, testScope } from '../support/scope.ts'
import { regionStoreChecks } from './region-store.ts'
import { type RegionTransactionSubject, regionTransactionChecks } from './region-transactions.ts'

/** The store of the owner, each read by key outside of transactions going through the socket as a worker's does. */
function readThrough(world: () => OwnerWorld, store: () => RegionStore): RegionStore {
  return new Proxy({} as RegionStore, {
    get(_none, name) {
      const target = store()
      if (name === 'define') return async (definition: Parameters<RegionStore['define']>[0]) => world().region(await target.define(definition))
      if (name === 'region') return (of: string) => world().region(target.region(of))
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

conforms('regions in memory, read by key through the socket of their owner', [...regionStoreChecks, ...regionTransactionChecks], async (): Promise<RegionTransactionSubject> => {
  const directory = await mkdtemp(join(tmpdir(), 'regions-'))
  const clock = new MovedClock()
  const open = () => openMemoryRegions({ directory, clock, log: testScope().log, segmentBytes: 64 * 1024 })
  let store = await open()
  let world = await ownerWorld(store, clock)
  return {
    locks: false,
    plainReads: 'whole',
    store: readThrough(() => world, () => store),
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
      await world.close()
      await store.close()
      store = await open()
      world = await ownerWorld(store, clock)
    },
    async close() {
      await world.close()
      await store.close()
      await rm(directory, { recursive: true })
    },
  }
})
