import { jest } from '@jest/globals'
import { catalogFolder } from '../support/catalog-folder.ts'
import { type CassandraKeyspace, openKeyspace } from '../support/cassandra.ts'
import { withEngine } from '../support/engines.ts'
import { startHub, type RunningHub } from '../support/hub.ts'

jest.setTimeout(120_000)

withEngine('CASSANDRA_HOST', 'Cassandra', host => {
  let keyspace: CassandraKeyspace
  let folder: ReturnType<typeof catalogFolder>
  let hub: RunningHub
  beforeAll(async () => {
    keyspace = await openKeyspace(host)
    await keyspace.exec(`CREATE TABLE ${keyspace.name}.readings (device text, day date, no int, value double, PRIMARY KEY ((device, day), no))`)
    folder = catalogFolder({
      'hub.yaml': `
sources:
  rides: { type: cassandra, hosts: "\${env:RIDES_HOST}", keyspace: ${keyspace.name} }
regions:
  devices: { key: id, fields: { id: ID!, owner: String } }
`,
    })
    process.env['RIDES_HOST'] = host
    hub = await startHub({ catalog: folder.catalog })
  })
  afterAll(async () => {
    await hub.close()
    delete process.env['RIDES_HOST']
    folder.remove()
    await keyspace.close()
  })
  const advice = async (sql: string, params: readonly unknown[] = [], session = {}) => {
    const { data, errors } = await hub.query<{ explainQuery: { advice: string[] } }>('query ($sql: String!, $params: [JSON], $catalog: String) { explainQuery(sql: $sql, params: $params, catalog: $catalog) { advice } }', { sql, params, ...session })
    expect(errors).toBeUndefined()
    return data?.explainQuery.advice
  }
  const whole = (missing: string) => [`"rides.readings" is read whole: the WHERE demands no value of ${missing}. With = or IN on its whole partition key, (device, day), only those partitions are read.`]

  test('M-31 a table in partitions of which the statement names none is advised of, with the columns that are missing', async () => {
    expect(await advice('SELECT value FROM rides.readings LIMIT 5')).toEqual(whole('device, day'))
    expect(await advice("SELECT value FROM readings AS r WHERE r.device = 'd1' AND no = 3 LIMIT 5", [], { catalog: 'rides' })).toEqual(whole('day'))
    expect(await advice("SELECT value FROM rides.readings WHERE device = 'd1' AND (day = DATE '2024-01-01' OR no = 1) LIMIT 5")).toEqual(whole('day'))
    expect(await advice("SELECT value FROM rides.readings r JOIN devices d ON d.id = r.device WHERE day = DATE '2024-01-01' LIMIT 5")).toEqual(whole('device'))
    expect(await advice('SELECT count(*) AS n FROM devices WHERE id IN (SELECT device FROM rides.readings) LIMIT 1')).toEqual(whole('device, day'))
    expect(await advice('SELECT value FROM rides.readings WHERE device = ? AND Day IN (?, ?) LIMIT 5', ['d1', '2024-01-01', '2024-01-02'])).toEqual([])
    expect(await advice("SELECT value FROM rides.readings r, devices WHERE 'd1' = r.device AND r.day = CAST('2024-01-01' AS date) LIMIT 5")).toEqual([])
    expect(await advice('SELECT owner FROM devices LIMIT 5')).toEqual([])
  })

  test('M-24 a table of Cassandra tells its partition key, a region what spreads its rows', async () => {
    const { data } = await hub.query('{ readings: tableSchema(catalog: "rides", table: "readings") { partitionKeys } devices: tableSchema(catalog: "hub", table: "devices") { partitionKeys } }')
    expect(data).toEqual({ readings: { partitionKeys: ['device', 'day'] }, devices: { partitionKeys: ['id'] } })
  })
})
