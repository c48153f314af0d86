import { tablesFrom } from '../../../../connectors/elasticsearch/introspect.ts'
import { queryFor } from '../../../../connectors/elasticsearch/query.ts'
import type { Filter } from '../../../../schema/filter.ts'
import type { Value } from '../../../../schema/values.ts'

const properties = {
  code: { type: 'keyword' }, folded: { type: 'keyword', normalizer: 'lowercase' }, hidden: { type: 'keyword', index: false, doc_values: false }, words: { type: 'text' }, both: { type: 'text', fields: { raw: { type: 'keyword', ignore_above: 256 } } },
  n: { type: 'integer' }, big: { type: 'long' }, d: { type: 'double' }, f: { type: 'float' }, ok: { type: 'boolean' }, at: { type: 'date' }, ns: { type: 'date_nanos' }, day: { type: 'date', format: 'yyyy-MM-dd||strict_date' }, mixed: { type: 'date', format: 'yyyy-MM-dd||epoch_millis' },
  ip: { type: 'ip' }, o: { properties: { a: { type: 'long' } } }, other: { type: 'alias', path: 'o.a' }, place: { type: 'geo_point' },
}
const found = { resolved: { indices: [{ name: 'things', attributes: ['open'] }], aliases: [], data_streams: [] }, mappings: { things: { mappings: { properties } } } }
const [table] = tablesFrom(found as unknown as Parameters<typeof tablesFrom>[0])
const columns = table?.columns ?? []
const compare = (column: string, op: 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte' | 'like' | 'startsWith', value: Value): Filter => ({ column, op, value })
const among = (column: string, value: readonly Value[]): Filter => ({ column, op: 'in', value })
const every = { match_all: {} }
const terms = (field: string, ...values: unknown[]) => ({ bool: { filter: [{ terms: { [field]: values } }] } })
const textTerms = (field: string, ...values: unknown[]) => ({ bool: { filter: [{ bool: { should: [{ terms: { [field]: values } }, { term: { _ignored: field } }] } }] } })
const range = (field: string, bounds: object) => ({ bool: { filter: [{ range: { [field]: bounds } }] } })

test('a mapping says the type of each column; what has no counterpart is JSON', () => {
  expect(columns.map(({ name, type, nullable }) => `${name} ${type}${nullable ? '' : '!'}`)).toEqual([
    '_id String!', 'at DateTime', 'big Long', 'both String', 'code String', 'd Float', 'day Date', 'f Float', 'folded String', 'hidden String', 'ip String', 'mixed DateTime', 'n Int', 'ns DateTime', 'o JSON', 'ok Boolean', 'other Long', 'place JSON', 'words String',
  ])
})

test.each<[string, Filter, object | undefined]>([
  ['nothing', { and: [] }, every],
  ['a key', among('_id', ['a', 'b', null]), { bool: { filter: [{ ids: { values: ['a', 'b'] } }] } }],
  ['an equal text, or one too long for the index', compare('code', 'eq', 'x'), textTerms('code', 'x')],
  ['an equal text through the unanalysed part of an analysed one', compare('both', 'eq', 'x'), textTerms('both.raw', 'x')],
  ['an analysed text', compare('words', 'eq', 'x'), every],
  ['a text that is folded before it is compared', compare('folded', 'eq', 'x'), every],
  ['a field that is not searchable', compare('hidden', 'eq', 'x'), every],
  ['an order of texts, which is another there', compare('code', 'gt', 'x'), every],
  ['patterns', { and: [compare('code', 'like', 'x%'), compare('code', 'startsWith', 'x')] }, every],
  ['half a character, which is in no document', compare('code', 'eq', '\ud800'), undefined],
  ['a whole number', among('n', [1, 4_000_000_000, 1.5, 2]), terms('n', '1', '2')],
  ['a number beyond its type', compare('n', 'eq', 4_000_000_000), undefined],
  ['a 64-bit number, exact', compare('big', 'eq', 9_007_199_254_740_993n), terms('big', '9007199254740993')],
  ['null', compare('n', 'eq', null), undefined],
  ['an empty list', among('code', []), undefined],
  ['a range, its end included', compare('n', 'gt', 1), range('n', { gte: '1' })],
  ['a range beyond the type', compare('n', 'lt', 1e20), every],
  ['a double', compare('d', 'eq', 0.1), terms('d', 0.1)],
  ['zero, of which there are two', { and: [compare('d', 'eq', 0), compare('d', 'gte', 0)] }, every],
  ['a float, which is rounded there', compare('f', 'eq', 0.1), every],
  ['true', compare('ok', 'eq', true), terms('ok', true)],
  ['an instant', compare('at', 'eq', '2024-01-01T00:00:00.5Z'), range('at', { gte: '2024-01-01T00:00:00.5Z', lte: '2024-01-01T00:00:00.5Z', format: 'strict_date_optional_time_nanos' })],
  ['an instant before date_nanos begin', compare('ns', 'lt', '1969-01-01T00:00:00Z'), every],
  ['a day', compare('day', 'lte', '2024-01-31'), range('day', { lte: '2024-01-31', format: 'uuuu-MM-dd' })],
  ['an address', compare('ip', 'eq', '10.0.0.1'), textTerms('ip', '10.0.0.1')],
  ['what is no address', compare('ip', 'eq', '10.0.0.0/8'), undefined],
  ['an alias of a field within an object', compare('other', 'eq', 7), terms('other', '7')],
  ['presence', { column: 'n', op: 'isNull', value: false }, { bool: { filter: [{ bool: { should: [{ exists: { field: 'n' } }, { term: { _ignored: 'n' } }] } }] } }],
  ['absence, and what stands below or and not', { and: [{ column: 'n', op: 'isNull', value: true }, { or: [compare('n', 'eq', 1), compare('code', 'eq', 'x')] }, { not: compare('n', 'eq', 1) }, compare('n', 'ne', 1)] }, every],
  ['several at once', { and: [compare('n', 'gte', 1), { and: [compare('ok', 'eq', false)] }] }, { bool: { filter: [{ range: { n: { gte: '1' } } }, { terms: { ok: [false] } }] } }],
])('of a filter Elasticsearch is asked: %s', (_, filter, query) => {
  expect(queryFor(filter, columns)).toEqual(query)
})
