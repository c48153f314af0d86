import type { StatementLineage } from '../../../schema/lineage.ts'
import { analyse } from '../../../subgraphs/lineage/analyse.ts'
import { findTable } from '../../../subgraphs/lineage/graph.ts'
import { acceptance, airlineNetworksSql, tables } from './fixture.ts'

const lineage = (sql: string): StatementLineage => analyse(sql, name => findTable(acceptance, tables, name))

const marks = { IDENTITY: '', EXPRESSION: ' expr', AGGREGATION: ' agg', MASK: ' mask' } as const

/** Each output as `name: table.column, …`, the way of derivation behind the column. */
const said = (sql: string): readonly string[] =>
  lineage(sql).columns.map(({ output, inputs }) => `${output}: ${inputs.map(({ table, column, transformation }) => `${table}.${column}${marks[transformation]}`).join(', ')}`.trimEnd())

const shapes: readonly { shape: string; sql: string; columns: readonly string[] }[] = [
  { shape: 'a bare column', sql: 'SELECT origin FROM bts.flights', columns: ['origin: bts.flights.origin'] },
  { shape: 'an alias', sql: 'SELECT f.origin AS iata FROM bts.flights f', columns: ['iata: bts.flights.origin'] },
  { shape: 'a column by its full name', sql: 'SELECT bts.flights.origin FROM bts.flights', columns: ['origin: bts.flights.origin'] },
  { shape: 'letter case of unquoted names', sql: 'SELECT F.ORIGIN FROM bts.flights f', columns: ['ORIGIN: bts.flights.origin'] },
  { shape: 'a quoted name', sql: 'SELECT "addedBy" FROM hub.watchlist', columns: ['addedBy: hub.watchlist.addedBy'] },
  { shape: 'an expression', sql: "SELECT origin || '-' || destination AS leg FROM bts.flights", columns: ['leg: bts.flights.origin expr, bts.flights.destination expr'] },
  { shape: 'a cast', sql: 'SELECT cast(delay AS double) AS d FROM bts.flights', columns: ['d: bts.flights.delay expr'] },
  { shape: 'a CASE', sql: 'SELECT CASE WHEN delay > 0 THEN origin ELSE destination END AS c FROM bts.flights', columns: ['c: bts.flights.delay expr, bts.flights.origin expr, bts.flights.destination expr'] },
  { shape: 'an aggregate beside a plain operand', sql: 'SELECT sum(delay) + distance AS x FROM bts.flights GROUP BY distance', columns: ['x: bts.flights.delay agg, bts.flights.distance expr'] },
  { shape: 'aggregates the parser has no node for', sql: 'SELECT map_agg(origin, delay) AS m, max_by(origin, delay) AS o FROM bts.flights', columns: ['m: bts.flights.origin agg, bts.flights.delay agg', 'o: bts.flights.origin agg, bts.flights.delay agg'] },
  { shape: 'a count of rows and literals', sql: "SELECT count(*), 42 AS answer, 'x', current_date FROM bts.flights", columns: ['_col0:', 'answer:', '_col2:', '_col3:'] },
  { shape: 'a filtered aggregate', sql: 'SELECT count(DISTINCT origin) FILTER (WHERE distance > 3) AS n FROM bts.flights', columns: ['n: bts.flights.origin agg, bts.flights.distance agg'] },
  { shape: 'a window', sql: 'SELECT sum(delay) OVER (PARTITION BY origin ORDER BY date) AS s, row_number() OVER w AS n FROM bts.flights WINDOW w AS (ORDER BY distance)', columns: ['s: bts.flights.delay agg, bts.flights.origin expr, bts.flights.date expr', 'n: bts.flights.distance expr'] },
  { shape: 'a star', sql: 'SELECT * FROM openflights.planes', columns: ['name: openflights.planes.name', 'iata: openflights.planes.iata', 'icao: openflights.planes.icao'] },
  { shape: 'a star of one relation of two', sql: 'SELECT p.*, f.delay FROM openflights.planes p CROSS JOIN bts.flights f', columns: ['name: openflights.planes.name', 'iata: openflights.planes.iata', 'icao: openflights.planes.icao', 'delay: bts.flights.delay'] },
  { shape: 'a named query', sql: 'WITH big AS (SELECT origin, sum(delay) AS total FROM bts.flights GROUP BY 1) SELECT b.total * 2 AS twice, b.origin FROM big b', columns: ['twice: bts.flights.delay agg', 'origin: bts.flights.origin'] },
  { shape: 'a named query with renamed columns', sql: 'WITH x(a, b) AS (SELECT origin, delay FROM bts.flights) SELECT b, a FROM x', columns: ['b: bts.flights.delay', 'a: bts.flights.origin'] },
  { shape: 'a named query that hides a view', sql: 'WITH busiest_routes AS (SELECT iata AS origin FROM openflights.airports) SELECT origin FROM busiest_routes', columns: ['origin: openflights.airports.iata'] },
  { shape: 'a named query inside a named query', sql: 'WITH a AS (WITH b AS (SELECT origin FROM bts.flights) SELECT * FROM b) SELECT * FROM a', columns: ['origin: bts.flights.origin'] },
  { shape: 'a recursive query', sql: 'WITH RECURSIVE t(n, o) AS (SELECT 1, origin FROM bts.flights UNION ALL SELECT n + 1, upper(o) FROM t WHERE n < 5) SELECT n, o FROM t', columns: ['n:', 'o: bts.flights.origin expr'] },
  { shape: 'columns that change places in recursion', sql: 'WITH RECURSIVE t(a, b) AS (SELECT origin, destination FROM bts.flights UNION ALL SELECT b, a FROM t) SELECT a FROM t', columns: ['a: bts.flights.origin, bts.flights.destination'] },
  { shape: 'an inner query', sql: 'SELECT total FROM (SELECT origin, sum(delay) AS total FROM bts.flights GROUP BY origin) x', columns: ['total: bts.flights.delay agg'] },
  { shape: 'an inner query in double brackets', sql: 'SELECT z.a FROM ((SELECT origin AS a FROM bts.flights)) z', columns: ['a: bts.flights.origin'] },
  { shape: 'a scalar query', sql: 'SELECT f.origin, (SELECT max(a.country) FROM openflights.airports a WHERE a.iata = f.origin) AS c FROM bts.flights f', columns: ['origin: bts.flights.origin', 'c: openflights.airports.country agg'] },
  { shape: 'a lateral query', sql: 'SELECT l.m FROM bts.flights c CROSS JOIN LATERAL (SELECT max(o.country) AS m FROM openflights.airports o WHERE o.iata = c.origin) l', columns: ['m: openflights.airports.country agg'] },
  { shape: 'a join', sql: 'SELECT a.name, r.stops FROM openflights.routes r LEFT JOIN openflights.airports a ON r.source_airport_id = a.id', columns: ['name: openflights.airports.name', 'stops: openflights.routes.stops'] },
  { shape: 'a join in brackets', sql: 'SELECT p.name, stops FROM (openflights.routes r JOIN openflights.airports a ON r.source_airport_id = a.id) LEFT JOIN openflights.planes p ON true', columns: ['name: openflights.planes.name', 'stops: openflights.routes.stops'] },
  { shape: 'a join USING', sql: 'SELECT iata, flights FROM hub.departures_by_airport JOIN openflights.planes USING (iata)', columns: ['iata: hub.departures_by_airport.iata expr, openflights.planes.iata expr', 'flights: hub.departures_by_airport.flights'] },
  {
    shape: 'a star over a natural join',
    sql: 'SELECT * FROM departures_by_airport NATURAL JOIN openflights.planes',
    columns: [
      'iata: hub.departures_by_airport.iata expr, openflights.planes.iata expr', 'flights: hub.departures_by_airport.flights',
      'mean_delay_minutes: hub.departures_by_airport.mean_delay_minutes', 'longest_miles: hub.departures_by_airport.longest_miles',
      'name: openflights.planes.name', 'icao: openflights.planes.icao',
    ],
  },
  { shape: 'a union', sql: 'SELECT origin AS code FROM bts.flights UNION ALL SELECT upper(iata) FROM openflights.airports', columns: ['code: bts.flights.origin, openflights.airports.iata expr'] },
  { shape: 'an intersection', sql: 'SELECT origin FROM bts.flights INTERSECT SELECT iata FROM openflights.airports', columns: ['origin: bts.flights.origin, openflights.airports.iata'] },
  { shape: 'a difference, whose right side gives no value', sql: 'SELECT origin FROM bts.flights EXCEPT SELECT iata FROM openflights.airports', columns: ['origin: bts.flights.origin'] },
  { shape: 'rows of literals', sql: "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS t(x, y)", columns: ['x:', 'y:'] },
  { shape: 'rows out of an array', sql: "SELECT f.origin, t.part FROM bts.flights f CROSS JOIN UNNEST(split(f.destination, ',')) AS t(part)", columns: ['origin: bts.flights.origin', 'part: bts.flights.destination expr'] },
  { shape: 'rows out of an array, numbered', sql: "SELECT t.n, t.part FROM bts.flights f CROSS JOIN UNNEST(split(f.destination, ',')) WITH ORDINALITY AS t(part, n)", columns: ['n:', 'part: bts.flights.destination expr'] },
  { shape: 'a lambda, whose parameter is no column', sql: "SELECT transform(split(origin, ''), date -> date || destination) AS t FROM bts.flights", columns: ['t: bts.flights.origin expr, bts.flights.destination expr'] },
  { shape: 'a region without its catalog', sql: 'SELECT country FROM airports', columns: ['country: hub.airports.country'] },
  { shape: 'grouping sets', sql: 'SELECT origin, sum(delay) AS s, grouping(origin) AS g FROM bts.flights GROUP BY GROUPING SETS ((origin), ())', columns: ['origin: bts.flights.origin', 's: bts.flights.delay agg', 'g: bts.flights.origin expr'] },
  { shape: 'a field of a computed row', sql: "SELECT CAST(row(delay, origin) AS row(n bigint, o varchar)).n AS n FROM bts.flights", columns: ['n: bts.flights.delay expr, bts.flights.origin expr'] },
  { shape: 'two outputs of one name', sql: 'SELECT origin, origin FROM bts.flights', columns: ['origin: bts.flights.origin', 'origin: bts.flights.origin'] },
]

