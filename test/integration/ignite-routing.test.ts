import { BinaryType, keysOf, openCache, openIgnite, rowsOf, valuesOf } from '../../connectors/ignite/index.ts'
import type { IgniteClient, KeyCodec } from '../../connectors/ignite/index.ts'
import { partitionOf } from '../../connectors/ignite/affinity.ts'
import { list } from '../../connectors/ignite/binary/metadata.ts'
import { javaHash } from '../../connectors/ignite/binary/names.ts'
import { cacheFlag, code } from '../../connectors/ignite/wire/codes.ts'
import type { Reader } from '../../connectors/ignite/wire/reader.ts'
import type { Row, Value } from '../../schema/values.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { column, igniteHosts, igniteSubject, type IgniteSubject } from '../support/ignite.ts'

withEngine('IGNITE_HOST_2', 'partition awareness over two nodes of Ignite', () => {
  let ignite: IgniteSubject
  beforeAll(async () => {
    ignite = igniteSubject()
    await eventually('both nodes are connected', async () => ignite.client.stats().hosts.every(({ state }) => state === 'connected'))
  })
  afterAll(() => ignite.close())

  /** The node the client would ask for each key is the node that holds it first, as a scan of every node's own entries says. */
  async function routesAsHeld<K>(name: string, keys: KeyCodec<K>, given: readonly K[]): Promise<void> {
    const owners = await ignite.client.partitionOwners(javaHash(name))
    for (const host of igniteHosts()) {
      const alone = openIgnite({ hosts: [host] })
      const { nodeId } = await alone.connected()
      const held = await localKeys(alone, name, keys)
      expect(held.length).toBeGreaterThan(0)
      const meant = given.filter(key => owners?.[partitionOf(keys.hash(key)!, owners.length)] === nodeId)
      expect(held.map(keys.identity).sort()).toEqual(meant.map(keys.identity).sort())
      alone.close()
    }
  }

  test.each([
    ['string', Array.from({ length: 500 }, (_, n) => `${['k', 'é', '日', '🚀'][n % 4]}${n}`)], ['int', Array.from({ length: 500 }, (_, n) => n * 7_919 - 2_000_000)],
    ['long', Array.from({ length: 500 }, (_, n) => 2n ** 50n * BigInt(n - 250) + BigInt(n))],
  ] as const)('a %s key is looked for at the node that holds it', async (type, given: readonly Value[]) => {
    const { configuration, rows } = await ignite.table([column('n', 'Int')], { backups: 0, key: [{ name: 'ID', property: 'id', type }] })
    await rows.putAll(ignite.scope, given.map((key, n) => [key, { n }]))
    await routesAsHeld(configuration.name, valuesOf(type), given)
    const before = ignite.client.stats()
    for (const [n, key] of given.entries()) expect(await rows.get(ignite.scope, key)).toEqual({ n })
    expect(ignite.client.stats().routed - before.routed).toBe(given.length)
  })

  test('composite keys go where their affinity field says', async () => {
    const name = ignite.fresh()
    const key = [{ name: 'BOOK', property: 'book', type: 'string' }, { name: 'N', property: 'n', type: 'int' }] as const
    const fields = [{ name: 'V', property: 'v', type: 'int' }] as const
    await ignite.ensure({ name, table: name.toUpperCase(), mode: 'PARTITIONED', atomicity: 'TRANSACTIONAL', backups: 0, key, keyType: `tests.${name}Key_1`, affinityField: 'BOOK', valueType: `tests.${name}_1`, fields, indexes: [] })
    const keys = keysOf(new BinaryType(`tests.${name}Key_1`, key, 'BOOK'))
    const cache = await openCache<Row, Row>(ignite.scope, ignite.client, name, keys, rowsOf(new BinaryType(`tests.${name}_1`, fields)))
    const given = Array.from({ length: 200 }, (_, n) => ({ book: `b${n % 40}`, n }))
    await cache.putAll(ignite.scope, given.map(one => [one, { v: one.n }]))
    await routesAsHeld(name, keys, given)
    for (const one of given) expect(await cache.get(ignite.scope, one)).toEqual({ v: one.n })
  })

  /** A scan of the entries whose first copy the node holds. */
  function localKeys<K>(alone: IgniteClient, name: string, keys: KeyCodec<K>): Promise<readonly K[]> {
    return alone.send(ignite.scope, {
      operation: 'scan',
      write: writer => {
        writer.i32(javaHash(name))
        writer.u8(cacheFlag.keepBinary)
        writer.string(null)
        writer.i32(100_000)
        writer.i32(-1)
        writer.bool(true)
      },
      read: reader => {
        reader.i64()
        return list(reader, () => {
          const key = keys.read(reader)
          passObject(reader)
          if (key === undefined) throw new Error('A key is null.')
          return key
        })
      },
    })
  }
})

/** Over a binary object, wrapped or bare. */
function passObject(reader: Reader): void {
  if (reader.u8() === code.binaryObjectWrapped) reader.at += reader.buffer.readInt32LE(reader.at) + 8
  else reader.at += reader.buffer.readInt32LE(reader.at + 11) - 1
}
