import pg from 'pg'
import { systemClock } from '../../connectors/ports/scope.ts'
import { catalogFolder } from '../support/catalog-folder.ts'
import { eventually } from '../support/eventually.ts'
import { startHub, type RunningHub } from '../support/hub.ts'
import { Choices } from '../support/live-world.ts'
import { keptLog } from '../support/kept-log.ts'
import { type PostgresServer, postgresBin, startPostgres } from '../support/postgres.ts'
import { startProgram, type Running } from '../support/program.ts'

const suite = postgresBin ? describe : describe.skip
const tables = ['goods', 'crates'] as const
const most = 40

interface Row {
  readonly id: number
  readonly note: string | null
  readonly amount: string
}

const catalogOf = (url: string) => `
sources:
  shop: { type: postgresql, url: "${url}" }
regions:
  goods: { type: Good, key: id, load: { source: shop, table: goods, eager: true, follow: true } }
  crates: { type: Crate, key: id, load: { source: shop, table: crates, eager: true, follow: true }, atomicity: ATOMIC }
`

/** One transaction of anything that can happen to the tables, committed or not. */
function transaction(choices: Choices): string {
  const id = () => choices.below(most)
  const text = () => (choices.chance(0.2) ? 'NULL' : `repeat('${choices.pick(['a', 'b', 'c'])}', ${choices.chance(0.2) ? 9_000 : choices.below(20)})`)
  const statement = (table: string): string => {
    const kind = choices.below(20)
    if (kind === 0) return `TRUNCATE ${tables.join(', ')}`
    if (kind < 4) return `DELETE FROM ${table} WHERE id % 5 = ${choices.below(5)}`
    if (kind < 8) return `UPDATE ${table} SET amount = amount + 1 WHERE id < ${id()}`
    if (kind < 11) return `UPDATE ${table} SET id = ${id()} WHERE id = ${id()} AND NOT EXISTS (SELECT FROM ${table} WHERE id BETWEEN 0 AND ${most})`
    if (kind < 13) return `UPDATE ${table} SET id = id + ${most} WHERE id = ${id()} AND NOT EXISTS (SELECT FROM ${table} WHERE id >= ${most})`
    return `INSERT INTO ${table} VALUES (${id()}, ${text()}, ${choices.below(1_000)}.25) ON CONFLICT (id) DO UPDATE SET note = excluded.note, amount = excluded.amount`
  }
  const statements = Array.from({ length: 1 + choices.below(5) }, () => statement(choices.pick(tables)))
  return `BEGIN; ${statements.join('; ')}; ${choices.chance(0.15) ? 'ROLLBACK' : 'COMMIT'}`
}

