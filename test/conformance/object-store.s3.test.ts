import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openS3Objects } from '../../connectors/s3/object-store.ts'
import { conforms } from '../support/conformance.ts'
import { withEngine } from '../support/engines.ts'
import { openBucket, type S3Bucket } from '../support/s3.ts'
import { testScope } from '../support/scope.ts'
import { objectStoreChecks, type ObjectStoreSubject } from './object-store.ts'

withEngine('S3_ENDPOINT', 'S3', endpoint => {
  let bucket: S3Bucket
  let folder: string
  let subjects = 0

  beforeAll(async () => {
    bucket = await openBucket(endpoint)
    folder = await mkdtemp(join(tmpdir(), 'tributary-objects-'))
  })
  afterAll(async () => {
    await rm(folder, { recursive: true })
    await bucket.close()
  })

  conforms<ObjectStoreSubject>('S3 is an ObjectStore', objectStoreChecks, async () => {
    const objects = openS3Objects({ source: 'landing', ...bucket.reach, prefix: `some/of it ${++subjects}/`, folder, mostBytes: 1 << 30 })
    return { objects, scope: testScope(), close: () => objects.close() }
  })
})