test.each(shapes)('M-30 a query with $shape names the columns each output is made from', ({ sql, columns }) => {
  expect(said(sql)).toEqual(columns)
  expect(lineage(sql).unresolved).toEqual([])
})

test('M-30 the tables a query reads are listed once, in the order met, those of inner queries too', () => {
  expect(lineage('SELECT 1 FROM bts.flights f, airports WHERE EXISTS (SELECT 1 FROM openflights.routes) AND f.origin IN (SELECT iata FROM hub.airports)').inputs)
    .toEqual(['bts.flights', 'hub.airports', 'openflights.routes'])
})

test('M-30 a table has one name, in whatever letter case it is written', () => {
  expect(lineage('SELECT 1 FROM BTS.Flights, bts.flights, OpenFlights.AIRPORTS, HUB.Airports').inputs).toEqual(['bts.flights', 'openflights.airports', 'hub.airports'])
})

test('M-30 of a construct that is not followed the tables are read, its aliases are none', () => {
  expect(lineage('SELECT * FROM bts.flights MATCH_RECOGNIZE (PARTITION BY origin ORDER BY date MEASURES a.delay AS am PATTERN (a b+) DEFINE b AS b.delay > 1) m').inputs).toEqual(['bts.flights'])
})

test('columns that decide which rows there are are influences, not inputs', () => {
  const { influences } = lineage(`${airlineNetworksSql} HAVING count(a.city) > 1 ORDER BY countries`)
  expect(influences.map(({ table, column, transformation }) => `${table}.${column} ${transformation}`)).toEqual([
    'openflights.routes.source_airport_id JOIN', 'openflights.airports.id JOIN', 'openflights.routes.airline_id FILTER', 'openflights.airports.city FILTER',
    'openflights.routes.airline_id GROUP_BY', 'openflights.airports.country SORT',
  ])
})

