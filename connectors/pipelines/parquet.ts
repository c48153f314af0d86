import type { DuckDBConnection } from '@duckdb/node-api'
import { quoteIdentifier, quoteText } from '../../schema/quote.ts'
import { duckTypes } from '../files/dialect.ts'
import { parquetColumn } from '../files/load.ts'
import { pathLiteral } from '../files/raw.ts'
import type { DatasetColumn, FileSource } from '../ports/pipeline-engine.ts'
import { compareColumns, type FileDataset } from './file-dataset.ts'

/** Parquet files as a dataset: nothing is held, each statement reads of them what it needs. Costs a look at the end of each file. */
export async function parquetDataset(connection: DuckDBConnection, { paths, columns: wanted, leavesOut, partitionBy = [] }: FileSource): Promise<FileDataset> {
  const files = `[${paths.map(pathLiteral).join(', ')}]`
  const partitions = partitionBy.length === 0 ? 'hive_partitioning = false' : `hive_partitioning = true, hive_types = {${partitionBy.map(({ name, type }) => `${quoteText(name)}: ${duckTypes[type]}`).join(', ')}}`
  const from = `read_parquet(${files}, union_by_name = true, ${partitions})`
  const described = (await connection.runAndReadAll(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${from})`)).getRowsJson()
  const all = described.map(([name, type]) => ({ name: String(name), ...parquetColumn(String(name), String(type)) }))
  const found = [...all.filter(({ name }) => !partitionBy.some(one => one.name === name)), ...partitionBy.flatMap(one => all.filter(({ name }) => name === one.name))]
  const leftOut = wanted ? compareColumns(paths[0] ?? '', found.map(({ name }) => name), wanted.map(({ name }) => name), leavesOut) : []
  const columns = wanted ?? found.map(({ name, type }): DatasetColumn => ({ name, type, nullable: true }))
  const read = `SELECT ${found.map(({ sql }) => sql).join(', ')} FROM ${from}`
  return {
    columns, leftOut, marks: [],
    select: wanted ? `SELECT ${wanted.map(column => `${castOf(column)} AS ${quoteIdentifier(column.name)}`).join(', ')} FROM (${read})` : read,
    rows: Number((await connection.runAndReadAll(`SELECT coalesce(sum(num_rows), 0) FROM parquet_file_metadata(${files})`)).getRowsJson()[0]?.[0] ?? 0),
    rejects: async () => ({ rejected: 0, unfit: 0, samples: [] }),
  }
}

function castOf({ name, type, precision = 38, scale }: DatasetColumn): string {
  const quoted = quoteIdentifier(name)
  if (type === 'Decimal') return scale === undefined ? quoted : `CAST(${quoted} AS DECIMAL(${precision}, ${scale}))`
  return `CAST(${quoted} AS ${duckTypes[type]})`
}
