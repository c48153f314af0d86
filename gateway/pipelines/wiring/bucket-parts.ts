import { openLake } from '../../../connectors/lake/index.ts'
import type { ObjectStore, RunObjects } from '../../../connectors/ports/object-store.ts'
import { openS3Objects } from '../../../connectors/s3/object-store.ts'
import type { S3Source } from '../../../schema/catalog.ts'
import { HubError } from '../../../schema/errors.ts'
import { didYouMean } from '../../../schema/names.ts'
import type { Buckets, RunParts } from '../../../subgraphs/pipelines/run/parts.ts'
import { grantedBucket, keyPrefix } from '../buckets.ts'

export interface BucketParts {
  readonly sources: () => Promise<readonly S3Source[]>
  /** For objects that a run reads. */
  readonly folder: string
  readonly mostBytes: number
}

/** What pipelines of an application may use of the catalog's buckets. */
export function bucketsOf(application: string, { sources, ...here }: BucketParts): Buckets {
  return {
    async find(path, use) {
      const found = grantedBucket(await sources(), application, path, use)
      const prefix = keyPrefix(found)
      return { source: found.name, prefix, open: () => openObjects(found, prefix, here) }
    },
  }
}

/** The data of an application in a bucket, and its lake with it, for one run. */
export async function dataIn(name: string, application: string, { sources, ...here }: BucketParts): Promise<Pick<RunParts, 'objects' | 'lake' | 'release'>> {
  const all = await sources()
  const found = all.find(source => source.name === name)
  if (!found) {
    // A run has to begin to be able to end with that.
    const objects = refusing(new HubError('VALIDATION_ERROR', `pipelines.dataSource is "${name}", and there is no source of type s3 of that name in the catalog.${didYouMean(name, all.map(source => source.name))}`))
    return { objects, lake: openLake(objects) }
  }
  const objects = openObjects(found, `${keyPrefix(found)}${application}/`, here)
  return { objects, lake: openLake(objects), release: () => objects.close() }
}

function refusing(error: HubError): ObjectStore {
  const refuse = async () => { throw error }
  return { find: refuse, read: refuse, slice: refuse, local: refuse, scratch: refuse, put: refuse, create: refuse, remove: refuse }
}

function openObjects({ name: source, bucket, endpoint, region, accessKeyId, secretAccessKey, sessionToken }: S3Source, prefix: string, here: Omit<BucketParts, 'sources'>): RunObjects {
  return openS3Objects({ source, bucket, endpoint, region, accessKeyId, secretAccessKey, sessionToken, prefix, ...here })
}
