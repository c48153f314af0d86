import { jest } from '@jest/globals'
import { Kafka, logLevel } from 'kafkajs'
import type { EventLog } from '../../connectors/ports/event-log.ts'
import type { RegionDefinition } from '../../connectors/ports/region-store.ts'
import { storedName } from '../../connectors/topics/names.ts'
import type { WatchEvent } from '../../resolvers/watch.ts'
import type { HubError } from '../../schema/errors.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { dropNamespace, igniteHosts } from '../support/ignite.ts'
import { freshNamespace, openStore, realScope } from '../support/ignite-regions.ts'
import { changesTopic, dropChanges, openEvents } from '../support/kafka.ts'
import { items, openSharedHub, type SharedHub } from '../support/shared-hub.ts'

jest.setTimeout(180_000)

withEngine('IGNITE_HOST_1', 'regions', () => {
  withEngine('KAFKA_BROKER', 'whose changes are in a topic', brokers => {
    let events: EventLog
    const namespaces: string[] = []
    const namespace = () => {
      namespaces.push(freshNamespace())
      return namespaces.at(-1) ?? ''
    }
    beforeAll(() => { events = openEvents(brokers) })
    afterAll(async () => {
      await events.close()
      for (const one of namespaces) {
        await dropNamespace(igniteHosts(), one)
        await dropChanges(brokers, one)
      }
    })

    const open = (name: string, definition = items, by = events) => openSharedHub(name, by, definition)
    const numberOf = ({ after }: WatchEvent) => Number(after?.['n'])

    test('a cursor of one hub is resumed on another, behind it nothing lost or told twice, while both write', async () => {
      const name = namespace()
      const [a, b] = [await open(name), await open(name)]
      expect(b.store.changes.id).toBe(a.store.changes.id)
      let written = 0
      let writing = true
      const write = async (hub: SharedHub) => {
        while (writing) {
          written += 1
          await hub.region.putMany(realScope(), [{ id: `k${written % 20}`, n: written }])
        }
      }
      const told: WatchEvent[] = []
      const onA = a.watch()
      const first = onA.next()
      const writers = [write(a), write(b)]
      for (let event = await first; !event.done && told.length < 100; event = await onA.next()) told.push(event.value)
      await onA.return()
      const cursor = told.at(-1)?.cursor ?? ''
      await b.store.changes.current()
      const onB = b.watch(cursor)
      for (let event = await onB.next(); !event.done; event = await onB.next()) {
        told.push(event.value)
        if (told.length === 300) writing = false
        if (told.length >= 300 && told.length === written) break
        if (told.length > 300) await Promise.all(writers)
      }
      await onB.return()
      expect(new Set(told.map(numberOf)).size).toBe(told.length)
      expect(told.length).toBe(written)
      for (const events of Map.groupBy(told, ({ key }) => key).values()) {
        const versions = events.map(({ version }) => version)
        expect(versions).toEqual([...versions].sort((x, y) => x - y))
      }
      const entries = await a.entries()
      expect(entries.map(({ offset }) => offset)).toEqual(entries.map((_, index) => index))
      await b.store.changes.current()
      expect((await b.entries()).slice(0, entries.length)).toEqual(entries)
      await a.close()
      await b.close()
    })

    test('all hubs down: a cursor of before resumes behind the next start; what others changed meanwhile is told by a reset', async () => {
      const name = namespace()
      const first = await open(name)
      const watched = first.watch()
      const coming = watched.next()
      await first.region.putMany(realScope(), [{ id: 'a', n: 9_007_199_254_740_993n }])
      const { value } = await coming
      if (!value) throw new Error('Nothing was told.')
      await watched.return()
      await first.region.putMany(realScope(), [{ id: 'b', n: 2 }])
      await first.close()

      const second = await open(name)
      const resumed = second.watch(value.cursor)
      expect((await resumed.next()).value).toMatchObject({ key: 'b', after: { n: 2 } })
      const next = resumed.next()
      await second.region.putMany(realScope(), [{ id: 'c', n: 3 }])
      const last = (await next).value
      expect(last).toMatchObject({ key: 'c', after: { n: 3 } })
      await resumed.return()
      await second.close()

      // Somebody writes of whom the log does not know.
      const foreign = await openStore(name)
      await (await foreign.define(items)).putMany(realScope(), [{ id: 'd', n: 4 }])
      await foreign.close()
      const third = await open(name)
      const voided = third.watch((last as WatchEvent).cursor)
      await expect(voided.next()).rejects.toMatchObject({ code: 'GONE' })
      await third.close()
    })

    test('entries that are not held in memory any more are read from the topic, by who was there and by who was not', async () => {
      const name = namespace()
      const a = await open(name)
      const from = a.store.changes.end
      for (let n = 0; n < 2_500; n += 100) await Promise.all(Array.from({ length: 100 }, (_, at) => a.region.putMany(realScope(), [{ id: `k${at}`, n: n + at }])))
      const b = await open(name)
      const read = async (hub: SharedHub) => (await hub.entries(from)).flatMap(({ changes }) => changes.map(({ after }) => Number(after?.['n'])))
      const found = await read(b)
      expect(found).toEqual(await read(a))
      expect(found.toSorted((x, y) => x - y)).toEqual(Array.from({ length: 2_500 }, (_, n) => n))
      await a.close()
      await b.close()
    })

    test('what one hub swaps as a whole is told once, not by a reset of each that hears of it', async () => {
      const name = namespace()
      const hubs = [await open(name), await open(name), await open(name)]
      const [a, b] = hubs as [SharedHub, SharedHub, SharedHub]
      await a.region.putMany(realScope(), [{ id: 'a', n: 1 }, { id: 'b', n: 1 }])
      const from = a.store.changes.end
      await b.region.replaceAll(realScope(), (async function* () { yield [{ id: 'a', n: 2 }, { id: 'c', n: 2 }] })())
      await eventually('all write where the entries are now', async () => {
        await Promise.all(hubs.map(({ region }, index) => region.putMany(realScope(), [{ id: `of ${index}`, n: index }])))
        return true
      })
      await a.store.changes.current()
      const entries = await a.store.changes.read(from, 1_000)
      expect(entries.flatMap(({ resets }) => resets)).toEqual([])
      expect(entries.flatMap(({ changes }) => changes.map(({ type, key }) => `${type} ${key}`)).toSorted()).toEqual(['CREATED c', 'CREATED of 0', 'CREATED of 1', 'CREATED of 2', 'REMOVED b', 'UPDATED a'])
      for (const hub of hubs) await hub.close()
    })

    test('a topic made anew is another log: cursors of the old one are GONE', async () => {
      const name = namespace()
      const first = await open(name)
      const watched = first.watch()
      const coming = watched.next()
      await first.region.putMany(realScope(), [{ id: 'a', n: 1 }])
      const { value } = await coming
      await watched.return()
      await first.close()
      await dropChanges(brokers, name)
      const restarted = openEvents(brokers)
      const second = await open(name, items, restarted)
      expect(() => second.watch((value as WatchEvent).cursor)).toThrow(expect.objectContaining({ code: 'GONE' }) as HubError)
      await second.close()
      await restarted.close()
    })

    test('a write too large for the topic is told by a reset, and the next one as it is', async () => {
      const name = namespace()
      const wide: RegionDefinition = { ...items, name: 'wide', columns: [...items.columns, { name: 'text', type: 'String', nullable: true }] }
      const admin = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).admin()
      await admin.createTopics({ waitForLeaders: true, topics: [{ topic: storedName('', changesTopic(name)), numPartitions: 1, configEntries: [{ name: 'max.message.bytes', value: '10000' }] }] })
      await admin.disconnect()
      const hub = await open(name, wide)
      const from = hub.store.changes.end
      await hub.region.putMany(realScope(), [{ id: 'a', n: 1, text: 'x'.repeat(20_000) }])
      await hub.region.putMany(realScope(), [{ id: 'b', n: 2, text: null }])
      const entries = await hub.store.changes.read(from, 100)
      expect(entries.flatMap(({ resets, changes }) => [...resets, ...changes.map(({ key }) => key)])).toEqual(['wide', 'b'])
      await hub.close()
    })
  })
})
