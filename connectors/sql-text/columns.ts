import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import { quoteIdentifier } from '../../schema/quote.ts'
import type { Column } from '../../schema/values.ts'

/** The columns asked for, in that order; all when nothing is said. Unknown ones → BAD_USER_INPUT listing each. */
export function pickColumns<C extends Column>(table: string, columns: readonly C[], names: readonly string[] | undefined): readonly C[] {
  if (!names) return columns
  const byName = new Map(columns.map(column => [column.name, column]))
  const unknown = names.filter(name => !byName.has(name))
  if (unknown.length > 0) {
    const said = unknown.map(name => `Table "${table}" has no column "${name}".${didYouMean(name, byName.keys())}`)
    throw new HubError('BAD_USER_INPUT', said.join(' '), { table, columns: unknown })
  }
  return names.flatMap(name => byName.get(name) ?? [])
}

/** NOT_FOUND for a table the source does not have, with the nearest name. */
export function noSuchTable(source: string, table: string, known: Iterable<string>): HubError {
  return new HubError('NOT_FOUND', `Source "${source}" has no table "${table}".${didYouMean(table, known)}`, { source, table })
}

/** A limit as it stands in SQL; anything but a whole number from 0 on → BAD_USER_INPUT. */
export function limitClause(limit: number | undefined): string {
  return limit === undefined ? '' : ` LIMIT ${checkedLimit(limit)}`
}

/** The limit; anything but a whole number from 0 on → BAD_USER_INPUT. */
export function checkedLimit(limit: number): number {
  if (Number.isSafeInteger(limit) && limit >= 0) return limit
  throw new HubError('BAD_USER_INPUT', `A limit is a whole number from 0 on, not ${limit}.`)
}

/** The names of a result's columns. Two of one name → VALIDATION_ERROR. */
export function checkNames(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) < index)
  if (twice !== undefined) throw new HubError('VALIDATION_ERROR', `The query answers two columns called "${twice}". Give one of them another name: ${quoteIdentifier(twice)} AS ${quoteIdentifier(`other_${twice}`)}.`, { column: twice })
}
