import { list } from './binary/metadata.ts'
import { code } from './wire/codes.ts'
import type { Reader } from './wire/reader.ts'
import { readUuid } from './wire/uuid.ts'
import type { Writer } from './wire/writer.ts'

/** The node that holds each partition first, by partition number. */
export type PartitionOwners = readonly string[]

/**
 * OP_CACHE_PARTITIONS request: custom mappings bool (this feature bit is set in our handshake), int32 count × cache id int32.
 */
export function writePartitionsRequest(writer: Writer, ...cacheIds: readonly number[]): void {
  writer.bool(false)
  writer.i32(cacheIds.length)
  for (const id of cacheIds) writer.i32(id)
}

/**
 * Answer:
 *   version   int64 + int32
 *   groups    int32 count × (
 *     applicable  bool       false: the affinity is a program of the user's, which nobody can follow
 *     caches      int32 count × (cache id int32, if applicable int32 count × (key type id int32, affinity field id int32))
 *     if applicable: nodes int32 count × (node id UUID with type byte, int32 count × partition int32), default affinity bool )
 * Undefined: the cache's keys cannot be followed.
 */
export function readPartitions(reader: Reader, cacheId: number): PartitionOwners | undefined {
  reader.i64()
  reader.i32()
  let found: PartitionOwners | undefined
  list(reader, () => {
    const applicable = reader.bool()
    const caches = list(reader, () => {
      const id = reader.i32()
      if (applicable) list(reader, () => [reader.i32(), reader.i32()])
      return id
    })
    if (!applicable) return
    const owners: string[] = []
    list(reader, () => {
      const node = reader.u8() === code.null ? '' : readUuid(reader)
      for (const partition of list(reader, () => reader.i32())) owners[partition] = node
    })
    reader.bool()
    if (caches.includes(cacheId)) found = owners
  })
  return found
}

/** Whether the node has taken its place among the others: before that the version in the answer is below 1. */
export function readSettled(reader: Reader): boolean {
  return reader.i64() > 0n
}

/** The partition of a key with this Java hash, under Ignite's rendezvous affinity. */
export function partitionOf(hash: number, partitions: number): number {
  if ((partitions & (partitions - 1)) === 0) return (hash ^ (hash >>> 16)) & (partitions - 1)
  return Math.abs(hash % partitions)
}
