import { optional, otherwise, required } from '../xml/shape.ts'
import { choice, columns, name } from '../xml/text-types.ts'
import { defineTransform } from './transform.ts'

export const lookup = defineTransform({
  name: 'lookup',
  doc: 'Adds columns of a reference table, one row at most for each row.',
  attributes: {
    source: required(name, 'The dataset.'),
    reference: required(name, 'The reference table, by its name in the catalogue.'),
    outputFields: required(columns, 'Columns of the reference that are added.'),
    joinType: otherwise(choice('lookupKind', ['left', 'inner']), 'left', 'Whether rows without a match stay.'),
    keys: optional(columns, 'Columns both have by which a row finds its match. Without it those the catalogue names.'),
  },
  reads: ['source'],
  example: '<lookup source="customer_csv" reference="country_dim" outputFields="country_name"/>',
})
