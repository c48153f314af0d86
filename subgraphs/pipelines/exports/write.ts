import type { FilesInto, Written } from '../../../connectors/ports/pipeline-engine.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import type { Filter } from '../../../schema/filter.ts'
import { quoteIdentifier } from '../../../schema/quote.ts'
import { openVersion } from '../run/sources.ts'
import { condition } from './filter.ts'
import type { Published } from './published.ts'

/** Formats others are given rows in, with the ends of their files. */
export const formats = { CSV: 'csv', JSON: 'ndjson', PARQUET: 'parquet' } as const
export type ExportFormat = keyof typeof formats

export interface WriteOrder {
  readonly filter: Filter
  readonly format: ExportFormat
  /** Rows at most; absent: all. */
  readonly limit?: number
}

/** Writes the rows of a table that a filter lets through into one file below a folder that is empty; its order is the table's. */
export async function writeRows(scope: Scope, { table, parts: { engine, lake } }: Published, { filter, format, limit }: WriteOrder, into: Pick<FilesInto, 'folder' | 'name'>): Promise<Written> {
  const workspace = await engine.begin(scope)
  try {
    await openVersion('rows', table, { scope, workspace, parts: { lake } })
    const where = await condition(filter, table.columns, workspace)
    const select = `SELECT ${table.columns.map(({ name }) => `t.${quoteIdentifier(name)}`).join(', ')} FROM "rows" AS t WHERE ${where}${limit === undefined ? '' : ` LIMIT ${Math.trunc(limit)}`}`
    return await workspace.write(select, { ...into, ...writers[format] })
  } finally {
    await workspace.close()
  }
}

const writers = {
  CSV: { format: 'csv', header: true, delimiter: ',', compression: 'none' }, JSON: { format: 'json' }, PARQUET: { format: 'parquet' },
} as const satisfies Record<ExportFormat, object>
