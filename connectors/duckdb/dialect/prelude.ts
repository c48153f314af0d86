/** Schema of the macros. */
export const macros = 'trino'

const failure = (message: string, type = 'INTEGER') => `CAST('${message}' AS ${type})`
const inexact = "('DOUBLE', 'FLOAT')"
const scale = (x: string) => `coalesce(TRY_CAST(regexp_extract(typeof(${x}), ',(\\d+)\\)', 1) AS INTEGER), 0)`
const unscaled = (x: string) => `CAST(replace(CAST(${x} AS VARCHAR), '.', '') AS HUGEINT)`
const ten = (power: string) => `CAST(rpad('1', ${power} + 1, '0') AS HUGEINT)`
const divisor = `CASE WHEN b = 0 AND typeof(a) NOT IN ${inexact} AND typeof(b) NOT IN ${inexact} THEN ${failure('Division by zero')} ELSE b END`
const isMap = "LIKE 'MAP(%' AND typeof(x) NOT LIKE '%[]'"
const document = "TRY_CAST(CAST(j AS VARCHAR) AS JSON)"

const whole = ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT'].flatMap(type => [
  `to_${type.toLowerCase()}(x) AS CASE WHEN typeof(x) IN ${inexact} THEN CAST(round(TRY_CAST(x AS DOUBLE)) AS ${type})
    WHEN typeof(x) = 'VARCHAR' AND NOT regexp_full_match(CAST(x AS VARCHAR), '\\s*[+-]?[0-9]+\\s*') THEN CAST('"' || CAST(x AS VARCHAR) || '"' AS ${type}) ELSE CAST(x AS ${type}) END`,
  `try_${type.toLowerCase()}(x) AS CASE WHEN typeof(x) IN ${inexact} THEN TRY_CAST(round(TRY_CAST(x AS DOUBLE)) AS ${type})
    WHEN typeof(x) = 'VARCHAR' AND NOT regexp_full_match(CAST(x AS VARCHAR), '\\s*[+-]?[0-9]+\\s*') THEN NULL ELSE TRY_CAST(x AS ${type}) END`,
])

const calendar = { day: 'to_days', week: 'to_weeks', month: 'to_months', quarter: 'to_quarters', year: 'to_years' }
const daytime = { millisecond: 'to_milliseconds', second: 'to_seconds', minute: 'to_minutes', hour: 'to_hours' }
const adds = [
  ...Object.entries(calendar).map(([unit, make]) =>
    `add_${unit}(n, x DATE) AS CAST(x + ${make}(CAST(n AS INTEGER)) AS DATE), (n, x TIMESTAMP) AS x + ${make}(CAST(n AS INTEGER)), (n, x TIMESTAMPTZ) AS x + ${make}(CAST(n AS INTEGER))`),
  ...Object.entries(daytime).map(([unit, make]) =>
    `add_${unit}(n, x TIMESTAMP) AS x + ${make}(CAST(n AS BIGINT)), (n, x TIMESTAMPTZ) AS x + ${make}(CAST(n AS BIGINT))`),
]

/**
 * What Trino means where DuckDB's own functions mean something else. `try(…)` may stand around each, so a failure is a cast that fails, never `error()`,
 * which DuckDB holds for volatile.
 */
