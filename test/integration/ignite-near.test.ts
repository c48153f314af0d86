import { jest } from '@jest/globals'
import { setImmediate as immediate, setTimeout as pause } from 'node:timers/promises'
import { airport, airports } from '../conformance/region-store.ts'
import { withEngine } from '../support/engines.ts'
import { dropNamespace, igniteHosts } from '../support/ignite.ts'
import { freshNamespace, openStore, realScope } from '../support/ignite-regions.ts'

jest.setTimeout(180_000)

/** A copy of an entry may be behind what was told of it: the node that has it first tells as it commits, the others follow. */
withEngine('IGNITE_HOST_1', 'what is kept near of entries that have copies', () => {
  test.each([['PARTITIONED', 1], ['REPLICATED', 0]] as const)('%s: once nothing is written any more, nothing that is kept near is older than the store', async (mode, backups) => {
    const namespace = freshNamespace()
    const stores = await Promise.all([openStore(namespace), openStore(namespace)])
    try {
      const definition = { ...airports, placement: { mode, backups } }
      const [mine, theirs] = [await stores[0]!.define(definition), await stores[1]!.define(definition)]
      const scope = realScope()
      const keys = Array.from({ length: 20 }, (_, index) => `k${index}`)
      let running = true
      const reader = async (from: number) => {
        for (let index = from; running; index += 1) {
          await mine.getMany(scope, [keys[index % keys.length]!], { near: true })
          await immediate()
        }
      }
      const readers = [0, 5, 10, 15].map(reader)
      let wrong: unknown[] = []
      for (let round = 1; round <= 15 && wrong.length === 0; round++) {
        for (let from = 0; from < keys.length; from += 4) await theirs.putMany(scope, keys.slice(from, from + 4).map(key => airport(key, `round ${round}`)))
        // Longer than any of the writes takes to be told of here.
        await pause(300)
        const [near, there] = [await mine.getMany(scope, keys, { near: true }), await mine.getMany(scope, keys)]
        wrong = near.flatMap((entry, index) => (entry?.version === there[index]?.version ? [] : [{ round, key: entry?.key, near: entry?.row['country'], there: there[index]?.row['country'] }]))
      }
      running = false
      await Promise.all(readers)
      expect(wrong).toEqual([])
    } finally {
      await Promise.all(stores.map(store => store.close()))
      await dropNamespace(igniteHosts(), namespace)
    }
  })
})
