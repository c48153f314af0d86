import { HubError } from '../../../schema/errors.ts'
import { type ColumnLineage, type Derivation, type FindTable, further, type Influence, type Input, type StatementDialect, type StatementLineage } from '../../../schema/lineage.ts'

/** Column lineage of a statement from its text; SQL_ERROR, SQL_UNSUPPORTED or QUERY_TOO_COMPLEX where it cannot be followed. */
export type Analyse = (sql: string, findTable: FindTable, dialect?: StatementDialect) => StatementLineage

/** Where what a step makes comes from; tables are keys of datasets that were read. */
export interface Origins {
  /** In the order of its columns. */
  readonly columns: readonly ColumnLineage[]
  /** Columns that decided which rows there are, here or before. */
  readonly influences: readonly Input<Influence>[]
  readonly unresolved: readonly string[]
}

/** Of a dataset as it is read. */
export function ownOrigins(table: string, columns: readonly string[]): Origins {
  return { columns: columns.map(column => ({ output: column, inputs: [{ table, column, transformation: 'IDENTITY' }] })), influences: [], unresolved: [] }
}

/** Of a step that passes on what it was given, some columns hidden. */
export function maskedOrigins({ columns, influences, unresolved }: Origins, masked: readonly string[]): Origins {
  return { columns: columns.map(({ output, inputs }) => ({ output, inputs: masked.includes(output) ? inputs.map(input => ({ ...input, transformation: 'MASK' as const })) : inputs })), influences, unresolved }
}

/** Of a statement over datasets, by the names it has for them. Its columns are `columns`; a statement that cannot be followed has no origins but those that decided about its rows before. */
export function statementOrigins(analyse: Analyse, sql: string, columns: readonly string[], inputs: ReadonlyMap<string, Origins>): Origins {
  const before = [...inputs.values()]
  const inherited = before.flatMap(({ influences }) => influences)
  const unresolved = before.flatMap(one => one.unresolved)
  const found = followed(analyse, sql, name => ({ id: name.join('.'), columns: inputs.get(name.join('.'))?.columns.map(({ output }) => output) }))
  if (found instanceof HubError) return { columns: columns.map(output => ({ output, inputs: [] })), influences: once(inherited), unresolved: distinct([...unresolved, found.message]) }

  const { columns: made, influences } = composed(found, columns, (table, column) => inputs.get(table)?.columns.find(({ output }) => output === column)?.inputs ?? [])
  return { columns: made, influences: once([...inherited, ...influences]), unresolved: distinct([...unresolved, ...found.unresolved]) }
}

/** What a statement says, with what its tables' columns are made of in their place. */
export function composed(found: StatementLineage, columns: readonly string[], inputsOf: (table: string, column: string) => readonly Input<Derivation>[]): Pick<Origins, 'columns' | 'influences'> {
  return {
    columns: columns.map((output, place) => {
      const made = found.columns.find(one => one.output.toLowerCase() === output.toLowerCase()) ?? found.columns[place]
      return { output, inputs: furthest((made?.inputs ?? []).flatMap(({ table, column, transformation }) => inputsOf(table, column).map(input => ({ ...input, transformation: further(input.transformation, transformation) })))) }
    }),
    influences: once(found.influences.flatMap(({ table, column, transformation }) => inputsOf(table, column).map(input => ({ ...input, transformation })))),
  }
}

export function followed(analyse: Analyse, sql: string, findTable: FindTable, dialect?: StatementDialect): StatementLineage | HubError {
  try {
    return analyse(sql, findTable, dialect)
  } catch (error) {
    if (error instanceof HubError && error.code !== 'INTERNAL') return error
    throw error
  }
}

/** Each column once, as far away as any way to it. */
function furthest(inputs: readonly Input<Derivation>[]): readonly Input<Derivation>[] {
  const found = new Map<string, Input<Derivation>>()
  for (const input of inputs) {
    const key = JSON.stringify([input.table, input.column])
    const known = found.get(key)
    found.set(key, known ? { ...input, transformation: further(known.transformation, input.transformation) } : input)
  }
  return [...found.values()]
}

export function once(inputs: readonly Input<Influence>[]): readonly Input<Influence>[] {
  return [...new Map(inputs.map(input => [JSON.stringify([input.table, input.column, input.transformation]), input])).values()]
}

const distinct = (texts: readonly string[]): readonly string[] => [...new Set(texts)]
