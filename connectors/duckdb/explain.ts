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
export function planText(json: string, { tables, staged }: Translation, live: Plan['reads']): string {
  const reads = tables.flatMap(table => {
    if (table.from.kind === 'live') return live.filter(one => one.table === table).map(({ by }) => `reads ${table.catalog}.${table.name} (live) ${by ? `by ${by.join(', ')}` : 'whole'}`)
    const read = staged.find(one => one.table === table)
    const asked = read ? ` columns ${read.columns.map(column => column.name).join(', ')}${read.predicates.length > 0 ? `; conditions on ${read.predicates.map(({ column }) => column.name).join(', ')}` : ''}` : ''
    return `reads ${table.catalog}.${table.name} (${table.from.kind})${asked}`
  })
  return [...reads, ...(JSON.parse(json) as readonly PlanNode[]).flatMap(node => lines(node, 0))].join('\n')
}

function lines({ name, children = [], extra_info: info = {} }: PlanNode, depth: number): string[] {
  const facts = told.filter(fact => info[fact] !== undefined).map(fact => `${fact}: ${[info[fact]].flat().join(', ')}`)
  const step = name.trim().replace(/^LIVE_[0-9A-F]+$/i, 'LIVE_SCAN')
  return [`${'  '.repeat(depth)}${step}${facts.length > 0 ? ` [${facts.join('; ')}]` : ''}`, ...children.flatMap(childNode => lines(childNode, depth + 1))]
}