test.each([
  ['a column its table lacks', 'SELECT f.nope, f.origin FROM bts.flights f', ['bts.flights.nope']],
  ['a column no relation has', 'SELECT nope FROM bts.flights, openflights.planes', ['nope']],
  ['a column two relations have', 'SELECT iata FROM openflights.planes, openflights.airports', ['iata']],
  ['a column of an unknown table', 'SELECT x.a FROM what.ever x', ['what.ever.a']],
  ['a star over an unknown table', 'SELECT * FROM what.ever', ['what.ever.*']],
  ['a star of an unknown alias', 'SELECT z.* FROM bts.flights f', ['z.*']],
  ['a column in a condition', 'SELECT origin FROM bts.flights WHERE nope = 3', ['nope']],
  ['a column an inner query does not answer', 'SELECT x.delay FROM (SELECT origin FROM bts.flights) x', ['x.delay']],
  ['what a construct answers that is not followed', 'SELECT m.am FROM bts.flights MATCH_RECOGNIZE (PARTITION BY origin ORDER BY date MEASURES a.delay AS am PATTERN (a b+) DEFINE b AS b.delay > 1) m', ['m.am']],
  ['an alias used beside itself', 'SELECT origin AS o, o FROM bts.flights', ['o']],
])('M-30 %s is listed as unresolved and is no error', (_what, sql, unresolved) => {
  expect(lineage(sql).unresolved).toEqual(unresolved)
})

