import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Json } from '../../schema/values.ts'

/**
 * Statements in Trino's dialect over `pg.public.customer` and `ora.sales.orders`, with the rows a Trino 476 answers (bigints as
 * numbers), or the construct that must be refused by name.
 */
export type DialectCase = { readonly id: string; readonly sql: string } & ({ readonly rows: readonly { readonly [name: string]: Json }[] } | { readonly refused: RegExp } | { readonly fails: RegExp })

/** A statement of sql-captured.json: the rows a Trino 476 answered, bigints as numbers; or it failed there and must fail here; or the embedded engine refuses it. */
export interface CapturedCase {
  readonly sql: string
  readonly rows?: readonly { readonly [name: string]: Json }[]
  readonly fails?: string
  readonly refused?: boolean
}

export const capturedCases: readonly CapturedCase[] = JSON.parse(readFileSync(join(import.meta.dirname, 'sql-captured.json'), 'utf8'))

export const dialectTables = [
  "ATTACH ':memory:' AS pg", "ATTACH ':memory:' AS ora", 'CREATE SCHEMA pg.public', 'CREATE SCHEMA ora.sales', 'CREATE TABLE pg.public.customer (id BIGINT, name VARCHAR, country VARCHAR)',
  "INSERT INTO pg.public.customer VALUES (1, 'Ann', 'DE'), (2, 'Bob', 'US'), (3, 'Cyd', 'US')",
  'CREATE TABLE ora.sales.orders (oid BIGINT, cust_id BIGINT, amount DOUBLE, status VARCHAR, ts TIMESTAMP, tags VARCHAR[], doc JSON)',
  `INSERT INTO ora.sales.orders VALUES (1, 1, 10, 'NEW', '2024-01-01', ['a', 'b'], '{"a":{"b":"q"},"l":[1,2],"n":7}'), (2, 1, 20, 'NEW', '2024-01-02', ['c'], '{}'),
    (3, 2, 30, 'OLD', '2024-02-01', [], '{}'), (4, 2, 40, 'OLD', '2024-02-02', ['a'], '{}')`,
]

const one = (id: string, sql: string, row: { readonly [name: string]: Json }): DialectCase => ({ id, sql, rows: [row] })
const all = (id: string, sql: string, rows: readonly { readonly [name: string]: Json }[]): DialectCase => ({ id, sql, rows })
const not = (id: string, sql: string, refused: RegExp): DialectCase => ({ id, sql, refused })
const bad = (id: string, sql: string, fails: RegExp): DialectCase => ({ id, sql, fails })

const customer = 'pg.public.customer'
const orders = 'ora.sales.orders'

