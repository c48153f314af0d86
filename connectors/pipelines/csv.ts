import type { DuckDBConnection } from '@duckdb/node-api'
import { HubError } from '../../schema/errors.ts'
import { quoteIdentifier, quoteText } from '../../schema/quote.ts'
import type { ColumnType } from '../../schema/values.ts'
import { csvHead } from '../files/csv-head.ts'
import { duckTypes } from '../files/dialect.ts'
import { typesOf, valueSql } from '../files/load.ts'
import { bufferBytes, csvReason, maxRecordBytes, pathLiteral, unique, usualWidth } from '../files/raw.ts'
import type { DatasetColumn, FileSource, Reading } from '../ports/pipeline-engine.ts'
import { compareColumns, type FileDataset, type Rejects } from './file-dataset.ts'

/** Files that are read by one call of the reader: what stands before the rows is the same in them. */
interface Group {
  readonly paths: string[]
  readonly names: readonly string[]
  readonly skipped: number
  readonly isGzip: boolean
}

/** How one column comes out of a text: what the reader makes of it, and what is left to do. */
interface Reader {
  /** The type the csv reader makes. */
  readonly read: string
  /** Its value, of what was read. */
  readonly value: (read: string) => string
  /** Whether a text that was read is one of the type; absent: the reader has left out what is none. */
  readonly fits?: (read: string, value: string) => string
}

/** A csv as a dataset: nothing is held, each statement reads the files anew. Costs a look at the beginning of each file, and, where types are told by values, a pass over them all. */
export async function csvDataset(connection: DuckDBConnection, id: string, source: FileSource): Promise<FileDataset> {
  const groups = await grouped(source)
  const [first] = groups
  const names = source.columns?.map(({ name }) => name) ?? first?.names
  if (!names) throw new HubError('UPSTREAM_REJECTED', 'The files are empty, so no columns can be found in them. Name a schema.')
  const leftOut = source.header ? [...new Set(groups.flatMap(group => compareColumns(group.paths[0] ?? '', group.names, names, source.leavesOut)))] : []
  const texts: readonly DatasetColumn[] = names.map(name => ({ name, type: 'String', nullable: true }))
  if (groups.length === 0) return { columns: source.columns ?? texts, select: `SELECT ${(source.columns ?? texts).map(({ name, type }) => `CAST(NULL AS ${duckTypes[type]}) AS ${quoteIdentifier(name)}`).join(', ')} WHERE false`, marks: [], rejects: async () => nothing }

  if (source.columns || !source.infer) {
    const columns = source.columns ?? texts
    const parts = groups.map((group, nth) => partOf(group, `${id}g${nth}`, source, columns))
    return { columns, leftOut, select: parts.map(({ select }) => select).join(' UNION ALL '), marks: parts.map(({ mark }) => mark), rejects: lostRows => rejectsOf(connection, parts, lostRows) }
  }
  const parts = groups.map((group, nth) => partOf(group, `${id}g${nth}`, source, texts))
  const raw = `(${parts.map(({ select }) => select).join(' UNION ALL ')})`
  const types = await typesOf(connection, raw, names.map(name => ({ text: quoteIdentifier(name) })))
  const columns = names.map((name, place): DatasetColumn => ({ name, type: types[place] ?? 'String', nullable: true }))
  return {
    columns, marks: parts.map(({ mark }) => mark), rejects: lostRows => rejectsOf(connection, parts, lostRows),
    select: `SELECT ${columns.map(({ name, type }) => `${valueSql(type, quoteIdentifier(name))} AS ${quoteIdentifier(name)}`).join(', ')} FROM ${raw}`,
  }
}

const nothing: Rejects = { rejected: 0, unfit: 0, samples: [] }

/** Looks at how each file begins. One without a record is left out. */
async function grouped({ paths, header, delimiter = ',', columns }: FileSource): Promise<Group[]> {
  const groups = new Map<string, Group>()
  for (const path of paths) {
    const { records, skipped } = await csvHead(path, { type: 'csv', header: header ?? true, quote: '"', null: '', delimiter }, header ? 1 : 101)
    const [head] = records
    if (!head) continue
    const names = header ? unique(head.map((name, place) => name.replace(/^\uFEFF/, '') || `column${place + 1}`)) : (columns?.map(({ name }) => name) ?? Array.from({ length: usualWidth(records) }, (_, place) => `column${place + 1}`))
    const isGzip = /\.gz$/i.test(path)
    const key = JSON.stringify([names, skipped, isGzip])
    const group = groups.get(key) ?? { paths: [], names, skipped: header ? skipped : 0, isGzip }
    group.paths.push(path)
    groups.set(key, group)
  }
  return [...groups.values()]
}

