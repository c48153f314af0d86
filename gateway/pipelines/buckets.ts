import type { S3Source } from '../../schema/catalog.ts'
import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import type { BucketPath, BucketUse } from './wiring/index.ts'

const includes: Readonly<Record<BucketUse, readonly BucketUse[]>> = { read: ['read', 'write'], write: ['write'] }

/** The source that what a path names is in, of those that grant the application such a use the one that says most of the key. None of the bucket → VALIDATION_ERROR; none that grants it → FORBIDDEN. */
export function grantedBucket(sources: readonly S3Source[], application: string, { bucket, key }: BucketPath, use: BucketUse): S3Source {
  const may = ({ applications }: S3Source, wanted: BucketUse) => {
    const given = applications && Object.hasOwn(applications, application) ? applications[application] : undefined
    return given !== undefined && includes[wanted].includes(given)
  }
  const ofBucket = sources.filter(source => source.bucket === bucket)
  if (ofBucket.length === 0) {
    const others = [...new Set(sources.filter(source => may(source, use)).map(source => source.bucket))]
    throw new HubError('VALIDATION_ERROR', `No source of type s3 in the catalog has a bucket "${bucket}".${didYouMean(bucket, others) || (others.length > 0 ? ` "${application}" may ${use} ${others.join(', ')}.` : '')}`, { bucket })
  }
  const covering = ofBucket.filter(source => may(source, use) && key.startsWith(keyPrefix(source))).sort((a, b) => keyPrefix(b).length - keyPrefix(a).length)
  const [first] = covering
  if (!first) throw new HubError('FORBIDDEN', `Application "${application}" may not ${use} "${key}" of bucket "${bucket}".${wayOut(ofBucket.filter(source => may(source, use)), ofBucket, application, use)}`, { bucket, application })
  const elsewhere = covering.find(({ endpoint }) => endpoint !== first.endpoint)
  if (elsewhere) throw new HubError('VALIDATION_ERROR', `Bucket "${bucket}" is one of "${first.name}" and another of "${elsewhere.name}", at two stores, and "${application}" may ${use} both. Take the application out of one of them.`, { bucket })
  return first
}

function wayOut(granted: readonly S3Source[], ofBucket: readonly S3Source[], application: string, use: BucketUse): string {
  if (granted.length > 0) return ` What it may ${use} there begins with ${granted.map(source => `"${keyPrefix(source)}"`).join(' or ')}.`
  return ` Where it should, write "applications: { ${application}: ${use} }" at source ${ofBucket.map(({ name }) => `"${name}"`).join(' or ')} of the catalog.`
}

/** What the keys of its objects begin with: ends with `/`, or is empty. */
export function keyPrefix({ prefix = '' }: S3Source): string {
  return prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
}

/** Of `50GB` or `1.5 GiB`. */
export function bytesOf(size: string): number {
  const [, count = '', unit = ''] = /^([\d.]+)\s?(\w+)$/.exec(size) ?? []
  const power = 'MGT'.indexOf(unit.charAt(0)) + 2
  return Math.floor(Number(count) * (unit.includes('i') ? 1024 : 1000) ** power)
}
