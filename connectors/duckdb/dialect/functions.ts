import { tooDeep, unsupported } from '../../statements/ast.ts'
import { macros } from './prelude.ts'

/** DuckDB's text for a call; the arguments are texts already. */
export interface FunctionRule {
  readonly least: number
  readonly most: number
  readonly print: (args: readonly string[]) => string
}

const call = (name: string, least: number, most = least): FunctionRule => ({ least, most, print: args => `${name}(${args.join(', ')})` })
const macro = (name: string, least: number, most = least): FunctionRule => call(`${macros}.${name}`, least, most)
const rule = (least: number, most: number, print: (...args: string[]) => string): FunctionRule => ({ least, most, print: args => print(...args) })
const many = Number.POSITIVE_INFINITY
const whitespace = `chr(32) || chr(9) || chr(10) || chr(11) || chr(12) || chr(13)`
const unlessNull = (name: string) => ({ least: 1, most: many, print: (args: readonly string[]) => `CASE WHEN ${args.map(arg => `(${arg}) IS NULL`).join(' OR ')} THEN NULL ELSE ${name}(${args.join(', ')}) END` })

/**
 * Scalar functions by Trino's name, each known to answer what Trino answers. A name that is missing here is refused, so that nothing DuckDB happens to
 * have under the same name runs. Functions of formats, paths, units and lambdas are in special-functions.ts.
 */
