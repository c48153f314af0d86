/** An object, or a pattern of objects, of a bucket. */
export interface BucketPath {
  readonly bucket: string
  /** Without the slash in front; empty where the whole bucket is meant. */
  readonly key: string
}

/** A path of `s3://BUCKET/KEY`, or of `s3a://`, which is the same; undefined: it is another. */
export function bucketPath(path: string): BucketPath | undefined {
  const [, bucket, key = ''] = /^s3a?:\/\/([A-Za-z0-9][A-Za-z0-9._-]*)(?:\/(.*))?$/isu.exec(path) ?? []
  return bucket === undefined ? undefined : { bucket, key }
}
