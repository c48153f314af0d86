import { parseTrino } from '../../../connectors/statements/ast.ts'
import { Mounts } from '../../../connectors/statements/mounts.ts'
import { rewrite } from '../../../connectors/trino/rewrite.ts'
import { column, viewTable } from '../../support/sql-tables.ts'

const momentMs = Date.UTC(2026, 0, 31, 9, 5, 7, 30)
const rewritten = (sql: string) => rewrite({ sql }, parseTrino(sql), { mounts: new Mounts([viewTable('v', [column('at', 'DateTime')], 'SELECT CURRENT_TIMESTAMP AS at')]), locate: () => undefined, momentMs }).edited.text

test.each([
  ['SELECT current_timestamp AS a, now( ) AS b', "SELECT TIMESTAMP '2026-01-31 09:05:07.030 UTC' AS a, TIMESTAMP '2026-01-31 09:05:07.030 UTC' AS b"],
  ['SELECT current_timestamp(6) AS a, Localtimestamp AS b', "SELECT CAST(TIMESTAMP '2026-01-31 09:05:07.030 UTC' AS timestamp(6) with time zone) AS a, TIMESTAMP '2026-01-31 09:05:07.030' AS b"],
  ['SELECT current_date AS a, current_time AS b, localtime AS c', "SELECT DATE '2026-01-31' AS a, TIME '09:05:07.030 +00:00' AS b, TIME '09:05:07.030' AS c"],
  ["SELECT 'now()' AS now, now.x, \"current_date\" FROM (SELECT 1 AS x, 2 AS \"current_date\") AS now -- now()", "SELECT 'now()' AS now, now.x, \"current_date\" FROM (SELECT 1 AS x, 2 AS \"current_date\") AS now -- now()"],
  ['SELECT at FROM v', "SELECT at FROM (SELECT TIMESTAMP '2026-01-31 09:05:07.030 UTC' AS at\n) AS \"v\""],
])('the present of %p is the moment that is given', (sql, expected) => {
  expect(rewritten(sql)).toBe(expected)
})
