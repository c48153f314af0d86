import type { DuckDBConnection } from '@duckdb/node-api'
import type { Column, Row, Value } from '../../schema/values.ts'
import { readerOf } from '../duckdb/values.ts'

/** Rows of a statement that selects these columns, a batch for each of DuckDB's chunks (2048 rows), read as they are asked for. */
export async function* readRows(connection: DuckDBConnection, sql: string, values: Record<string, string>, columns: readonly Column[]): AsyncGenerator<Row[], void, void> {
  const result = await connection.stream(sql, values)
  const readers = columns.map(({ name }, index) => ({ name, read: readerOf(result.columnType(index)).read }))
  for (;;) {
    const chunk = await result.fetchChunk()
    if (!chunk || chunk.rowCount === 0) return
    const vectors = readers.map((reader, index) => ({ ...reader, values: chunk.getColumnValues(index) }))
    yield Array.from({ length: chunk.rowCount }, (_, at) => {
      const row: Record<string, Value> = {}
      for (const { name, read, values: vector } of vectors) {
        const value = vector[at] ?? null
        row[name] = value === null ? null : read(value)
      }
      return row
    })
  }
}
