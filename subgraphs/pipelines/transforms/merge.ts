import { optional, otherwise, required } from '../xml/shape.ts'
import { choice, columns, names, truth } from '../xml/text-types.ts'
import { defineTransform } from './transform.ts'

export const merge = defineTransform({
  name: 'merge',
  doc: 'Makes one dataset of several with the same columns.',
  attributes: {
    sources: required(names, 'The datasets, in their order.'),
    mode: required(choice('mergeMode', ['union', 'unionDistinct', 'upsert']), 'union: all rows; unionDistinct: each row once; upsert: of rows with the same keys the one of the last dataset.'),
    keys: optional(columns, 'For upsert: what a row is known by.'),
    byName: otherwise(truth, false, 'Columns go together by their names, whatever their order.'),
    allowMissing: otherwise(truth, false, 'With byName: a column one dataset lacks is null in its rows.'),
  },
  reads: ['sources'],
  rules({ values: { sources = [], mode, keys, byName, allowMissing } }, report) {
    if (sources.length === 1) report('INVALID_VALUE', 'sources', `"${sources[0]}" alone cannot be merged; name two datasets or more.`)
    const again = sources.find((one, index) => sources.indexOf(one) < index)
    if (again !== undefined) report('DUPLICATE_ID', 'sources', `"${again}" stands twice in "sources".`)
    if (mode === 'upsert' && !keys) report('MISSING_ATTRIBUTE', 'mode', 'Mode "upsert" needs "keys": columns a row is known by.')
    if (allowMissing === true && byName === false) report('CONTRADICTION', 'allowMissing', '"allowMissing" means something only with byName="true".')
  },
  example: '<merge sources="customer_csv,customer_db" mode="union" byName="true" allowMissing="true" as="customers"/>',
})
