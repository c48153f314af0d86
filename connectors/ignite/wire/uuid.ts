import { HubError } from '../../../schema/errors.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/* A UUID behind its type byte: its two halves as int64, the upper half first, each little-endian. */

/** Position in the 16 bytes for every pair of hex digits of the text; -1 stands for a dash. */
export const uuidOrder: readonly number[] = [7, 6, 5, 4, -1, 3, 2, -1, 1, 0, -1, 15, 14, -1, 13, 12, 11, 10, 9, 8]

const hexOf: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

export function writeUuid(writer: Writer, text: string): void {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) throw new HubError('VALIDATION_ERROR', `"${text}" is not a UUID such as "123e4567-e89b-12d3-a456-426614174000".`)
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex')
  bytes.subarray(0, 8).reverse()
  bytes.subarray(8).reverse()
  writer.raw(bytes)
}

/** In lower case. */
export function readUuid(reader: Reader): string {
  const { buffer, at } = reader
  reader.at = at + 16
  let text = ''
  for (let index = 0; index < uuidOrder.length; index++) {
    const place = uuidOrder[index]!
    text += place < 0 ? '-' : hexOf[buffer[at + place]!]!
  }
  return text
}
