import { optional, required } from '../xml/shape.ts'
import { columns, cron, name, type TextType } from '../xml/text-types.ts'
import { metrics } from './metrics.ts'
import { defineTransform } from './transform.ts'

/** `daily`, `weekly`, or a cron expression whose ticks are the borders. */
const window: TextType<string> = {
  name: 'window', expected: '"daily", "weekly" or a cron expression of five fields', xsd: { pattern: 'daily|weekly|\\S+( +\\S+){4}' },
  read: text => (text === 'daily' || text === 'weekly' ? text : cron.read(text)),
  why: text => (/\s/.test(text) ? cron.why?.(text) : undefined),
}

export const aggregate = defineTransform({
  name: 'aggregate',
  doc: 'Rolls rows up: one for each combination of groupBy.',
  attributes: {
    source: required(name, 'The dataset.'),
    groupBy: required(columns, 'Columns that stay.'),
    metrics: required(metrics, 'What is computed of each group: function:column, or function:column:alias; for count the name of the result.'),
    window: optional(window, 'Spans of time, in UTC, over each of which it is computed.'),
  },
  reads: ['source'],
  rules({ values }, report) {
    const taken = new Map((values.groupBy ?? []).map(column => [column, `column ${column} of groupBy`]))
    for (const { function: computed, column, alias } of values.metrics ?? []) {
      const said = `${computed}${column === undefined ? '' : `:${column}`}`
      const other = taken.get(alias)
      if (other !== undefined) report('DUPLICATE_ID', 'metrics', `The result of ${said} would be called "${alias}", as is ${other}. Give it a name of its own: ${computed}:${column ?? ''}${column === undefined ? '' : ':'}${alias}_${computed}.`)
      else taken.set(alias, `the result of ${said}`)
    }
  },
  example: '<aggregate source="customer_csv" groupBy="country_name" metrics="count:customers,sum:revenue"/>',
})
