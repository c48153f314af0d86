import { bytesOf, grantedBucket } from '../../../gateway/pipelines/buckets.ts'
import type { S3Source } from '../../../schema/catalog.ts'
import { asHubError } from '../../../schema/errors.ts'

const of = (name: string, bucket: string, more: Partial<S3Source> = {}): S3Source => ({ type: 's3', name, bucket, endpoint: 'http://s3', accessKeyId: 'AKIA', secretAccessKey: 'never-shown', ...more })
const sources = [
  of('landing', 'acme-landing', { prefix: 'crm', applications: { crm: 'write', shop: 'read' } }),
  of('raw', 'acme-landing', { prefix: 'crm/raw/', applications: { crm: 'read' } }),
  of('open', 'acme-open', { applications: { crm: 'read', shop: 'read' } }),
  of('silent', 'acme-silent'),
  of('here', 'twice', { applications: { crm: 'read' } }),
  of('there', 'twice', { endpoint: 'http://other', prefix: 'in', applications: { crm: 'read' } }),
  of('again', 'acme-open', { tables: { a: { file: 'a.csv' } }, applications: { crm: 'read' } }),
]

const found = (application: string, use: 'read' | 'write', bucket: string, key: string) => {
  try {
    return grantedBucket(sources, application, { bucket, key }, use).name
  } catch (error) {
    const { code, message } = asHubError(error)
    expect(message).not.toContain('never-shown')
    return `${code} ${message}`
  }
}

test.each([
  ['crm', 'read', 'acme-landing', 'crm/in/*.csv', 'landing'],
  ['crm', 'write', 'acme-landing', 'crm/', 'landing'],
  ['crm', 'read', 'acme-landing', 'crm/raw/*.csv', 'raw'],
  ['crm', 'write', 'acme-landing', 'crm/raw/', 'landing'],
  ['crm', 'read', 'acme-open', '*', 'open'],
  ['shop', 'read', 'acme-landing', 'crm/a.csv', 'landing'],
  ['shop', 'write', 'acme-landing', 'crm/', 'FORBIDDEN Application "shop" may not write "crm/" of bucket "acme-landing". Where it should, write "applications: { shop: write }" at source "landing" or "raw" of the catalog.'],
  ['crm', 'read', 'acme-landing', 'shop/a.csv', 'FORBIDDEN Application "crm" may not read "shop/a.csv" of bucket "acme-landing". What it may read there begins with "crm/" or "crm/raw/".'],
  ['crm', 'read', 'acme-landing', '**/a.csv', 'FORBIDDEN Application "crm" may not read "**/a.csv" of bucket "acme-landing". What it may read there begins with "crm/" or "crm/raw/".'],
  ['crm', 'read', 'acme-landing', 'crm*/a.csv', 'FORBIDDEN Application "crm" may not read "crm*/a.csv" of bucket "acme-landing". What it may read there begins with "crm/" or "crm/raw/".'],
  ['crm', 'read', 'acme-silent', 'a.csv', 'FORBIDDEN Application "crm" may not read "a.csv" of bucket "acme-silent". Where it should, write "applications: { crm: read }" at source "silent" of the catalog.'],
  ['toString', 'read', 'acme-open', 'a.csv', 'FORBIDDEN Application "toString" may not read "a.csv" of bucket "acme-open". Where it should, write "applications: { toString: read }" at source "open" or "again" of the catalog.'],
  ['crm', 'read', 'acme-lamding', 'a.csv', 'VALIDATION_ERROR No source of type s3 in the catalog has a bucket "acme-lamding". Did you mean "acme-landing"?'],
  ['crm', 'write', 'other', 'a', 'VALIDATION_ERROR No source of type s3 in the catalog has a bucket "other". "crm" may write acme-landing.'],
  ['hr', 'read', 'acme-lamding', 'a.csv', 'VALIDATION_ERROR No source of type s3 in the catalog has a bucket "acme-lamding".'],
  ['crm', 'read', 'twice', 'a.csv', 'here'],
  ['crm', 'read', 'twice', 'in/a.csv', 'VALIDATION_ERROR Bucket "twice" is one of "there" and another of "here", at two stores, and "crm" may read both. Take the application out of one of them.'],
] as const)('D-94 %s may %s %s/%s by %s', (application, use, bucket, key, source) => {
  expect(found(application, use, bucket, key)).toBe(source)
})

test.each([['50GB', 50e9], ['1.5 GiB', 1.5 * 2 ** 30], ['100MB', 100e6], ['2TiB', 2 * 2 ** 40]])('%s are %d bytes', (size, bytes) => {
  expect(bytesOf(size)).toBe(bytes)
})
