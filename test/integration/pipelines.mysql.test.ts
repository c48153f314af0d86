import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { datasetKey } from '../../schema/lineage.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { type MysqlSchema, openMysqlSchema } from '../support/mysql.ts'
import { RunWorld, stepsOf } from '../support/pipeline-runs.ts'
import { untilKilled } from '../support/until-killed.ts'


withEngine('MYSQL_URL', 'pipelines over MySQL', url => {
  let schema: MysqlSchema
  let world: RunWorld

  beforeEach(async () => {
    schema = await openMysqlSchema(url)
    world = await RunWorld.open()
    await schema.exec(
      `CREATE USER IF NOT EXISTS 'ann'@'127.0.0.1' IDENTIFIED BY 'secret'`, `GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, CREATE TEMPORARY TABLES ON "${schema.name}".* TO 'ann'@'127.0.0.1'`,
      'CREATE TABLE customer (customer_id BIGINT PRIMARY KEY, status VARCHAR(20), balance DECIMAL(12, 2), updated_at DATETIME(3))',
      `INSERT INTO customer SELECT seq, CONCAT('status ', seq % 7), seq * 1.25, '2026-01-01' + INTERVAL seq MINUTE FROM seq_1_to_25000`,
      'CREATE TABLE customer_snapshot (customer_id BIGINT PRIMARY KEY, status VARCHAR(20), balance DECIMAL(12, 2), note VARCHAR(20))', `INSERT INTO customer_snapshot VALUES (2000, 'old', 0, 'stays'), (1, 'old', 1, 'stays')`,
    )
  })
  afterEach(async () => {
    await schema.exec(`REVOKE ALL ON "${schema.name}".* FROM 'ann'@'127.0.0.1'`)
    await Promise.all([world.close(), schema.close()])
  })

  const at = (more = 'userSecretRef="crm"', driver = 'mysql') => `jdbcUrl="jdbc:${driver}://127.0.0.1:${schema.reach.port}/${schema.name}" ${more}`
  const source = () => `<database id="customer_db" ${at(`userSecretRef="crm" fetchSize="10000" loadPolicy="onDemand"`)}><sql><![CDATA[SELECT customer_id, status, balance FROM customer WHERE updated_at >= :runDate]]></sql></database>`
  const target = () => `<database id="crm_service" ${at('userSecretRef="crm" mode="merge" keys="customer_id" writeBatchSize="5000"')}><table name="${schema.name}.customer_snapshot"/></database>`
  const order = { parameters: { runDate: '2026-01-02' }, runId: 'one' }
  const snapshot = async () => (await schema.ask(`SELECT COUNT(*), SUM(status = 'old'), COUNT(note), SUM(balance) FROM customer_snapshot`))[0]?.map(String)
  const before = ['2', '2', '2', '1.00']
  /** Customers changed from the day on, and the first one, who was there. */
  const after = ['23562', '1', '2', String(((25_000 * 25_001 - 1439 * 1440) / 2 * 1.25 + 1).toFixed(2))]

  test('D-43 D-48 D-50 the customers of a day are read in batches and merged, and the same run again changes nothing', async () => {
    const runs = [await world.run({ sources: source(), targets: target() }, order), await world.run({ sources: source(), targets: target() }, order)]
    expect(runs.map(({ state, rowsRead, rowsWritten, error }) => [state, rowsRead, rowsWritten, error?.message])).toEqual([['SUCCEEDED', 23_561, 23_561, undefined], ['SUCCEEDED', 23_561, 0, undefined]])
    expect(await snapshot()).toEqual(after)
  })

  test('D-46 a database is opened as the user whom the secret names, who may what he may', async () => {
    const read = (sql: string) => world.run({ sources: `<database id="db" ${at('userSecretRef="crm"', 'mariadb')}><sql><![CDATA[${sql}]]></sql></database>`, targets: '<csv path="out" mode="overwrite"/>' })
    expect(stepsOf(await read('SELECT CURRENT_USER() AS who'))).toMatchObject({ db: ['SUCCEEDED', 1] })
    expect(await world.lines('out/p.csv')).toEqual(['who', 'ann@127.0.0.1'])
    const refused = await read('SELECT User FROM mysql.user')
    expect([refused.state, refused.error?.category, refused.error?.message]).toEqual(['FAILED', 'SOURCE', expect.stringContaining('denied')])
    expect(JSON.stringify(refused)).not.toContain('secret')
  })

  test('D-48 of a run whose other target fails nothing is in the table', async () => {
    await schema.exec('CREATE TABLE small (customer_id TINYINT, status VARCHAR(20), balance DECIMAL(12, 2))')
    const failed = await world.run({ sources: source(), targets: `${target()}<database id="small" ${at('userSecretRef="crm" mode="append"')}><table name="${schema.name}.small"/></database>` }, order)
    expect([failed.state, failed.error?.message]).toEqual(['FAILED', expect.stringContaining('.small"')])
    expect(await snapshot()).toEqual(before)
  })

  test('D-48 a connection that the server ends in the middle of a merge leaves the table as it was, and the run done again does it all', async () => {
    await schema.exec('START TRANSACTION', 'UPDATE customer_snapshot SET note = note WHERE customer_id = 2000', `SELECT customer_id FROM customer_snapshot FOR UPDATE`)
    const running = world.run({ sources: source(), targets: target() }, order)
    let merging: string | undefined
    await eventually('the merge waits for the rows', async () => {
      merging = (await schema.ask(`SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID() AND INFO LIKE 'UPDATE %customer_snapshot% JOIN %'`))[0]?.map(String)[0]
      return merging !== undefined
    })
    await schema.exec(`KILL ${merging}`, 'COMMIT')
    expect(await running).toMatchObject({ state: 'FAILED', error: { category: 'TARGET' } })
    expect(await snapshot()).toEqual(before)
    expect(await world.run({ sources: source(), targets: target() }, order)).toMatchObject({ state: 'SUCCEEDED', rowsWritten: 23_561 })
    expect(await snapshot()).toEqual(after)
  })

  test('D-48 a hub that is killed at any point leaves all of it or nothing, and the run done again does it once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'killed-mysql-'))
    const owner = `jdbcUrl="jdbc:mysql://${schema.reach.user}:${encodeURIComponent(schema.reach.password)}@127.0.0.1:${schema.reach.port}/${schema.name}"`
    const pipeline = `<pipeline id="p" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources><database id="db" ${owner}><sql>SELECT n FROM given</sql></database></sources>
      <targets><database id="a" ${owner} mode="append"><table name="${schema.name}.added"/></database><database id="m" ${owner} mode="merge" keys="n"><table name="${schema.name}.merged"/></database></targets></pipeline>`
    const run = (boundary?: number) => untilKilled(folder, pipeline, boundary)
    const held = async (table: string) => (await schema.ask(`SELECT n FROM ${table} ORDER BY n`)).map(([n]) => Number(n))
    try {
      await schema.exec('CREATE TABLE given (n INT)', 'INSERT INTO given VALUES (1), (2), (3)', 'CREATE TABLE added (n INT)', 'CREATE TABLE merged (n INT PRIMARY KEY, note VARCHAR(9))')
      const whole = await run()
      expect(whole).toMatchObject({ state: 'SUCCEEDED' })
      const last = whole?.passed ?? 0
      expect(last).toBeGreaterThan(8)
      // Before and behind each thing that leaves something: one of the two stands for both, now this, now that.
      for (let boundary = 1; boundary <= last; boundary += 3) {
        await schema.exec('DELETE FROM added', 'DELETE FROM merged', `INSERT INTO merged VALUES (1, 'was here')`, 'DELETE FROM tributary_write')
        expect(await run(boundary)).toBeUndefined()
        expect([[], [1, 2, 3]]).toContainEqual(await held('added'))
        expect([[1], [1, 2, 3]]).toContainEqual(await held('merged'))
        expect([boundary, await run()]).toEqual([boundary, expect.objectContaining({ state: 'SUCCEEDED' })])
        expect([boundary, await held('added'), await held('merged')]).toEqual([boundary, [1, 2, 3], [1, 2, 3]])
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  }, 600_000)

  test('D-51 D-108 a table is named with its database, in a query alone too, and lineage calls it as everybody does', async () => {
    const lineage = async (sources: string) => (await world.run({ sources: `<database id="db" ${at()}>${sources}</database>`, targets: target() }, { parameters: { runDate: '2026-01-02' } })).lineage
    const [namespace, customer] = [`mysql://127.0.0.1:${schema.reach.port}`, `${schema.name}.customer`]
    const named = await lineage(`<sql><![CDATA[SELECT \`c\`.customer_id, IFNULL(status, "none") AS status, balance FROM \`customer\` AS c WHERE updated_at >= :runDate]]></sql>`)
    expect(named?.inputs.map(datasetKey)).toEqual([`${namespace} ${customer}`])
    expect(named?.outputs.map(datasetKey)).toEqual([`${namespace} ${schema.name}.customer_snapshot`])
    expect(named?.outputs[0]?.unresolved).toEqual([])
    expect(named?.outputs[0]?.origins.map(({ output, inputs }) => [output, ...inputs.map(({ column, transformation }) => `${column} ${transformation}`)])).toEqual([['customer_id', 'customer_id IDENTITY'], ['status', 'status EXPRESSION'], ['balance', 'balance IDENTITY']])
    await schema.exec('ALTER TABLE customer DROP COLUMN updated_at')
    expect((await lineage(`<table name="${customer}"/>`))?.inputs.map(datasetKey)).toEqual([`${namespace} ${customer}`])
  })

  test('D-43 a source is read from its watermark on, which may be an instant', async () => {
    await schema.exec('CREATE TABLE changed (n INT, at TIMESTAMP(6) NULL)', `INSERT INTO changed VALUES (1, '2026-01-01 10:00:00.5'), (2, '2026-01-01 11:00:00.123456')`)
    const document = { sources: `<database id="db" ${at('userSecretRef="crm" watermark="at" watermarkFrom="2026-01-01T10:30:00Z"')}><sql><![CDATA[SELECT n, at FROM changed WHERE at > :watermark]]></sql></database>`, targets: '<csv path="out" mode="overwrite"/>' }
    expect(await world.run(document)).toMatchObject({ state: 'SUCCEEDED', rowsRead: 1 })
    expect((await world.lines('out/p.csv'))[1]).toMatch(/^2,2026-01-01 11:00:00.123456\+00$/)
  })
})
