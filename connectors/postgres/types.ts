import { type ColumnType, type Json, toLong, type Value } from '../../schema/values.ts'
import type { SqlColumn } from '../sql-text/filter.ts'

/** A type of PostgreSQL in the product's terms. */
interface TypeMapping {
  readonly type: ColumnType
  /** What values are bound as. */
  readonly bound: string
  /** Reads the column, given its quoted name; absent: by its name, so that indexes serve. */
  readonly read?: (column: string) => string
  /** From what the type writes of a value, which is what a change of the row carries, to the text the column is read as; `asked`: the server alone can tell. Absent: the same text. */
  readonly written?: ((text: string) => string | null) | 'asked'
}

export interface PostgresColumn extends SqlColumn, Pick<TypeMapping, 'written'> {
  readonly bound: string
}

const text: TypeMapping = { type: 'String', bound: 'text' }
const asText: TypeMapping = { ...text, read: column => `(${column})::text` }
const asJson: TypeMapping = { type: 'JSON', bound: 'jsonb', read: column => `to_jsonb(${column})`, written: 'asked' }
const finite = (text: string) => (/^(NaN|-?Infinity)$/.test(text) ? null : text)

/** By the name of the base type. NaN and infinities are no values here, so they are read as null, in conditions too. */
const mappings: Record<string, TypeMapping> = {
  int2: { type: 'Int', bound: 'int8' }, int4: { type: 'Int', bound: 'int8' }, int8: { type: 'Long', bound: 'int8' }, oid: { type: 'Long', bound: 'int8', read: column => `(${column})::int8` },
  numeric: { type: 'Decimal', bound: 'numeric', read: column => `NULLIF(NULLIF(NULLIF(${column}, 'NaN'), 'Infinity'), '-Infinity')`, written: finite },
  float8: { type: 'Float', bound: 'float8', read: column => `NULLIF(NULLIF(NULLIF(${column}, 'NaN'), 'Infinity'), '-Infinity')`, written: finite },
  /** Through text: the nearest double of a float4 is not the number it is written as. */
  float4: { type: 'Float', bound: 'float8', read: column => `NULLIF(NULLIF(NULLIF(${column}, 'NaN'), 'Infinity'), '-Infinity')::text::float8`, written: finite },
  bool: { type: 'Boolean', bound: 'bool' }, uuid: { type: 'UUID', bound: 'uuid' }, bytea: { type: 'Bytes', bound: 'bytea' },
  date: { type: 'Date', bound: 'date' }, time: { type: 'Time', bound: 'time' }, timestamp: { type: 'LocalDateTime', bound: 'timestamp' }, timestamptz: { type: 'DateTime', bound: 'timestamptz' },
  /** Its cast to text would add a mask that nobody wrote. */
  inet: { ...text, read: column => `textin(inet_out(${column}))` },
  text, varchar: text, bpchar: { ...asText, written: padded => padded.replace(/ +$/, '') }, json: { type: 'JSON', bound: 'jsonb' }, jsonb: { type: 'JSON', bound: 'jsonb' },
}

/** `typtype` and `typcategory` as in pg_type; what has no counterpart is read as PostgreSQL writes it. */
export function mappingOf(base: string, typtype: string, typcategory: string): TypeMapping {
  if (typcategory === 'A' || typtype === 'c') return asJson
  return mappings[base] ?? asText
}

type Converter = (written: string) => Value
const asIs: Converter = written => written
/** Values beyond the calendar (`infinity`, years before 1) have no canonical form. */
const dated = (pattern: RegExp, shape: (written: string) => string): Converter => written => (pattern.test(written) ? shape(written) : null)

/** From PostgreSQL's text with TimeZone UTC, DateStyle ISO and bytea_output hex. */
export const converters: Record<ColumnType, Converter> = {
  String: asIs, Decimal: asIs, Time: asIs, UUID: asIs,
  Int: Number,
  Long: written => toLong(BigInt(written)),
  Float: Number,
  Boolean: written => written === 't' || written === 'true',
  Date: dated(/^\d{4,}-\d\d-\d\d$/, asIs as (written: string) => string),
  LocalDateTime: dated(/^\d{4,}-\d\d-\d\d [\d:.]+$/, written => written.replace(' ', 'T')),
  DateTime: dated(/^\d{4,}-\d\d-\d\d [\d:.]+\+00$/, written => `${written.slice(0, -3).replace(' ', 'T')}Z`),
  Bytes: written => Buffer.from(written.slice(2), 'hex').toString('base64'),
  JSON: written => JSON.parse(written) as Json,
}
