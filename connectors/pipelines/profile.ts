/** What one statement did, as DuckDB's profile of it says. */
export interface Profile {
  /** Rows the statement's own work was given: of a COPY those written, of a CREATE TABLE those stored. */
  readonly rows: number
  /** Of each read of a csv, by its columns as the reader calls them. */
  readonly csvRows: ReadonlyMap<string, CsvRows>
}

export interface CsvRows {
  readonly made: number
  /** Those that came out of the filter behind the read; as many where there is none. */
  readonly left: number
}

interface Operator {
  readonly operator_name?: string
  readonly operator_cardinality?: number
  readonly extra_info?: { readonly Projections?: string | readonly string[] }
  readonly children?: readonly Operator[]
}

/** Reads what `EXPLAIN (ANALYZE, FORMAT JSON)` answers. */
export function profileOf(json: string): Profile {
  const csvRows = new Map<string, CsvRows>()
  let rows: number | undefined
  const look = (operator: Operator, filtered?: number) => {
    const { operator_name: name = '', operator_cardinality: made = 0, extra_info: info, children = [] } = operator
    if (rows === undefined && name !== '' && name !== 'EXPLAIN_ANALYZE' && !/COPY|CREATE/.test(name)) rows = madeBy(operator)
    if (name === 'READ_CSV') for (const column of [info?.Projections ?? []].flat()) csvRows.set(column, { made, left: filtered ?? made })
    for (const child of children) look(child, name === 'FILTER' ? made : name === 'PROJECTION' ? filtered : undefined)
  }
  look(JSON.parse(json) as Operator)
  return { rows: rows ?? 0, csvRows }
}

/** Two kinds of operators hand on what their second part makes, and count nothing themselves. */
function madeBy({ operator_name: name = '', operator_cardinality: made = 0, children = [] }: Operator): number {
  const [, second] = children
  return second && /^CTE$|_DELIM_JOIN$/.test(name) ? madeBy(second) : made
}
