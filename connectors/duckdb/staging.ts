import type { DuckDBConnection } from '@duckdb/node-api'
import type { Row } from '../../schema/values.ts'
import type { Scope } from '../ports/scope.ts'
import type { ScanRequest } from '../ports/source-connector.ts'
import { type FilledTable, fillTable, makeTable, settleDecimals } from './fill.ts'
import type { Scanned } from './live-tables.ts'
import type { Parameters } from './parameters.ts'
import { filterOf } from './pushdown.ts'
import type { StagedRead } from './translate.ts'

const tableOf = ({ name, columns }: StagedRead): FilledTable => ({ catalog: 'temp', name, columns })

/** Makes the read's temporary table, without rows. */
export async function makeStage(connection: DuckDBConnection, read: StagedRead): Promise<void> {
  await makeTable(connection, tableOf(read))
}

/** Reads the source into the read's temporary table, a batch at a time, and adds its rows to `scanned`. */
export async function fillStage(scope: Scope, connection: DuckDBConnection, read: StagedRead, parameters: Parameters, scanned: Scanned): Promise<void> {
  const { from } = read.table
  if (from.kind !== 'source') return
  await fillTable(connection, tableOf(read), untilAborted(scope, from.source.scan(scope, scanRequest(read, from.table, parameters))), rows => {
    scanned.rows += rows
  })
}

async function* untilAborted({ signal }: Scope, batches: AsyncIterable<readonly Row[]>): AsyncGenerator<readonly Row[], void, void> {
  for await (const rows of batches) {
    yield rows
    signal.throwIfAborted()
  }
}

/** What of the source's table the statement needs. */
export function scanRequest({ columns, predicates, limit }: StagedRead, table: string, parameters: Parameters): ScanRequest {
  const { filter, complete } = filterOf(predicates, index => parameters.given(index))
  return { table, columns: columns.map(column => column.name), ...(filter ? { filter } : {}), ...(complete && limit !== undefined ? { limit } : {}) }
}

/** Without rows, decimals are of two digits. */
export async function settleStage(connection: DuckDBConnection, read: StagedRead): Promise<void> {
  await settleDecimals(connection, tableOf(read), read.columns.map(() => 2))
}

export async function dropStage(connection: DuckDBConnection, { name }: StagedRead): Promise<void> {
  await connection.run(`DROP TABLE IF EXISTS temp.${name}`)
}
