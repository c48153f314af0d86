import { jest } from '@jest/globals'
import { openTrinoEngine } from '../../connectors/trino/engine.ts'
import { conforms } from '../support/conformance.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { MovedClock, testScope } from '../support/scope.ts'
import { airportColumns, airportRows, column, everyType, flightColumns, flightRows, GivenSource, liveTable, viewTable } from '../support/sql-tables.ts'
import { TrinoSchema, trinoClient, trinoQueries, trinoRows } from '../support/trino.ts'
import { type SqlSubject, sqlEngineChecks } from './sql-engine.ts'

jest.setTimeout(120_000)

withEngine('TRINO_URL', 'Trino', url => {
  let schema: TrinoSchema
  let subjects = 0

  beforeAll(async () => {
    schema = await TrinoSchema.open(url)
    await schema.store('airports', airportColumns, airportRows)
    await schema.store('flights', flightColumns, flightRows)
    await schema.store('every', everyType.columns, [everyType.row])
    await trinoRows(schema.client, `CREATE TABLE memory.${schema.schema}.numbers AS SELECT n FROM UNNEST(sequence(0, 4999)) AS t(n)`)
  })
  afterAll(() => schema.close())

  conforms('Trino is a SqlEngine', sqlEngineChecks, async (): Promise<SqlSubject> => {
    const clock = new MovedClock()
    const engine = openTrinoEngine(trinoClient(url), { clock, locate: ({ name, from }) => (from.kind === 'view' ? undefined : schema.name(name)) })
    const lake = new GivenSource('lake', { flights: { columns: flightColumns, rows: [] }, every: { columns: everyType.columns, rows: [] } })
    await engine.mount([
      liveTable('airports', airportColumns, () => []),
      viewTable('french', airportColumns, "SELECT * FROM airports WHERE country = 'France'"),
      liveTable('numbers', [column('n', 'Long')], () => []),
      ...lake.mounted(),
    ])
    const mark = `/* ${schema.schema} ${++subjects} */`
    return {
      engine,
      scope: overrides => testScope({ clock, ...overrides }),
      endless: {
        sql: `SELECT count(*) AS n ${mark} FROM numbers a, numbers b, numbers c WHERE a.n * b.n + c.n = -1`,
        get started() {
          return eventually('Trino runs the endless statement', async () => (await trinoQueries(url, mark)).some(({ state }) => state === 'RUNNING'))
        },
      },
      close: () => engine.close(),
    }
  })
})