export const functions: Readonly<Record<string, FunctionRule>> = {
  // Numbers
  abs: call('abs', 1), ceil: call('ceil', 1), ceiling: call('ceil', 1), floor: call('floor', 1), round: rule(1, 2, (x, n) => (n === undefined ? `round(${x})` : `${macros}.round_to(${x}, ${n})`)), sign: macro('sign_of', 1), sqrt: call('sqrt', 1),
  cbrt: call('cbrt', 1), exp: call('exp', 1), ln: call('ln', 1), log2: call('log2', 1), log10: call('log10', 1), log: call('log', 2), power: call('power', 2), pow: call('power', 2),
  mod: macro('modulo', 2), truncate: call('trunc', 1), pi: call('pi', 0), e: rule(0, 0, () => 'exp(1)'), degrees: call('degrees', 1), radians: call('radians', 1),
  sin: call('sin', 1), cos: call('cos', 1), tan: call('tan', 1), asin: call('asin', 1), acos: call('acos', 1), atan: call('atan', 1), atan2: call('atan2', 2), is_nan: call('isnan', 1),
  infinity: rule(0, 0, () => "CAST('infinity' AS DOUBLE)"), nan: rule(0, 0, () => "CAST('nan' AS DOUBLE)"), rand: call('random', 0), random: call('random', 0),
  bitwise_and: rule(2, 2, (a, b) => `(CAST(${a} AS BIGINT) & CAST(${b} AS BIGINT))`), bitwise_or: rule(2, 2, (a, b) => `(CAST(${a} AS BIGINT) | CAST(${b} AS BIGINT))`),
  bitwise_xor: rule(2, 2, (a, b) => `xor(CAST(${a} AS BIGINT), CAST(${b} AS BIGINT))`),
  greatest: unlessNull('greatest'), least: unlessNull('least'),
  // Choices
  coalesce: call('coalesce', 2, many), nullif: call('nullif', 2), try: call('try', 1), if: rule(2, 3, (test, yes, no) => `CASE WHEN ${test} THEN ${yes} ELSE ${no ?? 'NULL'} END`),
  // Text
  upper: macro('upper_of', 1), lower: call('lower', 1), length: macro('length_of', 1), reverse: macro('reverse_of', 1), chr: call('chr', 1), codepoint: call('unicode', 1),
  trim: rule(1, 1, s => `trim(${s}, ${whitespace})`), ltrim: rule(1, 1, s => `ltrim(${s}, ${whitespace})`), rtrim: rule(1, 1, s => `rtrim(${s}, ${whitespace})`),
  substr: rule(2, 3, (s, p, n) => (n === undefined ? `${macros}.substring_from(${s}, ${p})` : `${macros}.substring_of(${s}, ${p}, ${n})`)),
  replace: rule(2, 3, (s, a, b) => `replace(${s}, ${a}, ${b ?? "''"})`), strpos: call('strpos', 2), split: macro('split_by', 2), split_part: macro('part_of', 3),
  starts_with: call('starts_with', 2), ends_with: call('ends_with', 2), concat: { least: 2, most: many, print: args => `(${args.join(' || ')})` }, concat_ws: call('concat_ws', 2, many),
  lpad: call('lpad', 3), rpad: call('rpad', 3), levenshtein_distance: call('levenshtein', 2), hamming_distance: call('hamming', 2), translate: call('translate', 3),
  regexp_like: call('regexp_matches', 2), regexp_extract: rule(2, 3, (s, p, g) => `${macros}.first_match(${s}, ${p}, ${g ?? '0'})`),
  regexp_extract_all: call('regexp_extract_all', 2, 3), regexp_split: call('regexp_split_to_array', 2), regexp_count: rule(2, 2, (s, p) => `len(regexp_extract_all(${s}, ${p}))`),
  to_utf8: call('encode', 1), from_utf8: call('decode', 1), to_hex: call('hex', 1), from_hex: call('unhex', 1), to_base64: call('to_base64', 1), from_base64: call('from_base64', 1),
  md5: rule(1, 1, b => `unhex(md5(${b}))`), sha256: rule(1, 1, b => `unhex(sha256(${b}))`), uuid: call('uuid', 0),
  // Times
  year: call('year', 1), quarter: call('quarter', 1), month: call('month', 1), week: call('week', 1), week_of_year: call('week', 1), day: call('day', 1), day_of_month: call('day', 1),
  day_of_week: call('isodow', 1), dow: call('isodow', 1), day_of_year: call('dayofyear', 1), doy: call('dayofyear', 1), year_of_week: call('isoyear', 1), yow: call('isoyear', 1),
  hour: call('hour', 1), minute: call('minute', 1), second: call('second', 1), millisecond: rule(1, 1, x => `(millisecond(${x}) % 1000)`), last_day_of_month: call('last_day', 1),
  date: rule(1, 1, x => `CAST(${x} AS DATE)`), from_unixtime: call('to_timestamp', 1), to_unixtime: call('epoch', 1), from_iso8601_timestamp: rule(1, 1, x => `CAST(${x} AS TIMESTAMPTZ)`),
  from_iso8601_date: rule(1, 1, x => `CAST(${x} AS DATE)`), current_timezone: rule(0, 0, () => "'UTC'"),
  // JSON
  json_parse: rule(1, 1, s => `CAST(${s} AS JSON)`), json_format: macro('json_text', 1), json_array_length: macro('json_items', 1),
  // Arrays and maps
  cardinality: macro('size_of', 1), element_at: macro('element_of', 2), contains: macro('holds', 2), array_join: call('array_to_string', 2),
  array_distinct: rule(1, 1, a => `list_filter(${a}, lambda "~x", "~i": list_position(${a}, "~x") = "~i")`), array_sort: rule(1, 1, a => `list_sort(${a}, 'ASC', 'NULLS LAST')`),
  array_max: macro('largest', 1), array_min: macro('smallest', 1), array_position: rule(2, 2, (a, v) => `CAST(CASE WHEN (${v}) IS NULL THEN NULL ELSE coalesce(list_position(${a}, ${v}), 0) END AS BIGINT)`),
  array_remove: rule(2, 2, (a, v) => `list_filter(${a}, lambda "~x": ("~x" <> ${v}) IS DISTINCT FROM false)`), arrays_overlap: call('list_has_any', 2), flatten: call('flatten', 1),
  slice: macro('slice_of', 3), sequence: rule(2, 3, (a, b, s) => (s === undefined ? `${macros}.numbers(${a}, ${b})` : `${macros}.numbers_by(${a}, ${b}, ${s})`)),
  map: rule(0, 2, (k, v) => (k === undefined ? 'MAP {}' : `map(${k}, ${v})`)), map_keys: call('map_keys', 1), map_values: call('map_values', 1), map_from_entries: call('map_from_entries', 1),
  row: { least: 1, most: many, print: args => `{${args.map((arg, index) => `'field${index}': ${arg}`).join(', ')}}` }, grouping: { least: 1, most: many, print: args => `CAST(grouping(${args.join(', ')}) AS INTEGER)` },
}

/** Some functions are printed with an argument twice, so that those inside each other double and double again. */
const longestText = 1_000_000

/** The call's text; wrong number of arguments or a function that is not known → SQL_UNSUPPORTED naming it. */
export function printFunction(name: string, args: readonly string[]): string {
  const known = Object.hasOwn(functions, name) ? functions[name] : undefined
  if (known === undefined) throw unsupported(`the function ${name}`)
  if (args.length < known.least || args.length > known.most) throw unsupported(`${name} with ${args.length} argument${args.length === 1 ? '' : 's'}`)
  const text = known.print(args)
  if (text.length > longestText) throw tooDeep()
  return text
}
