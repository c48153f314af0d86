import type { DuckDBConnection } from '@duckdb/node-api'
import { HubError } from '../../schema/errors.ts'
import type { Column, ColumnType } from '../../schema/values.ts'
import type { Quarantine } from '../ports/source-connector.ts'
import { identifier } from '../sql-text/filter.ts'
import { duckTypes } from './dialect.ts'
import { integerType, isSettled, kindsSql, type RawColumn, typeOfKinds } from './infer.ts'
import type { ParsedFormat } from './options.ts'
import { literal, pathLiteral, type Raw, readRaw } from './raw.ts'

export interface LoadRequest {
  /** Quoted name of the table to make or to replace. */
  readonly relation: string
  readonly path: string
  readonly format: ParsedFormat
  readonly columns?: readonly string[]
  readonly key?: readonly string[]
  readonly quarantineLimit?: number
}

export interface Loaded {
  readonly columns: readonly Column[]
  readonly rowCount: number
  readonly quarantine: Quarantine
}

/**
 * Reads a file into its table, in one step for whoever reads the table meanwhile. Types are those that every row of the file has. The connection's temporary
 * tables are used up: give each load its own. Costs two passes over the file and one over the rows for each pass of types.
 */
export async function load(connection: DuckDBConnection, request: LoadRequest): Promise<Loaded> {
  return request.format.type === 'parquet' ? loadParquet(connection, request) : loadText(connection, request, await readRaw(connection, request.format, request))
}

async function loadText(connection: DuckDBConnection, request: LoadRequest, raw: Raw): Promise<Loaded> {
  const good = await countOf(connection, 'raw')
  refuseTooMany(raw.rejected.count, good, raw, request.quarantineLimit)
  const types = await typesOf(connection, 'raw', raw.columns)
  const read = raw.columns.map(({ name, text, jsonType }, index) => `${valueSql(types[index] ?? 'String', text, jsonType)} AS ${identifier(name)}`)
  return finish(connection, request, `SELECT ${read.join(', ')} FROM raw`, raw.columns.map(({ name }, index) => ({ name, type: types[index] ?? 'String' })), raw.rejected)
}

/** A value of a text format as one of the type, which it has. */
export function valueSql(type: ColumnType, text: string, jsonType?: string): string {
  if (type === 'String') return text
  if (type === 'JSON') return `CASE WHEN ${text} IS NULL THEN NULL WHEN ${jsonType} = 'VARCHAR' THEN to_json(${text}) ELSE CAST(${text} AS JSON) END`
  return `CAST(NULLIF(${text}, '') AS ${duckTypes[type]})`
}

/** The types all values of a relation's columns have. First over a beginning, to find what is plainly text; then over everything for the rest, so that no late value is missed. */
export async function typesOf(connection: DuckDBConnection, relation: string, columns: readonly RawColumn[]): Promise<ColumnType[]> {
  const kinds = columns.map(() => 0)
  for (const from of [`(FROM ${relation} LIMIT 5000)`, relation]) {
    const open = columns.flatMap((column, index) => (isSettled(kinds[index] ?? 0, column) ? [] : [{ column, index }]))
    if (open.length === 0) break
    const [row] = (await connection.runAndReadAll(`SELECT ${open.map(({ column }) => kindsSql(column)).join(', ')} FROM ${from}`)).getRowsJson()
    open.forEach(({ index }, at) => {
      kinds[index] = Number(row?.[at] ?? 0)
    })
  }
  const types = kinds.map(typeOfKinds)
  const integral = columns.flatMap(({ text }, index) => (types[index] === 'Int' ? [{ text, index }] : []))
  if (integral.length > 0) {
    const bounds = integral.map(({ text }) => `min(CAST(NULLIF(${text}, '') AS HUGEINT)), max(CAST(NULLIF(${text}, '') AS HUGEINT))`)
    const [row] = (await connection.runAndReadAll(`SELECT ${bounds.join(', ')} FROM ${relation}`)).getRowsJson()
    integral.forEach(({ index }, at) => {
      types[index] = integerType(BigInt(String(row?.[2 * at] ?? 0)), BigInt(String(row?.[2 * at + 1] ?? 0)))
    })
  }
  return types
}

function refuseTooMany(rejected: number, good: number, raw: Raw, declared: number | undefined): void {
  const limit = declared ?? Math.max(1000, Math.floor((good + rejected) / 10))
  if (rejected <= limit && (rejected === 0 || good > 0)) return
  const [first] = raw.rejected.samples
  const said = first ? ` The first: line ${first.line} ${first.reason}.` : ''
  throw new HubError('UPSTREAM_REJECTED', `${rejected} of its ${good + rejected} rows cannot be read, ${good === 0 ? 'and none can' : `more than the limit of ${limit}`}.${said} Check the format, or raise quarantineLimit.`)
}

