import { analyzeQuery, Dialect } from '@polyglot-sql/sdk'
import fc from 'fast-check'
import { analyse } from '../../../subgraphs/lineage/analyse.ts'

const tables: Readonly<Record<string, readonly string[]>> = { 's.a': ['x', 'y', 'k'], 's.b': ['x', 'z', 'k'], 's.c': ['p', 'q'] }
const names = Object.keys(tables)
const find = (name: readonly string[]) => ({ id: name.join('.'), columns: tables[name.join('.')] })

/** A query, the names of what it answers, and whether a name it uses exists nowhere. */
interface Generated {
  readonly sql: string
  readonly outputs: readonly string[]
  readonly broken: boolean
}

type Source = { readonly sql: string; readonly alias: string; readonly columns: readonly string[]; readonly broken: boolean }

const expressions: readonly ((column: string, other: string) => string)[] = [
  column => column, column => column, column => `upper(${column})`, (column, other) => `${column} || ${other}`, column => `coalesce(${column}, 'none')`, () => "'text'", () => '42',
  (column, other) => `CASE WHEN ${column} > 1 THEN ${other} ELSE ${column} END`, column => `CAST(${column} AS varchar)`, column => `(SELECT max(i.p) FROM s.c i WHERE i.q = ${column})`,
]

function query(depth: number): fc.Arbitrary<Generated> {
  if (depth <= 0) return select(0)
  return fc.oneof({ weight: 4, arbitrary: select(depth) }, { weight: 1, arbitrary: union(depth - 1) }, { weight: 1, arbitrary: withQuery(depth - 1) })
}

function source(depth: number, alias: string): fc.Arbitrary<Source> {
  const table = fc.constantFrom(...names).map(name => ({ sql: `${name} ${alias}`, alias, columns: tables[name] ?? [], broken: false }))
  if (depth <= 0) return table
  const inner = query(depth - 1).map(({ sql, outputs, broken }) => ({ sql: `(${sql}) ${alias}`, alias, columns: outputs, broken }))
  return fc.oneof({ weight: 2, arbitrary: table }, { weight: 1, arbitrary: inner })
}

function select(depth: number): fc.Arbitrary<Generated> {
  const sources = fc.integer({ min: 1, max: 2 }).chain(count => fc.tuple(...Array.from({ length: count }, (_, index) => source(depth, `t${index}`))))
  const items = fc.array(fc.record({ pick: fc.nat(), other: fc.nat(), shape: fc.nat(expressions.length - 1), missing: fc.integer({ min: 0, max: 30 }) }), { minLength: 1, maxLength: 4 })
  return fc.record({ sources, items, grouped: fc.boolean(), filtered: fc.boolean() }).map(({ sources, items, grouped, filtered }) => {
    const known = sources.flatMap(({ alias, columns }) => columns.map(column => `${alias}.${column}`))
    const at = (index: number) => known[index % known.length] ?? '1'
    const columns = items.map(({ pick, other, shape, missing }) => (missing === 0 ? 't0.nowhere' : (expressions[shape] ?? String)(at(pick), at(other))))
    const list = grouped ? columns.map(column => `max(${column})`) : columns
    const [first, second] = sources
    const from = second ? `${first?.sql} JOIN ${second.sql} ON ${at(0)} = ${at(known.length - 1)}` : first?.sql
    return {
      sql: `SELECT ${list.map((column, index) => `${column} AS o${index}`).join(', ')} FROM ${from}${filtered ? ` WHERE ${at(1)} > 3` : ''}`,
      outputs: list.map((_, index) => `o${index}`),
      broken: columns.includes('t0.nowhere') || sources.some(({ broken }) => broken),
    }
  })
}

function union(depth: number): fc.Arbitrary<Generated> {
  return query(depth).map(({ sql, outputs, broken }) => {
    const first = outputs[0] ?? 'o0'
    return { sql: `SELECT ${first} AS o0 FROM (${sql}) l UNION ALL SELECT q FROM s.c`, outputs: ['o0'], broken }
  })
}

function withQuery(depth: number): fc.Arbitrary<Generated> {
  return query(depth).map(({ sql, outputs, broken }) => ({ sql: `WITH w${depth} AS (${sql}) SELECT * FROM w${depth}`, outputs, broken }))
}

test('M-30 every output of a generated query is there, made only from columns that exist, and unresolved exactly when a name exists nowhere', () => {
  fc.assert(fc.property(query(2), ({ sql, outputs, broken }) => {
    const lineage = analyse(sql, find)
    expect(lineage.columns.map(({ output }) => output)).toEqual(outputs)
    for (const { inputs } of lineage.columns) for (const { table, column } of inputs) expect(tables[table]).toContain(column)
    expect(lineage.unresolved.length > 0).toBe(broken)
  }), { numRuns: 100 })
})

const schema = { tables: names.map(name => ({ name, columns: (tables[name] ?? []).map(column => ({ name: column, type: 'VARCHAR' })) })) }

test('the columns found behind each output are those an independent analyser finds', () => {
  fc.assert(fc.property(query(2).filter(({ broken }) => !broken), ({ sql }) => {
    const oracle = analyzeQuery(sql, { dialect: Dialect.Trino, schema })
    expect(oracle.success).toBe(true)
    const theirs = (oracle.analysis?.projections ?? []).map(({ upstream }) => [...new Set(upstream.filter(({ sourceKind }) => sourceKind === 'table').map(({ table, column }) => `${table}.${column}`))].sort())
    const ours = analyse(sql, find).columns.map(({ inputs }) => inputs.map(({ table, column }) => `${table}.${column}`).sort())
    expect(ours).toEqual(theirs)
  }), { numRuns: 25 })
})
