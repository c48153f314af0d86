import { isIP } from 'node:net'
import { type Column, type ColumnType, type Json, toLong, type Value } from '../../schema/values.ts'

export type Present = Exclude<Value, null>

/** How a type of field is read, and what of its values Elasticsearch can look for so that no row is missed. */
export interface FieldType {
  readonly type: ColumnType
  /** One value, as the search answers it; null for what has no canonical form. */
  readonly read: (found: unknown) => Value
  /** The format values are answered and compared in. */
  readonly format?: string
  /** For `terms`; `none` where no document can have the value, undefined where it cannot be looked for. */
  readonly term?: (value: Present) => string | number | boolean | undefined | typeof none
  /** For `range`, both ends included. */
  readonly bound?: (value: Present) => string | number | undefined
}

export const none = Symbol('no document has the value')

export interface FieldColumn extends Column {
  /** As the search calls it. */
  readonly field: string
  readonly of: FieldType
  /** Where equality is looked for: the field, or of analysed text its part that is not. Absent: nowhere. */
  readonly searched?: string
  /** `one` value at most; `several`, so that the column is a list; `text`, of which nobody can tell, and a list is answered as its JSON text; `whole`: taken from the document as it was written. */
  readonly holds: 'one' | 'several' | 'text' | 'whole'
}

const asText = (found: unknown): string => String(found)
/** Its texts are looked for unanalysed. Half a character is in no document. */
const keyword: FieldType = { type: 'String', read: asText, term: value => (String(value).length > longestTerm ? undefined : String(value).isWellFormed() ? String(value) : none) }
const longestTerm = 8191

const integer = (type: 'Int' | 'Long', bits: number): FieldType => {
  const fitting = (value: Present): string | undefined => {
    const whole = /^-?\d+(\.0*)?$/.test(String(value)) ? BigInt(String(value).replace(/\..*/, '')) : Number.isSafeInteger(Number(value)) ? BigInt(Number(value)) : undefined
    return whole !== undefined && BigInt.asIntN(bits, whole) === whole ? String(whole) : undefined
  }
  return { type, read: found => toLong(found as number | bigint), term: value => fitting(value) ?? none, bound: fitting }
}

const finite = (found: unknown): Value => (Number.isFinite(Number(found)) ? Number(found) : null)
/** Zero is indexed apart from its negative. */
const notZero = (value: Present): number | undefined => (Number(value) === 0 || !Number.isFinite(Number(value)) ? undefined : Number(value))

/** Its values in UTC. Finer parts of what is compared are cut off, which bounds with their ends allow. */
function instant(first: number, last: number): FieldType {
  const searched = (value: Present) => (Number(String(value).slice(0, 4)) >= first && Number(String(value).slice(0, 4)) <= last ? String(value).replace(/(\.\d{9})\d+/, '$1') : undefined)
  return { type: 'DateTime', format: 'strict_date_optional_time_nanos', read: found => shaped(/^\d{4}-[\d-]+T[\d:.]+Z$/, String(found).replace(/(\.\d*?)0*Z$/, (_, fraction: string) => `${fraction === '.' ? '' : fraction}Z`)), bound: searched }
}
const day: FieldType = { type: 'Date', format: 'uuuu-MM-dd', read: found => shaped(/^\d{4}-\d\d-\d\d$/, String(found)), bound: value => (Number(String(value).slice(0, 4)) >= 1 ? String(value) : undefined) }

const floating: FieldType = { type: 'Float', read: finite }
const text: FieldType = { type: 'String', read: asText }
/** Everything without a counterpart: objects, points, ranges, vectors. */
export const anything: FieldType = { type: 'JSON', read: jsonOf }

const fieldTypes: Readonly<Record<string, FieldType>> = {
  keyword, constant_keyword: keyword, wildcard: keyword, version: text, text, match_only_text: text, search_as_you_type: text, annotated_text: text,
  long: integer('Long', 64), integer: integer('Int', 32), short: integer('Int', 16), byte: integer('Int', 8), token_count: { type: 'Int', read: finite }, unsigned_long: { type: 'Decimal', read: asText },
  double: { type: 'Float', read: finite, term: notZero, bound: notZero }, float: floating, half_float: floating, scaled_float: floating,
  boolean: { type: 'Boolean', read: found => found === true, term: value => String(value) === 'true' },
  ip: { type: 'String', read: asText, term: value => (isIP(String(value)) > 0 ? String(value) : none) },
  date: instant(1, 9999), date_nanos: instant(1970, 2261), binary: { type: 'Bytes', read: asText },
}

/** Formats that name a day and nothing finer. */
const dayFormats: ReadonlySet<string> = new Set(['date', 'strict_date', 'basic_date', 'strict_basic_date', 'year_month_day', 'strict_year_month_day', 'yyyy-MM-dd', 'uuuu-MM-dd', 'yyyyMMdd', 'uuuuMMdd'])

export function fieldType(name: string, format: string | undefined): FieldType | undefined {
  if (name === 'date' && format !== undefined && format.split('||').every(one => dayFormats.has(one))) return day
  return Object.hasOwn(fieldTypes, name) ? fieldTypes[name] : undefined
}

/** Whether values of the type are texts cut into words. */
export function isAnalysed(name: string): boolean {
  return fieldTypes[name] === text
}

function shaped(pattern: RegExp, written: string): string | null {
  return pattern.test(written) ? written : null
}

/** As it is written; integers beyond 2^53 as text. */
export function jsonOf(found: unknown): Json {
  if (typeof found === 'bigint') return String(found)
  if (typeof found !== 'object' || found === null) return (found ?? null) as Json
  return Array.isArray(found) ? found.map(jsonOf) : Object.fromEntries(Object.entries(found).map(([name, member]) => [name, jsonOf(member)]))
}
