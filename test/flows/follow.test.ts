import pg from 'pg'
import type { Read } from '../../resolvers/context.ts'
import { catalogFolder } from '../support/catalog-folder.ts'
import { eventually } from '../support/eventually.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { keptLog } from '../support/kept-log.ts'
import { type PostgresServer, postgresBin, startPostgres } from '../support/postgres.ts'

const suite = postgresBin ? describe : describe.skip

interface Event {
  readonly type: string
  readonly key: string
  readonly before: Record<string, unknown> | null
  readonly after: Record<string, unknown> | null
  readonly version: number
}

suite('regions follow their tables (needs PostgreSQL: server programs below /usr/lib/postgresql)', () => {
  let server: PostgresServer
  let client: pg.Client
  let hub: RunningHub
  const log = keptLog()
  const folder = catalogFolder({})
  const catalog = (follow: boolean, more = '') => `
sources:
  shop: { type: postgresql, url: "${server.url}" }
regions:
  customers: { type: Customer, key: id, load: { source: shop, table: customers, eager: true, follow: ${follow} } }
  invoices: { type: Invoice, key: id, load: { source: shop, table: invoices, columns: [id, customer, total], eager: true, follow: ${follow} } }
  letters: { type: Letter, key: id, load: { source: shop, table: letters, follow: ${follow} } }
${more}`

  beforeAll(async () => {
    server = await startPostgres({ wal_level: 'logical', max_slot_wal_keep_size: '64MB' })
    await server.exec(`
      CREATE TABLE customers(id int PRIMARY KEY, name text);
      CREATE TABLE invoices(id int PRIMARY KEY, customer int, total numeric(12, 2), remark text);
      CREATE TABLE letters(id int PRIMARY KEY, body text);
      INSERT INTO customers VALUES (1, 'Ada'), (2, 'Grace'); INSERT INTO invoices VALUES (10, 1, 5.50); INSERT INTO letters VALUES (1, 'Dear Ada'), (2, 'Dear Grace')`)
    folder.write({ 'hub.yaml': catalog(true) })
    hub = await startHub({ catalog: folder.catalog, log })
    client = await connected()
  }, 120_000)
  afterAll(async () => {
    await client.end()
    await hub.close()
    folder.remove()
    await server.stop()
  })

  const connected = async () => {
    const made = new pg.Client({ connectionString: server.url })
    made.on('error', () => {
      // A killed server ends its connections; the next one is made by hand.
    })
    await made.connect()
    return made
  }
  const rows = async (sql: string) => (await client.query<Record<string, unknown>>(sql)).rows
  const slots = () => rows(`SELECT slot_name FROM pg_replication_slots WHERE slot_name LIKE 'tributary%'`)
  /** What happens to a region that holds so many entries now, from now on. */
  const events = async (region: string, entries: number) => {
    const told = hub.subscribe<{ cacheChanges: Event }>(`subscription { cacheChanges(region: "${region}") { type key before after version } }`)
    const next = async (): Promise<Event> => {
      const { value } = await told.next()
      if (!value?.data) throw new Error(JSON.stringify(value))
      return value.data.cacheChanges
    }
    for (let seen = 0; seen < entries; seen += 1) expect(await next()).toMatchObject({ type: 'SNAPSHOT' })
    return { next, end: () => told.return() }
  }
  const data = async <T>(query: string): Promise<T> => {
    const answer = await hub.query<T>(query)
    if (answer.errors) throw new Error(JSON.stringify(answer.errors))
    return answer.data as T
  }
  const customers = async () => (await data<{ customers: { nodes: { id: number; name: string }[] } }>('{ customers(orderBy: [{ id: ASC }], first: 1000) { nodes { id name } } }')).customers.nodes
  const readsOf = async (query: string): Promise<readonly Read[]> => {
    const { extensions } = await hub.query(query, {}, { 'x-hub-explain': '1' })
    return (extensions!['hub'] as { readonly reads: readonly Read[] }).reads
  }
  /** Ends once the hub has taken over everything committed so far. */
  const inStep = async () => {
    const { told_at: toldAt } = (await rows(`SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS told_at`))[0] as { told_at: number }
    await eventually('the regions know of this moment', async () => {
      const [read] = await readsOf('{ customers(first: 1) { nodes { id } } }')
      return Date.now() - (read?.ageMs ?? Number.POSITIVE_INFINITY) > toldAt
    }, 120_000)
  }

  test('what a client commits is told to subscribers of the region, and read from it', async () => {
    const told = await events('customers', 2)
    await rows(`UPDATE customers SET name = 'Ada L.' WHERE id = 1`)
    expect(await told.next()).toMatchObject({ type: 'UPDATED', key: '1', before: { id: 1, name: 'Ada' }, after: { id: 1, name: 'Ada L.' } })
    await rows(`INSERT INTO customers VALUES (3, 'Edsger')`)
    expect(await told.next()).toMatchObject({ type: 'CREATED', key: '3', after: { id: 3, name: 'Edsger' } })
    await rows('DELETE FROM customers WHERE id = 2')
    expect(await told.next()).toMatchObject({ type: 'REMOVED', key: '2', before: { id: 2, name: 'Grace' } })
    await rows('UPDATE customers SET id = 4 WHERE id = 3')
    expect([await told.next(), await told.next()].map(({ type, key }) => [type, key])).toEqual(expect.arrayContaining([['REMOVED', '3'], ['CREATED', '4']]))
    await told.end()
    expect(await customers()).toEqual([{ id: 1, name: 'Ada L.' }, { id: 4, name: 'Edsger' }])
  })

  test('an UPDATE that changes nothing the region holds is no change', async () => {
    const told = await events('invoices', 1)
    await inStep()
    await rows(`UPDATE invoices SET remark = 'paid' WHERE id = 10`)
    await rows(`UPDATE invoices SET total = 7.25 WHERE id = 10`)
    expect(await told.next()).toMatchObject({ type: 'UPDATED', before: { total: '5.50' }, after: { total: '7.25' } })
    await told.end()
  })

  test('a long transaction holds nobody up, and comes as a whole when it commits', async () => {
    const told = await events('customers', (await customers()).length)
    const other = await connected()
    await other.query(`BEGIN; INSERT INTO customers VALUES (20, 'slow'); INSERT INTO customers VALUES (21, 'slow')`)
    await rows(`INSERT INTO customers VALUES (22, 'quick')`)
    expect(await told.next()).toMatchObject({ type: 'CREATED', key: '22' })
    await other.query('COMMIT')
    expect([(await told.next()).key, (await told.next()).key]).toEqual(['20', '21'])
    await other.end()
    await told.end()
  })

  test('commits are told in their order', async () => {
    const told = await events('invoices', 1)
    for (let total = 1; total <= 30; total += 1) await rows(`UPDATE invoices SET total = ${total} WHERE id = 10`)
    const totals: unknown[] = []
    while (totals.at(-1) !== '30.00') totals.push((await told.next()).after?.['total'])
    expect(totals).toEqual(Array.from({ length: 30 }, (_, index) => `${index + 1}.00`))
    await told.end()
  })

  test('TRUNCATE empties the region, and what the same transaction inserts stands', async () => {
    const told = await events('customers', (await customers()).length)
    const before = await customers()
    await rows(`BEGIN; TRUNCATE customers; INSERT INTO customers VALUES (1, 'Ada L.'), (30, 'new'); COMMIT`)
    const seen = [...before.filter(({ id }) => id !== 1).map(({ id }) => ['REMOVED', String(id)]), ['CREATED', '30']]
    const heard: unknown[] = []
    while (heard.length < seen.length) heard.push(await told.next().then(({ type, key }) => [type, key]))
    expect(heard.toSorted()).toEqual(seen.toSorted())
    await told.end()
    expect(await customers()).toEqual([{ id: 1, name: 'Ada L.' }, { id: 30, name: 'new' }])
  })

  test('a region that is read through keeps what it holds in step, and its answers are as young as the feed', async () => {
    expect(await data('{ letter(id: 1) { body } }')).toEqual({ letter: { body: 'Dear Ada' } })
    await eventually('the letter is held', async () => (await readsOf('{ letter(id: 1) { body } }')).some(({ from }) => from === 'region'))
    const told = await events('letters', 1)
    await rows(`UPDATE letters SET body = 'Dearest Ada' WHERE id = 1`)
    expect(await told.next()).toMatchObject({ type: 'UPDATED', key: '1', after: { body: 'Dearest Ada' } })
    expect(await data('{ letter(id: 1) { body } }')).toEqual({ letter: { body: 'Dearest Ada' } })
    await inStep()
    const [read] = await readsOf('{ letter(id: 1) { body } }')
    expect(read).toMatchObject({ from: 'region' })
    await rows('DELETE FROM letters WHERE id = 1')
    expect(await told.next()).toMatchObject({ type: 'REMOVED', key: '1' })
    expect(await data('{ letter(id: 1) { body } }')).toEqual({ letter: null })
    await told.end()
  })

  test('a killed PostgreSQL: the age says so, and when it is back the hub goes on where it was, without reading the tables again', async () => {
    await inStep()
    const wholeReads = () => log.lines.filter(({ message }) => message.includes('read as a whole')).length
    const before = wholeReads()
    const told = await events('customers', (await customers()).length)
    await rows(`INSERT INTO customers VALUES (40, 'before')`)
    expect(await told.next()).toMatchObject({ key: '40' })
    const lost = log.next(({ message }) => message.includes('not followed just now'))
    await server.kill()
    await lost
    const ageOf = async () => (await readsOf('{ customers(first: 1) { nodes { id } } }'))[0]?.ageMs ?? 0
    await eventually('the region grows old', async () => (await ageOf()) > 2_500, 30_000)
    await server.start()
    client = await connected()
    await rows(`INSERT INTO customers VALUES (41, 'after')`)
    expect(await told.next()).toMatchObject({ type: 'CREATED', key: '41' })
    await rows('DELETE FROM customers WHERE id >= 40')
    expect([(await told.next()).key, (await told.next()).key].toSorted()).toEqual(['40', '41'])
    await inStep()
    expect(wholeReads()).toBe(before)
    await told.end()
  }, 120_000)

  test('a stopped hub leaves no slot behind, and started again it has what was committed meanwhile', async () => {
    expect(await slots()).toHaveLength(1)
    hub = await hub.restart()
    await rows(`INSERT INTO customers VALUES (50, 'later')`)
    await eventually('the new row is read', async () => (await customers()).some(({ id }) => id === 50))
    await inStep()
    expect(await slots()).toHaveLength(1)
  }, 120_000)

  test('a slot that is gone means reading the tables again, which is said', async () => {
    await inStep()
    const told = await events('customers', (await customers()).length)
    const said = log.next(({ message }) => message.includes('read as a whole'))
    const [slot] = await rows(`SELECT slot_name, active_pid FROM pg_replication_slots WHERE slot_name LIKE 'tributary%'`)
    // The hub comes back within moments: drop the slot in between.
    await eventually('the slot is dropped', async () => {
      await rows(`SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active AND slot_name = '${String(slot?.['slot_name'])}'`)
      return rows(`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active AND slot_name = '${String(slot?.['slot_name'])}'`).then(found => found.length > 0, () => false)
    })
    await rows(`UPDATE customers SET name = 'meanwhile' WHERE id = 50`)
    expect((await said).message).toContain('is gone')
    expect(await told.next()).toMatchObject({ type: 'UPDATED', key: '50', before: { name: 'later' }, after: { name: 'meanwhile' } })
    await told.end()
  }, 120_000)

  test('asked to be reloaded, a region is read anew by its feed', async () => {
    const said = log.next(({ message }) => message.includes('read as a whole'))
    await data('mutation { reloadCacheRegion(name: "customers") { name } }')
    expect((await said).message).toContain('no place to go on from')
  })

  test('without "follow" nothing is kept in the source any more', async () => {
    folder.write({ 'hub.yaml': catalog(false) })
    await hub.hub.reload()
    await eventually('slot and publication are gone', async () => (await slots()).length === 0 && (await rows(`SELECT FROM pg_publication`)).length === 0)
    folder.write({ 'hub.yaml': catalog(true) })
    await hub.hub.reload()
    await inStep()
  }, 120_000)

  test('a commit that a region cannot take is said, and taken over once it can be', async () => {
    await rows('CREATE TABLE seats(id int PRIMARY KEY)')
    await rows('INSERT INTO seats VALUES (1), (2)')
    folder.write({ 'hub.yaml': catalog(true, '  seats: { type: Seat, key: id, maxEntries: 2, load: { source: shop, table: seats, eager: true, follow: true } }') })
    await hub.hub.reload()
    await inStep()
    await rows('INSERT INTO seats VALUES (3)')
    await eventually('the source is degraded', async () => (await hub.hub.sourceHealth('shop'))?.state === 'degraded')
    expect((await hub.hub.sourceHealth('shop'))?.message).toContain('Raise maxEntries')
    expect(await data('{ seats { nodes { id } } }')).toEqual({ seats: { nodes: [{ id: 1 }, { id: 2 }] } })
    await rows('DELETE FROM seats WHERE id = 1')
    await eventually('the seats are those of the table', async () => JSON.stringify(await data('{ seats { nodes { id } } }')) === '{"seats":{"nodes":[{"id":2},{"id":3}]}}', 30_000)
    expect((await hub.hub.sourceHealth('shop'))?.state).toBe('up')
    folder.write({ 'hub.yaml': catalog(true) })
    await hub.hub.reload()
  }, 120_000)

  test('what cannot be followed is refused at its entry, with what mends it', async () => {
    await rows('CREATE TABLE bares(id int, name text); CREATE VIEW sights AS SELECT * FROM customers')
    folder.write({ 'hub.yaml': catalog(true, `
  bares: { type: Bare, key: id, load: { source: shop, table: bares, follow: true } }
  sights: { type: Sight, key: id, load: { source: shop, table: sights, follow: true } }`) })
    const failure = await hub.hub.reload().then(() => undefined, (error: unknown) => error as { details: { problems: { path: string; message: string }[] } })
    expect(failure?.details.problems.map(({ path, message }) => [path, message])).toEqual([
      ['regions.bares.load.follow', expect.stringContaining('ALTER TABLE "public"."bares" REPLICA IDENTITY FULL;')],
      ['regions.bares.load.follow', expect.stringContaining('ALTER TABLE "public"."bares" ADD UNIQUE ("id");')],
      ['regions.sights.load.follow', expect.stringContaining('"sights" is a view')],
    ])
    folder.write({ 'hub.yaml': catalog(true) })
    await hub.hub.reload()
  })
})
