import { catalogFolder } from '../support/catalog-folder.ts'
import { eventually } from '../support/eventually.ts'
import { startHub } from '../support/hub.ts'
import { type PostgresServer, postgresBin, startPostgres } from '../support/postgres.ts'
import { RunWorld, stepsOf } from '../support/pipeline-runs.ts'

const suite = postgresBin ? describe : describe.skip

suite('needs PostgreSQL: server programs below /usr/lib/postgresql', () => {
  let server: PostgresServer
  let world: RunWorld

  beforeAll(async () => {
    server = await startPostgres()
    await server.exec(`CREATE ROLE ann LOGIN PASSWORD 'secret'; CREATE SCHEMA crm AUTHORIZATION ann; CREATE TABLE crm.customer (id int PRIMARY KEY, name text, balance numeric(12,2), changed timestamp);
      INSERT INTO crm.customer SELECT n, 'customer ' || n, n * 1.25, timestamp '2026-01-01' + n * interval '1 minute' FROM generate_series(1, 25000) n; GRANT SELECT ON crm.customer TO ann; CREATE TABLE crm.hidden (id int)`)
  })
  beforeEach(async () => {
    world = await RunWorld.open()
  })
  afterEach(() => world.close())
  afterAll(() => server.stop())

  const at = (more: string) => `jdbcUrl="jdbc:postgresql://127.0.0.1:${server.port}/postgres" ${more}`
  const csv = '<csv path="out" mode="overwrite"/>'

  test('D-46 a database is opened as the user whom the secret names, who may what he may', async () => {
    const read = (sql: string, secret = 'userSecretRef="crm"') => world.run({ sources: `<database id="db" ${at(secret)}><sql>${sql}</sql></database>`, targets: csv })
    expect(stepsOf(await read('SELECT current_user::text AS who'))).toMatchObject({ db: ['SUCCEEDED', 1] })
    expect(await world.lines('out/p.csv')).toEqual(['who', 'ann'])
    expect(await read('SELECT id FROM crm.hidden')).toMatchObject({ state: 'FAILED', error: { category: 'SOURCE', step: 'db', message: expect.stringContaining('permission denied for table hidden') } })
    const unknown = await read('SELECT 1 AS n', 'userSecretRef="nobody"')
    expect(unknown).toMatchObject({ state: 'FAILED', error: { category: 'SOURCE', step: 'db', message: expect.stringContaining('There is no secret "nobody"') } })
    const wrong = await read('SELECT 1 AS n', 'userSecretRef="mask"')
    expect([wrong.state, wrong.error?.message]).toEqual(['FAILED', 'Secret "mask" is neither user:password nor JSON with "user" and "password".'])
    expect(JSON.stringify(wrong)).not.toContain('BwcH')
  })

  test('D-42 D-48 D-50 customers are read in batches, aggregated and merged, and the same run again changes nothing', async () => {
    const document = {
      sources: `<database id="db" ${at('userSecretRef="crm" fetchSize="1000"')}><sql><![CDATA[SELECT id, name, balance FROM crm.customer WHERE changed >= :runDate ORDER BY id]]></sql></database>`,
      transformations: '<aggregate source="db" groupBy="name" metrics="sum:balance:total" as="sums"/>',
      targets: `<database id="to" source="sums" ${at('userSecretRef="crm"')} mode="merge" keys="name" writeBatchSize="700"><table name="crm.total"/></database>`,
    }
    await server.exec('CREATE TABLE crm.total (name text PRIMARY KEY, total numeric(38,2)); ALTER TABLE crm.total OWNER TO ann')
    const runs = [await world.run(document, { parameters: { runDate: '2026-01-02' }, runId: 'one' }), await world.run(document, { parameters: { runDate: '2026-01-02' }, runId: 'one' })]
    expect(runs.map(({ state, rowsRead, rowsWritten, error }) => [state, rowsRead, rowsWritten, error?.message])).toEqual([['SUCCEEDED', 23_561, 23_561, undefined], ['SUCCEEDED', 23_561, 0, undefined]])
    const count = await world.run({ sources: `<database id="db" ${at('userSecretRef="crm"')}><sql>SELECT count(*)::int AS n, sum(total) AS total FROM crm.total</sql></database>`, targets: csv })
    expect([count.state, (await world.lines('out/p.csv'))[1]]).toEqual(['SUCCEEDED', `23561,${(balanceOf(25_000) - balanceOf(1439)).toFixed(2)}`])
  })

  test('D-95 D-100 a hub that runs nothing itself leaves runs to another of its store', async () => {
    const folder = catalogFolder({
      'hub.yaml': 'regions:\n  notes: { type: Note, key: id, fields: { id: ID! } }\n',
      'config/applications/shop/service/pipelines/orders.xml': '<pipeline id="orders" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources><csv id="orders" path="landing/orders.csv"/></sources><targets><csv path="out" mode="overwrite"/></targets></pipeline>',
      'data/applications/shop/landing/orders.csv': 'id\n1\n',
    })
    await server.exec('CREATE DATABASE hubs')
    const start = (slots: number) => startHub({ catalog: folder.catalog, env: { POSTGRES_URL: Object.assign(new URL(server.url), { pathname: '/hubs' }).href }, flags: [`--pipelines-folder=${folder.folder}/config`, `--pipelines-slots=${slots}`] })
    const front = await start(0)
    try {
      const { data, errors } = await front.query<{ runPipeline: { runId: string } }>('mutation { runPipeline(app: "shop", id: "orders") { runId } }')
      expect(errors).toBeUndefined()
      const state = async () => (await front.query<{ run: { state: string } }>('query ($runId: ID!) { run(runId: $runId) { state } }', { runId: data?.runPipeline.runId })).data?.run.state
      expect(await state()).toBe('QUEUED')
      const worker = await start(1)
      try {
        await eventually('the other hub has run it', async () => (await state()) === 'SUCCEEDED')
      } finally {
        await worker.close()
      }
    } finally {
      await front.close()
      folder.remove()
    }
  })
})

/** What the first customers have together. */
function balanceOf(customers: number): number {
  return (customers * (customers + 1)) / 2 * 1.25
}
