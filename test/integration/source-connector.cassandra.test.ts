import { jest } from '@jest/globals'
import { types } from 'cassandra-driver'
import { openCassandra } from '../../connectors/cassandra/index.ts'
import type { CassandraOptions } from '../../connectors/cassandra/options.ts'
import type { SourceConnector } from '../../connectors/ports/source-connector.ts'
import type { Filter } from '../../schema/filter.ts'
import type { Row, Value } from '../../schema/values.ts'
import { type CassandraKeyspace, openKeyspace } from '../support/cassandra.ts'
import { withEngine } from '../support/engines.ts'
import { testScope } from '../support/scope.ts'

jest.setTimeout(120_000)

/** Column, its CQL type, its CQL literal, its type here, its value here. */
const kinds: readonly (readonly [string, string, string, string, Value])[] = [
  ['a', 'ascii', "'x'", 'String', 'x'], ['big', 'bigint', '-9223372036854775808', 'Long', -9_223_372_036_854_775_808n], ['bin', 'blob', '0xdeadbeef', 'Bytes', '3q2+7w=='], ['bool', 'boolean', 'true', 'Boolean', true],
  ['d', 'date', "'0999-12-31'", 'Date', '0999-12-31'], ['dec', 'decimal', '-12.50', 'Decimal', '-12.50'], ['dec_small', 'decimal', '1E-12', 'Decimal', '0.000000000001'], ['dec_big', 'decimal', '12E3', 'Decimal', '12000'],
  ['f8', 'double', '0.1', 'Float', 0.1], ['none', 'double', 'NaN', 'Float', null], ['dur', 'duration', '1mo2d3h', 'String', '1mo2d3h'], ['f4', 'float', '0.1', 'Float', 0.1], ['ip', 'inet', "'2001:db8::1'", 'String', '2001:db8::1'],
  ['i', 'int', '-2147483648', 'Int', -2_147_483_648], ['i2', 'smallint', '-32768', 'Int', -32_768], ['i1', 'tinyint', '-128', 'Int', -128], ['t', 'text', "'東京 🗼'", 'String', '東京 🗼'],
  ['tm', 'time', "'23:59:59.123456789'", 'Time', '23:59:59.123456789'], ['tm0', 'time', "'08:00:00'", 'Time', '08:00:00'], ['ts', 'timestamp', "'2024-01-31T23:59:59.120Z'", 'DateTime', '2024-01-31T23:59:59.12Z'],
  ['ts_late', 'timestamp', '999999999999999', 'DateTime', null], ['tu', 'timeuuid', '50554d6e-29bb-11e5-b345-feff819cdc9f', 'UUID', '50554d6e-29bb-11e5-b345-feff819cdc9f'],
  ['u', 'uuid', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'UUID', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'], ['vi', 'varint', '123456789012345678901234567890', 'Decimal', '123456789012345678901234567890'],
  ['li', 'list<int>', '[3, 1]', 'JSON', [3, 1]], ['lb', 'list<bigint>', '[1, 9007199254740993]', 'JSON', [1, '9007199254740993']], ['se', 'set<text>', "{'b', 'a'}", 'JSON', ['a', 'b']],
  ['ma', 'map<text, frozen<list<double>>>', "{'x': [1.5]}", 'JSON', { x: [1.5] }], ['mi', 'map<int, timestamp>', "{7: '2024-01-01T00:00:00Z'}", 'JSON', { 7: '2024-01-01T00:00:00Z' }],
  ['tup', 'tuple<int, text, uuid>', "(1, 'b', null)", 'JSON', [1, 'b', null]], ['ud', 'frozen<point>', "{x: 1.25, label: 'p'}", 'JSON', { x: '1.25', label: 'p' }], ['ve', 'vector<float, 2>', '[0.5, 2]', 'JSON', [0.5, 2]],
]

withEngine('CASSANDRA_HOST', 'Cassandra', host => {
  let keyspace: CassandraKeyspace
  const opened: SourceConnector[] = []
  const open = async (options: Partial<CassandraOptions> = {}): Promise<SourceConnector> => {
    const source = await openCassandra({ name: 'cas', hosts: [host], keyspace: keyspace.name, ...options })
    opened.push(source)
    return source
  }
  const read = async (source: SourceConnector, table: string, filter?: Filter): Promise<Row[]> => {
    const rows: Row[] = []
    for await (const batch of source.scan(testScope(), { table, filter })) rows.push(...batch)
    return rows
  }

  beforeAll(async () => {
    keyspace = await openKeyspace(host)
    const { name, exec } = keyspace
    await exec(`CREATE TYPE ${name}.point (x decimal, label text)`)
    await exec(`CREATE TABLE ${name}.kinds (k text PRIMARY KEY, ${kinds.map(([column, type]) => `${column} ${type}`).join(', ')}) WITH comment = 'One of each.'`)
    await exec(`INSERT INTO ${name}.kinds (k, ${kinds.map(([column]) => column).join(', ')}) VALUES ('full', ${kinds.map(([, , literal]) => literal).join(', ')})`)
    await exec(`INSERT INTO ${name}.kinds (k) VALUES ('empty')`)
    await exec(`CREATE TABLE ${name}.readings (device text, day date, at timestamp, no int, owner text static, value double, PRIMARY KEY ((device, day), at, no)) WITH CLUSTERING ORDER BY (at DESC, no ASC)`)
    for (let no = 0; no < 40; no++) await exec(`INSERT INTO ${name}.readings (device, day, at, no, value) VALUES (?, ?, ?, ?, ?)`, [`d${no % 2}`, types.LocalDate.fromString('2024-01-01'), new Date(Date.UTC(2024, 0, 1, no % 4)), no, no / 4])
    await exec(`INSERT INTO ${name}.readings (device, day, owner) VALUES ('d0', '2024-01-01', 'Ada')`)
    await exec(`INSERT INTO ${name}.readings (device, day, owner) VALUES ('idle', '2024-01-01', 'Ben')`)
  })
  afterAll(async () => {
    for (const source of opened) await source.close()
    await keyspace.close()
  })

  test('every type of CQL has its type and its canonical form', async () => {
    const source = await open()
    const table = (await source.tables(testScope())).find(({ name }) => name === 'kinds')
    expect(table).toMatchObject({ key: ['k'], description: 'One of each.' })
    expect(Object.fromEntries((table?.columns ?? []).map(({ name, type }) => [name, type]))).toEqual({ k: 'String', ...Object.fromEntries(kinds.map(([column, , , type]) => [column, type])) })
    const rows = await read(source, 'kinds')
    expect(rows.find(row => row['k'] === 'full')).toEqual({ k: 'full', ...Object.fromEntries(kinds.map(([column, , , , value]) => [column, value])) })
    expect(rows.find(row => row['k'] === 'empty')).toEqual({ k: 'empty', ...Object.fromEntries(kinds.map(([column]) => [column, null])) })
  })

  test.each(kinds.filter(([, , , type, value]) => type !== 'JSON' && value !== null).map(([column, , , , value]) => [column, value] as const))('a row is found by its %s, as filter and as key', async (column, value) => {
    const source = await open()
    expect((await read(source, 'kinds', { column, op: 'eq', value })).map(row => row['k'])).toEqual(['full'])
    expect(await source.lookup(testScope(), { table: 'kinds', columns: ['k'], keyColumns: [column], keys: [[value]] })).toEqual([{ k: 'full' }])
  })

  test('partition and clustering columns are the key and come first; a static column goes with every row, and alone it is none', async () => {
    const source = await open()
    const table = (await source.tables(testScope())).find(({ name }) => name === 'readings')
    expect(table?.key).toEqual(['device', 'day', 'at', 'no'])
    expect(table?.columns.map(({ name, nullable }) => [name, nullable])).toEqual([['device', false], ['day', false], ['at', false], ['no', false], ['owner', true], ['value', true]])
    const rows = await read(source, 'readings')
    expect(rows).toHaveLength(40)
    expect(new Set(rows.filter(row => row['device'] === 'd0').map(row => row['owner']))).toEqual(new Set(['Ada']))
  })

  test('a filter on partition and clustering columns answers as the same filter over all rows', async () => {
    const source = await open()
    const partition: readonly Filter[] = [{ column: 'device', op: 'in', value: ['d0', 'd1', ''] }, { column: 'day', op: 'eq', value: '2024-01-01' }]
    const nos = async (...filters: readonly Filter[]) => (await read(source, 'readings', { and: [...partition, ...filters] })).map(row => row['no']).sort((a, b) => Number(a) - Number(b))
    expect(await nos({ column: 'at', op: 'gt', value: '2024-01-01T02:00:00Z' })).toEqual([3, 7, 11, 15, 19, 23, 27, 31, 35, 39])
    expect(await nos({ column: 'at', op: 'eq', value: '2024-01-01T01:00:00Z' }, { column: 'no', op: 'lt', value: 9 })).toEqual([1, 5])
    expect(await nos({ column: 'value', op: 'lte', value: 0.5 })).toEqual([0, 1, 2])
  })

  test('a look-up by the partition key alone answers the rows of the partition, by the whole key one', async () => {
    const source = await open()
    expect(await source.lookup(testScope(), { table: 'readings', keyColumns: ['day', 'device'], keys: [['2024-01-01', 'd1'], ['2024-01-02', 'd1']] })).toHaveLength(20)
    expect(await source.lookup(testScope(), { table: 'readings', columns: ['no', 'value'], keyColumns: ['no', 'at', 'device', 'day'], keys: [[5, '2024-01-01T01:00:00Z', 'd1', '2024-01-01']] })).toEqual([{ no: 5, value: 1.25 }])
  })

  test('an unknown keyspace is not found', async () => {
    const source = await open({ keyspace: `${keyspace.name}x` })
    await expect(source.tables(testScope())).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining(`"${keyspace.name}"`) })
  })

  test('a cluster that is down is unavailable and may be asked again, and no message has a password', async () => {
    const password = 'hunter2-hunter2'
    const source = await open({ hosts: ['127.0.0.1:1'], user: 'hub', password })
    for (let round = 0; round < 2; round++) {
      const error: unknown = await source.tables(testScope()).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', info: { retry: true } })
      expect(String(error)).not.toContain(password)
    }
  })

  test('a datacenter that is not there is refused by its name', async () => {
    const source = await open({ datacenter: 'dc9' })
    await expect(source.tables(testScope())).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('dc9') })
  })

  test('a source closes although a reader stopped halfway, and that reader is told', async () => {
    const source = await open()
    const reading = source.scan(testScope(), { table: 'readings', columns: ['no'] })[Symbol.asyncIterator]()
    await reading.next()
    await source.close()
    await expect((async () => { while (!(await reading.next()).done); })()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
    await expect(source.tables(testScope())).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
  })
})
