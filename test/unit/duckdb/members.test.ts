import { withMembers, type OpenTable } from '../../../connectors/statements/members.ts'

const columns = (...names: string[]) => names.map(name => ({ name }))
const tables: readonly OpenTable[] = [
  { catalog: 'hub', name: 'sessions', columns: columns('key', 'user_id', 'value'), open: 'value' },
  { catalog: 'hub', name: 'carts', columns: columns('key', 'value'), open: 'value' },
  { catalog: 'hub', name: 'users', columns: columns('id', 'name') },
  { catalog: 'lake', name: 'gold.flights', columns: columns('origin') },
]
const of = (alias: string, member: string) => `json_extract_scalar("${alias}"."value", '$.${member}')`

test.each<[string, string, string]>([
  ['an item keeps its name', 'SELECT token, user_id FROM sessions', `SELECT ${of('sessions', 'token')} AS "token", user_id FROM sessions`],
  ['an item with a name of its own keeps that', 'SELECT token AS t FROM sessions', `SELECT ${of('sessions', 'token')} AS t FROM sessions`],
  ['inside of a call and behind a mark', 'SELECT lower(token) FROM sessions WHERE ? = token', `SELECT lower(${of('sessions', 'token')}) FROM sessions WHERE ? = ${of('sessions', 'token')}`],
  ['its table may be said', 'SELECT s.token FROM sessions s', `SELECT ${of('s', 'token')} AS "token" FROM sessions s`],
  ['beside a table with columns alone', 'SELECT token FROM sessions s JOIN users u ON u.id = s.user_id', `SELECT ${of('s', 'token')} AS "token" FROM sessions s JOIN users u ON u.id = s.user_id`],
  ['of two open tables the one that is said', 'SELECT c.total FROM sessions s, carts c', `SELECT ${of('c', 'total')} AS "total" FROM sessions s, carts c`],
  ['grouped and ordered', 'SELECT device, count(*) FROM sessions GROUP BY device ORDER BY count(*)', `SELECT ${of('sessions', 'device')} AS "device", count(*) FROM sessions GROUP BY ${of('sessions', 'device')} ORDER BY count(*)`],
  ['inside of WITH and of subqueries', 'WITH t AS (SELECT token AS t FROM sessions) SELECT t FROM t WHERE EXISTS (SELECT 1 FROM carts WHERE total > 1)', `WITH t AS (SELECT ${of('sessions', 'token')} AS t FROM sessions) SELECT t FROM t WHERE EXISTS (SELECT 1 FROM carts WHERE ${of('carts', 'total')} > 1)`],
  ['by its full name', 'SELECT token FROM hub.sessions', `SELECT ${of('sessions', 'token')} AS "token" FROM hub.sessions`],
  ['characters beyond the first plane move nothing', "SELECT '😀', token FROM sessions", `SELECT '😀', ${of('sessions', 'token')} AS "token" FROM sessions`],
])('%s', (_, sql, expected) => expect(withMembers(sql, tables)).toBe(expected))

test.each([
  'SELECT token FROM sessions, carts', 'SELECT token FROM users', 'SELECT u.token FROM sessions s, users u', 'SELECT token FROM (SELECT * FROM sessions) t', 'SELECT key, USER_ID, "value" FROM sessions', 'SELECT "odd name" FROM sessions',
  'SELECT user_id AS u FROM sessions ORDER BY u', "SELECT 'token' FROM sessions -- token", 'SELECT token FROM lake.gold.flights', 'SELECT transform(ARRAY[1], x -> x + 1) FROM sessions', 'WITH sessions AS (SELECT 1 AS a) SELECT token FROM sessions',
  'SELECT 1 FROM sessions WHERE EXISTS (SELECT 1 FROM users WHERE name = user_id)',
])('%s is left as it is', sql => expect(withMembers(sql, tables)).toBe(sql))

test('a statement that does not parse is refused with its place', () => {
  expect(() => withMembers('SELECT FROM WHERE', tables)).toThrow(expect.objectContaining({ code: 'SQL_ERROR' }))
})
