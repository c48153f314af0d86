import { Client } from '@elastic/elasticsearch'
import { jest } from '@jest/globals'
import { openElasticsearch } from '../../connectors/elasticsearch/index.ts'
import type { ElasticsearchOptions } from '../../connectors/elasticsearch/options.ts'
import type { SourceConnector } from '../../connectors/ports/source-connector.ts'
import type { Filter } from '../../schema/filter.ts'
import type { Row, Value } from '../../schema/values.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { testScope } from '../support/scope.ts'

jest.setTimeout(120_000)

/** Column, its mapping, its JSON in the document, its type here, its value here. */
const kinds: readonly (readonly [string, object, string, string, Value])[] = [
  ['b', { type: 'boolean' }, '"true"', 'Boolean', true], ['bin', { type: 'binary' }, '"3q2+7w=="', 'Bytes', '3q2+7w=='], ['by', { type: 'byte' }, '-128', 'Int', -128],
  ['d', { type: 'date' }, '"2024-01-31T23:59:59.120+02:00"', 'DateTime', '2024-01-31T21:59:59.12Z'], ['d_millis', { type: 'date' }, '1700000000000', 'DateTime', '2023-11-14T22:13:20Z'],
  ['day', { type: 'date', format: 'yyyy-MM-dd' }, '"0999-12-31"', 'Date', '0999-12-31'], ['dn', { type: 'date_nanos' }, '"2024-01-31T23:59:59.123456789Z"', 'DateTime', '2024-01-31T23:59:59.123456789Z'],
  ['f4', { type: 'float' }, '0.1', 'Float', 0.1], ['f8', { type: 'double' }, '1e300', 'Float', 1e300], ['i', { type: 'integer' }, '"-2147483648"', 'Int', -2_147_483_648], ['ip', { type: 'ip' }, '"2001:DB8::1"', 'String', '2001:db8::1'],
  ['k', { type: 'keyword' }, '"東京 🗼"', 'String', '東京 🗼'], ['k_long', { type: 'keyword', ignore_above: 3 }, '"longer"', 'String', 'longer'], ['l', { type: 'long' }, '-9223372036854775808', 'Long', -9_223_372_036_854_775_808n],
  ['s', { type: 'short' }, '7', 'Int', 7], ['t', { type: 'text' }, '"Some Words"', 'String', 'Some Words'], ['t_raw', { type: 'text', fields: { raw: { type: 'keyword', ignore_above: 5 } } }, '"Many more words"', 'String', 'Many more words'],
  ['as_l', { type: 'alias', path: 'l' }, '', 'Long', -9_223_372_036_854_775_808n],
  ['geo', { type: 'geo_point' }, '{"lat":1.5,"lon":2}', 'JSON', { lat: 1.5, lon: 2 }], ['o', { properties: { a: { type: 'long' } } }, '{"a":9007199254740993,"c":{"d":[1,null]}}', 'JSON', { a: '9007199254740993', c: { d: [1, null] } }],
  ['n', { type: 'nested', properties: { x: { type: 'keyword' } } }, '[{"x":"1"},{"x":"2"}]', 'JSON', [{ x: '1' }, { x: '2' }]], ['r', { type: 'integer_range' }, '{"gte":1,"lt":5}', 'JSON', { gte: 1, lt: 5 }],
  ['tags', { type: 'keyword' }, '["b","a"]', 'JSON', ['b', 'a']], ['nums', { type: 'long' }, '[3,1,3]', 'JSON', [3, 1, 3]], ['texts', { type: 'text' }, '["x y","z"]', 'String', '["x y","z"]'],
]

