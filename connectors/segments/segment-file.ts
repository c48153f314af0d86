import { constants } from 'node:fs'
import { type FileHandle, open, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { HubError } from '../../schema/errors.ts'
import { syncDirectory } from './durable-file.ts'
import { frameAt } from './frame.ts'

/** Bytes between two remembered places of a segment: what a read at most walks over before its first frame. */
const markEvery = 16 * 1024
const readBytes = 256 * 1024
const zeros = Buffer.alloc(1024 * 1024)
const writeDurably = constants.O_DSYNC ?? 0

/** A segment: frames of contiguous offsets from `base` on. `used` is where the next frame goes. */
export interface Segment {
  readonly base: number
  readonly path: string
  used: number
  /** Places of some frames, ascending, the first of all included; absent until somebody reads a segment of an earlier process. */
  marks: Mark[] | undefined
}

export interface Mark {
  readonly offset: number
  readonly position: number
}

export function segmentPath(directory: string, base: number): string {
  return join(directory, `${String(base).padStart(20, '0')}.log`)
}

/** Makes a segment file under its final name. `spare` is a file with its space already taken, else one is made. */
export async function createSegment(directory: string, base: number, preallocateBytes: number, spare?: string): Promise<Segment> {
  const path = segmentPath(directory, base)
  await rename(spare ?? (await createSpare(directory, preallocateBytes)), path)
  await syncDirectory(directory)
  return { base, path, used: 0, marks: [] }
}

/** A file of zeros: writing into space the file already has costs half of growing it, since its size need not be made durable each time. */
export async function createSpare(directory: string, bytes: number): Promise<string> {
  const path = join(directory, 'spare')
  const handle = await open(path, 'w')
  try {
    await fillZeros(handle, 0, bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
  return path
}

/** Opens for writing so that a finished write is a durable one. */
export async function openForWriting(segment: Segment): Promise<FileHandle> {
  return open(segment.path, constants.O_RDWR | writeDurably)
}

/** Writes all bytes at a place and ends when they are durable. */
export async function writeAt(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let written = 0
  while (written < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written)
    written += bytesWritten
  }
  if (writeDurably === 0) await handle.datasync()
}

/**
 * Opens the newest segment of an earlier process: finds the end of its last whole group and cuts what a crash left behind it. What is cut was never
 * answered as durable. The cut bytes become zeros: a later frame of the same length must not bring an old one back. Answers the next offset and the bytes cut.
 */
export async function recoverSegment(directory: string, base: number, preallocateBytes: number): Promise<{ segment: Segment; end: number; cutBytes: number }> {
  const path = segmentPath(directory, base)
  const handle = await open(path, 'r+')
  try {
    const bytes = await handle.readFile()
    const marks: Mark[] = []
    let position = 0
    let offset = base
    let used = 0
    let end = base
    for (let frame = frameAt(bytes, 0); typeof frame === 'object'; frame = frameAt(bytes, position)) {
      mark(marks, offset, position)
      offset += 1
      position = frame.next
      if (frame.last) {
        used = position
        end = offset
      }
    }
    const cutBytes = lastByte(bytes) + 1 - used
    if (cutBytes > 0) await handle.truncate(used)
    await fillZeros(handle, cutBytes > 0 ? used : bytes.length, preallocateBytes)
    await handle.sync()
    return { segment: { base, path, used, marks: marks.filter(place => place.offset < end) }, end, cutBytes: Math.max(0, cutBytes) }
  } finally {
    await handle.close()
  }
}

/** Remembers a place when the last one remembered is far enough away. */
export function mark(marks: Mark[], offset: number, position: number): void {
  const last = marks.at(-1)
  if (!last || position - last.position >= markEvery) marks.push({ offset, position })
}

/** Payloads from `from` on and before `end`, at most `limit` and about `maxBytes`, at least one. A frame that cannot be read → INTERNAL with its place. */
export async function readSegment(segment: Segment, from: number, end: number, limit: number, maxBytes: number): Promise<Buffer[]> {
  const handle = await open(segment.path, 'r')
  try {
    if (!segment.marks) segment.marks = await indexSegment(handle, segment, end)
    const start = segment.marks.findLast(place => place.offset <= from)
    if (!start) throw damaged(segment, segment.base)

    const found: Buffer[] = []
    let size = 0
    await walk(handle, start.position, (payload, index) => {
      const offset = start.offset + index
      if (offset >= from) {
        found.push(payload)
        size += payload.length
      }
      return offset + 1 < end && found.length < limit && size < maxBytes
    })
    if (found.length === 0) throw damaged(segment, from)
    return found
  } finally {
    await handle.close()
  }
}

/** Gives back the space a closed segment did not need. */
export async function shrinkSegment(segment: Segment, handle: FileHandle): Promise<void> {
  await handle.truncate(segment.used)
  await handle.close()
}

export async function deleteSegment(segment: Segment): Promise<void> {
  await unlink(segment.path)
  await syncDirectory(dirname(segment.path))
}

async function indexSegment(handle: FileHandle, segment: Segment, end: number): Promise<Mark[]> {
  const marks: Mark[] = []
  let offset = segment.base
  await walk(handle, 0, (_payload, _index, position) => {
    mark(marks, offset, position)
    offset += 1
    return offset < end
  })
  if (offset < end) throw damaged(segment, offset)
  return marks
}

/** Visits frames from a position on until the visitor answers false or there are no more whole ones. */
async function walk(handle: FileHandle, start: number, visit: (payload: Buffer, index: number, position: number) => boolean): Promise<void> {
  const { size } = await handle.stat()
  let chunkAt = start
  let want = readBytes
  let index = 0
  for (;;) {
    const chunk = Buffer.allocUnsafe(Math.min(want, size - chunkAt))
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, chunkAt)
    const bytes = chunk.subarray(0, bytesRead)
    let position = 0
    let frame = frameAt(bytes, 0)
    for (; typeof frame === 'object'; frame = frameAt(bytes, position)) {
      const more = visit(frame.payload, index, chunkAt + position)
      index += 1
      position = frame.next
      if (!more) return
    }
    if (frame !== 'partial' || chunkAt + bytesRead >= size) return
    chunkAt += position
    want = position > 0 ? readBytes : want * 2
  }
}

function damaged(segment: Segment, offset: number): HubError {
  const file = segment.path.slice(segment.path.lastIndexOf('/') + 1)
  return new HubError('INTERNAL', `Entry ${offset} of segment "${file}" cannot be read: the file was damaged after it was written. Restore it from a copy.`, { file, offset })
}

async function fillZeros(handle: FileHandle, from: number, to: number): Promise<void> {
  for (let position = from; position < to; position += zeros.length) {
    await handle.write(zeros, 0, Math.min(zeros.length, to - position), position)
  }
}

function lastByte(bytes: Buffer): number {
  let index = bytes.length - 1
  while (index >= 0 && bytes[index] === 0) index -= 1
  return index
}
