import { optional, otherwise, required } from '../xml/shape.ts'
import { choice, columns, names, truth } from '../xml/text-types.ts'
import { quoteIdentifier } from '../../../schema/quote.ts'
import { firstOfEach, freeName, list, names as namesOf, type Relation, totalOrder } from '../plan/relation.ts'
import type { Report } from '../rules.ts'
import { sqlType } from '../plan/types.ts'
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
  columns: ['keys'],
  compile({ values: { mode, keys, byName, allowMissing } }, inputs, { report }) {
    const [first] = inputs
    if (!first || inputs.length < 2) return undefined
    const parts = byName ? namedParts(inputs, allowMissing, report) : placedParts(inputs, report)
    if (!parts) return undefined
    if (mode !== 'upsert') return { sql: parts.selects.join(mode === 'union' ? ' UNION ALL ' : ' UNION ') }
    const from = freeName('from', parts.columns)
    const all = inputs.map((_, index) => `SELECT *, ${index} AS ${quoteIdentifier(from)} FROM (${parts.selects[index]}) AS t${index}`).join(' UNION ALL ')
    const numbered: Relation['columns'] = [...parts.columns, { name: from, type: 'Int', nullable: false }]
    return { sql: firstOfEach({ sql: `(${all}) AS u`, columns: numbered }, keys ?? [], totalOrder([{ column: from, descending: true, nullsFirst: false }], parts.columns), namesOf(parts.columns)) }
  },
  rules({ values: { sources = [], mode, keys, byName, allowMissing } }, report) {
    if (sources.length === 1) report('INVALID_VALUE', 'sources', `"${sources[0]}" alone cannot be merged; name two datasets or more.`)
    const again = sources.find((one, index) => sources.indexOf(one) < index)
    if (again !== undefined) report('DUPLICATE_ID', 'sources', `"${again}" stands twice in "sources".`)
    if (mode === 'upsert' && !keys) report('MISSING_ATTRIBUTE', 'mode', 'Mode "upsert" needs "keys": columns a row is known by.')
    if (allowMissing === true && byName === false) report('CONTRADICTION', 'allowMissing', '"allowMissing" means something only with byName="true".')
  },
  example: '<merge sources="customer_csv,customer_db" mode="union" byName="true" allowMissing="true" as="customers"/>',
})

interface Parts {
  readonly columns: Relation['columns']
  /** Each with the same columns, in the same order. */
  readonly selects: readonly string[]
}

/** Columns go together by their places. */
function placedParts(inputs: readonly Relation[], report: Report): Parts | undefined {
  const [first, ...others] = inputs as [Relation, ...Relation[]]
  const other = others.find(({ columns }) => columns.length !== first.columns.length || columns.some(({ name, type }, place) => name !== first.columns[place]?.name || type !== first.columns[place]?.type))
  if (!other) return { columns: first.columns, selects: inputs.map(({ sql, columns }) => `SELECT ${list(namesOf(columns))} FROM ${sql}`) }
  return void report('COLUMNS_DIFFER', 'sources', `"${first.dataset}" has ${described(first)}; "${other.dataset}" has ${described(other)}. Say byName="true" where only the order differs, and allowMissing="true" where one may lack some.`)
}

/** Columns go together by their names, as the first dataset that has one has them. */
function namedParts(inputs: readonly Relation[], allowMissing: boolean, report: Report): Parts | undefined {
  const columns = new Map(inputs.flatMap(one => one.columns).toReversed().map(column => [column.name, column]))
  const ordered = [...new Set(inputs.flatMap(one => namesOf(one.columns)))].map(own => columns.get(own)).filter(column => column !== undefined)
  let isRight = true
  for (const [place, { name }] of ordered.entries()) {
    const other = ordered.slice(0, place).find(one => one.name.toLowerCase() === name.toLowerCase())
    if (!other) continue
    isRight = false
    report('COLUMNS_DIFFER', 'sources', `"${other.name}" and "${name}" differ in the case of their letters alone, which statements do not tell apart. Give both datasets the same name for it.`)
  }
  for (const { dataset, columns: own } of inputs) {
    for (const { name, type } of ordered) {
      const there = own.find(column => column.name === name)
      if (there ? there.type === type : allowMissing) continue
      isRight = false
      report('COLUMNS_DIFFER', 'sources', there ? `"${name}" is ${there.type} in "${dataset}" and ${type} in another dataset.` : `"${dataset}" has no column "${name}", which another has. Say allowMissing="true" to have null there.`)
    }
  }
  if (!isRight) return undefined
  return {
    columns: ordered,
    selects: inputs.map(({ sql, columns: own }) => `SELECT ${ordered.map(({ name, type }) => (own.some(column => column.name === name) ? quoteIdentifier(name) : `CAST(NULL AS ${sqlType[type]}) AS ${quoteIdentifier(name)}`)).join(', ')} FROM ${sql}`),
  }
}

function described({ columns }: Relation): string {
  return columns.map(({ name, type }) => `${name} ${type}`).join(', ')
}
