import { open } from 'node:fs/promises'
import { merged, type Part } from '../scan/merge.ts'
import type { ObjectHead, S3Client } from './client.ts'

/** One range. */
const rangeBytes = 8 << 20

/** Writes an object of this etag into a new file, `width` ranges of it at the same time, each of 8 MiB in memory. Another one by now → UPSTREAM_UNAVAILABLE. */
export async function download(signal: AbortSignal, client: S3Client, key: string, { sizeBytes, etag }: Pick<ObjectHead, 'sizeBytes' | 'etag'>, path: string, width: number): Promise<void> {
  const target = await open(path, 'wx', 0o600)
  try {
    const parts = Array.from({ length: Math.ceil(sizeBytes / rangeBytes) }, (_, index): Part<number> => async function* (left) {
      const from = index * rangeBytes
      const bytes = await client.range(left, key, etag, from, Math.min(sizeBytes, from + rangeBytes) - 1)
      await target.write(bytes, 0, bytes.length, from)
      yield bytes.length
    })
    for await (const _ of merged(signal, parts, width));
  } finally {
    await target.close()
  }
}