interface PartOf {
  readonly select: string
  /** What the reader calls its first column. */
  readonly mark: string
  readonly id: string
  readonly paths: readonly string[]
  /** As they stand in the files. */
  readonly columns: readonly Pick<DatasetColumn, 'name' | 'type'>[]
  /** The records of one file that the reader takes and that are left out all the same: number, among those with the right number of values, and why. Absent: there are none. */
  readonly unfit?: (path: string) => string
}

function partOf({ paths, names, skipped, isGzip }: Group, id: string, { header, delimiter = ',', null: missing }: FileSource, columns: readonly DatasetColumn[]): PartOf {
  const own = names.map((name, place) => {
    const column = columns.find(one => one.name === name)
    return { name, column, raw: quoteIdentifier(`${id}c${place}`), reader: column ? readerOf(column) : text }
  })
  const options = `auto_detect = false, header = ${header ?? true}, skip = ${skipped}, delim = ${quoteText(delimiter)}, quote = '"', escape = '"',
    nullstr = [${['', ...(missing === undefined ? [] : [missing])].map(quoteText).join(', ')}], allow_quoted_nulls = false, hive_partitioning = false, compression = ${isGzip ? "'gzip'" : "'none'"}, max_line_size = ${maxRecordBytes}, buffer_size = ${bufferBytes}`
  const from = (files: readonly string[], typeOf: (reader: Reader) => string, more: string) => `read_csv([${files.map(pathLiteral).join(', ')}], ${options}, columns = {${own.map(({ raw, reader }) => `${raw}: ${quoteText(typeOf(reader))}`).join(', ')}}, ${more})`
  // Of one column a blank line would be a row; an empty text is one in quotes only.
  const blank = names.length === 1 ? ` WHERE ${own[0]?.raw} IS NOT NULL` : ''
  const inner = own.map(({ raw, reader }, place) => `${raw}, ${reader.value(raw)} AS v${place}`).join(', ')
  const checks = own.flatMap(({ name, column, raw, reader }, place) => {
    const fits = reader.fits?.(raw, `v${place}`)
    if (column && !column.nullable) return [{ name, column, raw, sql: fits ? `(${raw} IS NOT NULL AND ${fits})` : `v${place} IS NOT NULL` }]
    return fits ? [{ name, column, raw, sql: `(${raw} IS NULL OR ${fits})` }] : []
  })
  // What nobody asks for the reader would not look at, and a row that is wrong there would be one all the same.
  const unchecked = own.filter(({ raw }) => !checks.some(check => check.raw === raw)).map(({ raw }) => raw)
  const all = unchecked.length > 0 ? [`struct_pack(${unchecked.join(', ')}) IS NOT NULL`] : []
  const ordered = columns.flatMap(column => {
    const place = names.indexOf(column.name)
    return place < 0 ? [] : [`v${place} AS ${quoteIdentifier(column.name)}`]
  })
  const why = `concat_ws(', ', ${checks.map(({ name, column, raw, sql }) => `CASE WHEN ${sql} THEN NULL ELSE ${quoteText(`"${name}" is `)} || coalesce('"' || left(${raw}, 100) || '"', 'empty') || ${quoteText(`, not ${column?.type ?? 'String'}`)} END`).join(', ') || 'NULL'})`
  const rejects = `store_rejects = true, rejects_table = '${id}_rejects', rejects_scan = '${id}_scans', rejects_limit = 0`
  return {
    id, paths, mark: `${id}c0`, columns: own.map(({ name, column }) => ({ name, type: column?.type ?? 'String' })),
    select: `SELECT ${ordered.join(', ')} FROM (SELECT ${inner} FROM ${from(paths, ({ read }) => read, rejects)}${blank}) WHERE ${[...checks.map(({ sql }) => sql), ...all].join(' AND ')}`,
    ...(checks.length > 0 && {
      unfit: path => {
        const isRead = own.flatMap(({ raw, reader }) => (reader.read === text.read ? [] : [`(${raw} IS NULL OR TRY_CAST(${raw} AS ${reader.read}) IS NOT NULL)`]))
        return `SELECT n, ${why} AS why FROM (SELECT ${inner}, row_number() OVER () AS n FROM ${from([path], () => text.read, 'ignore_errors = true')}${blank}) WHERE ${[...isRead, `NOT coalesce(${checks.map(({ sql }) => sql).join(' AND ')}, false)`].join(' AND ')}`
      },
    }),
  }
}

const text: Reader = { read: 'VARCHAR', value: read => read }

