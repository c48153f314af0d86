import { optional, otherwise, required } from '../xml/shape.ts'
import { choice, columns, name } from '../xml/text-types.ts'
import { defineTransform } from './transform.ts'

export const deduplicate = defineTransform({
  name: 'deduplicate',
  doc: 'Leaves one row for each combination of the keys.',
  attributes: {
    source: required(name, 'The dataset.'),
    keys: required(columns, 'Columns in which rows that are one are equal.'),
    keep: otherwise(choice('keep', ['first', 'last', 'latest']), 'first', 'Which row stays: the first or last in the order the dataset has, or the one with the largest value in orderBy.'),
    orderBy: optional(columns, 'Columns that tell which row is the latest. Without it the event time of the schema, or updated_at.'),
  },
  reads: ['source'],
  example: '<deduplicate source="customer_csv" keys="customer_id" keep="latest" orderBy="updated_at"/>',
})
