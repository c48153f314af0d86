import { parseEntry } from '../../../schema/catalog.ts'
import { parseTrino } from '../../../connectors/statements/ast.ts'
import { Mounts } from '../../../connectors/statements/mounts.ts'
import { readings } from '../../../connectors/trino/readings.ts'
import { rewrite, type TrinoName } from '../../../connectors/trino/rewrite.ts'
import { habitsOf, wayTo } from '../../../connectors/trino/ways.ts'
import { column, liveTable } from '../../support/sql-tables.ts'

const way = (input: object) => wayTo(parseEntry('source', 'shop', input))
const made = (input: object) => {
  const found = way(input)
  return found.kind === 'made' ? found.definition : found
}

test('M-22 a source that needs no secret is a catalog of Trino as it is declared', () => {
  expect(made({ type: 'cassandra', hosts: ['a:9043', 'b:9043'], keyspace: 'Shop', datacenter: 'dc1' })).toEqual({
    connector: 'cassandra', schema: 'Shop', properties: { 'cassandra.contact-points': 'a,b', 'cassandra.native-protocol-port': '9043', 'cassandra.load-policy.dc-aware.local-dc': 'dc1' },
  })
  expect(made({ type: 'cassandra', url: 'cassandra://a,b:9042/shop?datacenter=dc1' })).toMatchObject({ properties: { 'cassandra.contact-points': 'a,b', 'cassandra.native-protocol-port': '9042' } })
  expect(made({ type: 'elasticsearch', url: ['http://a:9200', 'http://b:9200/'] })).toMatchObject({ connector: 'elasticsearch', schema: 'default', properties: { 'elasticsearch.host': 'a,b', 'elasticsearch.port': '9200' } })
  expect(made({ type: 'elasticsearch', url: 'https://search.example' })).toMatchObject({ properties: { 'elasticsearch.port': '443', 'elasticsearch.tls.enabled': 'true' } })
})

test('a secret is in no property: it goes apart, or there is no catalog and the reason is said', () => {
  const secrets = [
    { type: 'postgresql', url: 'postgresql://me:hidden@h/d' }, { type: 'postgresql', host: 'h', database: 'd', user: 'me', password: 'hidden' },
    { type: 'cassandra', hosts: 'h', keyspace: 'k', datacenter: 'd', user: 'me', password: 'hidden' }, { type: 'cassandra', url: 'cassandra://me:hidden@h/k?datacenter=d' },
    { type: 'elasticsearch', url: 'http://h:9200', user: 'me', password: 'hidden' }, { type: 'elasticsearch', url: 'http://me:hidden@h:9200' }, { type: 'elasticsearch', url: 'http://h:9200', apiKey: 'hidden' },
    { type: 's3', bucket: 'b', accessKeyId: 'me', secretAccessKey: 'hidden' },
  ].map(way)
  expect(secrets.map(found => (found.kind === 'made' ? found.definition.secret?.value : found))).toEqual(['hidden', 'hidden', ...Array.from({ length: 6 }, () => ({ kind: 'none', reason: expect.stringMatching(/takes its (password|keys) as a property only/) }))])
  for (const found of secrets) expect(JSON.stringify(found.kind === 'made' ? found.definition.properties : found)).not.toContain('hidden')
})

test('what one catalog of Trino cannot say is not made one', () => {
  const reasons = [{ type: 'cassandra', hosts: 'h', keyspace: 'k' }, { type: 'cassandra', hosts: ['a:1', 'b:2'], keyspace: 'k', datacenter: 'd' }, { type: 'elasticsearch', url: ['http://a:9200', 'https://b:9200'] }, { type: 'elasticsearch', url: 'http://a:9200/path' }].map(way)
  expect(reasons).toEqual([expect.stringContaining('datacenter'), expect.stringContaining('one port'), expect.stringContaining('one protocol'), expect.stringContaining('no path')].map(reason => ({ kind: 'none', reason })))
  expect([way({ type: 'files', root: '/data' }), way({ type: 'sqlite', file: '/data/a.db' })]).toEqual([{ kind: 'none' }, { kind: 'none' }])
})