/** Columns of a parquet file by the start of DuckDB's name for their type; what is not here is nested, and becomes JSON. */
const parquetTypes: readonly (readonly [RegExp, ColumnType, ((column: string) => string)?])[] = [
  [/\[/, 'JSON'],
  [/^(TINYINT|SMALLINT|INTEGER|UTINYINT|USMALLINT)$/, 'Int', column => `CAST(${column} AS INTEGER)`],
  [/^(BIGINT|UINTEGER)$/, 'Long', column => `CAST(${column} AS BIGINT)`],
  [/^(UBIGINT|HUGEINT)$/, 'Decimal', column => `CAST(${column} AS DECIMAL(38,0))`],
  [/^DECIMAL/, 'Decimal', column => column],
  // Through text: the nearest double of a FLOAT is not the number it is written as.
  [/^FLOAT$/, 'Float', column => `CASE WHEN isfinite(${column}) THEN CAST(CAST(${column} AS VARCHAR) AS DOUBLE) END`],
  [/^DOUBLE$/, 'Float', column => `CASE WHEN isfinite(${column}) THEN ${column} END`],
  [/^BOOLEAN$/, 'Boolean', column => column],
  [/^DATE$/, 'Date', column => column],
  [/^TIME(_NS)?$/, 'Time', column => `CAST(${column} AS TIME)`],
  [/^TIMESTAMP WITH TIME ZONE$/, 'DateTime', column => column],
  [/^TIMESTAMP/, 'LocalDateTime', column => `CAST(${column} AS TIMESTAMP)`],
  [/^UUID$/, 'UUID', column => column],
  [/^BLOB$/, 'Bytes', column => column],
  [/^(VARCHAR|ENUM|INTERVAL|TIME WITH TIME ZONE|BIT)/, 'String', column => `CAST(${column} AS VARCHAR)`],
  [/^JSON$/, 'JSON', column => column],
  [/^/, 'JSON'],
]

/** A column of a parquet file, of which DuckDB says this type: ours, and the expression that reads it as a value of ours, with its name. */
export function parquetColumn(name: string, duckDbType: string): { readonly type: ColumnType; readonly sql: string } {
  const [, type, read] = parquetTypes.find(([pattern]) => pattern.test(duckDbType)) ?? [/^/, 'JSON' as const]
  const quoted = identifier(name)
  return { type, sql: `${read?.(quoted) ?? `to_json(${quoted})`} AS ${quoted}` }
}

async function loadParquet(connection: DuckDBConnection, request: LoadRequest): Promise<Loaded> {
  const from = `read_parquet(${pathLiteral(request.path)}, hive_partitioning = false)`
  const described = (await connection.runAndReadAll(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${from})`)).getRowsJson().map(([name, type]) => ({ name: String(name), type: String(type) }))
  const missing = request.columns?.filter(name => !described.some(found => found.name === name)) ?? []
  if (missing.length > 0) throw new HubError('UPSTREAM_REJECTED', `it has no column ${missing.map(name => `"${name}"`).join(', ')}; its columns are ${described.map(({ name }) => name).join(', ')}.`)
  const taken = request.columns ? request.columns.flatMap(name => described.find(found => found.name === name) ?? []) : described
  const columns = taken.map(({ name, type }) => ({ name, ...parquetColumn(name, type) }))
  return finish(connection, request, `SELECT ${columns.map(({ sql }) => sql).join(', ')} FROM ${from}`, columns, { count: 0, samples: [] })
}

/** Checks the key in a table beside, then puts it in the place of what was there. */
async function finish(connection: DuckDBConnection, request: LoadRequest, select: string, columns: readonly { name: string; type: ColumnType }[], quarantine: Quarantine): Promise<Loaded> {
  const key = request.key ?? []
  const names = columns.map(({ name }) => name)
  const unknown = key.filter(name => !names.includes(name))
  if (unknown.length > 0) throw new HubError('UPSTREAM_REJECTED', `it has no column ${unknown.map(name => `"${name}"`).join(', ')} for the key; its columns are ${names.join(', ')}.`)
  await connection.run(`CREATE TEMP TABLE typed AS ${select}`)
  await connection.run('DROP TABLE IF EXISTS raw')
  if (key.length > 0) await checkKey(connection, key)
  await connection.run(`CREATE OR REPLACE TABLE ${request.relation} AS FROM typed`)
  return { columns: columns.map(({ name, type }) => ({ name, type, nullable: !key.includes(name) })), rowCount: await countOf(connection, 'typed'), quarantine }
}

async function checkKey(connection: DuckDBConnection, key: readonly string[]): Promise<void> {
  const quoted = key.map(identifier)
  const shown = `concat_ws(', ', ${quoted.map(column => `coalesce(CAST(${column} AS VARCHAR), 'null')`).join(', ')})`
  const wrong = await connection.runAndReadAll(`SELECT ${shown}, count(*) FROM typed GROUP BY ${quoted.join(', ')} HAVING count(*) > 1 OR ${quoted.map(column => `${column} IS NULL`).join(' OR ')} LIMIT 1`)
  const [row] = wrong.getRowsJson()
  if (!row) return
  throw new HubError('UPSTREAM_REJECTED', `its key ${key.join(', ')} does not name one row: ${literal(String(row[0]))} stands in ${String(row[1])} of them. Choose other key columns.`)
}

async function countOf(connection: DuckDBConnection, table: string): Promise<number> {
  return Number((await connection.runAndReadAll(`SELECT count(*) FROM ${table}`)).getRowsJson()[0]?.[0] ?? 0)
}
