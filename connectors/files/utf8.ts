import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'

/** The first byte that is not UTF-8. */
export interface NotUtf8 {
  /** From 0. */
  readonly byteOffset: number
  /** 1-based. */
  readonly line: number
}

/** Reads the file once; undefined: all of it is UTF-8. */
export async function findNotUtf8(path: string): Promise<NotUtf8 | undefined> {
  let rest: Buffer = Buffer.alloc(0)
  let offset = 0
  let line = 1
  for await (const read of createReadStream(path, { highWaterMark: 1 << 20 })) {
    const chunk: Buffer = rest.length === 0 ? read : Buffer.concat([rest, read])
    const whole = chunk.length - unfinished(chunk)
    const part = chunk.subarray(0, whole)
    if (!isUtf8(part)) return locateIn(part, offset, line)
    line += newlines(part, part.length)
    offset += whole
    rest = chunk.subarray(whole)
  }
  return rest.length > 0 ? { byteOffset: offset, line } : undefined
}

/** How many bytes at the end begin a character that the next chunk may finish. */
function unfinished(chunk: Buffer): number {
  for (let back = 1; back <= Math.min(3, chunk.length); back++) {
    const byte = chunk[chunk.length - back] ?? 0
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0
    if (byte < 0x80) return 0
  }
  return 0
}

/** The longest valid start, by halving. */
function locateIn(part: Buffer, offset: number, line: number): NotUtf8 {
  let valid = 0
  let invalid = part.length
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >> 1
    const start = part.subarray(0, middle)
    if (isUtf8(start.subarray(0, middle - unfinished(start)))) valid = middle
    else invalid = middle
  }
  const start = part.subarray(0, valid)
  const at = valid - unfinished(start)
  return { byteOffset: offset + at, line: line + newlines(part, at) }
}

function newlines(part: Buffer, end: number): number {
  let count = 0
  for (let at = part.indexOf(10); at >= 0 && at < end; at = part.indexOf(10, at + 1)) count += 1
  return count
}
