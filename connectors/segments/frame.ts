import { crc32 } from 'node:zlib'

/**
 * One frame in a segment file:
 *   crc     : uint32 LE   CRC-32 of everything behind it in the frame
 *   length  : uint32 LE   bytes of payload, at least 1; the top bit set: the next frame belongs to the same group
 *   payload : byte × length
 * A group is one frame or several that count together or not at all. Four zero bytes where a length would stand are the end of what was written.
 */
export const headerBytes = 8
const goesOn = 0x8000_0000

export interface Frame {
  readonly payload: Buffer
  /** Whether the group is complete with this frame. */
  readonly last: boolean
  /** Where the next frame begins. */
  readonly next: number
}

/** Why there is no frame: nothing was written here, the bytes at hand stop inside it, or they are not what was written. */
export type NoFrame = 'end' | 'partial' | 'corrupt'

/** The frames of one group, one behind the other. An empty payload is not representable and refused. */
export function encodeGroup(payloads: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.allocUnsafe(payloads.reduce((sum, payload) => sum + headerBytes + payload.length, 0))
  let position = 0
  for (const [index, payload] of payloads.entries()) {
    if (payload.length === 0 || payload.length >= goesOn) throw new RangeError(`A frame holds 1 to ${goesOn - 1} bytes, not ${payload.length}.`)
    bytes.writeUInt32LE(payload.length + (index < payloads.length - 1 ? goesOn : 0), position + 4)
    bytes.set(payload, position + headerBytes)
    const end = position + headerBytes + payload.length
    bytes.writeUInt32LE(crc32(bytes.subarray(position + 4, end)), position)
    position = end
  }
  return bytes
}

/** The frame that begins at a position; its payload is a view of the bytes given. */
export function frameAt(bytes: Buffer, position: number): Frame | NoFrame {
  if (position + headerBytes > bytes.length) return 'partial'
  const word = bytes.readUInt32LE(position + 4)
  if (word === 0) return bytes.readUInt32LE(position) === 0 ? 'end' : 'corrupt'

  const length = word >= goesOn ? word - goesOn : word
  const next = position + headerBytes + length
  if (next > bytes.length) return 'partial'
  if (crc32(bytes.subarray(position + 4, next)) !== bytes.readUInt32LE(position)) return 'corrupt'
  return { payload: bytes.subarray(position + headerBytes, next), last: word < goesOn, next }
}
