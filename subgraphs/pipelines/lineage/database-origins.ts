import { HubError } from '../../../schema/errors.ts'
import { datasetKey, type Derivation, type Input, type RunDataset, type StatementLineage } from '../../../schema/lineage.ts'
import type { Column, ColumnType } from '../../../schema/values.ts'
import { cutQuery, isMysql } from '../document/query.ts'
import { databaseTable } from './datasets.ts'
import { type Analyse, composed, followed, type Origins, ownOrigins } from './origins.ts'

export interface DatabaseQuery {
  readonly source: string
  readonly jdbcUrl: string
  readonly application: string
  /** In the dialect of the database, with its parameters. */
  readonly sql: string
  /** What it answers. */
  readonly columns: readonly Column[]
}

const word = /"((?:[^"]|"")+)"|`((?:[^`]|``)+)`|\[([^\]\n]+)\]|[A-Za-z_][A-Za-z0-9_$]*/g

/**
 * Of a query, and the tables it reads. Nobody is asked what columns these have: they are taken to have every column the text may name, and behind a star those that the query answers. A query that cannot be followed
 * stands for its tables, as `query.SOURCE`.
 */
export function databaseOrigins({ source, jdbcUrl, application, sql, columns }: DatabaseQuery, analyse: Analyse): { readonly origins: Origins; readonly datasets: readonly RunDataset[] } {
  const text = cutQuery(sql).texts.join(' NULL ')
  const answered = columns.map(({ name }) => name)
  const perhaps = [...new Set([...[...text.matchAll(word)].map(([whole, ...quoted]) => quoted.find(one => one !== undefined) ?? whole), ...answered])]
  const parts = new Map<string, readonly string[]>()
  const found = followed(analyse, text, name => {
    parts.set(name.join('.'), name)
    return { id: name.join('.'), columns: perhaps }
  }, isMysql(jdbcUrl) ? 'mysql' : undefined)
  if (found instanceof HubError) {
    const dataset = databaseTable(jdbcUrl, ['query', source], columns.map(({ name, type }) => ({ name, type })), application)
    return { origins: { ...ownOrigins(datasetKey(dataset), answered), unresolved: [found.message] }, datasets: [dataset] }
  }
  const { statement, doubtful } = certain(found, answered)
  const datasets = [...parts].map(([table, name]) => ({ table, dataset: databaseTable(jdbcUrl, name, columnsOf(table, statement, columns), application) }))
  const keys = new Map(datasets.map(({ table, dataset }) => [table, datasetKey(dataset)]))
  const inputsOf = (table: string, column: string): readonly Input<Derivation>[] => [{ table: keys.get(table) ?? table, column, transformation: 'IDENTITY' }]
  return { origins: { ...composed(statement, answered, inputsOf), unresolved: [...found.unresolved, ...doubtful] }, datasets: datasets.map(({ dataset }) => dataset) }
}

/** Without columns that several stars may have answered. */
function certain(found: StatementLineage, answered: readonly string[]): { readonly statement: StatementLineage; readonly doubtful: readonly string[] } {
  const like = (name: string) => found.columns.filter(({ output }) => output.toLowerCase() === name.toLowerCase())
  const doubtful = answered.filter(name => like(name).length > 1)
  const columns = answered.flatMap(name => (doubtful.includes(name) ? [{ output: name, inputs: [] }] : like(name).slice(0, 1)))
  return { statement: { ...found, columns }, doubtful }
}

/** Those of a table that the query has to do with. */
function columnsOf(table: string, { columns, influences }: StatementLineage, answered: readonly Column[]): RunDataset['columns'] {
  const types = new Map<string, ColumnType | undefined>()
  for (const { output, inputs } of columns) {
    for (const input of inputs.filter(one => one.table === table)) {
      const known = input.transformation === 'IDENTITY' ? answered.find(({ name }) => name === output)?.type : undefined
      types.set(input.column, types.get(input.column) ?? known)
    }
  }
  for (const { column } of influences.filter(one => one.table === table)) if (!types.has(column)) types.set(column, undefined)
  return [...types].map(([name, type]) => ({ name, ...(type && { type }) }))
}
