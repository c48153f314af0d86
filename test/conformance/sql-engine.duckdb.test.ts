import { openDuckDb } from '../../connectors/duckdb/database.ts'
import { openDuckDbEngine } from '../../connectors/duckdb/engine.ts'
import { conforms } from '../support/conformance.ts'
import { MovedClock, testScope } from '../support/scope.ts'
import { airportColumns, airportRows, column, everyType, flightColumns, flightRows, GivenSource, liveTable, viewTable } from '../support/sql-tables.ts'
import { type SqlSubject, sqlEngineChecks } from './sql-engine.ts'

conforms('DuckDB is a SqlEngine', sqlEngineChecks, async (): Promise<SqlSubject> => {
  const clock = new MovedClock()
  const database = await openDuckDb({ threads: 2 })
  const engine = await openDuckDbEngine(database, { clock, log: testScope().log, connections: 1 })
  const lake = new GivenSource('lake', { flights: { columns: flightColumns, rows: flightRows }, every: { columns: everyType.columns, rows: [everyType.row] } })
  let begin = () => {}
  const started = new Promise<void>(resolve => {
    begin = resolve
  })
  const numbers = liveTable('numbers', [column('n', 'Long')], () => {
    begin()
    return Array.from({ length: 5000 }, (_, n) => ({ n }))
  })
  await engine.mount([
    liveTable('airports', airportColumns, () => airportRows),
    viewTable('french', airportColumns, "SELECT * FROM airports WHERE country = 'France'"),
    numbers,
    ...lake.mounted(),
  ])
  return {
    engine,
    scope: overrides => testScope({ clock, ...overrides }),
    endless: { sql: 'SELECT count(*) AS n FROM numbers a, numbers b, numbers c WHERE a.n * b.n + c.n = -1', started },
    async close() {
      await engine.close()
      await database.close()
    },
  }
})
