import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import type { Row } from '../../schema/values.ts'
import type { TableWrite } from '../ports/database.ts'
import type { Scope } from '../ports/scope.ts'
import { untilLeft } from '../signals/until-left.ts'

/** Beside each table that is written: the marks of what was written. */
export const marksTable = 'tributary_write'

/** The columns to write as the table has them. One it does not have → NOT_FOUND; a merge without keys among them, or a column named twice → VALIDATION_ERROR. */
export function pickTargets<C extends { readonly name: string }>(into: TableWrite, of: readonly C[]): readonly C[] {
  const { table, columns, mode, keys = [] } = into
  const names = columns.map(({ name }) => name)
  if (table.split('.').at(-1) === marksTable) throw new HubError('VALIDATION_ERROR', `Table "${table}" remembers what was written, and nothing else is written into it.`, { table })
  if (names.length === 0) throw new HubError('VALIDATION_ERROR', `There is no column to write into table "${table}".`, { table })
  const twice = names.find((name, index) => names.indexOf(name) < index)
  if (twice !== undefined) throw new HubError('VALIDATION_ERROR', `Column "${twice}" is written into table "${table}" twice. Leave one out.`, { table, column: twice })
  if (mode === 'merge' && keys.length === 0) throw new HubError('VALIDATION_ERROR', `Table "${table}" is merged into, and nothing says what its rows are known by. Name the key columns.`, { table })
  const missing = keys.find(key => !names.includes(key))
  if (mode === 'merge' && missing !== undefined) throw new HubError('VALIDATION_ERROR', `Table "${table}" is merged into by column "${missing}", which the rows do not have.${didYouMean(missing, names)}`, { table, column: missing })
  const known = new Map(of.map(column => [column.name, column]))
  return names.map(name => {
    const column = known.get(name)
    if (!column) throw new HubError('NOT_FOUND', `Table "${table}" has no column "${name}".${didYouMean(name, known.keys())}`, { table, column: name })
    return column
  })
}

/** The rows, so many at a time. A merge's row without one of its keys → VALIDATION_ERROR. When the signal aborts nobody waits for the next rows. */
export async function* batchesOf(scope: Scope, { table, mode, keys = [], batchSize }: TableWrite, rows: AsyncIterable<readonly Row[]>): AsyncGenerator<readonly Row[], void, void> {
  const source = rows[Symbol.asyncIterator]()
  const keyed = mode === 'merge' ? keys : []
  let held: Row[] = []
  try {
    for (;;) {
      const next = await untilLeft(scope.signal, source.next())
      if (next.done) break
      for (const row of next.value) {
        const empty = keyed.find(key => (row[key] ?? null) === null)
        if (empty !== undefined) throw new HubError('VALIDATION_ERROR', `A row for table "${table}" has no value in its key column "${empty}": ${said(keyed, row)}. Filter such rows out, or give them a key.`, { table, column: empty })
        held.push(row)
        if (held.length < batchSize) continue
        yield held
        held = []
      }
    }
    if (held.length > 0) yield held
  } finally {
    // The first failure is the one to tell, and after an abort nobody waits.
    await untilLeft(scope.signal, Promise.resolve(source.return?.())).catch(() => undefined)
  }
}

function said(keys: readonly string[], row: Row): string {
  return keys.map(key => `${key} = ${String(row[key] ?? null)}`).join(', ')
}

export function noSuchTarget(called: string, table: string, known: Iterable<string>): HubError {
  return new HubError('NOT_FOUND', `There is no table "${table}" in ${called}.${didYouMean(table, known)} Tables are not made by writing.`, { table })
}
