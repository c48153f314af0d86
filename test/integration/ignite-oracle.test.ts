import { createRequire } from 'node:module'
import { withEngine } from '../support/engines.ts'
import { column, igniteHosts, igniteSubject, type IgniteSubject, type IgniteTable } from '../support/ignite.ts'

/** What of npm's apache-ignite-client this test touches; it comes without types. */
interface NpmClient {
  connect(configuration: unknown): Promise<void>
  getCache(name: string): NpmCache
  disconnect(): void
}

interface NpmCache {
  setKeyType(type: unknown): NpmCache
  setValueType(type: unknown): NpmCache
  get(key: unknown): Promise<Record<string, unknown> | null>
  put(key: unknown, value: unknown): Promise<void>
}

const npm = createRequire(import.meta.url)('apache-ignite-client')
const primitive: Readonly<Record<string, unknown>> = npm.ObjectType.PRIMITIVE_TYPE

/** The other client is right for primitive keys, texts, whole numbers within 2^53, doubles and booleans; not for decimals above 20 digits, UUIDs, dates and composite keys. */
withEngine('IGNITE_HOST_1', 'our client and npm apache-ignite-client', () => {
  let ignite: IgniteSubject
  let other: NpmClient
  beforeAll(async () => {
    ignite = igniteSubject()
    other = new npm()
    await other.connect(new npm.IgniteClientConfiguration(igniteHosts()[0]))
  })
  afterAll(async () => {
    other.disconnect()
    await ignite.close()
  })

  const columns = [column('name', 'String'), column('n', 'Int'), column('big', 'Long'), column('px', 'Float'), column('live', 'Boolean')]
  const row = { name: 'é🚀"', n: -7, big: 2 ** 53 - 1, px: 5e-324, live: true }
  const theirs = { NAME: 'é🚀"', N: -7, BIG: 2 ** 53 - 1, PX: 5e-324, LIVE: true }

  function theirCache({ configuration }: IgniteTable, key: unknown): NpmCache {
    const type = new npm.ComplexObjectType({ NAME: '', N: 1, BIG: 1, PX: 1, LIVE: true }, configuration.valueType)
    for (const [field, kind] of Object.entries({ NAME: 'STRING', N: 'INTEGER', BIG: 'LONG', PX: 'DOUBLE', LIVE: 'BOOLEAN' })) type.setFieldType(field, primitive[kind])
    return other.getCache(configuration.name).setKeyType(key).setValueType(type)
  }

  test.each([
    ['string', 'STRING', 'ключ'], ['int', 'INTEGER', -5], ['long', 'LONG', 2 ** 40], ['boolean', 'BOOLEAN', true], ['double', 'DOUBLE', 1.25],
  ] as const)('what one writes under a %s key the other reads', async (type, theirType, key) => {
    const table = await ignite.table(columns, { key: [{ name: 'ID', property: 'id', type }] })
    const cache = theirCache(table, primitive[theirType])
    await table.rows.put(ignite.scope, key, row)
    expect({ ...(await cache.get(key)) }).toEqual(theirs)
    await cache.put(key, { ...theirs, NAME: null, N: 8 })
    expect(await table.rows.get(ignite.scope, key)).toEqual({ ...row, name: null, n: 8 })
    await table.rows.remove(ignite.scope, key)
    expect(await cache.get(key)).toBeNull()
  })
})
