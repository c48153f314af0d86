import { type DuckDBConnection, DuckDBDataChunk, type DuckDBType, type DuckDBValue } from '@duckdb/node-api'
import { type Column, type Row, scaleOf } from '../../schema/values.ts'
import { quoteIdentifier } from '../../schema/quote.ts'
import { duckType, toDuck } from './values.ts'

const chunkRows = 2048
/** Decimals are held as text until the largest scale is known. */
const held = (column: Column): Column => (column.type === 'Decimal' ? { ...column, type: 'String' } : column)

/** A table of rows from outside: of this connection alone (`temp`), or of the whole database (`memory`). */
export interface FilledTable {
  readonly catalog: 'temp' | 'memory'
  readonly name: string
  readonly columns: readonly Column[]
}

/** Makes the table without rows. */
export async function makeTable(connection: DuckDBConnection, table: FilledTable): Promise<void> {
  const definitions = table.columns.map(column => `${quoteIdentifier(column.name)} ${sqlType(duckType(held(column).type))}`)
  await connection.run(`CREATE ${table.catalog === 'temp' ? 'TEMP ' : ''}TABLE ${inFull(table)} (${definitions.join(', ')})`)
}

/** Reads rows into the table, a batch at a time, then gives decimals the scale of their values; `took` is told how many came. */
export async function fillTable(connection: DuckDBConnection, table: FilledTable, batches: AsyncIterable<readonly Row[]>, took: (rows: number) => void): Promise<void> {
  const { catalog, name, columns } = table
  const stored = columns.map(held)
  const types = stored.map(column => duckType(column.type))
  const writers = stored.map(column => toDuck(column.type))
  const scales = columns.map(() => 0)

  const appender = await connection.createAppender(name, 'main', catalog)
  for await (const rows of batches) {
    took(rows.length)
    for (let start = 0; start < rows.length; start += chunkRows) appender.appendDataChunk(chunkOf(rows.slice(start, start + chunkRows), columns, types, writers, scales))
  }
  appender.closeSync()
  await settleDecimals(connection, table, scales)
}

function chunkOf(rows: readonly Row[], columns: readonly Column[], types: readonly DuckDBType[], writers: readonly ((value: never) => DuckDBValue)[], scales: number[]): DuckDBDataChunk {
  const chunk = DuckDBDataChunk.create(types, rows.length)
  chunk.setColumns(columns.map((column, index) => {
    const write = writers[index]
    return rows.map(row => {
      const value = row[column.name] ?? null
      if (value === null || write === undefined) return null
      if (column.type === 'Decimal') scales[index] = Math.max(scales[index] ?? 0, scaleOf(String(value)))
      return write(value as never)
    })
  }))
  return chunk
}

/** Gives the decimals their type, with the largest scale seen. */
export async function settleDecimals(connection: DuckDBConnection, table: FilledTable, scales: readonly number[]): Promise<void> {
  for (const [index, column] of table.columns.entries()) {
    if (column.type === 'Decimal') await connection.run(`ALTER TABLE ${inFull(table)} ALTER ${quoteIdentifier(column.name)} TYPE ${sqlType(duckType('Decimal', scales[index]))}`)
  }
}

function inFull({ catalog, name }: FilledTable): string {
  return `${catalog}.main.${quoteIdentifier(name)}`
}

function sqlType(type: DuckDBType): string {
  return type.alias ?? type.toString()
}
