import { begin, BinaryType, continuous, createCache, ensureCache, openCache, openIgnite, rowsOf, sqlRows, valuesOf } from '../../connectors/ignite/index.ts'
import { readType } from '../../connectors/ignite/binary/metadata.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { column, igniteHosts, igniteSubject, type IgniteSubject } from '../support/ignite.ts'

/** What Ignite does without a word, or with the wrong one: each by itself, so that a change of the engine is seen. */
withEngine('IGNITE_HOST_1', 'traps of Ignite', () => {
  let ignite: IgniteSubject
  beforeAll(() => {
    ignite = igniteSubject()
  })
  afterAll(() => ignite.close())

  const known = (type: BinaryType) => ignite.client.send(ignite.scope, { operation: 'getType', write: writer => writer.i32(type.id), read: readType })

  test('a cache opens only when the cluster knows its types: an unregistered schema is taken by a put and hangs every later SELECT', async () => {
    const type = new BinaryType(`tests.${ignite.fresh()}_1`, [{ name: 'N', property: 'n', type: 'int' }])
    expect(await known(type)).toBeUndefined()
    await openCache(ignite.scope, ignite.client, 'tests_never_made', valuesOf('string'), rowsOf(type))
    expect(await known(type)).toMatchObject({ name: type.name, fields: [{ name: 'N', id: type.fields[0]?.id }], schemas: [type.schema] })
  })

  test('a field keeps its type under one name, also after its cache is gone: another type is a CONFLICT that says what to do', async () => {
    const name = `tests.${ignite.fresh()}_1`
    const as = (type: 'int' | 'string') => new BinaryType(name, [{ name: 'DAY', property: 'day', type }])
    await ignite.client.register(ignite.scope, [as('int')])
    await expect(ignite.client.register(ignite.scope, [as('string')])).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringMatching(/DAY.*next generation of the name/is) })
  })

  test('a key type keeps its affinity field', async () => {
    const name = `tests.${ignite.fresh()}Key_1`
    const fields = [{ name: 'BOOK', property: 'book', type: 'string' as const }]
    await ignite.client.register(ignite.scope, [new BinaryType(name, fields, 'BOOK')])
    await expect(ignite.client.register(ignite.scope, [new BinaryType(name, fields)])).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('different affinity key fields') })
  })

  test('get-or-create takes no notice of what an existing cache was asked to be: every difference is named', async () => {
    const { configuration } = await ignite.table([column('n', 'Int'), column('note', 'String')])
    const other = { ...configuration, atomicity: 'ATOMIC' as const, backups: 0, fields: [{ ...configuration.fields[0]!, type: 'long' as const }, { name: 'MUST', property: 'must', type: 'int' as const, notNull: true }] }
    await expect(ensureCache(ignite.scope, ignite.client, other)).rejects.toMatchObject({
      code: 'CONFLICT',
      details: { differences: [
        'atomicity is "TRANSACTIONAL", not "ATOMIC"', 'backups is 1, not 0', 'column N is "java.lang.Integer", not "java.lang.Long"',
        'column MUST is missing, and entries there cannot have it: it would have to be nullable',
      ] },
    })
  })

  test('two caches cannot have one table', async () => {
    const { configuration } = await ignite.table([column('n', 'Int')])
    await expect(createCache(ignite.scope, ignite.client, { ...configuration, name: ignite.fresh() })).rejects.toThrow(`Table already exists: ${configuration.table}`)
  })

  test('a key of another type than the column finds nothing and stores nothing', async () => {
    const { rows, configuration } = await ignite.table([column('n', 'Int')], { key: [{ name: 'ID', property: 'id', type: 'long' }] })
    await rows.put(ignite.scope, 5, { n: 1 })
    const wrong = await openCache(ignite.scope, ignite.client, configuration.name, valuesOf('int'), rowsOf(new BinaryType(configuration.valueType, configuration.fields)))
    expect(await wrong.get(ignite.scope, 5)).toBeUndefined()
    await expect(wrong.put(ignite.scope, 5, { n: 2 })).rejects.toThrow('incorrect key class [expCls=java.lang.Long, actualCls=java.lang.Integer]')
  })

  test('a value of another type is taken, never shown by SQL, and refused by our reader with its reason', async () => {
    const { rows, configuration } = await ignite.table([column('n', 'Int')])
    const foreign = await openCache(ignite.scope, ignite.client, configuration.name, valuesOf('string'), rowsOf(new BinaryType(`tests.${ignite.fresh()}_1`, configuration.fields)))
    await foreign.put(ignite.scope, 'k', { n: 1 })
    expect(await sqlRows(ignite.scope, ignite.client, `SELECT COUNT(*) FROM ${configuration.table}`)).toEqual([[0]])
    await expect(rows.get(ignite.scope, 'k')).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('Another program writes into it') })
  })

  test('the declared type picks the code: a TIMESTAMP in a DATE column is taken by the put and breaks the SELECT', async () => {
    const name = ignite.fresh()
    const field = { name: 'DAY', property: 'day', type: 'date' as const }
    await ignite.ensure({ name, table: name.toUpperCase(), mode: 'PARTITIONED', atomicity: 'TRANSACTIONAL', backups: 1, key: [{ name: 'ID', property: 'id', type: 'string' }], valueType: `tests.${name}_1`, fields: [field], indexes: [] })
    const right = await openCache(ignite.scope, ignite.client, name, valuesOf('string'), rowsOf(new BinaryType(`tests.${name}_1`, [field])))
    await right.put(ignite.scope, 'a', { day: '2024-02-29' })
    expect(await right.get(ignite.scope, 'a')).toEqual({ day: '2024-02-29' })
    expect(await sqlRows(ignite.scope, ignite.client, `SELECT DAY, CAST(DAY AS VARCHAR) FROM ${name}`)).toEqual([['2024-02-29', '2024-02-29']])
    await sqlRows(ignite.scope, ignite.client, `INSERT INTO ${name} (ID, DAY) VALUES ('b', DATE '1969-12-31')`)
    expect(await right.get(ignite.scope, 'b')).toEqual({ day: '1969-12-31' })
    await expect(openCache(ignite.scope, ignite.client, name, valuesOf('string'), rowsOf(new BinaryType(`tests.${name}_1`, [{ ...field, type: 'timestamp' }]))))
      .rejects.toMatchObject({ code: 'CONFLICT' })
  })

  test.each([
    ['a null where none may be', column('a', 'String', false), { a: null }, 'Null value is not allowed for column \'A\''],
    ['a longer text than its column', { ...column('a', 'UUID') }, { a: 'x'.repeat(37) }, 'Value for a column \'A\' is too long. Maximum length: 36, actual length: 37'],
    ['more digits than a decimal has', column('a', 'Decimal'), { a: '1'.repeat(39) }, 'Maximum precision: 38, actual precision: 39'],
    ['more digits behind the point than a decimal has', column('a', 'Decimal'), { a: '0.12345678901' }, 'Value for a column \'A\' is out of range. Maximum scale : 10, actual scale: 11'],
  ])('%s is refused at the put as VALIDATION_ERROR', async (_title, declared, row, message) => {
    const { rows } = await ignite.table([declared])
    await expect(rows.put(ignite.scope, 'k', row)).rejects.toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining(message) })
  })

  test('DROP TABLE is refused for our caches: they go by destroyCache', async () => {
    const { configuration } = await ignite.table([column('n', 'Int')])
    await expect(sqlRows(ignite.scope, ignite.client, `DROP TABLE ${configuration.table}`)).rejects.toThrow('Only cache created with CREATE TABLE may be removed with DROP TABLE')
  })

  test('a dropped column is gone for SQL only, and cannot come back with another type', async () => {
    const { rows, configuration } = await ignite.table([column('n', 'Int'), column('note', 'String')])
    await rows.put(ignite.scope, 'k', { n: 1, note: 'kept' })
    await sqlRows(ignite.scope, ignite.client, `ALTER TABLE ${configuration.table} DROP COLUMN NOTE`)
    expect(await sqlRows(ignite.scope, ignite.client, `SELECT * FROM ${configuration.table}`)).toEqual([['k', 1]])
    expect(await rows.get(ignite.scope, 'k')).toEqual({ n: 1, note: 'kept' })
    await expect(sqlRows(ignite.scope, ignite.client, `ALTER TABLE ${configuration.table} ADD COLUMN NOTE INT`)).rejects.toThrow('with a different type')
  })

  test('a cache is made when no transaction is open any more, and everybody waits meanwhile: an open one must have a time limit', async () => {
    const { rows } = await ignite.table([column('n', 'Int')])
    const from = performance.now()
    const transaction = await begin(ignite.scope, ignite.client, { concurrency: 'PESSIMISTIC', isolation: 'REPEATABLE_READ', timeoutMs: 1_500 })
    await rows.within(transaction).put(ignite.scope, 'k', { n: 1 })
    await ignite.table([column('n', 'Int')])
    expect(performance.now() - from).toBeGreaterThan(1_400)
    await expect(transaction.commit(ignite.scope)).rejects.toMatchObject({ code: expect.stringMatching(/^TX_/) })
    expect(await rows.containsKey(ignite.scope, 'k')).toBe(false)
  })

  test('an OPTIMISTIC SERIALIZABLE transaction that loses leaves holes behind: continuous queries hold back what changes there; a PESSIMISTIC one that is rolled back leaves none', async () => {
    const keys = Array.from({ length: 20 }, (_, n) => `k${n}`)
    const heardAfter = async (concurrency: 'OPTIMISTIC' | 'PESSIMISTIC') => {
      const { rows } = await ignite.table([column('n', 'Int')])
      await rows.putAll(ignite.scope, keys.map(key => [key, { n: 0 }]))
      const heard = new Set<string>()
      const query = await continuous(ignite.client, rows, {
        changed: events => {
          for (const { key, after } of events) if (after?.['n'] === 3) heard.add(String(key))
        },
        lost() {}, restored() {},
      })
      const transaction = await begin(ignite.scope, ignite.client, { concurrency, isolation: concurrency === 'OPTIMISTIC' ? 'SERIALIZABLE' : 'REPEATABLE_READ', timeoutMs: 10_000 })
      await rows.within(transaction).getAll(ignite.scope, keys)
      if (concurrency === 'OPTIMISTIC') await rows.put(ignite.scope, 'k7', { n: 1 })
      await rows.within(transaction).putAll(ignite.scope, keys.map(key => [key, { n: 2 }]))
      if (concurrency === 'OPTIMISTIC') await expect(transaction.commit(ignite.scope)).rejects.toMatchObject({ code: 'TX_CONFLICT' })
      else await transaction.rollback()
      await rows.putAll(ignite.scope, keys.map(key => [key, { n: 3 }]))
      // Written last, in a cache whose counts have no holes: what is on its way before it has come.
      const { rows: clock } = await ignite.table([column('n', 'Int')])
      let last = false
      const ticks = await continuous(ignite.client, clock, { changed: () => { last = true }, lost() {}, restored() {} })
      await clock.put(ignite.scope, 'tick', { n: 1 })
      await eventually('a later change elsewhere is heard of', async () => last)
      if (concurrency === 'PESSIMISTIC') await eventually('every change is heard of', async () => heard.size === keys.length)
      await Promise.all([query.close(), ticks.close()])
      return heard.size
    }
    expect(await heardAfter('PESSIMISTIC')).toBe(20)
    expect(await heardAfter('OPTIMISTIC')).toBeLessThan(20)
  })

  test('DML beside a transaction is outside of it: not rolled back with it', async () => {
    const { rows, configuration } = await ignite.table([column('n', 'Int')])
    const transaction = await begin(ignite.scope, ignite.client, { concurrency: 'PESSIMISTIC', isolation: 'REPEATABLE_READ', timeoutMs: 10_000 })
    await rows.within(transaction).put(ignite.scope, 'inside', { n: 1 })
    await sqlRows(ignite.scope, ignite.client, `INSERT INTO ${configuration.table} (ID, N) VALUES ('outside', 2)`)
    await transaction.rollback()
    expect(await rows.getAll(ignite.scope, ['inside', 'outside'])).toEqual([undefined, { n: 2 }])
  })

  test('a join on anything but the affinity key needs distributedJoins: without it rows are missing', async () => {
    const { rows, configuration } = await ignite.table([column('ref', 'String'), column('n', 'Int')], { backups: 0 })
    const keys = Array.from({ length: 200 }, (_, n) => `k${n}`)
    await rows.putAll(ignite.scope, keys.map((key, n) => [key, { ref: keys[(n + 1) % keys.length]!, n }]))
    const join = `SELECT COUNT(*) FROM ${configuration.table} A JOIN ${configuration.table} B ON A.REF = B.ID`
    const ask = async (distributedJoins: boolean) => Number((await sqlRows(ignite.scope, ignite.client, join, [], { distributedJoins }))[0]?.[0])
    expect(await ask(true)).toBe(200)
    if (igniteHosts().length > 1) expect(await ask(false)).toBeLessThan(200)
  })

  test('SQL readers see single rows, not transactions; readers in a transaction never see half of one', async () => {
    const { rows, configuration } = await ignite.table([column('n', 'Int')])
    const accounts = Array.from({ length: 20 }, (_, n) => `a${n}`)
    await rows.putAll(ignite.scope, accounts.map(key => [key, { n: 100 }]))
    const options = { concurrency: 'PESSIMISTIC', isolation: 'REPEATABLE_READ', timeoutMs: 20_000 } as const
    let transferring = true
    const transfers = (async () => {
      for (let round = 0; round < 60; round++) {
        const transaction = await begin(ignite.scope, ignite.client, options)
        const inside = rows.within(transaction)
        const pair = [accounts[round % 20]!, accounts[(round * 7 + 3) % 20]!].sort()
        if (pair[0] !== pair[1]) {
          const [from, to] = await inside.getAll(ignite.scope, pair)
          await inside.putAll(ignite.scope, [[pair[0]!, { n: Number(from?.['n']) - 1 }], [pair[1]!, { n: Number(to?.['n']) + 1 }]])
        }
        await transaction.commit(ignite.scope)
      }
      transferring = false
    })()
    let read = 0
    while (transferring) {
      const transaction = await begin(ignite.scope, ignite.client, options)
      const sum = (await rows.within(transaction).getAll(ignite.scope, accounts)).reduce((total, row) => total + Number(row?.['n']), 0)
      await transaction.commit(ignite.scope)
      expect(sum).toBe(2_000)
      read += 1
    }
    await transfers
    expect(read).toBeGreaterThan(0)
    expect(await sqlRows(ignite.scope, ignite.client, `SELECT SUM(N) FROM ${configuration.table}`)).toEqual([[2_000]])
  })
})

test('an Ignite that is not there fails the call and not the opening, naming every host', async () => {
  const client = openIgnite({ hosts: ['127.0.0.1:1', '127.0.0.1:2'] })
  await expect(client.connected()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.stringMatching(/127\.0\.0\.1:1: .*ECONNREFUSED.*127\.0\.0\.1:2: .*ECONNREFUSED/) })
  client.close()
})