/** The reader rounds what has more digits than its type. A whole number is one if it is as much as a double, or is written with as many characters; in a decimal digits are counted. */
function readerOf({ type, precision = 38, scale = 9 }: DatasetColumn): Reader {
  switch (type) {
    case 'Int':
      return { read: 'DOUBLE', value: read => `TRY_CAST(TRY_CAST(${read} AS DOUBLE) AS INTEGER)`, fits: (read, value) => `CAST(${value} AS DOUBLE) = TRY_CAST(${read} AS DOUBLE)` }
    case 'Long':
      return { read: 'VARCHAR', value: read => `TRY_CAST(${read} AS BIGINT)`, fits: (read, value) => `(strlen(CAST(${value} AS VARCHAR)) = strlen(${read}) OR (${value} IS NOT NULL AND regexp_full_match(${read}, ' *[+-]?[0-9]+ *')))` }
    case 'Decimal':
      return { read: 'VARCHAR', value: read => `TRY_CAST(${read} AS DECIMAL(${precision}, ${scale}))`, fits: (read, value) => `(${value} IS NOT NULL AND (strpos(${read}, '.') = 0 OR strlen(${read}) - strpos(${read}, '.') <= ${scale}) AND strpos(${read}, '-') <= 1)` }
    case 'Float':
      return { read: 'DOUBLE', value: read => `TRY_CAST(${read} AS DOUBLE)`, fits: (_, value) => `isfinite(${value})` }
    case 'Bytes':
      return { ...text, value: read => `TRY(from_base64(${read}))`, fits: (_, value) => `${value} IS NOT NULL` }
    case 'JSON':
      return { ...text, value: read => `TRY_CAST(${read} AS JSON)`, fits: (_, value) => `${value} IS NOT NULL` }
    default:
      return { ...text, read: duckTypes[type satisfies Exclude<ColumnType, 'Int' | 'Long' | 'Decimal' | 'Float' | 'Bytes' | 'JSON'>] }
  }
}

const mostSamples = 100

/** What the reader left out, and, where rows got lost behind it, which of them did not fit. */
async function rejectsOf(connection: DuckDBConnection, parts: readonly PartOf[], lostRows: (mark: string) => boolean): Promise<Rejects> {
  let rejected = 0
  let unfitRows = 0
  const samples: Reading['samples'][number][] = []
  for (const { id, mark, paths, columns, unfit } of parts) {
    const [there] = (await connection.runAndReadAll(`SELECT count(*) FROM duckdb_tables() WHERE table_name = '${id}_rejects'`)).getRowsJson()
    if (Number(there?.[0]) > 0) {
      const lines = `(SELECT file_path, line, first(error_type ORDER BY byte_position) AS type, first(error_message ORDER BY byte_position) AS message, first(column_idx ORDER BY byte_position) AS place FROM ${id}_rejects JOIN ${id}_scans USING (scan_id, file_id) GROUP BY file_path, line)`
      rejected += await countOf(connection, lines)
      const rows = (await connection.runAndReadAll(`SELECT file_path, line, type, message, place FROM ${lines} ORDER BY file_path, line LIMIT ${mostSamples}`)).getRowsJson()
      samples.push(...rows.map(([path, line, type, message, place]) => ({ path: String(path), place: `line ${line}`, reason: castReason(String(message), columns[Number(place) - 1]) ?? csvReason(String(type), String(message)) })))
    }
    if (!unfit || !lostRows(mark)) continue
    for (const path of paths) {
      unfitRows += await countOf(connection, `(${unfit(path)})`)
      if (samples.length >= mostSamples) continue
      const rows = (await connection.runAndReadAll(`${unfit(path)} ORDER BY n LIMIT ${mostSamples}`)).getRowsJson()
      samples.push(...rows.map(([record, reason]) => ({ path, place: `record ${record}`, reason: String(reason) })))
    }
  }
  return { rejected: rejected + unfitRows, unfit: unfitRows, samples: samples.slice(0, mostSamples) }
}

async function countOf(connection: DuckDBConnection, relation: string): Promise<number> {
  return Number((await connection.runAndReadAll(`SELECT count(*) FROM ${relation}`)).getRowsJson()[0]?.[0] ?? 0)
}

/** Of a text that the reader did not take for a value of its column. */
function castReason(message: string, column: Pick<DatasetColumn, 'name' | 'type'> | undefined): string | undefined {
  const [, value] = /Could not convert string "(.*)" to /s.exec(message) ?? []
  return value === undefined || !column ? undefined : `"${column.name}" is "${value.slice(0, 100)}", not ${column.type}`
}
