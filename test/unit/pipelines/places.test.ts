import { catalogTable } from '../../../gateway/pipelines/places.ts'
import type { Source } from '../../../schema/catalog.ts'

const sources: readonly Source[] = [
  { type: 'sqlite', name: 'service', file: '/srv/data/applications/crm/service.sqlite' },
  { type: 'files', name: 'exports', root: '/srv/data/applications/crm/out' },
  { type: 'files', name: 'named', root: '/srv/data/applications', tables: { orders: { file: 'shop/out/orders.csv' } } },
  { type: 'postgresql', name: 'ops', connection: { url: 'postgresql://u:p@db/ops' }, schema: 'public' },
  { type: 'elasticsearch', name: 'search', urls: ['http://es:9200'] },
  { type: 'postgresql', name: 'far', connection: { host: 'far', port: 5433, database: 'dw' }, schema: 'mart' },
  { type: 's3', name: 'landing', bucket: 'acme', prefix: 'crm/in' },
  { type: 's3', name: 'given', bucket: 'given', tables: { orders: { file: 'out/orders.csv' } } },
]

test.each([
  ['sqlite', 'crm/service.sqlite/customer', 'service.customer'],
  ['sqlite', 'crm/other.sqlite/customer', undefined],
  ['file', 'crm/out/report.csv', 'exports.report'],
  ['file', 'crm/out/2026/report.csv', undefined],
  ['file', 'shop/out/orders.csv', 'named.orders'],
  ['postgresql://db:5432', 'ops.public.customer', 'ops.customer'],
  ['postgresql://db:5432', 'ops.other.customer', undefined],
  ['postgresql://far:5433', 'dw.mart.sales', 'far.sales'],
  ['postgresql://far:5432', 'dw.mart.sales', undefined],
  ['elasticsearch', 'search/customers', 'search.customers'],
  ['elasticsearch', 'searches/customers', undefined],
  ['s3://acme', 'crm/in/report.csv', 'landing.report'],
  ['s3://acme', 'crm/in/deep/report.csv', undefined],
  ['s3://acme', 'crm/inner.csv', undefined],
  ['s3://acme2', 'crm/in/report.csv', undefined],
  ['s3://given', 'out/orders.csv', 'given.orders'],
  ['s3://given', 'out/other.csv', undefined],
  ['lake', 'crm/staging.a', undefined],
])('D-108 %s %s is %s in the catalog', (namespace, name, table) => {
  expect(catalogTable(sources, { folder: '/srv/config' }, { kind: 'TABLE', namespace, name, columns: [] })).toBe(table)
})

test.each([
  ['file', 'out/orders.csv', 'given.orders'],
  ['file', 'crm/out/report.csv', undefined],
  ['sqlite', 'crm/service.sqlite/customer', 'service.customer'],
])('D-108 where the data of applications is in a bucket, %s %s is %s', (namespace, name, table) => {
  expect(catalogTable(sources, { folder: '/srv/config', dataSource: 'given' }, { kind: 'TABLE', namespace, name, columns: [] })).toBe(table)
})
