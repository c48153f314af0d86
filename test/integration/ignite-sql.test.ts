import { sql, sqlRows } from '../../connectors/ignite/index.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { column, igniteSubject, type IgniteSubject, type IgniteTable } from '../support/ignite.ts'

withEngine('IGNITE_HOST_1', 'SQL of Ignite', () => {
  let ignite: IgniteSubject
  let table: IgniteTable
  beforeAll(async () => {
    ignite = igniteSubject()
    table = await ignite.table([column('n', 'Int'), column('big', 'Long'), column('amount', 'Decimal')])
    await table.rows.putAll(ignite.scope, Array.from({ length: 500 }, (_, n) => [`k${String(n).padStart(3, '0')}`, { n, big: 2n ** 60n + BigInt(n), amount: `${n}.50` }]))
  })
  afterAll(() => ignite.close())

  test('rows come page by page with their columns, exact to the last digit', async () => {
    const result = await sql(ignite.scope, ignite.client, `SELECT ID, BIG, AMOUNT AS TOTAL FROM ${table.configuration.table} ORDER BY ID`, [], { pageRows: 64 })
    expect(result.columns).toEqual(['ID', 'BIG', 'TOTAL'])
    const sizes: number[] = []
    const rows: unknown[] = []
    for await (const page of result.pages) {
      sizes.push(page.length)
      rows.push(...page)
    }
    expect(sizes.slice(0, 7)).toEqual(Array(7).fill(64))
    expect(rows).toHaveLength(500)
    expect(rows[499]).toEqual(['k499', 2n ** 60n + 499n, '499.50'])
  })

  /** A connection may have 128 cursors open; one that was not closed counts. */
  const manyMoreThanAllowed = 300

  const waiting = () => ignite.client.stats().hosts.reduce((sum, { inFlight }) => sum + inFlight, 0)

  test('a result left early closes its cursor at the server', async () => {
    for (let round = 0; round < manyMoreThanAllowed; round++) {
      const { pages } = await sql(ignite.scope, ignite.client, `SELECT ID FROM ${table.configuration.table}`, [], { pageRows: 10 })
      for await (const page of pages) {
        expect(page).toHaveLength(10)
        break
      }
    }
  })

  test('a cursor whose caller left before the answer is closed when the answer comes', async () => {
    for (let round = 0; round < manyMoreThanAllowed; round++) {
      const controller = new AbortController()
      const asked = sql({ ...ignite.scope, signal: controller.signal }, ignite.client, `SELECT ID FROM ${table.configuration.table}`, [], { pageRows: 10 })
      // The request is on its way before the caller leaves.
      while (waiting() <= round) await undefined
      controller.abort(new Error('left'))
      await expect(asked).rejects.toThrow('left')
    }
    await eventually('every answer has come', async () => waiting() === 0)
    // One on each connection at least: were those before still open, there would be no room for it.
    for (let round = 0; round < 4; round++) {
      const { pages } = await sql(ignite.scope, ignite.client, `SELECT ID FROM ${table.configuration.table}`, [], { pageRows: 10 })
      await pages.next()
      await pages.return()
    }
  })

  test('arguments are bound by their type: what looks like SQL stays text', async () => {
    const name = table.configuration.table
    expect(await sqlRows(ignite.scope, ignite.client, `SELECT ID FROM ${name} WHERE ID = ?`, ["' OR 1=1 --"])).toEqual([])
    expect(await sqlRows(ignite.scope, ignite.client, `SELECT ID FROM ${name} WHERE BIG = ?`, [2n ** 60n + 7n])).toEqual([['k007']])
    expect(await sqlRows(ignite.scope, ignite.client, `SELECT ID FROM ${name} WHERE AMOUNT = ?`, [{ type: 'decimal', value: '9.50' }])).toEqual([['k009']])
    expect(await sqlRows(ignite.scope, ignite.client, `SELECT COUNT(*) FROM ${name} WHERE N < ? AND ? IS NULL`, [10, { type: 'string', value: null }])).toEqual([[10]])
  })

  test('DML answers how many rows it changed, and key-value readers see them', async () => {
    const name = table.configuration.table
    expect(await sqlRows(ignite.scope, ignite.client, `UPDATE ${name} SET AMOUNT = 0 WHERE N < 3`)).toEqual([[3]])
    expect(await table.rows.get(ignite.scope, 'k001')).toMatchObject({ n: 1, amount: '0' })
  })

  test('a statement that does not parse is a SQL_ERROR with the place', async () => {
    await expect(sqlRows(ignite.scope, ignite.client, 'SELECT FROM WHERE')).rejects.toMatchObject({ code: 'SQL_ERROR', message: expect.stringContaining('SELECT FROM WHERE') })
  })

  test('a statement that takes longer than it may is stopped by the server: TIMEOUT', async () => {
    const name = table.configuration.table
    const endless = `SELECT COUNT(*) FROM ${name} A, ${name} B, ${name} C, ${name} D WHERE A.N + B.N + C.N + D.N > 0`
    await expect(sqlRows(ignite.scope, ignite.client, endless, [], { timeoutMs: 300 })).rejects.toMatchObject({ code: 'TIMEOUT' })
  })

  test('sixteen statements at once answer each its own rows', async () => {
    const name = table.configuration.table
    const answers = await Promise.all(Array.from({ length: 160 }, (_, n) => sqlRows(ignite.scope, ignite.client, `SELECT N FROM ${name} WHERE ID = ?`, [`k${String(n).padStart(3, '0')}`])))
    expect(answers.map(rows => rows[0]?.[0])).toEqual(Array.from({ length: 160 }, (_, n) => n))
  })
})
