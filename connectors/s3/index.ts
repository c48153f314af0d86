import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HubError } from '../../schema/errors.ts'
import type { DuckDatabase } from '../duckdb/database.ts'
import { type FilesConnector, openFileTables } from '../files/index.ts'
import { parsedOptions } from '../files/options.ts'
import { s3Client } from './client.ts'
import { defaultMaxObjectBytes, type S3Options } from './options.ts'
import { s3Place } from './place.ts'

/**
 * Objects of a bucket as tables of the given DuckDB, which outlives the source; as `openFiles` has them of a folder. An object is read in ranges when it is first needed,
 * and again when its etag is another; while it is read it lies in a temporary folder. Nothing is asked of the store at the opening.
 */
export async function openS3(given: S3Options & { name: string; database: DuckDatabase }): Promise<FilesConnector> {
  const { name, database, bucket, prefix = '', endpoint, region = 'us-east-1', accessKeyId, secretAccessKey, sessionToken, maxObjectBytes = defaultMaxObjectBytes, format, tables, quarantineLimit } = given
  const folder = await mkdtemp(join(tmpdir(), 'tributary-s3-'))
  const closing = new AbortController()
  const place = s3Place({
    source: name, bucket, folder, maxObjectBytes, signal: closing.signal,
    prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`,
    client: s3Client({ source: name, bucket, endpoint, region, accessKeyId, secretAccessKey, sessionToken }),
  })
  const files = await openFileTables({ name, type: 's3', database, place, options: parsedOptions({ root: '', format, tables, quarantineLimit }) })
  return {
    ...files,
    /** Reads of the store that are not at their end fail with UPSTREAM_UNAVAILABLE. */
    async close() {
      closing.abort(new HubError('UPSTREAM_UNAVAILABLE', `Source "${name}" was closed.`, { source: name }))
      await files.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