export const prelude: readonly string[] = [
  // Whole numbers divide to whole numbers, decimals to the larger scale, and zero divides only doubles.
  `divide(a, b) AS CASE WHEN (typeof(a) LIKE 'DECIMAL%' OR typeof(b) LIKE 'DECIMAL%') AND typeof(a) NOT IN ${inexact} AND typeof(b) NOT IN ${inexact}
    THEN round(a / ${divisor}, greatest(${scale('a')}, ${scale('b')})) ELSE a / ${divisor} END`,
  `modulo(a, b) AS a % ${divisor}`,
  // Digits s behind the point, half up, counted in whole numbers: both operands at one scale.
  `divide_decimal(a, b, s) AS CASE WHEN b = 0 THEN ${failure('Division by zero')} ELSE
    sign(a) * sign(b) * ((2 * ${unscaled('abs(a)')} * ${ten(`s + ${scale('b')} - ${scale('a')}`)} + ${unscaled('abs(b)')}) // (2 * ${unscaled('abs(b)')})) END
    * round(CAST(rpad('0.', s + 1, '0') || '1' AS DECIMAL(38, 18)), s)`,
  // In a branch of its own a value keeps its digits behind the point.
  'round_to(x, n) AS CASE WHEN true THEN round(x, n) ELSE x END',
  'sign_of(x) AS round(CASE WHEN x > 0 THEN 1 WHEN x < 0 THEN -1 WHEN x = 0 THEN 0 ELSE x END, 0)',
  ...whole,
  `to_text(x) AS CASE WHEN typeof(x) = 'JSON' THEN json_extract_string(TRY_CAST(CAST(x AS VARCHAR) AS JSON), '$')
    WHEN typeof(x) IN ${inexact} THEN CAST(${failure('unsupported: CAST of a double to varchar; use format_datetime, round or a decimal')} AS VARCHAR)
    WHEN typeof(x) IN ('TIMESTAMP', 'TIMESTAMP WITH TIME ZONE', 'TIME') THEN CAST(${failure('unsupported: CAST of a time to varchar; use format_datetime or date_format')} AS VARCHAR)
    WHEN typeof(x) = 'BLOB' THEN CAST(${failure('unsupported: CAST of varbinary to varchar; use from_utf8')} AS VARCHAR) ELSE CAST(x AS VARCHAR) END`,
  ...adds,
  'plus_interval(x DATE, i) AS CAST(x + i AS DATE), (x TIME, i) AS x + i, (x TIMESTAMP, i) AS x + i, (x TIMESTAMPTZ, i) AS x + i, (x INTERVAL, i) AS x + i',
  'minus_interval(x DATE, i) AS CAST(x - i AS DATE), (x TIME, i) AS x - i, (x TIMESTAMP, i) AS x - i, (x TIMESTAMPTZ, i) AS x - i, (x INTERVAL, i) AS x - i',
  'truncate_to(unit, x DATE) AS CAST(date_trunc(unit, x) AS DATE), (unit, x TIMESTAMP) AS date_trunc(unit, x), (unit, x TIMESTAMPTZ) AS date_trunc(unit, x)',
  `substring_from(s, p) AS CASE WHEN p = 0 OR p < -length(s) THEN '' ELSE substring(s, p) END`,
  `substring_of(s, p, n) AS CASE WHEN p = 0 OR p < -length(s) OR n <= 0 THEN '' ELSE substring(s, p, n) END`,
  `part_of(s, d, n) AS CASE WHEN n < 1 THEN CAST(${failure('Index must be greater than zero')} AS VARCHAR) ELSE list_extract(string_split(s, d), n) END`,
  // DuckDB tries every way to share a text among many `%`, in steps that nothing stops; a regular expression it runs in one pass.
  `is_like(s, p) AS CASE WHEN length(p) - length(replace(p, '%', '')) <= 2 THEN s LIKE p
    ELSE regexp_full_match(s, replace(replace(regexp_replace(p, '([.*+?^$(){}|\\[\\]\\\\])', '\\\\\\1', 'g'), '%', '.*'), '_', '.'), 's') END`,
  `is_like_escaped(s, p, e) AS CASE WHEN contains(replace(replace(replace(p, e || e, ''), e || '%', ''), e || '_', ''), e)
    THEN CAST(${failure("Escape character must be followed by %, _ or the escape character itself")} AS BOOLEAN) ELSE s LIKE p ESCAPE e END`,
  `to_boolean(x) AS CASE WHEN typeof(x) = 'VARCHAR' AND lower(CAST(x AS VARCHAR)) NOT IN ('t', 'true', '1', 'f', 'false', '0') THEN CAST('Cannot cast ' || CAST(x AS VARCHAR) || ' to BOOLEAN' AS BOOLEAN) ELSE CAST(x AS BOOLEAN) END`,
  `try_boolean(x) AS CASE WHEN typeof(x) = 'VARCHAR' AND lower(CAST(x AS VARCHAR)) NOT IN ('t', 'true', '1', 'f', 'false', '0') THEN NULL ELSE TRY_CAST(x AS BOOLEAN) END`,
  `to_text_of(x, n) AS CASE WHEN typeof(x) IN ('VARCHAR', 'JSON') OR length(${macros}.to_text(x)) <= n THEN left(${macros}.to_text(x), n)
    ELSE CAST(CAST('Value ' || ${macros}.to_text(x) || ' cannot be represented as varchar(' || n || ')' AS INTEGER) AS VARCHAR) END`,
  "upper_of(s) AS CASE WHEN contains(s, 'ß') THEN array_to_string(list_transform(string_split(s, 'ß'), lambda part: upper(part)), 'ß') ELSE upper(s) END",
  'reverse_of(x VARCHAR) AS reverse(x), (x) AS list_reverse(x)',
  'length_of(x VARCHAR) AS length(x), (x BLOB) AS octet_length(x)',
  `split_by(s, d) AS string_split(s, CASE WHEN d = '' THEN CAST(${failure('The delimiter may not be the empty string')} AS VARCHAR) ELSE d END)`,
  // A list has positions from 1, a map fails for what is no key of it. The failure stands in a condition, so that it says nothing about the key's type.
  `item_of(x, k) AS x[CASE WHEN CASE WHEN typeof(x) ${isMap}
    THEN CASE WHEN x[k] IS NULL AND NOT list_contains(json_keys(to_json(x)), CAST(k AS VARCHAR)) THEN CAST('Key not present in map: ' || CAST(k AS VARCHAR) AS INTEGER) END
    WHEN CAST(k AS VARCHAR) = '0' THEN ${failure('SQL array indices start at 1')}
    WHEN CAST(k AS VARCHAR) LIKE '-%' THEN CAST('Array subscript is negative: ' || CAST(k AS VARCHAR) AS INTEGER)
    WHEN TRY_CAST(CAST(k AS VARCHAR) AS BIGINT) > json_array_length(to_json(x)) THEN CAST('Array subscript must be less than or equal to array length: ' || CAST(k AS VARCHAR) || ' > ' || json_array_length(to_json(x)) AS INTEGER)
    END IS NULL THEN k END]`,
  `element_of(x, k) AS x[CASE WHEN CASE WHEN CAST(k AS VARCHAR) = '0' AND NOT (typeof(x) ${isMap}) THEN ${failure('SQL array indices start at 1')} END IS NULL THEN k END]`,
  // The value at the share's place among all, counted as Trino's digests do while they hold every value.
  'percentile_of(items, p) AS list_sort(items)[CAST(least(floor(p * len(items)) + 1, len(items)) AS BIGINT)]',
  `json_input(j) AS CASE WHEN typeof(j) = 'JSON' THEN CAST(${failure('Cannot read input of type json as JSON using formatting JSON; use json_format')} AS VARCHAR) ELSE CAST(j AS VARCHAR) END`,
  'first_match(s, p, g) AS CASE WHEN regexp_matches(s, p) THEN regexp_extract(s, p, g) END',
  `json_scalar(j, p) AS CASE WHEN json_type(${document}, p) IN ('OBJECT', 'ARRAY') THEN NULL ELSE json_extract_string(${document}, p) END`,
  `json_part(j, p) AS json_extract(${document}, p)`,
  `json_has(j, p) AS json_exists(${document}, p)`,
  `json_items(j) AS CASE WHEN json_type(${document}) = 'ARRAY' THEN CAST(json_array_length(${document}) AS BIGINT) END`,
  `json_text(j) AS CAST(json(j) AS VARCHAR)`,
  `size_of(x) AS CASE WHEN typeof(x) ${isMap} THEN len(json_keys(to_json(x))) ELSE CAST(json_array_length(to_json(x)) AS BIGINT) END`,
  'holds(a, v) AS CASE WHEN a IS NULL OR v IS NULL THEN NULL WHEN list_contains(a, v) THEN true WHEN list_count(a) < len(a) THEN NULL ELSE false END',
  'any_true(t) AS CASE WHEN t IS NULL THEN NULL WHEN coalesce(list_bool_or(t), false) THEN true WHEN list_count(t) < len(t) THEN NULL ELSE false END',
  'all_true(t) AS CASE WHEN t IS NULL THEN NULL WHEN NOT coalesce(list_bool_and(t), true) THEN false WHEN list_count(t) < len(t) THEN NULL ELSE true END',
  'largest(a) AS CASE WHEN list_count(a) < len(a) THEN NULL ELSE list_max(a) END',
  'smallest(a) AS CASE WHEN list_count(a) < len(a) THEN NULL ELSE list_min(a) END',
  `slice_of(a, s, n) AS CASE WHEN s = 0 THEN list_slice(a, ${failure('Array slice starts at 1')}, 0) WHEN n <= 0 OR s < -len(a) THEN list_slice(a, 1, 0)
    ELSE list_slice(a, CASE WHEN s < 0 THEN len(a) + s + 1 ELSE s END, CASE WHEN s < 0 THEN len(a) + s + 1 ELSE s END + n - 1) END`,
  `numbers(a, b) AS CASE WHEN abs(b - a) >= 10000 THEN generate_series(1, ${failure('Sequences have at most 10000 entries')}) WHEN a <= b THEN generate_series(a, b) ELSE generate_series(a, b, -1) END`,
  `numbers_by(a, b, s) AS CASE WHEN s = 0 OR abs((b - a) // s) >= 10000 THEN generate_series(1, ${failure('Sequences have at most 10000 entries')}) ELSE generate_series(a, b, s) END`,
]

/** Makes the macros; once a database. In one piece it takes 12 ms of CPU, statement by statement it would take 20. */
export const preludeScript = [`CREATE SCHEMA IF NOT EXISTS ${macros}`, ...prelude.map(macro => `CREATE OR REPLACE MACRO ${macros}.${macro}`)].join(';\n')
