import { optional, required } from '../xml/shape.ts'
import { columns, cron, name, type TextType } from '../xml/text-types.ts'
import { quoteIdentifier } from '../../../schema/quote.ts'
import type { ColumnType } from '../../../schema/values.ts'
import { freeName, list } from '../plan/relation.ts'
import { proposed } from '../xml/read.ts'
import { didYouMean } from '../../../schema/names.ts'
import { timeOf } from './deduplicate.ts'
import { metrics } from './metrics.ts'
import { defineTransform } from './transform.ts'

/** `daily`, `weekly`, or a cron expression whose ticks are the borders. */
const window: TextType<string> = {
  name: 'window', expected: '"daily", "weekly" or a cron expression of five fields', xsd: { pattern: 'daily|weekly|\\S+( +\\S+){4}' },
  read: text => (text === 'daily' || text === 'weekly' ? text : cron.read(text)),
  why: text => (/\s/.test(text) ? cron.why?.(text) : undefined),
}

const numbers: ReadonlySet<ColumnType> = new Set<ColumnType>(['Int', 'Long', 'Float', 'Decimal'])

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
  columns: ['groupBy'],
  compile({ values: { groupBy, metrics: wanted, window: span } }, inputs, { report }) {
    const [input] = inputs
    if (!input) return undefined
    const known = new Map(input.columns.map(({ name: own, type }) => [own, type]))
    let isRight = true
    for (const { function: computed, column } of wanted) {
      if (column === undefined) continue
      const type = known.get(column)
      if (type === undefined) report('COLUMN_NOT_FOUND', 'metrics', `"${input.dataset}" has no column "${column}", which ${computed}:${column} names.${didYouMean(column, known.keys())}`, 'ERROR', proposed(column, known.keys()))
      else if ((computed === 'sum' || computed === 'avg') && !numbers.has(type)) report('INVALID_VALUE', 'metrics', `${computed}:${column} needs numbers; "${column}" is ${type}.`)
      else if ((computed === 'max' || computed === 'min') && type === 'JSON') report('INVALID_VALUE', 'metrics', `${computed}:${column} needs values with an order; "${column}" is ${type}.`)
      else continue
      isRight = false
    }
    const time = span === undefined ? undefined : timeOf(input.columns)
    if (span !== undefined && time === undefined) {
      report('MISSING_ATTRIBUTE', 'window', `A window needs a time: "${input.dataset}" has no column updated_at, and not one single column with a date and a time.`)
      isRight = false
    }
    const unit = span === 'daily' ? 'day' : span === 'weekly' ? 'week' : undefined
    if (span !== undefined && unit === undefined) {
      report('UNSUPPORTED', 'window', `Windows whose borders are ticks of a cron expression ("${span}") are not computed; "daily" and "weekly" are.`)
      isRight = false
    }
    if (!isRight) return undefined
    const values = wanted.map(({ function: computed, column, alias }) => `${valueSql(computed, column, column === undefined ? undefined : known.get(column))} AS ${quoteIdentifier(alias)}`)
    if (time === undefined || unit === undefined) return { sql: `SELECT ${list(groupBy)}, ${values.join(', ')} FROM ${input.sql} GROUP BY ${list(groupBy)}` }
    const border = `date_trunc('${unit}', ${quoteIdentifier(time)})`
    return { sql: `SELECT ${list(groupBy)}, ${border} AS ${quoteIdentifier(freeName('window_start', input.columns))}, ${values.join(', ')} FROM ${input.sql} GROUP BY ${list(groupBy)}, ${border}` }
  },
  rules({ values }, report) {
    const taken = new Map((values.groupBy ?? []).map(column => [column.toLowerCase(), `column ${column} of groupBy`]))
    for (const { function: computed, column, alias } of values.metrics ?? []) {
      const said = `${computed}${column === undefined ? '' : `:${column}`}`
      const other = taken.get(alias.toLowerCase())
      if (other !== undefined) report('DUPLICATE_ID', 'metrics', `The result of ${said} would be called "${alias}", as is ${other}. Give it a name of its own: ${computed}:${column ?? ''}${column === undefined ? '' : ':'}${alias}_${computed}.`)
      else taken.set(alias.toLowerCase(), `the result of ${said}`)
    }
  },
  example: '<aggregate source="customer_csv" groupBy="country_name" metrics="count:customers,sum:revenue"/>',
})

/** A mean of decimals is a Float: engines differ in the digits they give a Decimal one. */
function valueSql(computed: string, column: string | undefined, type: ColumnType | undefined): string {
  if (column === undefined) return `${computed}(*)`
  const quoted = quoteIdentifier(column)
  return computed === 'avg' && type === 'Decimal' ? `CAST(sum(${quoted}) AS double) / count(${quoted})` : `${computed}(${quoted})`
}
