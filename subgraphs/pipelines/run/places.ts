import type { ObjectStore, RunObjects } from '../../../connectors/ports/object-store.ts'
import { HubError } from '../../../schema/errors.ts'
import { bucketPath } from '../bucket-path.ts'
import type { BucketUse, RunParts } from './parts.ts'

/** Where a path of a document leads. */
export interface Place {
  readonly objects: ObjectStore
  /** In that store. */
  readonly path: string
  /** A path of that store as documents say it. */
  readonly shown: (path: string) => string
}

/** Where the files of one run are: below the application's data, and in buckets, each opened when it is first needed. */
export class Places {
  readonly #parts: Pick<RunParts, 'objects' | 'release' | 'buckets'>
  readonly #opened = new Map<string, RunObjects>()

  constructor(parts: Pick<RunParts, 'objects' | 'release' | 'buckets'>) {
    this.#parts = parts
  }

  /** Of a path with its date in place: files that are read, or, of a target, the folder without a slash at its end. */
  async at(path: string, use: BucketUse): Promise<Place> {
    const object = bucketPath(path)
    if (!object) return { objects: this.#parts.objects, path: belowData(path), shown: own => own }
    const { buckets } = this.#parts
    if (!buckets) throw new HubError('VALIDATION_ERROR', `"${path}" is in a bucket, and buckets are those of a hub's catalog, which there is not here. Put the pipeline into the hub's folder and run it there, or name a path without a scheme.`)
    const { bucket } = object
    const key = use === 'write' && object.key !== '' ? `${object.key}/` : object.key
    if (key === '' && use === 'read') throw new HubError('VALIDATION_ERROR', `"${path}" is a bucket, and a source reads files of one: s3://${bucket}/*.csv are those at its top.`)
    const { source, prefix, open } = await buckets.find({ bucket, key }, use)
    const objects = this.#opened.get(source) ?? open()
    this.#opened.set(source, objects)
    return { objects, path: key.slice(prefix.length).replace(/\/$/, ''), shown: own => `s3://${bucket}/${prefix}${own}` }
  }

  async close(): Promise<void> {
    await Promise.all([this.#parts.release?.(), ...[...this.#opened.values()].map(objects => objects.close())])
  }
}

function belowData(path: string): string {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(path)?.[1]
  if (scheme !== undefined) throw new HubError('VALIDATION_ERROR', `"${path}" is of ${scheme}://, and runs read and write what is below the application's data, or in a bucket: s3://BUCKET/KEY. Name one of these.`)
  return path
}
