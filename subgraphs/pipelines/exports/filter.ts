import type { Workspace } from '../../../connectors/ports/pipeline-engine.ts'
import { asFilter, parseWhere } from '../../../resolvers/where.ts'
import { HubError } from '../../../schema/errors.ts'
import type { argumentOperators, Filter } from '../../../schema/filter.ts'
import type { Model } from '../../../schema/model.ts'
import { quoteIdentifier } from '../../../schema/quote.ts'
import type { Column, ColumnType, Json, Row, Value } from '../../../schema/values.ts'

const mostDeep = 10
const mostComparisons = 100
const mostListed = 10_000
const noLinks: Model = { entities: [], links: [], foreign: [] }

/** A filter as lists of the graph take it, by the names of columns: `{ country: { eq: "DE" }, or: [{ total: { gt: 10 } }, { total: { isNull: true } }] }`. A column there is not, a comparison its type does not have, or a value that is none of its type → BAD_USER_INPUT. */
export function readFilter(dataset: string, columns: readonly Column[], input: Json): Filter {
  refuseDeep(input, 0)
  const filter = asFilter(parseWhere(noLinks, { type: dataset, fields: columns.map(column => ({ ...column, field: column.name })) }, input as Readonly<Record<string, unknown>> | null))
  if (!filter) throw new RangeError('A table of the lake has no links.')
  const leaves = leavesOf(filter)
  const listed = Math.max(0, ...leaves.map(leaf => (leaf.op === 'in' ? leaf.value.length : 0)))
  if (leaves.length > mostComparisons || listed > mostListed) throw new HubError('QUERY_TOO_COMPLEX', `The filter makes ${leaves.length} comparisons, with at most ${listed} values in one; ${mostComparisons} and ${mostListed} are the limits. Ask for less at once.`)
  return filter
}

/** A condition over the columns of `rows`, and the datasets it reads: values of the filter are rows of these, and none is in the text. */
export async function condition(filter: Filter, columns: readonly Column[], workspace: Pick<Workspace, 'rows'>): Promise<string> {
  const types = new Map(columns.map(({ name, type }) => [name, type]))
  let made = 0
  /** Makes a dataset of values, and answers its name. */
  const values = async (type: ColumnType, all: readonly Value[]) => {
    made += 1
    const name = `values ${made}`
    await workspace.rows(name, [{ name: 'v', type, nullable: true }], once(all.map(v => ({ v }))))
    return quoteIdentifier(name)
  }
  const sql = async (part: Filter): Promise<string> => {
    if ('and' in part) return joined(await all(part.and), ' AND ', 'TRUE')
    if ('or' in part) return joined(await all(part.or), ' OR ', 'FALSE')
    if ('not' in part) return `NOT (${await sql(part.not)})`
    const column = `t.${quoteIdentifier(part.column)}`
    const type = types.get(part.column) ?? 'String'
    if (part.op === 'isNull') return `${column} IS ${part.value ? '' : 'NOT '}NULL`
    if (part.op === 'in') {
      if (part.value.length === 0) return 'FALSE'
      const isUnknown = part.value.includes(null) ? 'TRUE' : `${column} IS NULL`
      // DuckDB rounds what stands before IN to as many digits as the decimals of a select have.
      return `EXISTS (SELECT 1 FROM ${await values(type, part.value)} AS w WHERE w.v = ${column}) OR (${isUnknown} AND CAST(NULL AS boolean))`
    }
    const value = `(SELECT v FROM ${await values(type, [part.value])})`
    if (part.op === 'like') return `${column} LIKE ${value}`
    if (part.op === 'startsWith') return `starts_with(${column}, ${value})`
    return `${column} ${comparators[part.op]} ${value}`
  }
  const all = async (parts: readonly Filter[]) => {
    const texts: string[] = []
    for (const part of parts) texts.push(await sql(part))
    return texts
  }
  return sql(filter)
}

const comparators = { eq: '=', ne: '<>', lt: '<', lte: '<=', gt: '>', gte: '>=' } as const satisfies Record<(typeof argumentOperators)[number], string>

function joined(parts: readonly string[], by: string, none: string): string {
  return parts.length === 0 ? none : parts.map(part => `(${part})`).join(by)
}

async function* once(rows: readonly Row[]): AsyncGenerator<readonly Row[], void, void> {
  yield rows
}

function leavesOf(filter: Filter): readonly Extract<Filter, { column: string }>[] {
  if ('column' in filter) return [filter]
  if ('not' in filter) return leavesOf(filter.not)
  return ('and' in filter ? filter.and : filter.or).flatMap(leavesOf)
}

function refuseDeep(input: Json, depth: number): void {
  if (typeof input !== 'object' || input === null) return
  if (depth > 2 * mostDeep) throw new HubError('QUERY_TOO_COMPLEX', `The filter has more than ${mostDeep} conditions within one another. Write it flatter.`)
  for (const member of Array.isArray(input) ? input : Object.values(input)) refuseDeep(member as Json, depth + 1)
}
