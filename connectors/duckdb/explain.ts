import type { Plan } from '../ports/sql-engine.ts'
import type { Translation } from './translate.ts'

interface PlanNode {
  readonly name: string
  readonly children?: readonly PlanNode[]
  readonly extra_info?: Readonly<Record<string, string | readonly string[]>>
}

/** What of a step people are told. The rest of DuckDB's plan has names and paths from inside. */
const told = ['Join Type', 'Conditions', 'Filters', 'Expression', 'Groups', 'Aggregates', 'Projections', 'Order By', 'Top', 'Estimated Cardinality']

/** DuckDB's plan, EXPLAIN (FORMAT JSON), as an indented list, below the tables the statement reads. */
export function planText(json: string, { tables, staged }: Translation, known: Plan['reads']): string {
  const reads = tables.flatMap(table => {
    const name = `reads ${table.catalog}.${table.name} (${table.from.kind})`
    const ways = known.filter(one => one.table === table).map(({ by }) => (by ? ` by ${by.join(', ')}` : ' whole'))
    if (table.from.kind === 'live') return ways.map(way => name + way)
    const asked = staged.filter(one => one.table === table).map(({ columns, predicates }) =>
      ` columns ${columns.map(column => column.name).join(', ')}${predicates.length > 0 ? `; conditions on ${predicates.map(({ column }) => column.name).join(', ')}` : ''}`)
    return asked.length === 0 ? [name] : asked.map((columns, index) => `${name}${ways[index] ?? ''}${columns}`)
  })
  return [...reads, ...(JSON.parse(json) as readonly PlanNode[]).flatMap(node => lines(node, 0))].join('\n')
}

function lines({ name, children = [], extra_info: info = {} }: PlanNode, depth: number): string[] {
  const facts = told.filter(fact => info[fact] !== undefined).map(fact => `${fact}: ${[info[fact]].flat().join(', ')}`)
  const step = name.trim().replace(/^LIVE_[0-9A-F]+$/i, 'LIVE_SCAN')
  return [`${'  '.repeat(depth)}${step}${facts.length > 0 ? ` [${facts.join('; ')}]` : ''}`, ...children.flatMap(childNode => lines(childNode, depth + 1))]
}
