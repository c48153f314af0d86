import type { Change, ChangeType } from '../../schema/change.ts'
import type { Row } from '../../schema/values.ts'
import type { RegionDefinition } from '../ports/region-store.ts'

/**
 * What one commit did, as it stands in the log: JSON texts, one a line, so that no commit is too long for one string.
 *   line 1     {at, resets?, define?, drop?, versions?}
 *   others     [type, region, tenant, key, version, createdAtMs, before, after, flags?]
 * A Long beyond the safe integers stands as text in its row and is named in `flags.before` or `flags.after`; `flags.silent` marks a row that came with a reset.
 */
export interface CommitRecord {
  readonly committedAtMs: number
  readonly changes: readonly StoredChange[]
  /** What recovery needs and readers are told of only by a reset. */
  readonly silent?: readonly StoredChange[]
  readonly resets?: readonly string[]
  readonly define?: readonly RegionDefinition[]
  readonly drop?: readonly string[]
  /** Versions below this may have been given to rows. */
  readonly versions?: number
}

export interface StoredChange extends Change {
  /** When the entry came to be; its writes since then do not move it. */
  readonly createdAtMs: number
}

interface Flags {
  before?: string[]
  after?: string[]
  silent?: true
}

type Line = [ChangeType, string, string, string, number, number, Row | null, Row | null, Flags?]

const newline = Buffer.from('\n')

export function encodeRecord(record: CommitRecord): Buffer {
  const { committedAtMs: at, resets, define, drop, versions } = record
  const lines = [JSON.stringify({ at, resets, define, drop, versions })]
  for (const change of record.changes) lines.push(encodeChange(change, false))
  for (const change of record.silent ?? []) lines.push(encodeChange(change, true))
  if (lines.length <= 1000) return Buffer.from(lines.join('\n'))

  const parts: Buffer[] = []
  for (let index = 0; index < lines.length; index += 1000) {
    if (index > 0) parts.push(newline)
    parts.push(Buffer.from(lines.slice(index, index + 1000).join('\n')))
  }
  return Buffer.concat(parts)
}

export function decodeRecord(bytes: Buffer): CommitRecord {
  const changes: StoredChange[] = []
  const silent: StoredChange[] = []
  let start = endOfLine(bytes, 0)
  const { at, ...head } = JSON.parse(bytes.toString('utf8', 0, start)) as { at: number } & Pick<CommitRecord, 'resets' | 'define' | 'drop' | 'versions'>
  while (start < bytes.length) {
    const end = endOfLine(bytes, start + 1)
    const [type, region, tenant, key, version, createdAtMs, before, after, flags] = JSON.parse(bytes.toString('utf8', start + 1, end)) as Line
    const change = { region, tenant, key, type, before: decodeRow(before, flags?.before), after: decodeRow(after, flags?.after), version, createdAtMs }
    ;(flags?.silent ? silent : changes).push(change)
    start = end
  }
  return { committedAtMs: at, changes, silent, ...head }
}

/** A row as JSON can hold it, and the columns whose whole numbers had to become texts. */
export function encodeRow(row: Row | null): { row: Row | null; longs: string[] | undefined } {
  let longs: string[] | undefined
  for (const column in row) {
    if (typeof row[column] !== 'bigint') continue
    longs ??= []
    longs.push(column)
  }
  if (!longs || !row) return { row, longs }
  return { row: { ...row, ...Object.fromEntries(longs.map(column => [column, String(row[column])])) }, longs }
}

export function decodeRow(row: Row | null, longs: readonly string[] | undefined): Row | null {
  if (!row || !longs) return row
  return { ...row, ...Object.fromEntries(longs.map(column => [column, BigInt(String(row[column]))])) }
}

function encodeChange(change: StoredChange, silent: boolean): string {
  const before = encodeRow(change.before)
  const after = encodeRow(change.after)
  const line: Line = [change.type, change.region, change.tenant, change.key, change.version, change.createdAtMs, before.row, after.row]
  if (before.longs || after.longs || silent) line.push({ before: before.longs, after: after.longs, ...(silent && { silent }) })
  return JSON.stringify(line)
}

function endOfLine(bytes: Buffer, from: number): number {
  const found = bytes.indexOf(10, from)
  return found < 0 ? bytes.length : found
}
