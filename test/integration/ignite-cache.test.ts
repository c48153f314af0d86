import { BinaryType, cacheNames, configurationOf, createCache, destroyCache, ensureCache, jsonOf, keysOf, openCache, rowsOf, scan, sqlRows, valuesOf } from '../../connectors/ignite/index.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { column, everyColumn, everyValue, igniteSubject, type IgniteSubject } from '../support/ignite.ts'

withEngine('IGNITE_HOST_1', 'caches of Ignite', () => {
  let ignite: IgniteSubject
  beforeAll(() => {
    ignite = igniteSubject()
  })
  afterAll(() => ignite.close())

  const counted = () => ignite.table([column('n', 'Int'), column('note', 'String')])

  test('a row of every column type reads as it was written, as row, as JSON and by SQL', async () => {
    const { scope, client } = ignite
    const { rows, type, configuration } = await ignite.table(everyColumn)
    await rows.put(scope, 'a', everyValue)
    await rows.put(scope, 'nothing', {})
    expect(await rows.get(scope, 'a')).toEqual(everyValue)
    expect(await rows.get(scope, 'nothing')).toEqual(Object.fromEntries(everyColumn.map(({ name }) => [name, null])))
    expect(String(await rows.reading(jsonOf(type)).get(scope, 'a'))).toBe(JSON.stringify(everyValue, (_name, value) => (typeof value === 'bigint' ? String(value) : value)))
    const [found] = await sqlRows(scope, client, `SELECT A_STRING, A_INT, A_LONG, A_DECIMAL, A_BOOLEAN, A_DATE, A_TIME, A_DATETIME, A_UUID, A_BYTES, CAST(A_DECIMAL AS VARCHAR) FROM ${configuration.table} WHERE ID = ?`, ['a'])
    expect(found).toEqual([
      everyValue['a_string'], everyValue['a_int'], everyValue['a_long'], everyValue['a_decimal'], true, '2024-02-29', '23:59:59.123456', '2024-01-31 23:59:59.123456', everyValue['a_uuid'],
      everyValue['a_bytes'], everyValue['a_decimal'],
    ])
  })

  test('times compare in SQL as they follow each other, with and without a fraction, and cast to times', async () => {
    const { scope, client } = ignite
    const { rows, configuration } = await ignite.table([column('at', 'DateTime')])
    const times = ['2024-01-31T23:59:59Z', '2024-01-31T23:59:59.05Z', '2024-01-31T23:59:59.5Z', '2024-02-01T00:00:00Z']
    await rows.putAll(scope, times.map(at => [at, { at }]))
    expect((await sqlRows(scope, client, `SELECT ID FROM ${configuration.table} ORDER BY AT`)).flat()).toEqual(times)
    expect(await sqlRows(scope, client, `SELECT COUNT(*) FROM ${configuration.table} WHERE CAST(AT AS TIMESTAMP) >= TIMESTAMP '2024-01-31 23:59:59.5'`)).toEqual([[2]])
  })

  test('many keys come back in the order asked, absent ones as undefined, twice where asked twice', async () => {
    const { scope } = ignite
    const { rows } = await counted()
    await rows.putAll(scope, Array.from({ length: 300 }, (_, n) => [`k${n}`, { n, note: null }]))
    const found = await rows.getAll(scope, ['k7', 'absent', 'k3', 'k7', 'k299'])
    expect(found.map(row => row?.['n'])).toEqual([7, undefined, 3, 7, 299])
    expect(await rows.size(scope)).toBe(300)
    expect(await rows.containsKeys(scope, ['k7', 'k8'])).toBe(true)
    expect(await rows.containsKeys(scope, ['k7', 'absent'])).toBe(false)
  })

  test('an entry is put, replaced and removed only where it is, and the value it had comes back', async () => {
    const { scope } = ignite
    const { rows } = await counted()
    const [one, two, three] = [1, 2, 3].map(n => ({ n, note: null }))
    expect(await rows.replace(scope, 'k', one!)).toBe(false)
    expect(await rows.getAndReplace(scope, 'k', one!)).toBeUndefined()
    expect(await rows.containsKey(scope, 'k')).toBe(false)
    expect(await rows.putIfAbsent(scope, 'k', one!)).toBe(true)
    expect(await rows.putIfAbsent(scope, 'k', two!)).toBe(false)
    expect(await rows.getAndPutIfAbsent(scope, 'k', two!)).toEqual(one)
    expect(await rows.getAndPut(scope, 'k', two!)).toEqual(one)
    expect(await rows.replaceIfEquals(scope, 'k', one!, three!)).toBe(false)
    expect(await rows.replaceIfEquals(scope, 'k', two!, three!)).toBe(true)
    expect(await rows.getAndReplace(scope, 'k', one!)).toEqual(three)
    expect(await rows.removeIfEquals(scope, 'k', three!)).toBe(false)
    expect(await rows.removeIfEquals(scope, 'k', one!)).toBe(true)
    await rows.put(scope, 'k', two!)
    expect(await rows.getAndRemove(scope, 'k')).toEqual(two)
    expect(await rows.remove(scope, 'k')).toBe(false)
  })

  test('many are removed at once, and all', async () => {
    const { scope } = ignite
    const { rows } = await counted()
    await rows.putAll(scope, ['a', 'b', 'c', 'd'].map(key => [key, { n: 1, note: null }]))
    await rows.removeAll(scope, ['a', 'absent', 'b'])
    expect(await rows.size(scope)).toBe(2)
    await rows.removeEverything(scope)
    expect(await rows.size(scope)).toBe(0)
    await rows.put(scope, 'e', { n: 1, note: null })
    await rows.clear(scope)
    expect(await rows.containsKey(scope, 'e')).toBe(false)
  })

  test('of two entries of one batch with one key the later wins', async () => {
    const { rows } = await counted()
    await rows.putAll(ignite.scope, [['k', { n: 1, note: null }], ['k', { n: 2, note: null }]])
    expect(await rows.get(ignite.scope, 'k')).toMatchObject({ n: 2 })
  })

  test('writers of the same keys in opposite orders do not lock each other out', async () => {
    const { scope } = ignite
    const { rows } = await counted()
    const keys = Array.from({ length: 50 }, (_, n) => `k${n}`)
    const writer = async (order: readonly string[], n: number) => {
      for (let round = 0; round < 10; round++) await rows.putAll(scope, order.map(key => [key, { n, note: null }]))
    }
    await Promise.all([writer(keys, 1), writer(keys.toReversed(), 2), writer(keys, 3), writer(keys.toReversed(), 4)])
    expect(new Set((await rows.getAll(scope, keys)).map(row => row?.['n'])).size).toBe(1)
  })

  test('an entry lives as long as its operation says, whatever others do', async () => {
    const { scope } = ignite
    const { rows } = await counted()
    await rows.withExpiry({ createMs: 300 }).put(scope, 'short', { n: 1, note: null })
    await rows.withExpiry({ createMs: Number.POSITIVE_INFINITY }).put(scope, 'long', { n: 2, note: null })
    expect(await rows.containsKey(scope, 'short')).toBe(true)
    await eventually('the short entry is gone', async () => !(await rows.containsKey(scope, 'short')))
    expect(await rows.get(scope, 'long')).toMatchObject({ n: 2 })
  })

  test('composite keys name the same entry for us and for SQL, whatever the order SQL lists them in', async () => {
    const { scope, client } = ignite
    const name = ignite.fresh()
    const key = [{ name: 'BOOK', property: 'book', type: 'string' }, { name: 'N', property: 'n', type: 'int' }] as const
    const fields = [{ name: 'QTY', property: 'qty', type: 'double' }] as const
    await ignite.ensure({
      name, table: name.toUpperCase(), mode: 'PARTITIONED', atomicity: 'TRANSACTIONAL', backups: 1, key, keyType: `tests.${name}Key_1`, affinityField: 'BOOK', valueType: `tests.${name}_1`, fields, indexes: [],
    })
    const keys = keysOf(new BinaryType(`tests.${name}Key_1`, key, 'BOOK'))
    const cache = await openCache(scope, client, name, keys, rowsOf(new BinaryType(`tests.${name}_1`, fields)))
    await cache.put(scope, { book: 'b', n: 1 }, { qty: 1.5 })
    await sqlRows(scope, client, `INSERT INTO ${name} (N, BOOK, QTY) VALUES (2, 'b', 2.5)`)
    await sqlRows(scope, client, `UPDATE ${name} SET QTY = 9 WHERE BOOK = 'b' AND N = 1`)
    expect(await cache.getAll(scope, [{ book: 'b', n: 1 }, { book: 'b', n: 2 }, { book: 'b', n: 3 }])).toEqual([{ qty: 9 }, { qty: 2.5 }, undefined])
    expect(await cache.size(scope)).toBe(2)
  })

  test('a row that SQL wrote with fewer columns reads, and a MERGE replaces the whole row', async () => {
    const { scope, client } = ignite
    const { rows, configuration } = await counted()
    await sqlRows(scope, client, `INSERT INTO ${configuration.table} (ID, NOTE) VALUES ('s', 'by SQL')`)
    expect(await rows.get(scope, 's')).toEqual({ n: null, note: 'by SQL' })
    await sqlRows(scope, client, `MERGE INTO ${configuration.table} (ID, N) VALUES ('s', 5)`)
    expect(await rows.get(scope, 's')).toEqual({ n: 5, note: null })
    expect((await rows.getAll(scope, ['s']))[0]).toEqual({ n: 5, note: null })
  })

  test('a scan meets every entry once, page by page', async () => {
    const { scope, client } = ignite
    const { rows } = await counted()
    await rows.putAll(scope, Array.from({ length: 250 }, (_, n) => [`k${n}`, { n, note: null }]))
    const seen: unknown[] = []
    for await (const page of await scan(scope, client, rows, 40)) {
      expect(page.length).toBeLessThanOrEqual(40)
      seen.push(...page.map(({ value }) => value?.['n']))
    }
    expect(seen.sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 250 }, (_, n) => n))
  })

  test('a cache is listed, described as it was asked for, and gone once destroyed', async () => {
    const { scope, client } = ignite
    const { configuration } = await ignite.table([column('n', 'Int', false)], { mode: 'REPLICATED', atomicity: 'ATOMIC', backups: 0, indexes: [{ name: `${ignite.fresh()}_N`.toUpperCase(), fields: ['N'] }] })
    expect(await cacheNames(scope, client)).toContain(configuration.name)
    expect(await configurationOf(scope, client, configuration.name)).toMatchObject({
      name: configuration.name, mode: 'REPLICATED', atomicity: 'ATOMIC', schema: 'PUBLIC',
      entities: [{ table: configuration.table, keyType: 'java.lang.String', fields: [{ name: 'ID' }, { name: 'N', type: 'java.lang.Integer', notNull: true }], indexes: [{ fields: ['N'] }] }],
    })
    expect(await destroyCache(scope, client, configuration.name)).toBe(true)
    expect(await destroyCache(scope, client, configuration.name)).toBe(false)
    await expect(configurationOf(scope, client, configuration.name)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('creating a cache that exists is a CONFLICT', async () => {
    const { configuration } = await counted()
    await expect(createCache(ignite.scope, ignite.client, configuration)).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  test('columns and indexes that are new are added, and rows there before read null in them', async () => {
    const { scope, client } = ignite
    const { rows, configuration } = await counted()
    await rows.put(scope, 'old', { n: 1, note: 'x' })
    const fields = [...configuration.fields, { name: 'EXTRA', property: 'extra', type: 'string' as const, precision: 10 }]
    const valueType = configuration.valueType
    const index = `${configuration.table}_EXTRA`
    const longer = { ...configuration, fields, indexes: [{ name: index, fields: ['EXTRA'] }] }
    await ensureCache(scope, client, longer)
    await ensureCache(scope, client, longer)
    const grown = await openCache(scope, client, configuration.name, valuesOf('string'), rowsOf(new BinaryType(valueType, fields)))
    await grown.put(scope, 'new', { n: 2, note: null, extra: 'e' })
    expect(await grown.getAll(scope, ['old', 'new'])).toEqual([{ n: 1, note: 'x', extra: null }, { n: 2, note: null, extra: 'e' }])
    expect(await rows.get(scope, 'new')).toEqual({ n: 2, note: null })
    expect(await sqlRows(scope, client, `SELECT ID FROM ${configuration.table} WHERE EXTRA = 'e'`)).toEqual([['new']])
    const [[plan] = []] = await sqlRows(scope, client, `EXPLAIN SELECT ID FROM ${configuration.table} WHERE EXTRA = 'e'`)
    expect(plan).toContain(index)
  })
})
