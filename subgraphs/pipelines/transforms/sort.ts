import { optional, otherwise, required } from '../xml/shape.ts'
import { choice, columns, name } from '../xml/text-types.ts'
import { list, names } from '../plan/relation.ts'
import { defineTransform } from './transform.ts'

export const sort = defineTransform({
  name: 'sort',
  doc: 'Puts rows into an order, which holds up to a target that is one file or a topic.',
  attributes: {
    source: required(name, 'The dataset.'),
    orderBy: required(columns, 'Columns, the first one foremost.'),
    direction: otherwise(choice('direction', ['asc', 'desc']), 'asc', 'Of all the columns.'),
    nulls: optional(choice('nulls', ['first', 'last']), 'Where rows without a value stand. Without it last when ascending, first when descending.'),
  },
  reads: ['source'],
  columns: ['orderBy'],
  compile({ values: { orderBy, direction, nulls } }, inputs) {
    const [input] = inputs
    if (!input) return undefined
    const descending = direction === 'desc'
    const order = orderBy.map(column => ({ column, descending, nullsFirst: nulls === undefined ? descending : nulls === 'first' }))
    // Of a statement's own only what is written last has an order.
    return { sql: `SELECT ${list(names(input.columns))} FROM ${input.sql}`, order }
  },
  example: '<sort source="customer_csv" orderBy="customer_id"/>',
})
