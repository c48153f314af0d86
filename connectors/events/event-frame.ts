import type { NewEvent, StoredEvent } from '../ports/event-log.ts'

/**
 * An event as a partition's segments hold it:
 *   appendedAtMs  : float64 LE
 *   keyLength     : int32 LE    -1: no key
 *   headersLength : uint32 LE   0: no headers
 *   key           : UTF-8
 *   headers       : UTF-8, a JSON object
 *   value         : the rest
 */
const fixedBytes = 16

export function encodeEvent({ key, headers, value }: NewEvent, appendedAtMs: number): Buffer {
  const keyBytes = key === undefined ? undefined : Buffer.from(key)
  const headerBytes = Buffer.from(headers === undefined ? '' : JSON.stringify(headers))
  const bytes = Buffer.allocUnsafe(fixedBytes + (keyBytes?.length ?? 0) + headerBytes.length + value.length)
  bytes.writeDoubleLE(appendedAtMs, 0)
  bytes.writeInt32LE(keyBytes?.length ?? -1, 8)
  bytes.writeUInt32LE(headerBytes.length, 12)
  if (keyBytes) bytes.set(keyBytes, fixedBytes)
  bytes.set(headerBytes, fixedBytes + (keyBytes?.length ?? 0))
  bytes.set(value, bytes.length - value.length)
  return bytes
}

export function decodeEvent(bytes: Buffer, partition: number, offset: number): StoredEvent {
  const keyLength = bytes.readInt32LE(8)
  const headersAt = fixedBytes + Math.max(0, keyLength)
  const valueAt = headersAt + bytes.readUInt32LE(12)
  return {
    partition,
    offset,
    appendedAtMs: appendedAt(bytes),
    ...(keyLength >= 0 && { key: bytes.toString('utf8', fixedBytes, headersAt) }),
    ...(valueAt > headersAt && { headers: JSON.parse(bytes.toString('utf8', headersAt, valueAt)) as Record<string, string> }),
    value: bytes.subarray(valueAt),
  }
}

export function appendedAt(bytes: Buffer): number {
  return bytes.readDoubleLE(0)
}
