import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from '@elastic/elasticsearch'
import { jest } from '@jest/globals'
import { types } from 'cassandra-driver'
import { type CassandraKeyspace, openKeyspace } from '../support/cassandra.ts'
import { catalogFolder } from '../support/catalog-folder.ts'
import { withEngine } from '../support/engines.ts'
import { type RunningHub, startHub } from '../support/hub.ts'
import { runProgram } from '../support/program.ts'
import { openBucket, type S3Bucket } from '../support/s3.ts'

jest.setTimeout(180_000)

const drivers = [{ id: 'd0', name: 'Ada Lovelace', city: 'OSL', rating: 4.5, joined: '2020-02-29' }, { id: 'd1', name: 'Ben Ali', city: 'TUN', rating: 3.25, joined: '2021-01-01' }, { id: 'd2', name: 'Cyd', city: 'OSL', rating: null, joined: null }]

withEngine('CASSANDRA_HOST', 'Cassandra', host => withEngine('ELASTICSEARCH_URL', 'Elasticsearch', url => withEngine('S3_ENDPOINT', 'S3', endpoint => {
  const index = `drivers-${process.pid}-${Date.now().toString(36)}`
  const search = new Client({ node: url })
  let keyspace: CassandraKeyspace
  let bucket: S3Bucket
  let folder: ReturnType<typeof catalogFolder>
  let hub: RunningHub

  beforeAll(async () => {
    keyspace = await openKeyspace(host)
    const { name, exec } = keyspace
    await exec(`CREATE TABLE ${name}.trips (driver text, day date, no int, fare decimal, km bigint, done boolean, started timestamp, PRIMARY KEY ((driver, day), no))`)
    for (let no = 0; no < 300; no++) {
      await exec(`INSERT INTO ${name}.trips (driver, day, no, fare, km, done, started) VALUES (?, ?, ?, ?, ?, ?, ?)`, [`d${no % 3}`, types.LocalDate.fromString(no < 150 ? '2024-01-30' : '2024-01-31'), no, types.BigDecimal.fromString(`${no}.50`), 9_007_199_254_740_993n + BigInt(no), no % 2 === 0, new Date(Date.UTC(2024, 0, 31, 12, 0, no % 60))])
    }
    await search.indices.create({ index, settings: { number_of_replicas: 0 }, mappings: { properties: { name: { type: 'text', fields: { raw: { type: 'keyword' } } }, city: { type: 'keyword' }, rating: { type: 'double' }, joined: { type: 'date', format: 'strict_date' }, badges: { type: 'keyword' } } } })
    await search.bulk({ index, refresh: true, operations: drivers.flatMap(({ id, ...driver }) => [{ index: { _id: id } }, { ...driver, badges: id === 'd0' ? ['gold', 'blue'] : [] }]) })
    bucket = await openBucket(endpoint)
    await bucket.put('geo/cities.csv', 'code,title,people\nOSL,Oslo,709037\nTUN,Tunis,638845\n')
    folder = catalogFolder({
      'hub.yaml': `sources:
  rides: { type: cassandra, hosts: "\${env:RIDES_HOST}", keyspace: ${keyspace.name} }
  staff: { type: elasticsearch, url: "\${env:STAFF_URL}", indices: [${index}] }
  lake: { type: s3, bucket: ${bucket.name}, prefix: geo, endpoint: "${endpoint}", region: ${bucket.reach.region}, accessKeyId: "\${env:LAKE_KEY}", secretAccessKey: "\${env:LAKE_SECRET}" }
regions:
  trips: { type: Trip, key: [driver, day, no], load: { source: rides, table: trips } }
  drivers:
    type: Driver
    key: _id
    load: { source: staff, table: ${index} }
    fields: { id: { type: ID!, column: _id }, name: String, city: String, rating: Float, joined: Date, badges: JSON }
  cities: { type: City, key: code, load: { source: lake, table: cities, eager: true } }
relations:
  - { from: Trip.driver, to: Driver._id, as: drivenBy, inverse: trips }
  - { from: Driver.city, to: City.code, as: home, inverse: drivers }
`,
    })
    Object.assign(process.env, { RIDES_HOST: host, STAFF_URL: url, LAKE_KEY: bucket.reach.accessKeyId, LAKE_SECRET: bucket.reach.secretAccessKey })
    hub = await startHub({ catalog: folder.catalog })
  })
  afterAll(async () => {
    await hub.close()
    for (const name of ['RIDES_HOST', 'STAFF_URL', 'LAKE_KEY', 'LAKE_SECRET']) delete process.env[name]
    folder.remove()
    await keyspace.close()
    await search.indices.delete({ index })
    await search.close()
    await bucket.close()
  })

  test('H-06 each store is a source of its kind, and a region over each answers typed GraphQL, exact', async () => {
    const { data, errors } = await hub.query<{ queryDataSources: { name: string; connector: string; role: string; status: string }[] }>(`{
      trip(driver: "d1", day: "2024-01-30", no: 7) { fare km done started }
      missing: trip(driver: "d1", day: "2024-01-31", no: 7) { fare }
      driver(id: "d0") { id name rating joined badges }
      city(code: "OSL") { title people }
      queryDataSources { name connector role status }
    }`)
    expect(errors).toBeUndefined()
    expect(data).toMatchObject({
      trip: { fare: '7.50', km: '9007199254741000', done: false, started: '2024-01-31T12:00:07Z' }, missing: null,
      driver: { id: 'd0', name: 'Ada Lovelace', rating: 4.5, joined: '2020-02-29', badges: ['gold', 'blue'] },
      city: { title: 'Oslo', people: 709_037 },
    })
    expect(data?.queryDataSources.filter(({ connector }) => connector !== 'hub').map(({ name, connector, role, status }) => [name, connector, role, status]).sort()).toEqual([
      ['lake', 's3', 'LAKE', 'UP'], ['rides', 'cassandra', 'OPERATIONAL', 'UP'], ['staff', 'elasticsearch', 'SEARCH', 'UP'],
    ])
  })

  test('lists are filtered in the stores and relations lead from one to another', async () => {
    expect(await hub.query(`{
      trips(where: { driver: { eq: "d0" }, day: { eq: "2024-01-31" }, no: { lt: 160 } }, orderBy: [{ no: ASC }]) { edges { node { no fare drivenBy { name home { title } } } } }
      drivers(where: { name: { eq: "Ben Ali" } }) { edges { node { id home { title } } } }
    }`)).toEqual({
      data: {
        trips: { edges: [150, 153, 156, 159].map(no => ({ node: { no, fare: `${no}.50`, drivenBy: { name: 'Ada Lovelace', home: { title: 'Oslo' } } } })) },
        drivers: { edges: [{ node: { id: 'd1', home: { title: 'Tunis' } } }] },
      },
    })
  })

  test('one statement joins the three stores', async () => {
    const { data, errors } = await hub.query<{ unifiedQuery: { rows: unknown[][] } }>(`{ unifiedQuery(sql: """
      SELECT c.title, d.name, count(*) AS trips, sum(t.fare) AS fares, max(t.km) AS furthest
      FROM rides.trips t JOIN staff."${index}" d ON t.driver = d._id JOIN lake.cities c ON d.city = c.code
      WHERE t.day = DATE '2024-01-30' GROUP BY 1, 2 ORDER BY 2
    """) { rows } }`)
    expect(errors).toBeUndefined()
    const expected = drivers.map(({ name, city }, which) => {
      const own = Array.from({ length: 150 }, (_, no) => no).filter(no => no % 3 === which)
      return [city === 'OSL' ? 'Oslo' : 'Tunis', name, own.length, own.reduce((sum, no) => sum + no + 0.5, 0), String(9_007_199_254_740_993n + BigInt(Math.max(...own)))]
    })
    expect(data?.unifiedQuery.rows.map(([title, name, trips, fares, furthest]) => [title, name, Number(trips), Number(fares), String(furthest)])).toEqual(expected)
  })

  test.each([
    ['cassandra', () => `cassandra://${host}/${keyspace.name}`, 'trips'], ['elasticsearch', () => `elasticsearch+${url}`, index],
    ['s3', () => `s3://${bucket.reach.accessKeyId}:${bucket.reach.secretAccessKey}@${bucket.name}/geo?endpoint=${encodeURIComponent(endpoint)}`, 'cities'],
  ])('init writes a catalog for what a URL of %s holds, without its secret, and it passes the check', async (store, from, table) => {
    const file = `init-${store}.yaml`
    const init = await runProgram(['init', '--from', from(), '--to', file], { cwd: folder.folder })
    expect(init).toMatchObject({ code: 0 })
    const written = readFileSync(join(folder.folder, file), 'utf8')
    expect(written).toContain(table)
    expect(`${written}${init.out}${init.err}`).not.toContain(bucket.reach.secretAccessKey)
    const [, variable] = /\$\{env:(\w+)\}/.exec(written) ?? []
    expect(variable === undefined).toBe(store !== 's3')
    expect(await runProgram(['check', file], { cwd: folder.folder, env: variable === undefined ? {} : { [variable]: bucket.reach.secretAccessKey } })).toMatchObject({ code: 0 })
  })
})))
