import { randomBytes } from 'node:crypto'
import { type DuckDBConnection, DuckDBTableFunction, type DuckDBType, type DuckDBValue, INTEGER, VARCHAR } from '@duckdb/node-api'
import type { Filter } from '../../schema/filter.ts'
import { type Column, type Row, scaleOf, type Value } from '../../schema/values.ts'
import type { MountedTable, RowIndexes } from '../ports/sql-engine.ts'
import { quoteIdentifier } from '../../schema/quote.ts'
import { decimalWidth, duckType, toDuck } from './values.ts'

/** Rows one call hands over. */
const chunkRows = 2048

/** Rows handed to one statement so far. */
export interface Scanned {
  rows: number
}

/** A table whose rows the process holds, and what is known of the rows a statement needs of it. */
export interface LiveTable {
  readonly table: MountedTable
  /** Other rows are not needed; they may be there. */
  readonly filter?: Filter
}

/** The rows the key or an index finds, and by which columns; undefined where the table is read whole. */
export function found({ table: { from }, filter }: LiveTable, tenant: string): ReturnType<RowIndexes['among']> {
  return from.kind === 'live' && filter ? from.indexes?.among(tenant, filter) : undefined
}

interface OpenTable {
  readonly scanned: Scanned
  readonly columns: readonly Column[]
  readonly types: readonly DuckDBType[]
  readonly writers: readonly ((value: Value) => DuckDBValue)[]
  readonly rows: readonly Row[]
}

interface Progress {
  position: number
  readonly columns: readonly number[]
}

/**
 * Tables whose rows the process holds, as DuckDB sees them: one table function that takes a statement's token and the table's number. The token is drawn at
 * random for each statement and stands for that statement's tenant and rows, so nothing written in a statement leads to other rows; it dies with the statement.
 */
export class LiveTables {
  readonly #open = new Map<string, readonly OpenTable[]>()
  readonly #function = `live_${randomBytes(8).toString('hex')}`

  /** Registers the function; every connection of the database sees it. */
  register(connection: DuckDBConnection): void {
    connection.registerTableFunction(
      DuckDBTableFunction.create({
        name: this.#function,
        parameterTypes: [VARCHAR, INTEGER],
        supportsProjectionPushdown: true,
        bindFunction: info => {
          const table = this.#open.get(String(info.getParameter(0)))?.[Number(info.getParameter(1))]
          if (!table) {
            info.setError('This table is not open.')
            return
          }
          table.columns.forEach((column, index) => {
            info.addResultColumn(column.name, table.types[index] ?? VARCHAR)
          })
          info.setCardinality(table.rows.length, true)
          info.setBindData(table)
        },
        initFunction: info => {
          info.setInitData({ position: 0, columns: info.getColumnIndexes() } satisfies Progress)
        },
        mainFunction: (info, chunk) => {
          const { rows, columns, writers, scanned } = info.getBindData() as OpenTable
          const progress = info.getInitData() as Progress
          const start = progress.position
          const count = Math.min(chunkRows, rows.length - start)
          chunk.rowCount = count
          if (count === 0) return
          progress.position = start + count
          scanned.rows += count
          progress.columns.forEach((index, place) => {
            const column = columns[index]
            const write = writers[index]
            // A column beyond the declared ones is the row number of a count(*), which nobody reads.
            if (column === undefined || write === undefined) return
            const vector = chunk.getColumnVector(place)
            const { name } = column
            for (let row = 0; row < count; row++) {
              const value = rows[start + row]?.[name]
              vector.setItem(row, value === null || value === undefined ? null : write(value))
            }
            vector.flush()
          })
        },
      }),
    )
  }

  /** The text that stands for table `index` of a statement, with `token` in the place of its token. */
  reference(token: string, index: number): string {
    return `${quoteIdentifier(this.#function)}('${token}', ${index})`
  }

  /** Opens the tables with the tenant's rows of this moment, all of one synchronous step; without a tenant with none. What is read of them is added to `scanned`. Answers the token. */
  open(tables: readonly LiveTable[], tenant: string | undefined, scanned: Scanned): string {
    const token = randomBytes(16).toString('hex')
    this.#open.set(token, tables.map(table => openTable(table, tenant, scanned)))
    return token
  }

  close(token: string): void {
    this.#open.delete(token)
  }
}

function openTable(live: LiveTable, tenant: string | undefined, scanned: Scanned): OpenTable {
  const { columns, from } = live.table
  const rows = from.kind === 'live' && tenant !== undefined ? Array.from(found(live, tenant)?.rows ?? from.rows(tenant)) : []
  const scaleOfColumn = (name: string) => (from.kind === 'live' && from.indexes && tenant !== undefined ? Math.min(from.indexes.scale(tenant, name), decimalWidth) : largestScale(rows, name))
  const scales = columns.map(column => (column.type === 'Decimal' ? scaleOfColumn(column.name) : 0))
  return {
    scanned,
    columns,
    rows,
    types: columns.map((column, index) => duckType(column.type, scales[index])),
    writers: columns.map((column, index) => toDuck(column.type, scales[index])),
  }
}

function largestScale(rows: readonly Row[], column: string): number {
  let scale = 0
  for (const row of rows) {
    const value = row[column]
    if (value !== null && value !== undefined) scale = Math.max(scale, scaleOf(String(value)))
  }
  return Math.min(scale, decimalWidth)
}
