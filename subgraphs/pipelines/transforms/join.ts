import { otherwise, required } from '../xml/shape.ts'
import { choice, name, text } from '../xml/text-types.ts'
import { defineTransform } from './transform.ts'

export const join = defineTransform({
  name: 'join',
  doc: 'Joins two datasets. A column both have gets the suffix "_" and the right one\'s name on the right.',
  attributes: {
    left: required(name, 'The dataset on the left.'),
    right: required(name, 'The dataset on the right.'),
    type: otherwise(choice('joinKind', ['inner', 'left', 'right', 'full', 'semi', 'anti']), 'inner', 'What becomes of rows without a partner.'),
    condition: required(text, 'A condition of SQL over both, each column with the name of its dataset: "orders.customer_id = customers.id".'),
  },
  reads: ['left', 'right'],
  rules({ values: { left, right } }, report) {
    if (left !== undefined && left === right) report('CONTRADICTION', 'right', `The join has "${left}" on both sides, where a condition cannot tell one from the other. Give one of them another name by "as".`)
  },
  example: '<join left="customer_csv" right="customer_db" type="left" condition="customer_csv.customer_id = customer_db.customer_id"/>',
})
