import { optional, otherwise, required } from '../xml/shape.ts'
import { choice, columns, name } from '../xml/text-types.ts'
import type { Column } from '../../../schema/values.ts'
import { firstOfEach, totalOrder } from '../plan/relation.ts'
import { defineTransform } from './transform.ts'

export const deduplicate = defineTransform({
  name: 'deduplicate',
  doc: 'Leaves one row for each combination of the keys.',
  attributes: {
    source: required(name, 'The dataset.'),
    keys: required(columns, 'Columns in which rows that are one are equal.'),
    keep: otherwise(choice('keep', ['first', 'last', 'latest']), 'first', 'Which row stays: the first or last by orderBy, or in the order the dataset was sorted into, or by all its columns; latest: the last by orderBy, or by the time the dataset has. Of equal ones the same on every run.'),
    orderBy: optional(columns, 'Columns that tell which row is the first, the last or the latest.'),
  },
  reads: ['source'],
  columns: ['keys', 'orderBy'],
  compile({ values: { keys, keep, orderBy } }, inputs, { report }) {
    const [input] = inputs
    if (!input) return undefined
    const latest = keep === 'latest' && !orderBy ? timeOf(input.columns) : undefined
    if (keep === 'latest' && !orderBy && latest === undefined) {
      report('MISSING_ATTRIBUTE', 'keep', `keep="latest" needs "orderBy": "${input.dataset}" has no column updated_at, and not one single column with a date and a time.`)
      return undefined
    }
    const given = orderBy ?? (latest === undefined ? undefined : [latest])
    const order = given?.map(column => ({ column, descending: false, nullsFirst: true })) ?? input.order ?? []
    const fromLast = keep !== 'first'
    const all = totalOrder(order, input.columns).map(one => (fromLast ? { ...one, descending: !one.descending, nullsFirst: !one.nullsFirst } : one))
    return { sql: firstOfEach(input, keys, all) }
  },
  example: '<deduplicate source="customer_csv" keys="customer_id" keep="latest" orderBy="updated_at"/>',
})

/** The column that says when a row was true: updated_at, or the only one with a date and a time. */
export function timeOf(columns: readonly Column[]): string | undefined {
  const times = columns.filter(({ type }) => type === 'DateTime' || type === 'LocalDateTime')
  return times.find(({ name: own }) => own === 'updated_at')?.name ?? (times.length === 1 ? times[0]?.name : undefined)
}
