import type { LakeTable } from '../../../../connectors/ports/lake.ts'
import { HubError } from '../../../../schema/errors.ts'
import { quoteIdentifier } from '../../../../schema/quote.ts'
import type { Column } from '../../../../schema/values.ts'
import type { hive } from '../../document/targets.ts'
import { list, names } from '../../plan/relation.ts'
import type { Checked } from '../../xml/check.ts'
import type { RunContext } from '../parts.ts'
import { openLakeFiles } from '../sources.ts'
import { refuseRepeated, type TargetOrder } from './target.ts'

/** The rows of `select`, and those of the table whose keys none of them has. A key that is missing, or that several of the new rows have → VALIDATION_ERROR. */
export async function mergedSelect({ checked: { values: { table: name, keys: given } }, schema, step }: TargetOrder<Checked<typeof hive>>, there: LakeTable | undefined, select: string, columns: readonly Column[], context: RunContext): Promise<string> {
  const { workspace } = context
  const keys = keysOf(given ?? schema?.keys, columns, name)
  const [news, before] = [`${step.id} new`, `${step.id} before`]
  await workspace.define(news, select, columns)
  await workspace.keep(news)
  await refuseRepeated(quoteIdentifier(news), keys, name, context)
  const all = list(names(columns))
  if (!there || there.files.length === 0) return `SELECT ${all} FROM ${quoteIdentifier(news)}`
  await openLakeFiles(before, name, context)
  const had = names(there.columns)
  const old = columns.map(({ name: own }) => (had.includes(own) ? list([own], 'o.') : `NULL AS ${quoteIdentifier(own)}`)).join(', ')
  return `SELECT ${all} FROM ${quoteIdentifier(news)} UNION ALL SELECT ${old} FROM ${quoteIdentifier(before)} AS o WHERE NOT EXISTS (SELECT 1 FROM ${quoteIdentifier(news)} AS n WHERE ${keys.map(key => `${list([key], 'n.')} = ${list([key], 'o.')}`).join(' AND ')})`
}

function keysOf(keys: readonly string[] | undefined, columns: readonly Column[], name: string): readonly string[] {
  if (!keys) throw new HubError('VALIDATION_ERROR', `Table "${name}" is to be merged into, and neither "keys" nor the schema says what a row is known by.`)
  const missing = keys.filter(key => !names(columns).includes(key))
  if (missing.length > 0) throw new HubError('VALIDATION_ERROR', `Rows for "${name}" have no column ${missing.map(key => `"${key}"`).join(', ')}, by which they are to be merged.`)
  return keys
}
