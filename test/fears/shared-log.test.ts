import { jest } from '@jest/globals'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { WatchEvent } from '../../resolvers/watch.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { dropNamespace, igniteHosts } from '../support/ignite.ts'
import { freshNamespace, realScope } from '../support/ignite-regions.ts'
import { dropChanges, openEvents } from '../support/kafka.ts'
import { ownEngines } from '../support/own-engines.ts'
import { openSharedHub, type SharedHub } from '../support/shared-hub.ts'

jest.setTimeout(300_000)

const children: ChildProcess[] = []
afterEach(() => { for (const child of children.splice(0)) child.kill('SIGKILL') })

/** Writes numbers to twenty entries until it is told to stop; answers those that were answered. */
function writing({ region }: SharedHub, name: string) {
  const answered: string[] = []
  const slowestMs = { value: 0 }
  let goesOn = true
  const work = async () => {
    for (let n = 0; goesOn; n++) {
      const began = performance.now()
      await region.putMany(realScope(), [{ id: `${name}-${n % 20}`, n }])
      answered.push(`${name}-${n}`)
      slowestMs.value = Math.max(slowestMs.value, performance.now() - began)
    }
  }
  const done = work()
  return {
    answered, slowestMs,
    async stop() {
      goesOn = false
      await done
    },
  }
}

/** Keeps what a subscription tells. */
function listening(hub: SharedHub) {
  const told: WatchEvent[] = []
  const events = hub.watch()
  const work = async () => {
    for await (const event of events) told.push(event)
  }
  const done = work()
  return {
    told,
    async stop() {
      await events.return()
      await done
    },
  }
}

/** Whose write it is, and its number. */
const writeOf = ({ key, after }: WatchEvent) => `${key.split('-')[0]}-${Number(after?.['n'])}`

withEngine('IGNITE_HOST_1', 'regions', () => {
  withEngine('KAFKA_BROKER', 'whose changes are in a topic', brokers => {
    test('the process that tells the changes is killed in the middle of writes: another goes on, nothing is lost or told twice, and nobody is reset', async () => {
      const namespace = freshNamespace()
      const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'shared-log/writer.ts'), namespace, brokers, 'child'], { stdio: ['ignore', 'pipe', 'inherit'] })
      children.push(child)
      const ended = once(child, 'close')
      let said = ''
      child.stdout.setEncoding('utf8').on('data', text => { said += text })
      await eventually('the child is ready', async () => said.includes('ready\n'), 60_000)
      const events = openEvents(brokers)
      const hub = await openSharedHub(namespace, events)
      const { told, stop } = listening(hub)
      const writer = writing(hub, 'own')
      // By then the child has answered that all that was missing here is told.
      await eventually('both have been told of for a while', async () => (told.at(-1)?.committedAtMs ?? 0) - (told[0]?.committedAtMs ?? 0) > 5_000, 60_000)
      const from = hub.store.changes.end
      child.kill('SIGKILL')
      await ended
      const before = writer.answered.length
      await eventually('writes go on', async () => writer.answered.length > before + 100, 60_000)
      await writer.stop()
      await hub.store.changes.current()
      await eventually('all is told', async () => told.filter(({ key }) => key.startsWith('own')).length === writer.answered.length, 20_000)
      await stop()

      const writes = told.map(writeOf)
      expect(new Set(writes).size).toBe(writes.length)
      const answered = said.split('\n').slice(0, -1).filter(line => line.startsWith('child'))
      const first = Number(writes.find(one => one.startsWith('child'))?.split('-')[1])
      expect(answered.slice(first).filter(line => !writes.includes(line))).toEqual([])
      expect((await hub.entries(from)).flatMap(({ resets }) => resets)).toEqual([])
      await hub.close()
      await events.close()
      await dropNamespace(igniteHosts(), namespace)
      await dropChanges(brokers, namespace)
    })

    test('the broker is killed and comes back: writes are answered meanwhile, subscriptions stay open, and are told every change once, in order', async () => {
      const engines = await ownEngines(23_000)
      try {
        let broker = await engines.up('kafka')
        const own = broker.reach['KAFKA_BROKER'] ?? ''
        const namespace = freshNamespace()
        const events = openEvents(own)
        const hub = await openSharedHub(namespace, events)
        const { told, stop } = listening(hub)
        const writer = writing(hub, 'own')
        await eventually('changes are told', async () => told.length > 100, 60_000)
        await engines.kill(broker)
        const before = writer.answered.length
        await eventually('writes are answered without it', async () => writer.answered.length > before + 100, 60_000)
        broker = await engines.up('kafka')
        const after = writer.answered.length
        await eventually('and with it again', async () => writer.answered.length > after + 100, 60_000)
        await writer.stop()
        await eventually('all is told', async () => told.length >= writer.answered.length, 60_000)
        await stop()
        expect(told.map(writeOf).toSorted()).toEqual(writer.answered.toSorted())
        for (const of of Map.groupBy(told, ({ key }) => key).values()) expect(of.map(({ version }) => version)).toEqual(of.map(({ version }) => version).toSorted((a, b) => a - b))
        expect((await hub.entries()).flatMap(({ resets }) => resets)).toEqual([])
        expect(writer.slowestMs.value).toBeLessThan(10_000)
        await hub.close()
        await events.close()
        await dropNamespace(igniteHosts(), namespace)
      } finally {
        await engines.close()
      }
    })
  })
})
