import { HubError } from '../../schema/errors.ts'
import type { MountedTable, QueryOptions } from '../ports/sql-engine.ts'

/** The earliest moment one of the tables says its rows were those of where they come from; undefined where none says any. Earlier than the options allow → STALENESS_EXCEEDED. */
export function momentOf(tables: readonly MountedTable[], { notBeforeMs }: Pick<QueryOptions, 'notBeforeMs'> = {}): number | undefined {
  const moments = tables.flatMap(table => table.asOfMs?.() ?? [])
  const asOfMs = moments.length > 0 ? Math.min(...moments) : undefined
  if (asOfMs === undefined || notBeforeMs === undefined || asOfMs >= notBeforeMs) return asOfMs
  const names = tables.flatMap(({ catalog, name, asOfMs: moment }) => ((moment?.() ?? notBeforeMs) < notBeforeMs ? [`${catalog}.${name}`] : []))
  throw new HubError('STALENESS_EXCEEDED', `The rows of ${names.join(', ')} are those of ${new Date(asOfMs).toISOString()}, which is ${notBeforeMs - asOfMs} ms earlier than the read allows.`, { asOfMs, tables: names })
}