test('a star over an unknown table stays a star among the outputs', () => {
  expect(said('SELECT origin, w.* FROM bts.flights, what.ever w')).toEqual(['origin: bts.flights.origin', '*:'])
})

test.each([
  ['SELECT origin\nFROM bts.flights WHERE WHERE', 2, 24],
  ['SELECT (1', 1, 9],
  ["SELECT 'x", 1, 8],
  ['', 1, 1],
])('M-30 %j does not parse, and the error has its place', (sql, line, column) => {
  expect(() => lineage(sql)).toThrow(expect.objectContaining({ code: 'SQL_ERROR', details: expect.objectContaining({ line, column }) }))
})

test.each([
  ['a writing statement', 'INSERT INTO bts.flights SELECT 1', 'READ_ONLY_SQL'],
  ['a definition', 'DROP TABLE bts.flights', 'READ_ONLY_SQL'],
  ['two statements', 'SELECT 1; SELECT 2', 'BAD_USER_INPUT'],
  ['five hundred brackets', `SELECT ${'('.repeat(500)}1${')'.repeat(500)}`, 'QUERY_TOO_COMPLEX'],
  ['twenty thousand operators', `SELECT ${'1||'.repeat(20_000)}1`, 'QUERY_TOO_COMPLEX'],
  ['a hundred thousand characters', `SELECT '${'x'.repeat(100_001)}'`, 'PAYLOAD_TOO_LARGE'],
])('lineage of %s is refused', (_what, sql, code) => {
  expect(() => lineage(sql)).toThrow(expect.objectContaining({ code }))
})

test('stars over stars that double at each step are stopped before they fill the memory', () => {
  const steps = Array.from({ length: 40 }, (_, index) => `c${index + 1} AS (SELECT a.*, b.* FROM c${index} a, c${index} b)`)
  expect(() => lineage(`WITH c0 AS (SELECT * FROM bts.flights), ${steps.join(', ')} SELECT * FROM c40`)).toThrow(expect.objectContaining({ code: 'QUERY_TOO_COMPLEX' }))
})

test('a long chain of operators is walked without exhausting the stack', () => {
  expect(said(`SELECT ${'delay AND '.repeat(5_000)}distance AS x FROM bts.flights`)).toEqual(['x: bts.flights.delay expr, bts.flights.distance expr'])
})
