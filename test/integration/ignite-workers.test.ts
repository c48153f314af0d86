import { randomBytes } from 'node:crypto'
import { jest } from '@jest/globals'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { dropNamespace } from '../support/ignite.ts'
import { dropChanges } from '../support/kafka.ts'
import { startWorkers } from '../support/workers.ts'

jest.setTimeout(240_000)

const catalog = 'regions:\n  notes: { key: id, fields: { id: ID, text: String } }\n'
const put = 'mutation ($id: ID!, $text: String) { putNote(input: { id: $id, text: $text }) { id } }'
const get = 'query ($id: ID!) { note(id: $id) { text } }'

/** What holds for workers wherever their owner keeps its regions. */
async function readsAndWrites(env: Readonly<Record<string, string>>): Promise<void> {
  const hub = await startWorkers(catalog, { env })
  const clients = Array.from({ length: 8 }, () => hub.client())
  let asked = 0
  const read = async (client: (typeof clients)[number], id: string, headers: Record<string, string>) => {
    const requestId = `${id}-${++asked}`
    const { body } = await client.ask(get, { variables: { id }, headers: { 'x-request-id': requestId, ...headers } })
    return { text: body.data?.note?.text as string | undefined, by: await hub.answeredBy(requestId) }
  }
  try {
    for (const client of clients) await eventually('its worker has the graph', async () => (await read(client, 'none', {})).by === 'worker')
    for (const [index, writer] of clients.entries()) {
      const text = `text ${index}`
      for (const client of clients) await read(client, 'shared', { 'x-consistency': 'EVENTUAL' })
      const written = await writer.ask(put, { variables: { id: 'shared', text } })
      expect(written.body.errors).toBeUndefined()
      const promising: Record<string, string>[] = [{}, { 'x-consistency': 'SESSION' }, { 'x-consistency': 'SESSION', 'x-session-token': String(written.headers['x-session-token']) }]
      for (const client of clients) {
        for (const headers of promising) expect(await read(client, 'shared', headers)).toEqual({ text, by: 'worker' })
      }
      for (const client of clients) await eventually('its near cache was told', async () => (await read(client, 'shared', { 'x-consistency': 'EVENTUAL' })).text === text, 4_000)
    }
    const { code } = await hub.program.stop()
    expect(code).toBe(0)
  } finally {
    for (const client of clients) client.leave()
    await hub.close()
  }
}

withEngine('IGNITE_HOST_1', 'workers whose owner keeps its regions on Ignite', host => {
  test('read what was written through any of them, at each level that promises it', async () => {
    const namespace = `t${randomBytes(6).toString('hex')}`
    await readsAndWrites({ IGNITE_HOST_1: host, IGNITE_NAMESPACE: namespace })
    await dropNamespace([host], namespace)
  })

  withEngine('KAFKA_BROKER', 'and their changes in Kafka', broker => {
    test('do so there, too', async () => {
      const namespace = `t${randomBytes(6).toString('hex')}`
      await readsAndWrites({ IGNITE_HOST_1: host, IGNITE_NAMESPACE: namespace, KAFKA_BROKER: broker })
      await dropNamespace([host], namespace)
      await dropChanges(broker, namespace)
    })
  })
})