test('a catalog made by hand is named for any source, and is what is read', () => {
  const trino = { catalog: 'lake', schema: 'raw' }
  const named = [
    { type: 'files', root: '/data' }, { type: 'sqlite', file: '/data/a.db' }, { type: 'postgresql', url: 'postgresql://me:hidden@h/d' }, { type: 'cassandra', hosts: 'h', keyspace: 'k', password: 'hidden' },
    { type: 'elasticsearch', url: 'http://h', apiKey: 'hidden' }, { type: 's3', bucket: 'b' },
  ].map(input => way({ ...input, trino }))
  expect(named).toEqual(named.map(() => ({ kind: 'named', ...trino })))
  expect(() => way({ type: 's3', bucket: 'b', trino: { catalog: 'lake' } })).toThrow('"schema"')
})

describe('a table is Trino\'s', () => {
  const found = new Map([['id', 'integer'], ['at', 'timestamp(3)'], ['price', 'decimal(10,2)'], ['seen', 'timestamp(6) with time zone'], ['weight', 'real'], ['address', 'ipaddress'], ['code', 'char(3)'], ['part', 'row(a decimal(3,1))'], ['name', 'varchar(10)']])
  const { conversions } = habitsOf(parseEntry('source', 'x', { type: 'elasticsearch', url: 'http://h' }))
  const read = (...columns: Parameters<typeof readings>[0]) => readings(columns, found, {})

  test('where every column has its type there, whatever letters its name is in', () => {
    expect(read(column('ID', 'Int'), column('price', 'Decimal'), column('seen', 'DateTime'), column('name', 'String'))).toEqual(new Map())
    expect(read(column('id', 'Long'))).toBeUndefined()
    expect(read(column('id', 'Int'), column('other', 'Int'))).toBeUndefined()
  })

  test('and not where values would round, compare or read otherwise', () => {
    expect([read(column('weight', 'Float')), read(column('address', 'String')), read(column('code', 'String')), read(column('part', 'JSON'))]).toEqual([undefined, undefined, undefined, undefined])
  })

  test('nor where two columns differ in the case of their letters only', () => {
    expect(read(column('Id', 'Int'), column('id', 'Int'))).toBeUndefined()
  })

  test('through an expression where one has exactly the values', () => {
    expect(readings([column('at', 'DateTime'), column('id', 'Int'), column('price', 'Decimal')], found, conversions)).toEqual(new Map([['at', 'with_timezone("at", \'UTC\')'], ['id', '"id" + 0']]))
    expect(read(column('at', 'DateTime'))).toBeUndefined()
    expect(readings([column('id', 'Long')], found, conversions)).toBeUndefined()
  })
})

describe('the text Trino is sent', () => {
  const mounts = new Mounts([liveTable('notes', [column('id', 'Long'), column('at', 'DateTime')], () => [])])
  const name: TrinoName = { catalog: 'c', schema: 's', table: 'NOTES_1', columns: new Map([['at', 'CAST("at" AS date)']]), where: `"_tenant" = 'o''brien'` }
  const text = (sql: string) => rewrite({ sql }, parseTrino(sql), { mounts, locate: () => name }).edited.text

  test('reads the expressions under the columns\' names, and of the rows those that are the table\'s', () => {
    expect(text('SELECT * FROM notes n')).toBe(`SELECT * FROM (SELECT "id", CAST("at" AS date) AS "at" FROM "c"."s"."NOTES_1" WHERE "_tenant" = 'o''brien') n`)
  })

  test('never reads past the condition by time travel', () => {
    expect(() => text("SELECT * FROM notes FOR VERSION AS OF 1 AS n")).toThrow(/time travel/)
  })
})
