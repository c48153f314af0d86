import { type DuckDBConnection, DuckDBDataChunk, type DuckDBType, type DuckDBValue } from '@duckdb/node-api'
import { type Column, type Row, scaleOf } from '../../schema/values.ts'
import type { Scope } from '../ports/scope.ts'
import type { ScanRequest } from '../ports/source-connector.ts'
import { quoteIdentifier } from '../../schema/quote.ts'
import type { Scanned } from './live-tables.ts'
import type { Parameters } from './parameters.ts'
import { filterOf } from './pushdown.ts'
import type { StagedRead } from './translate.ts'
import { duckType, toDuck } from './values.ts'

const chunkRows = 2048
/** Decimals are held as text until the largest scale is known. */
const held = (column: Column): Column => (column.type === 'Decimal' ? { ...column, type: 'String' } : column)

/** Makes the read's temporary table without rows. */
export async function makeStage(connection: DuckDBConnection, { name, columns }: StagedRead): Promise<void> {
  const definitions = columns.map(column => `${quoteIdentifier(column.name)} ${sqlType(duckType(held(column).type))}`)
  await connection.run(`CREATE TEMP TABLE ${name} (${definitions.join(', ')})`)
}

/** Reads the source into the read's temporary table, a batch at a time, and adds its rows to `scanned`. */
export async function fillStage(scope: Scope, connection: DuckDBConnection, read: StagedRead, parameters: Parameters, scanned: Scanned): Promise<void> {
  const { table, columns, name } = read
  if (table.from.kind !== 'source') return
  const stored = columns.map(held)
  const types = stored.map(column => duckType(column.type))
  const writers = stored.map(column => toDuck(column.type))
  const scales = columns.map(() => 0)

  const appender = await connection.createAppender(name, 'main', 'temp')
  for await (const rows of table.from.source.scan(scope, scanRequest(read, table.from.table, parameters))) {
    scanned.rows += rows.length
    for (let start = 0; start < rows.length; start += chunkRows) appender.appendDataChunk(chunkOf(rows.slice(start, start + chunkRows), columns, types, writers, scales))
    scope.signal.throwIfAborted()
  }
  appender.closeSync()
  await settleDecimals(connection, read, scales)
}

/** What of the source's table the statement needs. */
export function scanRequest({ columns, predicates, limit }: StagedRead, table: string, parameters: Parameters): ScanRequest {
  const { filter, complete } = filterOf(predicates, index => parameters.given(index))
  return { table, columns: columns.map(column => column.name), ...(filter ? { filter } : {}), ...(complete && limit !== undefined ? { limit } : {}) }
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
export async function settleDecimals(connection: DuckDBConnection, { name, columns }: StagedRead, scales: readonly number[]): Promise<void> {
  for (const [index, column] of columns.entries()) {
    if (column.type === 'Decimal') await connection.run(`ALTER TABLE temp.${name} ALTER ${quoteIdentifier(column.name)} TYPE ${sqlType(duckType('Decimal', scales[index]))}`)
  }
}

function sqlType(type: DuckDBType): string {
  return type.alias ?? type.toString()
}

export async function dropStage(connection: DuckDBConnection, { name }: StagedRead): Promise<void> {
  await connection.run(`DROP TABLE IF EXISTS temp.${name}`)
}
