import type { DuckDBConnection } from '@duckdb/node-api'
import { open } from 'node:fs/promises'
import { HubError } from '../../schema/errors.ts'
import { csvHead } from './csv-head.ts'
import type { RawColumn } from './infer.ts'
import type { CsvFormat, ParsedFormat } from './options.ts'
import { findNotUtf8 } from './utf8.ts'

/** A file as DuckDB read it, before its columns have types: the temporary table `raw` of the connection. */
export interface Raw {
  /** By name, in the file's order, names unique without regard to letter case. */
  readonly columns: readonly (RawColumn & { readonly name: string })[]
  /** Rows left out, by line. */
  readonly rejected: { readonly count: number; readonly samples: readonly { line: number; reason: string }[] }
}

export interface RawRequest {
  readonly path: string
  /** The columns declared, if any. */
  readonly columns?: readonly string[]
}

/** Longest record read, in bytes. */
export const maxRecordBytes = 16 << 20
/** What a thread that reads csv holds at a time. By itself DuckDB takes sixteen times the longest line, and files read side by side find no memory. */
export const bufferBytes = 2 * maxRecordBytes
const sampleLimit = 100

/** Reads a text format into `raw`. Rows that cannot be read are counted; a file that cannot be read at all → UPSTREAM_REJECTED. */
export async function readRaw(connection: DuckDBConnection, format: Exclude<ParsedFormat, { type: 'parquet' }>, request: RawRequest): Promise<Raw> {
  const bad = await findNotUtf8(request.path)
  if (bad) throw new HubError('UPSTREAM_REJECTED', `it is not UTF-8: byte ${bad.byteOffset} (line ${bad.line}) begins no character. Convert it to UTF-8 first.`)
  return format.type === 'csv' ? readCsv(connection, format, request) : readJson(connection, format.type, request)
}

async function readCsv(connection: DuckDBConnection, declared: CsvFormat, { path, columns }: RawRequest): Promise<Raw> {
  const format = { ...declared, delimiter: declared.delimiter ?? (/\.(tsv|tab)$/i.test(path) ? '\t' : ',') }
  const { records: head, skipped } = await csvHead(path, format, 101)
  const header = format.header ? head.shift() : undefined
  if (header && columns && header.length !== columns.length) throw new HubError('UPSTREAM_REJECTED', `its header has ${header.length} columns, while ${columns.length} are declared.`)
  const names = unique(columns ?? header?.map((name, index) => name.replace(/^\uFEFF/, '') || `column${index + 1}`) ?? Array.from({ length: usualWidth(head) }, (_, index) => `column${index + 1}`))
  if (names.length === 0) throw noColumns()

  const nulls = [declared.null].flat()
  // Of one column a blank line would be a row; an empty text is one in quotes only.
  const blank = names.length === 1 && nulls.includes('') ? ' WHERE c0 IS NOT NULL' : ''
  const comment = format.comment === undefined ? '' : `, comment = ${literal(format.comment)}`
  await connection.run(`CREATE TEMP TABLE raw AS SELECT * FROM read_csv(${pathLiteral(path)}, auto_detect = false, columns = {${names.map((_, index) => `c${index}: 'VARCHAR'`).join(', ')}},
    header = ${format.header}, skip = ${header ? skipped : 0}, delim = ${literal(format.delimiter)}, quote = ${literal(format.quote)}, escape = ${literal(format.escape ?? format.quote)}${comment},
    nullstr = [${nulls.map(literal).join(', ')}], allow_quoted_nulls = false, hive_partitioning = false, max_line_size = ${maxRecordBytes}, buffer_size = ${bufferBytes},
    store_rejects = true, rejects_table = 'rejected', rejects_scan = 'rejected_scans', rejects_limit = 0)${blank}`)
  const rejected = await connection.runAndReadAll('SELECT line, first(error_type ORDER BY byte_position), first(error_message ORDER BY byte_position) FROM rejected GROUP BY line ORDER BY line')
  const rows = rejected.getRowsJson()
  return {
    columns: names.map((name, index) => ({ name, text: `c${index}` })),
    rejected: { count: rows.length, samples: rows.slice(0, sampleLimit).map(([line, type, message]) => ({ line: Number(line), reason: csvReason(String(type), String(message)) })) },
  }
}

/** Why DuckDB did not read a line, as people are told. */
export function csvReason(type: string, message: string): string {
  const width = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(message)
  if (width) return `has ${type === 'MISSING COLUMNS' ? 'too few' : 'too many'} values, ${width[1]} are expected`
  if (type === 'UNQUOTED VALUE') return 'has a quote that is not closed, or text behind a closing quote'
  return message.split('\n')[0] ?? message
}

