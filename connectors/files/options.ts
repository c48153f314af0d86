import { z } from 'zod'

const csv = z.strictObject({
  type: z.literal('csv'),
  /** Whether the first record names the columns. */
  header: z.boolean().default(true),
  /** Between two values. Absent: a comma, in files named `.tsv` and `.tab` a tab. */
  delimiter: z.string().min(1).max(4).optional(),
  /** Around a value that holds a delimiter, a quote or a line end; empty: values are never quoted. */
  quote: z.string().max(1).default('"'),
  /** In front of a quote inside a quoted value. Absent: the quote itself, doubled. */
  escape: z.string().max(1).optional(),
  /** How a missing value is written, never in quotes. In columns that are not text an empty value is missing, too. */
  null: z.union([z.string(), z.array(z.string()).nonempty()]).default(''),
  /** Records that begin with it are left out. */
  comment: z.string().length(1).optional(),
})
/** One JSON array of objects. */
const json = z.strictObject({ type: z.literal('json') })
/** One JSON object a line. */
const ndjson = z.strictObject({ type: z.literal('ndjson') })
const parquet = z.strictObject({ type: z.literal('parquet') })

/** How a file is written. Absent, the name's ending says it: see `formatOf`. */
export const fileFormat = z.discriminatedUnion('type', [csv, json, ndjson, parquet])
export type FileFormat = z.input<typeof fileFormat>
export type ParsedFormat = z.output<typeof fileFormat>
export type CsvFormat = Extract<ParsedFormat, { type: 'csv' }>

export const fileTable = z.strictObject({
  /** Below the source's root. */
  file: z.string().min(1),
  /** csv: the columns' names in order, instead of those in the file. Other formats: the columns taken, in this order. */
  columns: z.array(z.string().min(1)).nonempty().optional(),
  /** Instead of the source's. */
  format: fileFormat.optional(),
  /** Columns whose values name a row. They are checked: a null or a repeated key fails the load. */
  key: z.union([z.string().transform(name => [name]), z.array(z.string()).nonempty()]).optional(),
})
export type FileTable = z.input<typeof fileTable>
export type ParsedTable = z.output<typeof fileTable>

/** The options of a source of type `files` in the catalog, beside its type. */
export const filesOptions = z.strictObject({
  /** Folder the tables' files are below. */
  root: z.string().min(1),
  /** For tables that do not say theirs. Absent: by each name's ending. */
  format: fileFormat.optional(),
  /** Absent: every file below the root whose ending is known is a table named after it. */
  tables: z.record(z.string().min(1), fileTable).optional(),
  /** Rows of one file that may be unreadable before its load fails. Absent: 1000, or a tenth of the rows where that is more. */
  quarantineLimit: z.number().int().nonnegative().optional(),
})
export type FilesOptions = z.input<typeof filesOptions>

const endings: Record<string, ParsedFormat['type']> = {
  csv: 'csv', tsv: 'csv', tab: 'csv', json: 'json', ndjson: 'ndjson', jsonl: 'ndjson', parquet: 'parquet', pq: 'parquet',
}

export const knownEndings = Object.keys(endings)

/** The format a file's name promises; undefined for an ending nobody knows. */
export function formatOf(file: string): ParsedFormat | undefined {
  const type = endings[/\.([A-Za-z0-9]+)$/.exec(file)?.[1]?.toLowerCase() ?? '']
  return type && fileFormat.parse({ type })
}
