import { open } from 'node:fs/promises'
import { constants, gunzipSync } from 'node:zlib'
import type { CsvFormat } from './options.ts'

const headBytes = 1 << 20
/** A thousand times as much may come out. */
const gzipHeadBytes = 1 << 16

export interface CsvHead {
  /** As many as the first MiB holds whole and at most `limit`. Values are as written, quotes removed. */
  readonly records: string[][]
  /** Blank lines in front of the first record, commented ones not counted: what DuckDB's `skip` counts. */
  readonly skipped: number
}

/** How a csv file begins, one in gzip (RFC 1952) too. */
export async function csvHead(path: string, format: CsvFormat & { delimiter: string }, limit: number): Promise<CsvHead> {
  const file = await open(path)
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0)
    const isGzip = buffer[0] === 0x1f && buffer[1] === 0x8b
    const most = isGzip ? gzipHeadBytes : headBytes
    const read = buffer.subarray(0, Math.min(bytesRead, most))
    const text = new TextDecoder().decode(isGzip ? gunzipSync(read, { finishFlush: constants.Z_SYNC_FLUSH }) : read)
    return { records: csvRecords(text, format, limit, bytesRead < most), skipped: skippedLines(text, format.comment) }
  } finally {
    await file.close()
  }
}

function skippedLines(text: string, comment: string | undefined): number {
  const lines = text.split(/\r\n|\n|\r/)
  const first = lines.findIndex(line => line !== '' && (comment === undefined || !line.startsWith(comment)))
  return lines.slice(0, Math.max(0, first)).filter(line => line === '').length
}

/** Records of a text. Blank and commented lines are no records; a last record without its line end counts when the text is `complete`. */
export function csvRecords(text: string, format: Pick<CsvFormat, 'quote' | 'escape' | 'comment'> & { delimiter: string }, limit: number, complete = true): string[][] {
  const { delimiter, quote, comment } = format
  const escapeChar = format.escape ?? quote
  const records: string[][] = []
  let record: string[] = []
  let value = ''
  let quoted = false
  let at = 0
  const finish = () => {
    record.push(value)
    if (record.length > 1 || record[0] !== '') records.push(record)
    record = []
    value = ''
  }

  while (at < text.length && records.length < limit) {
    const char = text.charAt(at)
    if (quoted) {
      if (escapeChar !== '' && char === escapeChar && text.charAt(at + 1) === quote) {
        value += quote
        at += 2
      } else {
        if (char === quote) quoted = false
        else value += char
        at += 1
      }
    } else if (comment !== undefined && char === comment && value === '' && record.length === 0) {
      const end = text.indexOf('\n', at)
      at = end < 0 ? text.length : end + 1
    } else if (quote !== '' && char === quote && value === '') {
      quoted = true
      at += 1
    } else if (text.startsWith(delimiter, at)) {
      record.push(value)
      value = ''
      at += delimiter.length
    } else if (char === '\n' || char === '\r') {
      finish()
      at += char === '\r' && text.charAt(at + 1) === '\n' ? 2 : 1
    } else {
      value += char
      at += 1
    }
  }
  if (records.length < limit && complete && (value !== '' || record.length > 0)) finish()
  return records
}
