import { createReadStream } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Row } from '../../schema/values.ts'
import type { RegionDefinition } from '../ports/region-store.ts'
import { replaceFile } from '../segments/durable-file.ts'
import { decodeRow, encodeRow } from '../regions/record.ts'
import type { Entries } from './entries.ts'

/**
 * A checkpoint file, `checkpoint-<offset>`: JSON texts, one a line.
 *   first     CheckpointHead
 *   others    [region, tenant, key, version, createdAtMs, writtenAtMs, usedAtMs, row, longs?]
 *   last      {rows, crc}   count of the others, CRC-32 of all bytes above
 * Rows come in the order in which they are to be evicted. They are written while commits go on, so some may be newer than the offset, and come twice or not at all; the log from
 * the offset on brings every row to where it ends.
 */
export interface CheckpointHead {
  readonly format: 1
  readonly offset: number
  readonly versions: number
  /** Regions that are not durable, too: their rows are not here. */
  readonly definitions: readonly RegionDefinition[]
}

export interface CheckpointRow {
  readonly region: string
  readonly tenant: string
  readonly key: string
  readonly row: Row
  readonly version: number
  readonly createdAtMs: number
  readonly writtenAtMs: number
  readonly usedAtMs: number
}

type Line = [string, string, string, number, number, number, number, Row, string[]?]

const chunkBytes = 256 * 1024
const pattern = /^checkpoint-(\d{20})$/

/** Writes the entries of durable regions; `settled` must end when all commits that the file may show are durable. Answers the file's size. */
export async function writeCheckpoint(directory: string, head: CheckpointHead, regions: readonly Entries[], settled: () => Promise<void>): Promise<number> {
  let size = 0
  function* counted() {
    for (const chunk of chunks(head, regions)) {
      size += chunk.length
      yield chunk
    }
  }
  const name = `checkpoint-${String(head.offset).padStart(20, '0')}`
  await replaceFile(join(directory, name), counted(), settled)
  for (const other of await readdir(directory)) if (pattern.test(other) && other !== name) await rm(join(directory, other))
  return size
}

/** The newest whole checkpoint of a directory: its head, its size and its rows; undefined: none. */
export async function readCheckpoint(directory: string): Promise<{ head: CheckpointHead; bytes: number; rows: AsyncIterable<CheckpointRow> } | undefined> {
  const names = (await readdir(directory)).filter(name => pattern.test(name)).sort().reverse()
  for (const name of names) {
    const path = join(directory, name)
    const verified = await verify(path)
    if (verified) return { ...verified, rows: rowsOf(path) }
  }
  return undefined
}

function* chunks(head: CheckpointHead, regions: readonly Entries[]): Generator<Buffer> {
  let crc = 0
  let count = 0
  let text = `${JSON.stringify(head)}\n`
  const take = () => {
    const chunk = Buffer.from(text)
    crc = crc32(chunk, crc)
    text = ''
    return chunk
  }
  for (const entries of regions) {
    for (const id of [...entries.recency.ids()]) {
      const rows = entries.owner(id)
      if (!rows || entries.isFilled(id)) continue
      const { row, longs } = encodeRow(rows.rowOnce(id))
      const line = [entries.definition.name, rows.tenant, rows.key(id), entries.version(id), entries.createdAtMs(id), entries.writtenAtMs(id), entries.usedAtMs(id), row]
      text += `${JSON.stringify(longs ? [...line, longs] : line)}\n`
      count += 1
      if (text.length >= chunkBytes) yield take()
    }
  }
  yield take()
  yield Buffer.from(`${JSON.stringify({ rows: count, crc })}\n`)
}

async function verify(path: string): Promise<{ head: CheckpointHead; bytes: number } | undefined> {
  let crc = 0
  let bytes = 0
  let head: CheckpointHead | undefined
  let previous: string | undefined
  for await (const line of linesOf(path)) {
    if (previous !== undefined) {
      head ??= JSON.parse(previous) as CheckpointHead
      crc = crc32(`${previous}\n`, crc)
    }
    bytes += line.length + 1
    previous = line
  }
  if (!head || previous === undefined) return undefined
  const last = JSON.parse(previous) as { crc?: number }
  return last.crc === crc && head.format === 1 ? { head, bytes } : undefined
}

async function* rowsOf(path: string): AsyncGenerator<CheckpointRow> {
  let first = true
  for await (const line of linesOf(path)) {
    if (!first && line.startsWith('[')) {
      const [region, tenant, key, version, createdAtMs, writtenAtMs, usedAtMs, row, longs] = JSON.parse(line) as Line
      yield { region, tenant, key, version, createdAtMs, writtenAtMs, usedAtMs, row: decodeRow(row, longs) ?? row }
    }
    first = false
  }
}

async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: chunkBytes })) {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}
