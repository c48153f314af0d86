import type { Column, ColumnType } from '../../schema/values.ts'
import { quoteIdentifier } from '../../schema/quote.ts'

/** By column type of the hub the expression in Trino that has exactly its values; undefined where a column of this Trino type needs none, or has none. */
export type Conversions = Readonly<Partial<Record<ColumnType, (column: string, trinoType: string) => string | undefined>>>

/** Columns of one table of Trino: their types as `information_schema` writes them, by name in lower case. */
export type TrinoColumns = ReadonlyMap<string, string>

/**
 * Types of Trino whose values compare, add up and print as the hub's do. Not among them: `real` rounds its sums, `char` ignores blanks at the end, and addresses, rows, arrays
 * and maps take other operators than the text or JSON the hub has for them.
 */
const same: Readonly<Record<string, ColumnType>> = {
  boolean: 'Boolean', tinyint: 'Int', smallint: 'Int', integer: 'Int', bigint: 'Long', double: 'Float', decimal: 'Decimal', varchar: 'String', varbinary: 'Bytes', date: 'Date', time: 'Time',
  timestamp: 'LocalDateTime', 'timestamp with time zone': 'DateTime', uuid: 'UUID', json: 'JSON',
}

/**
 * How the columns are read from a table of Trino, by name: expressions, for those that are not the column of that name as it is. Undefined where a column is missing,
 * is of another type, or is one with another in letters of one case, which Trino does not tell apart.
 */
export function readings(columns: readonly Column[], found: TrinoColumns, conversions: Conversions): ReadonlyMap<string, string> | undefined {
  const converted = new Map<string, string>()
  const seen = new Set<string>()
  for (const { name, type } of columns) {
    const lower = name.toLowerCase()
    const written = found.get(lower)
    if (written === undefined || seen.has(lower)) return undefined
    seen.add(lower)
    // `timestamp(3) with time zone` → `timestamp with time zone`
    const trinoType = written.replace(/\(.*\)/, '')
    const expression = conversions[type]?.(quoteIdentifier(name), trinoType)
    if (expression !== undefined) converted.set(name, expression)
    else if (!Object.hasOwn(same, trinoType) || same[trinoType] !== type) return undefined
  }
  return converted
}
