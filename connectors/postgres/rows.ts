import type { Row, Value } from '../../schema/values.ts'
import type { Ask } from './introspect.ts'
import { converters, type PostgresColumn } from './types.ts'

export type Cells = readonly (string | null)[]

/** Statements that make a connection write values as `converters` read them. */
export const textForms = `SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'iso_8601'; SET bytea_output = 'hex'; SET extra_float_digits = 1`
/** What a connection that reads rows begins with. */
export const session = `${textForms}; SET default_transaction_read_only = on`
/** Text as PostgreSQL wrote it, so that no number passes through a double. */
export const untouched = { getTypeParser: () => (written: unknown) => written }

export function selectList(columns: readonly PostgresColumn[]): string {
  return columns.map(({ expression }) => expression).join(', ') || 'NULL'
}

/** The rows of a select over these columns, in batches of so many as they are asked for. Inside a transaction. */
export async function* fetched(ask: Ask, columns: readonly PostgresColumn[], select: string, values: Parameters<Ask>[1] = [], batchRows = 1000): AsyncGenerator<Row[], void, void> {
  await ask(`DECLARE scan NO SCROLL CURSOR FOR ${select}`, values)
  for (;;) {
    const rows = await ask(`FETCH ${batchRows} FROM scan`, [])
    if (rows.length > 0) yield rows.map(cells => rowOf(columns, cells))
    if (rows.length < batchRows) return
  }
}

export function rowOf(columns: readonly PostgresColumn[], cells: Cells): Row {
  const row: Record<string, Value> = {}
  columns.forEach(({ name, type }, index) => {
    const cell = cells[index] ?? null
    row[name] = cell === null ? null : converters[type](cell)
  })
  return row
}
