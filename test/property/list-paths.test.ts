import fc from 'fast-check'
import { openDuckDb, type DuckDatabase } from '../../connectors/duckdb/database.ts'
import { openDuckDbEngine } from '../../connectors/duckdb/engine.ts'
import { openMemoryRegions } from '../../connectors/memory/index.ts'
import type { SqlEngine } from '../../connectors/ports/sql-engine.ts'
import type { Context, Read } from '../../resolvers/context.ts'
import { listPage, type ListArguments } from '../../resolvers/connection.ts'
import { sealer } from '../../resolvers/cursor.ts'
import { completeRows, engineRows, type EntityRows, type PlacedRow } from '../../resolvers/rows.ts'
import type { OrderTerm, Where } from '../../resolvers/where.ts'
import type { EntityModel, Link, Model } from '../../schema/model.ts'
import type { ColumnType, Row, Value } from '../../schema/values.ts'
import { testScope } from '../support/scope.ts'

const types: Record<string, ColumnType> = { id: 'Int', name: 'String', amount: 'Decimal', score: 'Float', big: 'Long', flag: 'Boolean', day: 'Date', at: 'DateTime', local: 'LocalDateTime' }
const entity: EntityModel = {
  kind: 'region', name: 'things', type: 'Thing', key: ['id'], listField: 'things', lookupField: 'thing', writable: false, complete: true, tenancy: 'SHARED',
  fields: Object.entries(types).map(([name, type]) => ({ name, field: name, type, nullable: name !== 'id' })),
}
const model: Model = { entities: [entity], links: [], foreign: [] }

/** Few values, so that equal ones, ties and nulls are common. */
const values: Record<string, readonly Value[]> = {
  name: ['', 'a', 'B', 'ab', '%', 'a_b', "O'Hara", 'é'], amount: ['-1.50', '0.00', '2.25', '10.00'], score: [-0.5, 0, 1.25, 1e10], big: [0, -5, 9007199254740993n, 42],
  flag: [true, false], day: ['2024-02-29', '1999-12-31'], at: ['2024-01-01T00:00:00Z', '2024-01-01T00:00:00.5Z'], local: ['2024-01-01T12:00:00', '1970-01-01T00:00:00.25'],
}

const columns = Object.keys(values)
const oneOf = (column: string) => fc.constantFrom(...(values[column] ?? []))
const row = fc.record(Object.fromEntries(columns.map(column => [column, fc.option(oneOf(column), { nil: null })])))
const rows = fc.array(row, { maxLength: 25 }).map(list => list.map((one, index): Row => ({ id: index * 7, ...(one as Row) })))

const leaf: fc.Arbitrary<Where> = fc.constantFrom(...columns).chain(column => {
  const text: fc.Arbitrary<Where>[] = column === 'name' ? [fc.record({ column: fc.constant(column), op: fc.constantFrom('like' as const, 'startsWith' as const), value: fc.constantFrom('a%', '%', '_', 'a', '', 'B%') })] : []
  return fc.oneof(
    fc.record({ column: fc.constant(column), op: fc.constantFrom(...(column === 'flag' ? (['eq', 'ne'] as const) : (['eq', 'ne', 'lt', 'lte', 'gt', 'gte'] as const))), value: oneOf(column) }),
    fc.record({ column: fc.constant(column), op: fc.constant('in' as const), value: fc.array(oneOf(column), { maxLength: 3 }) }),
    fc.record({ column: fc.constant(column), op: fc.constant('isNull' as const), value: fc.boolean() }),
    ...text,
  )
})
const { where } = fc.letrec<{ where: Where }>(tie => ({
  where: fc.oneof({ maxDepth: 3 }, leaf, fc.record({ and: fc.array(tie('where'), { maxLength: 3 }) }), fc.record({ or: fc.array(tie('where'), { maxLength: 3 }) }), fc.record({ not: tie('where') })),
}))
const order: fc.Arbitrary<OrderTerm[]> = fc.array(fc.record({ path: fc.constant([]), column: fc.constantFrom(...columns), descending: fc.boolean(), nullsFirst: fc.boolean() }), { maxLength: 3 })

