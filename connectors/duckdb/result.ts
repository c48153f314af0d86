import type { DuckDBDataChunk, DuckDBResult } from '@duckdb/node-api'
import type { Column, Row, Value } from '../../schema/values.ts'
import type { QueryResult, ScanStats } from '../ports/sql-engine.ts'
import { type Reader, readerOf } from './values.ts'

export interface ResultSource {
  readonly result: DuckDBResult
  readonly maxRows: number | undefined
  readonly asOfMs: number | undefined
  readonly stats: QueryResult['stats']
  /** The next rows; null or none at the end. */
  readonly fetch: () => Promise<DuckDBDataChunk | null>
  /** Called once; `ended` when there is nothing left to fetch, because the rows were read to their end or failed. */
  readonly finish: (ended: boolean) => Promise<void>
}

/** Columns of a result by position, a name that comes again with its number behind it: `id`, `id_2`. */
export function columnsOf(names: readonly string[], readers: readonly Reader[]): readonly Column[] {
  // A row must not take its prototype from a statement.
  const taken = new Set(['__proto__'])
  return names.map((name, index) => {
    let own = name
    for (let count = 2; taken.has(own); count++) own = `${name}_${count}`
    taken.add(own)
    return { name: own, type: readers[index]?.type ?? 'String', nullable: true }
  })
}

/** DuckDB's result as the port's: a chunk is fetched when the next batch is asked for. */
export function queryResult({ result, maxRows, asOfMs, stats, fetch, finish }: ResultSource): QueryResult {
  const readers = result.columnTypes().map(readerOf)
  const columns = columnsOf(result.columnNames(), readers)
  let left = maxRows ?? Number.POSITIVE_INFINITY
  let truncated = false
  let finished: Promise<void> | undefined
  const end = (ended: boolean) => {
    finished ??= finish(ended)
    return finished
  }

  const next = async (): Promise<IteratorResult<readonly Row[]>> => {
    if (finished) return { done: true, value: undefined }
    try {
      const chunk = await fetch()
      const count = Math.min(chunk?.rowCount ?? 0, left)
      truncated = (chunk?.rowCount ?? 0) > left
      if (!chunk || count === 0) {
        await end(!chunk || chunk.rowCount === 0)
        return { done: true, value: undefined }
      }
      left -= count
      const rows = rowsOf(chunk, count, columns, readers)
      if (truncated) await end(false)
      return { done: false, value: rows }
    } catch (error) {
      await end(true)
      throw error
    }
  }

  return {
    engine: 'duckdb',
    columns,
    truncated: () => truncated,
    asOfMs,
    stats,
    rows: {
      [Symbol.asyncIterator]: () => ({
        next,
        async return() {
          await end(false)
          return { done: true, value: undefined }
        },
      }),
    },
  }
}

/** Rows that are all here, as the port's. */
export function heldResult({ columns, rows, maxRows = Number.POSITIVE_INFINITY, asOfMs, stats }: { readonly columns: readonly Column[]; readonly rows: readonly Row[]; readonly maxRows: number | undefined; readonly asOfMs: number | undefined; readonly stats: ScanStats }): QueryResult {
  return { engine: 'duckdb', columns, rows: inOne(maxRows < rows.length ? rows.slice(0, maxRows) : rows), truncated: () => rows.length > maxRows, ...(asOfMs !== undefined && { asOfMs }), stats: () => stats }
}

/** As one batch; none without rows. */
async function* inOne(rows: readonly Row[]): AsyncGenerator<readonly Row[], void, void> {
  if (rows.length > 0) yield rows
}

function rowsOf(chunk: DuckDBDataChunk, count: number, columns: readonly Column[], readers: readonly Reader[]): readonly Row[] {
  const rows: Record<string, Value>[] = Array.from({ length: count }, () => ({}))
  columns.forEach(({ name }, index) => {
    const vector = chunk.getColumnVector(index)
    const { read } = readers[index] ?? readerOf(vector.type)
    for (let row = 0; row < count; row++) {
      const value = vector.getItem(row)
      const target = rows[row]
      if (target) target[name] = value === null ? null : read(value)
    }
  })
  return rows
}