export const dialectCorpus: readonly DialectCase[] = [
  one('three-part names', `select c.id, c.name from ${customer} c where c.id = 1`, { id: 1, name: 'Ann' }),
  one('columns named in full', `select pg.public.customer.name from ${customer} where pg.public.customer.id = 2`, { name: 'Bob' }),
  all('a join of two catalogs', `select c.name, sum(o.amount) as total from ${customer} c join ${orders} o on o.cust_id = c.id group by c.name order by total desc`, [{ name: 'Bob', total: 70 }, { name: 'Ann', total: 30 }]),
  all('two names of WITH', `with big as (select cust_id, sum(amount) amt from ${orders} group by cust_id), n as (select id, upper(name) nm from ${customer}) select n.nm, b.amt * 2 as dbl from n join big b on b.cust_id = n.id order by n.id`, [{ nm: 'ANN', dbl: 60 }, { nm: 'BOB', dbl: 140 }]),
  all('an asterisk over a left join', `select * from (select c.id, o.amount from ${customer} c left join ${orders} o on o.cust_id = c.id) t order by id, amount`, [{ id: 1, amount: 10 }, { id: 1, amount: 20 }, { id: 2, amount: 30 }, { id: 2, amount: 40 }, { id: 3, amount: null }]),
  all('a union of all', `select id, name as label from ${customer} where id < 2 union all select oid, status from ${orders} where oid = 4 order by 1`, [{ id: 1, label: 'Ann' }, { id: 4, label: 'OLD' }]),
  all('IN a subquery', `select name from ${customer} where id in (select cust_id from ${orders} where amount > 25) order by 1`, [{ name: 'Bob' }]),
  all('NOT EXISTS', `select name from ${customer} c where not exists (select 1 from ${orders} o where o.cust_id = c.id)`, [{ name: 'Cyd' }]),
  all('windows', `select oid, row_number() over (partition by cust_id order by amount desc) rn, lag(amount, 1, 0) over (partition by cust_id order by ts) prev, sum(amount) over (order by ts rows between unbounded preceding and current row) run from ${orders} order by oid limit 2`, [{ oid: 1, rn: 2, prev: 0, run: 10 }, { oid: 2, rn: 1, prev: 10, run: 30 }]),
  all('UNNEST', `select o.oid, t.tag from ${orders} o cross join unnest(o.tags) as t(tag) order by 1, 2`, [{ oid: 1, tag: 'a' }, { oid: 1, tag: 'b' }, { oid: 2, tag: 'c' }, { oid: 4, tag: 'a' }]),
  all('UNNEST WITH ORDINALITY', `select o.oid, t.tag, t.n from ${orders} o cross join unnest(o.tags) with ordinality as t(tag, n) where oid = 1 order by 3`, [{ oid: 1, tag: 'a', n: 1 }, { oid: 1, tag: 'b', n: 2 }]),
  all('UNNEST of two arrays', "select x, y from unnest(array[1, 2], array['a']) as t(x, y) order by x", [{ x: 1, y: 'a' }, { x: 2, y: null }]),
  all('UNNEST of a map', "select k, v from unnest(map(array['a', 'b'], array[1, 2])) as t(k, v) order by k", [{ k: 'a', v: 1 }, { k: 'b', v: 2 }]),
  one('try_cast and cast', "select try_cast('x' as bigint) a, try_cast('12' as integer) b, cast(1.5 as varchar) c", { a: null, b: 12, c: '1.5' }),
  all('date_trunc of a timestamp', `select date_trunc('month', ts) m, count(*) n from ${orders} group by 1 order by 1`, [{ m: '2024-01-01T00:00:00', n: 2 }, { m: '2024-02-01T00:00:00', n: 2 }]),
  one('dates', "select date_diff('day', date '2024-01-01', date '2024-03-01') d, date_add('month', 1, date '2024-01-31') e, day_of_week(date '2024-01-07') w, date_format(timestamp '2024-01-07 13:05:09', '%Y-%m-%d %H:%i:%s') f, format_datetime(timestamp '2024-01-07 13:05:09', 'yyyy-MM-dd') g", { d: 60, e: '2024-02-29', w: 7, f: '2024-01-07 13:05:09', g: '2024-01-07' }),
  one('date_parse and unix times', "select date_parse('2024-01-07', '%Y-%m-%d') a, from_unixtime(0) b, to_unixtime(timestamp '1970-01-01 00:01:00') c", { a: '2024-01-07T00:00:00', b: '1970-01-01T00:00:00Z', c: 60 }),
  one('approximate and other aggregates', `select approx_distinct(cust_id) a, approx_percentile(amount, 0.5) p, max_by(oid, amount) m, count_if(amount > 20) ci, arbitrary(1) ar from ${orders}`, { a: 2, p: 30, m: 4, ci: 2, ar: 1 }),
  one('json_extract and its kin', `select json_extract_scalar(doc, '$.a.b') x, json_extract(doc, '$.l') l, json_array_length(json_extract(doc, '$.l')) n, cast(json_extract(doc, '$.n') as bigint) nn, json_extract_scalar(doc, '$.a') o from ${orders} where oid = 1`, { x: 'q', l: [1, 2], n: 2, nn: 7, o: null }),
  one('json_value and json_query', `select json_value(json_format(doc), 'lax $.a.b') x, json_query(json_format(doc), 'lax $.l') l, json_value(json_format(doc), 'lax $.n' returning bigint) n from ${orders} where oid = 1`, { x: 'q', l: '[1,2]', n: 7 }),
  one('lambdas', 'select transform(array[1, 2, 3], x -> x * 2) t, filter(array[1, 2, 3, 4], x -> x % 2 = 0) f, reduce(array[1, 2, 3], 0, (s, x) -> s + x, s -> s) r, any_match(array[1, 2], x -> x > 1) am, all_match(array[1, 2], x -> x > 1) al, none_match(array[1, 2], x -> x > 2) nm', { t: [2, 4, 6], f: [2, 4], r: 6, am: true, al: false, nm: true }),
  one('arrays', `select cardinality(tags) c, element_at(tags, 1) e, contains(tags, 'a') k, array_join(tags, '-') j, array_distinct(array[1, 1, 2]) d, slice(array[1, 2, 3, 4], 2, 2) s, sequence(1, 3) q from ${orders} where oid = 1`, { c: 2, e: 'a', k: true, j: 'a-b', d: [1, 2], s: [2, 3], q: [1, 2, 3] }),
  one('maps', "select map(array['a', 'b'], array[1, 2])['a'] m, element_at(map(array['a'], array[1]), 'zz') z, map_keys(map(array['a', 'b'], array[1, 2])) k, cardinality(map(array['a', 'b'], array[1, 2])) c", { m: 1, z: null, k: ['a', 'b'], c: 2 }),
  one('rows', "select cast(row(1, 'x') as row(id bigint, nm varchar)).nm as nm, r.id as rid from (select cast(row(1, 'x') as row(id bigint, nm varchar)) r)", { nm: 'x', rid: 1 }),
  all('GROUPING SETS', `select cust_id, sum(amount) s, grouping(cust_id) g from ${orders} group by grouping sets ((cust_id), ()) order by g, cust_id`, [{ cust_id: 1, s: 30, g: 0 }, { cust_id: 2, s: 70, g: 0 }, { cust_id: null, s: 100, g: 1 }]),
  all('ROLLUP', `select coalesce(status, 'ALL') st, sum(amount) s from ${orders} group by rollup(status) order by s desc`, [{ st: 'ALL', s: 100 }, { st: 'OLD', s: 70 }, { st: 'NEW', s: 30 }]),
  one('whole numbers divide to whole numbers', 'select 7 / 2 a, 7 % 2 c, -7 / 2 d, -7 % 3 e, 7 / 2 * 100 f, 7e0 / 2 g', { a: 3, c: 1, d: -3, e: -1, f: 300, g: 3.5 }),
  one('decimals divide to the larger scale', 'select 7.0 / 2 a, 10.0 / 3 b, 1.00 / 3 c', { a: '3.5', b: '3.3', c: '0.33' }),
  one('strings', "select strpos('hello', 'l') a, substr('hello', 2, 3) b, split('a,b', ',') c, split_part('a,b', ',', 2) d, regexp_like('abc', 'b') e, regexp_extract('a12b', '\\d+') f, regexp_replace('a1b2', '\\d', 'x') g, concat('a', 'b') h, lpad('7', 3, '0') i, reverse('ab') j, length('abc') k", { a: 3, b: 'ell', c: ['a', 'b'], d: 'b', e: true, f: '12', g: 'axbx', h: 'ab', i: '007', j: 'ba', k: 3 }),
  one('listagg, array_agg, map_agg', `select listagg(name, ',') within group (order by name) l, array_agg(name order by id desc) a, map_agg(name, id) m from ${customer}`, { l: 'Ann,Bob,Cyd', a: ['Cyd', 'Bob', 'Ann'], m: { Ann: 1, Bob: 2, Cyd: 3 } }),
  all('FETCH FIRST', `select id from ${customer} order by id offset 1 rows fetch first 1 row only`, [{ id: 2 }]),
  all('VALUES', "select * from (values (1, 'a'), (2, 'b')) as t(x, y) where x > 1", [{ x: 2, y: 'b' }]),
  all('LATERAL', `select c.name, l.m from ${customer} c cross join lateral (select max(amount) m from ${orders} o where o.cust_id = c.id) l order by c.id`, [{ name: 'Ann', m: 20 }, { name: 'Bob', m: 40 }, { name: 'Cyd', m: null }]),
  one('AT TIME ZONE keeps the instant and moves the clock', "select timestamp '2024-01-01 00:00:00 UTC' at time zone 'America/New_York' t, hour(timestamp '2024-01-01 00:00:00 UTC' at time zone 'America/New_York') h, cast(timestamp '2024-01-01 00:00:00 UTC' at time zone 'America/New_York' as date) d", { t: '2024-01-01T00:00:00Z', h: 19, d: '2023-12-31' }),
  one('if, nullif, try, greatest', `select if(amount > 20, 'hi', 'lo') b, nullif(status, 'NEW') n, try(1 / 0) t, greatest(1, 2) g, greatest(1, null) x from ${orders} order by oid limit 1`, { b: 'lo', n: null, t: null, g: 2, x: null }),
  one('quoted names in any case', 'select "c"."Name" as "N" from "pg"."public"."customer" as "c" where "c"."id"=1', { N: 'Ann' }),
  one('TABLESAMPLE of all', `select count(*) n from ${customer} tablesample bernoulli (100)`, { n: 3 }),
  one('WITH RECURSIVE', 'with recursive t(n) as (values (1) union all select n + 1 from t where n < 5) select sum(n) s from t', { s: 15 }),
  not('time travel', `select id from ${customer} for version as of 123`, /time travel/),
  not('MATCH_RECOGNIZE', `select * from ${orders} match_recognize (partition by cust_id order by ts measures a.amount as am pattern (a b+) define b as b.amount > prev(b.amount)) m`, /MATCH RECOGNIZE/),
  not('current_user', 'select current_user u', /current_user/),
  not('an unknown function', 'select approx_most_frequent(3, id, 10) x from pg.public.customer', /approx_most_frequent/),
  not('DuckDB\'s own functions', 'select list_sum(array[1]) x', /list_sum/),
  not('MySQL format letters nobody knows', "select date_format(now(), '%D') x", /%D/),
  not('a double as text', 'select cast(1e0 as varchar) x', /double to varchar/),
  not('|| beside arithmetic', "select 'a' || 1 + 2 x", /\|\|/),
  one('INTERSECT binds tighter than UNION', 'select count(*) n from (select 1 union select 2 intersect select 3)', { n: 1 }),
  one('columns without a name', 'select 1, 2 as b, upper(\'x\')', { _col0: 1, b: 2, _col2: 'X' }),
  one('IS DISTINCT FROM', 'select null is distinct from 1 a, 1 is not distinct from 1 b, null is distinct from null c', { a: true, b: true, c: false }),
  one('dates and intervals', "select date '2024-01-31' + interval '1' month a, timestamp '2024-01-01 00:00:00' - interval '1' hour b, date '2024-01-01' + interval '1-2' year to month c", { a: '2024-02-29', b: '2023-12-31T23:00:00', c: '2025-03-01' }),
  one('date_trunc and date_add keep a date a date', "select date_trunc('month', date '2024-02-03') a, date_add('week', -1, date '2024-01-08') b", { a: '2024-02-01', b: '2024-01-01' }),
  one('date_diff counts whole units', "select date_diff('day', timestamp '2024-01-01 23:00:00', timestamp '2024-01-02 01:00:00') a, date_diff('hour', timestamp '2024-01-01 23:00:00', timestamp '2024-01-02 01:30:00') b", { a: 0, b: 2 }),
  one('casts round half up', 'select cast(2.5e0 as bigint) a, cast(-2.5e0 as integer) b, cast(2.5 as bigint) c, try_cast(1e30 as integer) d', { a: 3, b: -3, c: 3, d: null }),
  one('JSON casts', "select cast(json_parse('\"q\"') as varchar) a, cast('x' as json) b, cast(array[1, 2] as json) c", { a: 'q', b: 'x', c: [1, 2] }),
  one('substr at its edges', "select substr('hello', 0) a, substr('hello', -2) b, substr('hello', -9) c, substr('hello', 2, 0) d, split_part('a,b', ',', 3) e, regexp_extract('a', '\\d') f", { a: '', b: 'lo', c: '', d: '', e: null, f: null }),
  one('nulls in arrays', 'select contains(array[1, null], 2) a, array_max(array[1, null]) b, array_distinct(array[1, null, 1, null]) c, any_match(array[1, null], x -> x > 2) d, element_at(array[1, 2], -1) e', { a: null, b: null, c: [1, null], d: null, e: 2 }),
  one('trim takes every blank', "select trim('\t a\n') a, ltrim('  b') b, trim(both 'x' from 'xax') c", { a: 'a', b: 'b', c: 'a' }),
  one('FILTER and DISTINCT in aggregates', `select count(*) filter (where amount > 15) a, count(distinct cust_id) b, sum(distinct cust_id) c, array_agg(distinct status order by status) d, histogram(status) e from ${orders}`, { a: 3, b: 2, c: 3, d: ['NEW', 'OLD'], e: { NEW: 2, OLD: 2 } }),
  one('named windows and IGNORE NULLS', 'select first_value(x) ignore nulls over w a, count(*) over w b from (values (1, null), (2, 5)) as t(i, x) window w as (order by i rows between unbounded preceding and unbounded following) limit 1', { a: 5, b: 2 }),
  one('binary', "select to_hex(to_utf8('ab')) a, from_utf8(from_hex('6162')) b, to_hex(md5(to_utf8('a'))) c, x'00ff' d", { a: '6162', b: 'ab', c: '0CC175B9C0F1B6A831C399E269772661', d: 'AP8=' }),
  one('extract and its fields', "select extract(year from date '2024-12-30') a, week(date '2024-12-30') b, year_of_week(date '2024-12-30') c, millisecond(timestamp '2024-01-01 00:00:01.500') d, extract(day_of_week from date '2024-01-07') e", { a: 2024, b: 1, c: 2025, d: 500, e: 7 }),
  one('EXCEPT and INTERSECT ALL', 'select count(*) n from (select 1 union all select 1 except select 2)', { n: 1 }),
  one('quantified comparisons', 'select 2 > all (select 1) a, 2 = any (select 2) b, (1, 2) in (select 1, 2) c', { a: true, b: true, c: true }),
  one('now is the statement\'s moment', 'select now() a, current_date b, localtimestamp c', { a: '2026-01-01T00:00:00Z', b: '2026-01-01', c: '2026-01-01T00:00:00' }),
  bad('division by zero', 'select 1 / 0 x', /division by zero/i),
  bad('a remainder of zero', 'select 1 % 0 x', /division by zero/i),
  bad('a number that is none', "select cast('1.5' as integer) x", /1\.5/),
  bad('an overflow', 'select 2147483647 + 1 x', /overflow/i),
]