withEngine('ELASTICSEARCH_URL', 'Elasticsearch', url => {
  const client = new Client({ node: url })
  const prefix = `t${process.pid}-${Date.now().toString(36)}`
  const kindsIndex = `${prefix}-kinds`
  const many = `${prefix}-many`
  const opened: SourceConnector[] = []
  const open = async (options: Partial<ElasticsearchOptions> = {}): Promise<SourceConnector> => {
    const source = await openElasticsearch({ name: 'es', urls: [url], indices: [`${prefix}-*`], ...options })
    opened.push(source)
    return source
  }
  const read = async (source: SourceConnector, table: string, filter?: Filter): Promise<Row[]> => {
    const rows: Row[] = []
    for await (const batch of source.scan(testScope(), { table, filter })) rows.push(...batch)
    return rows
  }
  /** Places the cluster keeps for reads of one index. */
  const places = async (index: string): Promise<number> => {
    const { indices } = await client.indices.stats({ index, metric: 'search' })
    return Object.values(indices ?? {}).reduce((sum, one) => sum + (one.total?.search?.open_contexts ?? 0), 0)
  }

  beforeAll(async () => {
    await client.indices.create({ index: kindsIndex, settings: { number_of_replicas: 0 }, mappings: { properties: Object.fromEntries(kinds.map(([name, mapping]) => [name, mapping])) } })
    await client.bulk({ index: kindsIndex, refresh: true, operations: ['{"index":{"_id":"full"}}', `{${kinds.filter(([, , json]) => json !== '').map(([name, , json]) => `"${name}":${json}`).join(',')}}`, '{"index":{"_id":"empty"}}', '{"i":null}'] })
    await client.indices.create({ index: many, settings: { number_of_shards: 2, number_of_replicas: 0 }, mappings: { properties: { n: { type: 'integer' }, part: { type: 'keyword' } } } })
    await client.bulk({ index: many, refresh: true, operations: Array.from({ length: 6000 }, (_, n) => [{ index: { _id: String(n) } }, { n, part: n % 2 ? 'odd' : 'even' }]).flat() })
    await client.indices.updateAliases({ actions: [{ add: { index: many, alias: `${prefix}-odd`, filter: { term: { part: 'odd' } } } }] })
  })
  afterAll(async () => {
    for (const source of opened) await source.close()
    await client.indices.delete({ index: [kindsIndex, many] })
    await client.close()
  })

  test('every type of field has its type and its canonical form; a field of lists is a list', async () => {
    const source = await open()
    const table = (await source.tables(testScope())).find(({ name }) => name === kindsIndex)
    expect(table?.key).toEqual(['_id'])
    expect(Object.fromEntries((table?.columns ?? []).map(({ name, type }) => [name, type]))).toEqual({ _id: 'String', ...Object.fromEntries(kinds.map(([name, , , type]) => [name, type])) })
    const rows = await read(source, kindsIndex)
    expect(rows.find(row => row['_id'] === 'full')).toEqual({ _id: 'full', ...Object.fromEntries(kinds.map(([name, , , , value]) => [name, value])) })
    expect(rows.find(row => row['_id'] === 'empty')).toEqual({ _id: 'empty', ...Object.fromEntries(kinds.map(([name]) => [name, null])) })
  })

  test.each(kinds.filter(([, , , type]) => type !== 'JSON').map(([name, , , , value]) => [name, value] as const))('a row is found by its %s, as filter and as key', async (column, value) => {
    const source = await open()
    expect((await read(source, kindsIndex, { column, op: 'eq', value })).map(row => row['_id'])).toEqual(['full'])
    expect((await read(source, kindsIndex, { column, op: 'isNull', value: false })).map(row => row['_id'])).toEqual(['full'])
    expect(await source.lookup(testScope(), { table: kindsIndex, columns: ['_id'], keyColumns: [column], keys: [[value]] })).toEqual([{ _id: 'full' }])
  })

  test('an alias is a table of the rows it shows, and rows are found by _id', async () => {
    const source = await open()
    expect((await source.tables(testScope())).map(({ name }) => name)).toEqual([kindsIndex, many, `${prefix}-odd`])
    expect(await read(source, `${prefix}-odd`)).toHaveLength(3000)
    expect(await source.lookup(testScope(), { table: `${prefix}-odd`, columns: ['n'], keyColumns: ['_id'], keys: [['7'], ['8'], ['none']] })).toEqual([{ n: 7 }])
  })

  test('a second value that came after the look fails the read, and the next look finds a list', async () => {
    const index = `${prefix}-later`
    await client.index({ index, id: '1', document: { n: 1, word: 'a' }, refresh: true })
    const source = await open({ indices: [index] })
    expect(await read(source, index)).toEqual([{ _id: '1', n: 1, word: 'a' }])
    await client.index({ index, id: '2', document: { n: [1, 2], word: 'b' }, refresh: true })
    await expect(read(source, index)).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('"n" of document "2"') })
    expect((await source.tables(testScope()))[0]?.columns.map(({ name, type }) => `${name} ${type}`)).toEqual(['_id String', 'n JSON', 'word String'])
    expect((await read(source, index)).map(row => row['n'])).toEqual(expect.arrayContaining([[1], [1, 2]]))
    await client.indices.delete({ index })
  })

  test('the place of a read is given back when it ends, is left, is aborted or fails', async () => {
    const source = await open()
    await source.tables(testScope())
    expect(await read(source, many)).toHaveLength(6000)
    for await (const rows of source.scan(testScope(), { table: many })) if (rows.length > 0) break
    const scope = testScope()
    const rows = source.scan(scope, { table: many })[Symbol.asyncIterator]()
    await rows.next()
    expect(await places(many)).toBeGreaterThan(0)
    const reason = new Error('the client left')
    scope.abort(reason)
    await expect(rows.next()).rejects.toBe(reason)
    expect(scope.entries).toEqual([])
    await eventually('no place is kept', async () => (await places(many)) === 0)
  })

  test('a cluster that is down is unavailable and may be asked again, and no message has a password', async () => {
    const password = 'hunter2-hunter2'
    for (const options of [{ urls: [`http://hub:${password}@127.0.0.1:1`] as [string] }, { urls: ['http://127.0.0.1:1'] as [string], user: 'hub', password }]) {
      const error: unknown = await (await open(options)).tables(testScope()).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', info: { retry: true } })
      expect(String(error)).not.toContain(password)
    }
    const malformed: unknown = await open({ urls: [`tcp://hub:${password}@x`] }).catch((reason: unknown) => reason)
    expect(malformed).toMatchObject({ code: 'CATALOG_INVALID' })
    expect(String(malformed)).not.toContain(password)
  })

  test('what Elasticsearch refuses is said in its own words', async () => {
    const index = `${prefix}-gone`
    await client.index({ index, id: '1', document: { n: 1 }, refresh: true })
    const source = await open({ indices: [index] })
    await source.tables(testScope())
    await client.indices.delete({ index })
    await expect(read(source, index)).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('index_not_found_exception') })
  })

  test('a source closes although a reader stopped halfway, and that reader is told', async () => {
    const source = await open()
    const reading = source.scan(testScope(), { table: many })[Symbol.asyncIterator]()
    await reading.next()
    await source.close()
    await expect((async () => { while (!(await reading.next()).done); })()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
  })
})
