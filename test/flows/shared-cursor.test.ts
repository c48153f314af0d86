import { jest } from '@jest/globals'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { catalogFolder, type CatalogFolder } from '../support/catalog-folder.ts'
import { withEngine } from '../support/engines.ts'
import { dropNamespace, igniteHosts } from '../support/ignite.ts'
import { freshNamespace } from '../support/ignite-regions.ts'
import { dropChanges } from '../support/kafka.ts'
import { startProgram, type Running } from '../support/program.ts'

jest.setTimeout(180_000)

interface Told {
  readonly noteChanged: { readonly type: string; readonly cursor: string; readonly after: { readonly text: string } | null }
}

const changed = 'subscription ($after: String) { noteChanged(after: $after, initial: false) { type cursor after { text } } }'

withEngine('IGNITE_HOST_1', 'two hubs of one cluster', () => {
  withEngine('KAFKA_BROKER', 'and one Kafka', brokers => {
    const namespace = freshNamespace()
    const hosts = Object.fromEntries(igniteHosts().map((host, index) => [`IGNITE_HOST_${index + 1}`, host]))
    const env = { ...hosts, IGNITE_NAMESPACE: namespace, KAFKA_BROKER: brokers, HUB_CURSOR_SECRET: 'the same for every hub' }
    const running = new Set<Running>()
    let files: CatalogFolder
    beforeAll(() => {
      files = catalogFolder({ 'hub.yaml': 'regions: { notes: { type: Note, key: id, fields: { id: ID!, text: String } } }\n' })
    })
    afterAll(async () => {
      for (const hub of running) await hub.stop()
      await dropNamespace(igniteHosts(), namespace)
      await dropChanges(brokers, namespace)
      files.remove()
    })

    const start = async (name: string) => {
      const program = startProgram(['start', '--catalog', files.catalog, '--port', '0', '--data', `${files.folder}/${name}`, '--log-level', 'error'], { cwd: files.folder, env })
      running.add(program)
      const url = `${new URL((await program.written(/http:\S+/))[0]).origin}/graphql`
      return {
        async put(id: string, text: string) {
          const query = 'mutation ($id: ID!, $text: String) { putNote(input: { id: $id, text: $text }) { id } }'
          const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query, variables: { id, text } }) })
          expect(await response.json()).toEqual({ data: { putNote: { id } } })
        },
        watch(after?: string) {
          const client = createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, retryAttempts: 0 })
          const events = client.iterate<Told>({ query: changed, variables: { after } })
          return {
            async next() {
              const { value } = await events.next()
              if (!value?.data) throw new Error(JSON.stringify(value))
              return { cursor: value.data.noteChanged.cursor, text: value.data.noteChanged.after?.text }
            },
            leave: () => client.dispose(),
          }
        },
        async stop() {
          running.delete(program)
          await program.stop()
        },
      }
    }

    test('a subscription of one hub goes on at another by its cursor, also after every hub was restarted', async () => {
      const [a, b] = [await start('a'), await start('b')]
      const onA = a.watch()
      let isTold = false
      const first = onA.next().then(one => { isTold = true; return one })
      // Told to whoever is there: it is written until somebody is.
      for (let n = 0; !isTold; n++) await a.put('a', `first ${n}`)
      let told = await first
      await onA.leave()
      await b.put('b', 'second')
      const onB = b.watch(told.cursor)
      while (told.text !== 'second') told = await onB.next()
      await onB.leave()
      await a.put('c', 'third')
      await a.stop()
      await b.stop()
      const again = await start('b')
      const resumed = again.watch(told.cursor)
      expect((await resumed.next()).text).toBe('third')
      await again.put('d', 'fourth')
      expect((await resumed.next()).text).toBe('fourth')
      await resumed.leave()
    })
  })
})