suite('a region that follows a table never loses a commit, whoever dies (needs PostgreSQL: server programs below /usr/lib/postgresql)', () => {
  let server: PostgresServer
  const folder = catalogFolder({})

  beforeAll(async () => {
    server = await startPostgres({ wal_level: 'logical', max_slot_wal_keep_size: '256MB' })
    for (const table of tables) await server.exec(`CREATE TABLE ${table}(id int PRIMARY KEY, note text, amount numeric(12, 2)); ALTER TABLE ${table} ALTER note SET STORAGE EXTERNAL`)
    folder.write({ 'hub.yaml': catalogOf(server.url) })
  }, 120_000)
  afterAll(async () => {
    folder.remove()
    await server.stop()
  })

  const inTable = async <T>(sql: string): Promise<T[]> => {
    const client = new pg.Client({ connectionString: server.url })
    await client.connect()
    try {
      return (await client.query(sql)).rows as T[]
    } finally {
      await client.end()
    }
  }
  /** Two clients that write at once, until so many transactions are through, or the server is gone. */
  const write = (choices: Choices, transactions: number) => Promise.all([choices.below(1_000_000), choices.below(1_000_000)].map(async seed => {
    const own = new Choices(seed)
    const client = new pg.Client({ connectionString: server.url })
    client.on('error', () => {
      // The server was killed: the statement that finds out says so.
    })
    await client.connect()
    try {
      for (let count = 0; count < transactions; count += 1) {
        await client.query(transaction(own)).catch(async (error: { code?: string }) => {
          if (error.code !== '40P01' && error.code !== '23505') throw error
          await client.query('ROLLBACK')
        })
      }
    } catch (error) {
      if (!/terminat|ECONNRESET|ECONNREFUSED|57P0|not queryable/.test(`${String(error)} ${(error as { code?: string }).code}`)) throw error
    } finally {
      await client.end().catch(() => undefined)
    }
  }))
  const held = async (ask: RunningHub['query'], table: string): Promise<{ rows: Row[]; asOfMs: number }> => {
    const { data, extensions, errors } = await ask<Record<string, { nodes: Row[] }>>(`{ rows: ${table}(first: 1000, orderBy: [{ id: ASC }]) { nodes { id note amount } } }`, {}, { 'x-hub-explain': '1' })
    if (errors) throw new Error(JSON.stringify(errors))
    const [read] = (extensions!['hub'] as { reads: { ageMs: number }[] }).reads
    return { rows: data?.['rows']?.nodes ?? [], asOfMs: Date.now() - (read?.ageMs ?? Number.POSITIVE_INFINITY) }
  }
  /** At a quiet moment: once the hub says its rows are younger than the last write, they are those of the table. */
  const same = async (ask: RunningHub['query']) => {
    const quietSinceMs = Date.now()
    for (const table of tables) {
      await eventually(`"${table}" is of this moment`, async () => (await held(ask, table)).asOfMs > quietSinceMs, 60_000)
      expect((await held(ask, table)).rows).toEqual(await inTable<Row>(`SELECT id, note, amount::text FROM ${table} ORDER BY id`))
    }
  }

  test('PostgreSQL is killed again and again: subscribers are told of every change once, and end with what the tables hold', async () => {
    const choices = new Choices(20_261_121)
    const log = keptLog()
    const hub = await startHub({ catalog: folder.catalog, log, clock: systemClock })
    const replica = new Map<string, { row: Row; version: number }>()
    const told = hub.subscribe<{ goodChanged: { type: string; key: string; before: Row | null; after: Row | null; version: number } }>('subscription { goodChanged { type key before { id note amount } after { id note amount } version } }')
    const wrong: unknown[] = []
    const listening = (async () => {
      for await (const { data } of told) {
        if (!data) continue
        const { type, key, before, after, version } = data.goodChanged
        const known = replica.get(key)
        const isRight = type === 'SNAPSHOT' || (known === undefined) === (before === null) && (known === undefined || (JSON.stringify(known.row) === JSON.stringify(before) && version > known.version && JSON.stringify(before) !== JSON.stringify(after)))
        if (!isRight) wrong.push({ ...data.goodChanged, known })
        if (after) replica.set(key, { row: after, version })
        else replica.delete(key)
      }
    })()
    try {
      for (let round = 0; round < 5; round += 1) {
        const writing = write(choices, 60)
        if (round % 2 === 1) {
          const before = (await inTable<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn'))[0]?.lsn
          await eventually('something is written', async () => (await inTable<{ more: boolean }>(`SELECT pg_current_wal_lsn() > '${before}' AS more`))[0]?.more === true)
          await server.kill()
          await writing
          await server.start()
          await write(choices, 20)
        }
        await writing
        await same(hub.query)
        const rows = (await held(hub.query, 'goods')).rows
        await eventually('the subscriber has the rows of the table', async () => JSON.stringify([...replica.values()].map(({ row }) => row).sort((a, b) => a.id - b.id)) === JSON.stringify(rows))
      }
      expect(wrong).toEqual([])
      expect(log.lines.filter(({ message }) => message.includes('read as a whole'))).toHaveLength(1)
    } finally {
      await told.return()
      await listening
      await hub.close()
    }
  }, 180_000)

  test('the hub is killed again and again, and PostgreSQL with it: started again it holds what the tables hold', async () => {
    const choices = new Choices(7)
    let hub: Running | undefined
    let ask: RunningHub['query'] | undefined
    const start = async () => {
      hub = startProgram(['start', '--port', '0', '--catalog', folder.catalog, '--data', `${folder.folder}/data`, '--log-level', 'error', '--limits-requests-per-minute', '1000000'], { cwd: folder.folder })
      const [, url = ''] = await hub.written(/GraphQL +(\S+)/)
      ask = async (query, _variables, headers = {}) => (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ query }) })).json() as never
    }
    try {
      await start()
      for (let round = 0; round < 4; round += 1) {
        const writing = write(choices, 40)
        await hub?.stop('SIGKILL')
        if (round % 2 === 1) await server.kill()
        await writing
        if (round % 2 === 1) await server.start()
        await write(choices, 20)
        const meanwhile = write(choices, 40)
        await start()
        await meanwhile
        await same(ask as RunningHub['query'])
        expect(await inTable(`SELECT FROM pg_replication_slots WHERE slot_name LIKE 'tributary%'`)).toHaveLength(1)
      }
      await hub?.stop()
      expect(await inTable(`SELECT FROM pg_replication_slots WHERE slot_name LIKE 'tributary%'`)).toHaveLength(0)
    } finally {
      await hub?.stop('SIGKILL')
    }
  }, 180_000)
})
