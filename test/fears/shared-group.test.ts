import { catalogFolder } from '../support/catalog-folder.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { apiKeys, headersOf, messagesOf, settledAt } from '../support/subscribers.ts'
import { WsClient, type Message } from '../support/ws-client.ts'

/**
 * Subscribers who share one execution must not be able to tell: nobody gets what is another tenant's or needs other rights, nobody waits for the slowest, nobody loses or doubles an event because somebody
 * else comes, goes, or does not read.
 */
const callers = {
  ann: { tenant: 'acme', scopes: ['cache:read', 'cache:write'] },
  bob: { tenant: 'acme', scopes: ['cache:write', 'cache:read'] },
  eve: { tenant: 'acme', scopes: ['cache:read'] },
  zoe: { tenant: 'globex', scopes: ['cache:read', 'cache:write'] },
  nil: { tenant: 'acme', scopes: ['topic:read'] },
}
type Who = keyof typeof callers

const changed = 'subscription ($initial: Boolean = false, $after: String) { noteChanged(initial: $initial, after: $after) { type key cursor after { n body } } }'
const numberIn = ({ payload }: Message): number => payload.data.noteChanged.after.n

describe('subscribers of one execution', () => {
  const folder = catalogFolder({ 'hub.yaml': 'regions: { notes: { type: Note, key: id, fields: { id: ID!, n: Int, body: String } } }\n', 'keys.json': apiKeys(callers) })
  const clients: WsClient[] = []
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog, headers: headersOf('ann'), flags: [`--auth-api-keys-file=${folder.folder}/keys.json`, '--subscriptions-max-buffered-bytes=65536'] })
  }, 120_000)
  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.terminate()
    await settledAt(hub.url, 0, 0)
  })
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  const put = async (who: Who, n: number, { id = 'a', body = '' } = {}) => {
    const answer = await hub.query('mutation ($id: ID!, $n: Int, $body: String) { putNote(input: { id: $id, n: $n, body: $body }) { id } }', { id, n, body }, headersOf(who))
    expect(answer).toEqual({ data: { putNote: { id } } })
  }
  const watch = async (who: Who, variables: object = {}, query = changed) => {
    const client = await new WsClient(hub.url).init(headersOf(who))
    clients.push(client)
    client.subscribe('1', query, { variables })
    return client
  }

  test('have one tenant and the same scopes: the same words of others are executed for those alone', async () => {
    const [ann, bob, eve, zoe, nil] = await Promise.all((['ann', 'bob', 'eve', 'zoe', 'nil'] as const).map(who => watch(who)))
    expect(await nil!.next()).toMatchObject({ type: 'error', payload: [{ message: expect.stringContaining('"nil"'), extensions: { code: 'FORBIDDEN' } }] })
    await settledAt(hub.url, 4, 3)
    for (let n = 0; n < 20; n++) {
      await put('ann', n, { body: 'of acme' })
      await put('zoe', 1_000 + n, { body: 'of globex' })
    }
    const [ofAnn, ofBob, ofEve] = await Promise.all([ann, bob, eve].map(client => messagesOf(client!, 20)))
    expect(ofAnn!.map(numberIn)).toEqual(Array.from({ length: 20 }, (_, n) => n))
    expect([ofBob, ofEve]).toEqual([ofAnn, ofAnn])
    const ofZoe = await messagesOf(zoe!, 20)
    expect(ofZoe.map(numberIn)).toEqual(Array.from({ length: 20 }, (_, n) => 1_000 + n))
    expect(JSON.stringify(ofZoe)).not.toContain('of acme')
    expect([ann, bob, eve, zoe].map(client => client!.unread)).toEqual([0, 0, 0, 0])
  })

  test('do not wait for one that does not read: it goes on by itself, gets every event in order when it reads again, and is one of them again', async () => {
    const body = 'x'.repeat(300_000)
    const fast = await Promise.all(Array.from({ length: 3 }, () => watch('ann')))
    const slow = await watch('bob')
    await settledAt(hub.url, 4, 1)
    slow.socket.pause()
    // 18 MB, which no buffer of the machine holds.
    for (let n = 0; n < 60; n++) {
      await put('ann', n, { body })
      for (const client of fast) expect((await messagesOf(client, 1)).map(numberIn)).toEqual([n])
    }
    await settledAt(hub.url, 4, 2)
    slow.socket.resume()
    expect((await messagesOf(slow, 60)).map(numberIn)).toEqual(Array.from({ length: 60 }, (_, n) => n))
    await settledAt(hub.url, 4, 1)
    await put('ann', 100)
    for (const client of [...fast, slow]) expect((await messagesOf(client, 1)).map(numberIn)).toEqual([100])
  }, 120_000)

  test('lose nothing and get nothing twice while others come, leave, or come back in the midst of a burst', async () => {
    const last = 150
    await put('ann', 0)
    const stays = await watch('ann')
    await settledAt(hub.url, 1, 1)
    const history = messagesOf(stays, last)
    let written = 0
    const burst = (async () => {
      for (let n = 1; n <= last; n++) {
        await put('ann', n)
        written = n
      }
    })()

    /** From its first event on, each follows the one before; a snapshot has the row as it was then. */
    const follow = async (initial: boolean): Promise<number[]> => {
      let client = await watch('bob', { initial })
      const numbers: number[] = []
      for (let at = 0; ; at++) {
        const [message] = (await messagesOf(client, 1)) as [Message]
        numbers.push(numberIn(message))
        if (numberIn(message) === last) return numbers
        if (at % 15 !== 14) continue
        // It leaves, and comes back with its cursor.
        client.socket.terminate()
        client = await watch('bob', { initial, after: message.payload.data.noteChanged.cursor })
      }
    }
    const followers: Promise<number[]>[] = []
    while (written < last - 50) {
      followers.push(follow(followers.length % 2 === 0))
      const from = written
      while (written < Math.min(from + 20, last - 50)) await new Promise(resolve => setImmediate(resolve))
    }
    for (const numbers of await Promise.all(followers)) {
      const [first = 0] = numbers
      expect(numbers).toEqual(Array.from({ length: last - first + 1 }, (_, index) => first + index))
    }
    expect((await history).map(numberIn)).toEqual(Array.from({ length: last }, (_, index) => index + 1))
    await burst
  }, 120_000)
})