describe('the same list from memory and from the engine', () => {
  let database: DuckDatabase
  let engine: SqlEngine
  let held: readonly Row[] = []

  beforeAll(async () => {
    database = await openDuckDb()
    engine = await openDuckDbEngine(database, testScope())
    await engine.mount([{ catalog: 'hub', name: 'things', columns: entity.fields, from: { kind: 'live', rows: () => held } }])
  })
  afterAll(async () => {
    await engine.close()
    await database.close()
  })

  async function readers(given: readonly Row[]): Promise<{ memory: EntityRows; sql: EntityRows; close: () => Promise<void> }> {
    const scope = testScope()
    const store = await openMemoryRegions({ clock: scope.clock, log: scope.log })
    const region = await store.define({ name: 'things', columns: entity.fields, key: ['id'], indexes: [['name'], ['big'], ['at']], atomicity: 'ATOMIC', expiry: {}, maxEntries: 1_000, durable: false, tenancy: 'SHARED' })
    if (given.length > 0) await region.putMany(scope, given)
    held = given
    return { memory: completeRows(model, entity, region, engine, () => undefined), sql: engineRows(model, entity, engine, 'view'), close: () => store.close() }
  }

  const context = (): Context => ({ scope: testScope(), at: '', perFetch: new Map() })
  const shown = (found: readonly PlacedRow[]) => found.map(({ row, place }) => ({ row, place }))

  test('any filter, order and page gives equal rows in equal order, and equal counts', async () => {
    await fc.assert(
      fc.asyncProperty(rows, where, order, fc.integer({ min: 0, max: 6 }), fc.boolean(), async (given, condition, terms, limit, backwards) => {
        const { memory, sql, close } = await readers(given)
        const request = { where: condition, order: terms, limit, backwards }
        const first = await memory.select(context(), '', request)
        expect(shown(await sql.select(context(), '', request))).toEqual(shown(first))
        const edge = backwards ? first[0] : first.at(-1)
        const next = { ...request, after: edge?.place }
        if (edge) expect(shown(await sql.select(context(), '', next))).toEqual(shown(await memory.select(context(), '', next)))
        expect(await sql.count(context(), '', condition)).toBe(await memory.count(context(), '', condition))
        await close()
      }),
      { numRuns: 150, seed: 20_261_121 },
    )
  }, 120_000)

  test('a walk by cursors gives each row once, in the order of one list of all, forwards and backwards', async () => {
    const cursors = sealer([{ kid: '1', secret: 'a secret of the test' }])
    await fc.assert(
      fc.asyncProperty(rows, order, fc.integer({ min: 1, max: 7 }), fc.boolean(), fc.boolean(), async (given, terms, size, backwards, fromMemory) => {
        const { memory, sql, close } = await readers(given)
        const reader = fromMemory ? memory : sql
        const orderBy = terms.map(({ column, descending, nullsFirst }) => ({ [column]: descending ? (nullsFirst ? 'DESC' : 'DESC_NULLS_LAST') : nullsFirst ? 'ASC_NULLS_FIRST' : 'ASC' }))
        const ask = async (args: ListArguments) => {
          const page = listPage(model, entity, 'test', { orderBy, ...args }, cursors)
          return page.connection(await reader.select(context(), '', page.request), () => Promise.resolve(0))
        }
        const all = (await ask({ first: 1000 })).nodes.map(node => node['id'])
        const seen: unknown[] = []
        let cursor: string | null = null
        for (;;) {
          const page = await ask(backwards ? { last: size, before: cursor } : { first: size, after: cursor })
          const ids = page.nodes.map(node => node['id'])
          if (backwards) seen.unshift(...ids)
          else seen.push(...ids)
          if (!(backwards ? page.pageInfo.hasPreviousPage : page.pageInfo.hasNextPage)) break
          cursor = backwards ? page.pageInfo.startCursor() : page.pageInfo.endCursor()
        }
        expect(seen).toEqual(all)
        await close()
      }),
      { numRuns: 60, seed: 20_261_122 },
    )
  }, 120_000)

  test('per value, each gets the first rows of its own', async () => {
    await fc.assert(
      fc.asyncProperty(rows, order, fc.integer({ min: 1, max: 4 }), fc.boolean(), async (given, terms, limit, backwards) => {
        const { memory, sql, close } = await readers(given)
        const per = { column: 'name', values: ['a', 'B', 'nobody'] }
        const grouped = async (reader: EntityRows) => Object.groupBy((await reader.select(context(), '', { where: { and: [] }, order: terms, limit, backwards, per })).map(({ row: found }) => found), found => String(found['name']))
        expect(await grouped(sql)).toEqual(await grouped(memory))
        expect(await sql.countPer(context(), '', { and: [] }, per)).toEqual(await memory.countPer(context(), '', { and: [] }, per))
        await close()
      }),
      { numRuns: 60, seed: 20_261_123 },
    )
  }, 120_000)

  test('rows of a region are as old when the engine reads them as when memory does', async () => {
    const scope = testScope()
    const store = await openMemoryRegions({ clock: scope.clock, log: scope.log })
    const region = await store.define({ name: 'things', columns: entity.fields, key: ['id'], indexes: [], atomicity: 'ATOMIC', expiry: {}, maxEntries: 1_000, durable: false, tenancy: 'SHARED' })
    const self: Link = { source: 'Thing', sourceColumn: 'id', target: 'Thing', targetColumn: 'id', field: 'itself', many: false }
    const asOfMs = () => scope.clock.now() - 5_000
    const held = engine.over([{ catalog: 'hub', name: 'things', columns: entity.fields, from: { kind: 'live', rows: () => [] }, asOfMs }])
    const reader = completeRows({ ...model, links: [self] }, entity, region, held, asOfMs)
    const reads: Read[] = []
    const explained: Context = { ...context(), explain: read => void reads.push(read) }
    await reader.select(explained, 'things', { where: { and: [] }, order: [] })
    await reader.select(explained, 'things', { where: { link: self, where: { and: [] } }, order: [] })
    expect(reads.map(({ engine: by, ageMs }) => ({ by, ageMs }))).toEqual([{ by: 'memory', ageMs: 5_000 }, { by: 'duckdb', ageMs: 5_000 }])
    await store.close()
  })
})
