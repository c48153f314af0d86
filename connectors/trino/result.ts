import type { Column, Json, Row, Value } from '../../schema/values.ts'
import type { QueryResult } from '../ports/sql-engine.ts'
import type { TrinoResult } from './client.ts'
import type { TrinoColumn } from './protocol.ts'
import { readerOf } from './types.ts'

export interface ResultSource {
  readonly result: TrinoResult
  readonly maxRows: number | undefined
  readonly asOfMs: number | undefined
  /** Called once, when nothing more is read. */
  readonly ended: () => void
}

/** Columns of a result by position, a name that comes again with its number behind it: `id`, `id_2`. */
export function resultColumns(columns: readonly TrinoColumn[]): readonly Column[] {
  // A row must not take its prototype from a statement.
  const taken = new Set(['__proto__'])
  return columns.map(({ name, typeSignature }) => {
    let own = name
    for (let count = 2; taken.has(own); count++) own = `${name}_${count}`
    taken.add(own)
    return { name: own, type: readerOf(typeSignature).type, nullable: true }
  })
}

/** Trino's pages as the port's batches: a page is asked for when the next batch is. */
export function queryResult({ result, maxRows, asOfMs, ended }: ResultSource): QueryResult {
  const columns = resultColumns(result.columns)
  const readers = result.columns.map(({ typeSignature }) => readerOf(typeSignature).read)
  let left = maxRows ?? Number.POSITIVE_INFINITY
  let truncated = false
  let finished = false
  const finish = async () => {
    if (finished) return
    finished = true
    ended()
    await result.end()
  }
  const rowOf = (values: readonly Json[]): Row => {
    const row: Record<string, Value> = {}
    for (let index = 0; index < columns.length; index++) {
      const value = values[index] ?? null
      const name = columns[index]?.name ?? ''
      row[name] = value === null ? null : (readers[index]?.(value) ?? null)
    }
    return row
  }

  const next = async (): Promise<IteratorResult<readonly Row[]>> => {
    if (finished) return { done: true, value: undefined }
    try {
      const page = await result.next()
      truncated = (page?.length ?? 0) > left
      if (page === undefined || left === 0) {
        await finish()
        return { done: true, value: undefined }
      }
      const rows = page.slice(0, left).map(rowOf)
      left -= rows.length
      if (truncated) await finish()
      return { done: false, value: rows }
    } catch (error) {
      finished = true
      ended()
      throw error
    }
  }

  return {
    engine: 'trino',
    columns,
    truncated: () => truncated,
    asOfMs,
    stats: () => {
      const { stats } = result
      return { rowsScanned: stats?.processedRows ?? null, bytesScanned: stats?.processedBytes ?? null, splits: stats?.totalSplits ?? null }
    },
    rows: {
      [Symbol.asyncIterator]: () => ({
        next,
        async return() {
          await finish()
          return { done: true, value: undefined }
        },
      }),
    },
  }
}