async function readJson(connection: DuckDBConnection, type: 'json' | 'ndjson', { path, columns }: RawRequest): Promise<Raw> {
  if (type === 'json') {
    const first = await firstCharacter(path)
    if (first !== '[') {
      const hint = first === '{' ? ' If it holds one object a line, say format: { type: ndjson }.' : ''
      throw new HubError('UPSTREAM_REJECTED', `it begins with ${first === '' ? 'nothing' : `"${first}"`}, where a JSON array begins with "[".${hint}`)
    }
    await connection.run(`CREATE TEMP TABLE docs AS SELECT json AS doc FROM read_json_objects(${pathLiteral(path)}, format = 'array', hive_partitioning = false, maximum_object_size = ${maxRecordBytes})`)
  } else {
    await connection.run(`CREATE TEMP TABLE lines AS SELECT line FROM read_csv(${pathLiteral(path)}, auto_detect = false, columns = {line: 'VARCHAR'}, header = false, delim = '\x01',
      quote = '', escape = '', nullstr = '', hive_partitioning = false, max_line_size = ${maxRecordBytes}, buffer_size = ${bufferBytes})`)
    await connection.run('CREATE TEMP TABLE docs AS SELECT CASE WHEN json_valid(line) THEN CAST(line AS JSON) END AS doc, line FROM lines ORDER BY rowid')
    await connection.run('DROP TABLE lines')
  }
  const place = type === 'json' ? 'record' : 'line'
  const blank = type === 'json' ? '' : `AND trim(line) <> ''`
  const wrong = `json_type(doc) IS DISTINCT FROM 'OBJECT' ${blank}`
  const counted = await connection.runAndReadAll(`SELECT count(*) FROM docs WHERE ${wrong}`)
  const samples = await connection.runAndReadAll(`SELECT rowid + 1, json_type(doc) FROM docs WHERE ${wrong} ORDER BY rowid LIMIT ${sampleLimit}`)

  const found = await connection.runAndReadAll(`SELECT name FROM (SELECT rowid AS r, unnest(json_keys(doc)) AS name, generate_subscripts(json_keys(doc), 1) AS i FROM docs WHERE json_type(doc) = 'OBJECT')
    GROUP BY name ORDER BY min(r), min(i)`)
  const keys = columns ?? found.getRowsJson().map(([name]) => String(name))
  if (keys.length === 0) throw noColumns()
  const names = unique(keys)
  const read = keys.map((key, index) => `doc ->> ${pointer(key)} AS c${index}, json_type(doc, ${pointer(key)}) AS t${index}`)
  await connection.run(`CREATE TEMP TABLE raw AS SELECT ${read.join(', ')} FROM docs WHERE json_type(doc) = 'OBJECT' ORDER BY rowid`)
  await connection.run('DROP TABLE docs')
  return {
    columns: names.map((name, index) => ({ name, text: `c${index}`, jsonType: `t${index}` })),
    rejected: {
      count: Number(counted.getRowsJson()[0]?.[0] ?? 0),
      samples: samples.getRowsJson().map(([at, kind]) => ({ line: Number(at), reason: kind === null ? 'is not valid JSON' : `${place} is ${String(kind).toLowerCase()}, not an object` })),
    },
  }
}

async function firstCharacter(path: string): Promise<string> {
  const file = await open(path)
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(4096), 0, 4096, 0)
    return buffer.subarray(0, bytesRead).toString().replace(/^\uFEFF/, '').trimStart().slice(0, 1)
  } finally {
    await file.close()
  }
}

/** The width most records have; of equally frequent ones the first met. */
export function usualWidth(records: readonly (readonly string[])[]): number {
  const counts = new Map<number, number>()
  for (const { length } of records) counts.set(length, (counts.get(length) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 0
}

/** Names made different by a number behind them where they differ in letter case only, or not at all. */
export function unique(names: readonly string[]): string[] {
  const taken = new Set<string>()
  return names.map(name => {
    let free = name
    for (let count = 2; taken.has(free.toLowerCase()); count++) free = `${name}_${count}`
    taken.add(free.toLowerCase())
    return free
  })
}

function noColumns(): HubError {
  return new HubError('UPSTREAM_REJECTED', 'it is empty, so no columns can be found in it. Declare them under "columns".')
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A path as DuckDB takes it: what would be a pattern stands in brackets and so for itself. */
export function pathLiteral(path: string): string {
  return literal(path.replace(/[*?[]/g, '[$&]'))
}

/** A JSON pointer to one member (RFC 6901). */
function pointer(key: string): string {
  return literal(`/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`)
}

