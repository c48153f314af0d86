import { jest } from '@jest/globals'
import { allRows, type SqlEngine } from '../../connectors/ports/sql-engine.ts'
import { openTrinoEngine } from '../../connectors/trino/engine.ts'
import { withEngine } from '../support/engines.ts'
import { testScope } from '../support/scope.ts'
import { capturedCases, dialectCorpus } from '../support/sql-corpus.ts'
import { column } from '../support/sql-tables.ts'
import { TrinoSchema, trinoRows } from '../support/trino.ts'

jest.setTimeout(120_000)

withEngine('TRINO_URL', 'Trino answers the statements of the dialect as the embedded engine does', url => {
  let schema: TrinoSchema
  let engine: SqlEngine

  beforeAll(async () => {
    schema = await TrinoSchema.open(url)
    await trinoRows(schema.client, `CREATE TABLE memory.${schema.schema}.customer AS SELECT * FROM (VALUES
      (BIGINT '1', CAST('Ann' AS varchar), CAST('DE' AS varchar)), (2, 'Bob', 'US'), (3, 'Cyd', 'US')) AS t(id, name, country)`)
    await trinoRows(schema.client, `CREATE TABLE memory.${schema.schema}.orders AS SELECT * FROM (VALUES
      (BIGINT '1', BIGINT '1', 10e0, CAST('NEW' AS varchar), TIMESTAMP '2024-01-01 00:00:00.000000', CAST(ARRAY['a', 'b'] AS array(varchar)), JSON '{"a":{"b":"q"},"l":[1,2],"n":7}'),
      (2, 1, 20e0, 'NEW', TIMESTAMP '2024-01-02 00:00:00', ARRAY['c'], JSON '{}'), (3, 2, 30e0, 'OLD', TIMESTAMP '2024-02-01 00:00:00', ARRAY[], JSON '{}'),
      (4, 2, 40e0, 'OLD', TIMESTAMP '2024-02-02 00:00:00', ARRAY['a'], JSON '{}')) AS t(oid, cust_id, amount, status, ts, tags, doc)`)
    engine = openTrinoEngine(schema.client, { clock: testScope().clock, locate: ({ name }) => schema.name(name.split('.').at(-1) ?? name) })
    await engine.mount([
      { catalog: 'pg', name: 'public.customer', columns: ['id', 'name', 'country'].map(name => column(name, 'JSON')), from: { kind: 'relation', relation: 'customer' } },
      { catalog: 'ora', name: 'sales.orders', columns: ['oid', 'cust_id', 'amount', 'status', 'ts', 'tags', 'doc'].map(name => column(name, 'JSON')), from: { kind: 'relation', relation: 'orders' } },
    ])
  })
  afterAll(() => schema.close())

  const answer = async (sql: string) => allRows(await engine.query(testScope(), { sql }))

  // The moment of a statement is Trino's own there; what the embedded engine refuses by name may be anything.
  test.each(dialectCorpus.filter(one => !('refused' in one) && !one.sql.includes('now()')))('$id', async one => {
    if ('rows' in one) expect(await answer(one.sql)).toEqual(one.rows)
    else if ('fails' in one) await expect(answer(one.sql)).rejects.toMatchObject({ code: 'SQL_ERROR', message: expect.stringMatching(one.fails) })
  })

  test.each(capturedCases.filter(({ refused }) => !refused))('$sql', async ({ sql, rows }) => {
    if (rows) expect(await answer(sql)).toEqual(rows)
    else await expect(answer(sql)).rejects.toMatchObject({ code: 'SQL_ERROR' })
  })
})
