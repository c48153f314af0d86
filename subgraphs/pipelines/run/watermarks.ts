import type { Span, Watermark } from '../../../connectors/ports/run-store.ts'
import { HubError } from '../../../schema/errors.ts'
import { didYouMean } from '../../../schema/names.ts'
import { readText } from '../../../schema/value-texts.ts'
import { type Column, type ColumnType, compareValues, type Row, type Value } from '../../../schema/values.ts'
import { names } from '../plan/relation.ts'

/** Where what was read is kept. */
export interface WatermarkParts {
  /** How far the pipeline's sources were read by runs that succeeded, and what an earlier attempt of this one has fixed. */
  stored(): Promise<{ readonly watermarks: readonly Watermark[]; readonly spans: readonly Span[] }>
  /** Fixes what this attempt has read. */
  fix(spans: readonly Span[]): Promise<void>
}

/** Where a source is read from. */
export interface Begin {
  /** Stands for `:watermark`. */
  readonly value: Value
  readonly column: string
  readonly after: string
  /** What an earlier attempt read, which this one reads again. */
  readonly fixed?: Span
}

/** How far the sources of one run were read, and are. */
export class Watermarks {
  readonly #parts: WatermarkParts | undefined
  readonly #watermarks: readonly Watermark[]
  readonly #spans: readonly Span[]
  readonly #read = new Map<string, Span>()

  private constructor(parts: WatermarkParts | undefined, { watermarks, spans }: Awaited<ReturnType<WatermarkParts['stored']>>) {
    this.#parts = parts
    this.#watermarks = watermarks
    this.#spans = spans
  }

  static async open(parts: WatermarkParts | undefined): Promise<Watermarks> {
    return new Watermarks(parts, (await parts?.stored()) ?? { watermarks: [], spans: [] })
  }

  /** A watermark of another column is none of this one. */
  begin(source: string, column: string, from: string): Begin {
    const own = (one: Pick<Span, 'source' | 'column'>) => one.source === source && one.column === column
    const fixed = this.#spans.find(own)
    const before = this.#watermarks.find(own)
    const after = fixed?.after ?? before?.value ?? from
    const type = before?.value === after ? before.type : after === from ? undefined : fixed?.type
    // Of the first run nobody knows the type; what looks like a number is one.
    return { value: readText(type ?? 'Long', after), column, after, ...(fixed && { fixed }) }
  }

  note(span: Span): void {
    this.#read.set(span.source, span)
  }

  /** Has to be done before anything is in place: what is in place is not written again, whatever the next attempt reads. */
  async fix(): Promise<void> {
    if (this.#read.size > 0) await this.#parts?.fix([...this.#read.values()])
  }
}

/** Types whose values grow as the database orders them. */
const ordered: ReadonlySet<ColumnType> = new Set(['Int', 'Long', 'Decimal', 'Date', 'DateTime', 'LocalDateTime', 'String'])

interface SpanOrder {
  readonly source: string
  readonly driver: string
  readonly columns: readonly Column[]
  readonly batches: AsyncIterable<readonly Row[]>
  readonly begin: Begin
}

/** The rows as they come, and up to where they came; of what an earlier attempt has read those alone that it did. */
export async function* readSpan({ source, driver, columns, batches, begin }: SpanOrder, watermarks: Watermarks): AsyncGenerator<readonly Row[], void, void> {
  const { column, after, fixed } = begin
  const { type } = orderedColumn(source, driver, column, columns)
  const end = fixed?.upTo === undefined ? undefined : readText(type, fixed.upTo)
  const isInside = (value: Value) => value === null || (end !== undefined && compareValues(type, value, end) <= 0)
  let last: Value = null
  for await (const rows of batches) {
    const own = fixed ? rows.filter(row => isInside(row[column] ?? null)) : rows
    for (const row of own) {
      const value = row[column] ?? null
      if (value !== null && (last === null || compareValues(type, value, last) > 0)) last = value
    }
    yield own
  }
  // SQLite types a column by the values that were read: it may be either from run to run.
  watermarks.note(fixed ?? { source, column, type: type === 'Int' ? 'Long' : type, after, ...(last !== null && { upTo: String(last) }) })
}

function orderedColumn(source: string, driver: string, column: string, columns: readonly Column[]): Column {
  const found = columns.find(({ name }) => name === column)
  if (!found) throw new HubError('VALIDATION_ERROR', `The watermark of "${source}" is column "${column}", which its query does not answer.${didYouMean(column, names(columns)) || ` It answers ${names(columns).join(', ')}.`}`)
  if (!ordered.has(found.type)) throw new HubError('VALIDATION_ERROR', `The watermark of "${source}" is column "${column}", which is ${found.type}; ${[...ordered].join(', ')} are what a watermark may be.`)
  // SQLite compares the texts that are stored, which are not those that are read.
  if (driver === 'sqlite' && found.type.endsWith('DateTime')) throw new HubError('VALIDATION_ERROR', `The watermark of "${source}" is column "${column}", which SQLite compares as it is stored. Read it as that: CAST(${column} AS TEXT) AS ${column}.`)
  return found
}
