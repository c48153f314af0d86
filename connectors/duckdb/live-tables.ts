import { randomBytes } from 'node:crypto'
import { type DuckDBConnection, DuckDBTableFunction, type DuckDBType, type DuckDBValue, INTEGER, VARCHAR } from '@duckdb/node-api'
import type { Column, Row, Value } from '../../schema/values.ts'
import type { MountedTable } from '../ports/sql-engine.ts'
import { quoteIdentifier } from './dialect/quote.ts'
import { decimalWidth, duckType, scaleOf, toDuck } from './values.ts'

/** Rows one call hands over. */
const chunkRows = 2048

interface OpenTable {
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
          const { rows, columns, writers } = info.getBindData() as OpenTable
          const progress = info.getInitData() as Progress
          const start = progress.position
          const count = Math.min(chunkRows, rows.length - start)
          chunk.rowCount = count
          if (count === 0) return
          progress.position = start + count
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

  /** Opens the tables with the tenant's rows of this moment, all of one synchronous step; without a tenant with none. Answers the token. */
  open(tables: readonly MountedTable[], tenant: string | undefined): string {
    const token = randomBytes(16).toString('hex')
    this.#open.set(token, tables.map(table => openTable(table, tenant)))
    return token
  }

  close(token: string): void {
    this.#open.delete(token)
  }
}

function openTable({ columns, from }: MountedTable, tenant: string | undefined): OpenTable {
  const rows = from.kind === 'live' && tenant !== undefined ? Array.from(from.rows(tenant)) : []
  const scales = columns.map(column => (column.type === 'Decimal' ? largestScale(rows, column.name) : 0))
  return {
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
