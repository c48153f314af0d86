import { type Attributes, element, optional, otherwise, required } from '../xml/shape.ts'
import { choice, columns, count, countOrNone, duration, name, text, type TextType } from '../xml/text-types.ts'
import { didYouMean } from '../../../schema/names.ts'
import { quoteIdentifier, quoteText } from '../../../schema/quote.ts'
import { list, names, type Relation, type Rule } from '../plan/relation.ts'
import { sqlType } from '../plan/types.ts'
import type { Report } from '../rules.ts'
import type { Checked } from '../xml/check.ts'
import { proposed } from '../xml/read.ts'
import { defineTransform } from './transform.ts'

const severity = otherwise(choice('severity', ['error', 'warning']), 'error', 'error: with a row that breaks the rule no target is written; warning: it is told.')
const column = required(text, 'The column.')

const rule = <const A extends Attributes>(own: string, doc: string, attributes: A) => element(own, doc, { ...attributes, severity })

/** A regular expression of the engines: RE2. */
const pattern: TextType<string> = {
  name: 'pattern', expected: 'a regular expression', xsd: { minLength: 1 },
  read: value => (isExpression(value) ? value : undefined),
}

function isExpression(value: string): boolean {
  try {
    return new RegExp(value, 'u') instanceof RegExp && value !== ''
  } catch {
    return false
  }
}

const range = rule('range', 'Values lie between two, both included.', { column, min: optional(text, 'The least.'), max: optional(text, 'The greatest.') })
const rowCount = rule('rowCount', 'How many rows there are.', { min: optional(countOrNone, 'At least.'), max: optional(count, 'At most.') })

export const validate = defineTransform({
  name: 'validate',
  doc: 'Looks at the rows, which pass unchanged, and counts what breaks its rules.',
  attributes: { source: required(name, 'The dataset.') },
  content: {
    any: [
      rule('notNull', 'The columns have a value in every row.', { columns: required(columns, 'The columns.') }),
      rule('unique', 'No two rows have the same values in the columns.', { columns: required(columns, 'The columns.') }),
      range,
      rule('regex', 'Values match an expression, all of each.', { column, pattern: required(pattern, 'The expression.') }),
      rule('freshness', 'The latest value is not older.', { column, maxAge: required(duration, 'Before the time of the run.') }),
      rowCount,
    ],
    least: 1,
  },
  reads: ['source'],
  compile({ children }, inputs, { report }) {
    const [input] = inputs
    if (!input) return undefined
    const made = children.map(child => ruleOf(child, input, report))
    return made.every(one => one !== undefined) ? { sql: `SELECT ${list(names(input.columns))} FROM ${input.sql}`, rules: made, ...(input.order && { order: input.order }) } : undefined
  },
  rules({ children }, report) {
    for (const child of children) {
      if (child.shape !== range && child.shape !== rowCount) continue
      const { min, max } = child.values as { readonly min?: string | number; readonly max?: string | number }
      if (child.element.attributes.has('min') || child.element.attributes.has('max')) {
        if (min !== undefined && max !== undefined && Number(min) > Number(max)) report('CONTRADICTION', { of: child, attribute: 'min' }, `"min", ${min}, is above "max", ${max}.`)
      } else report('MISSING_ATTRIBUTE', { of: child }, `<${child.shape.name}> lacks "min" and "max"; one of them is expected.`)
    }
  },
  example: '<validate source="customer_csv"><notNull columns="customer_id"/><range column="age" min="0" max="150" severity="warning"/></validate>',
})

interface RuleValues {
  readonly severity?: Rule['severity']
  readonly columns?: readonly string[]
  readonly column?: string
  readonly min?: string | number
  readonly max?: string | number
  readonly pattern?: string
  /** Milliseconds. */
  readonly maxAge?: number
}

/** Conditions over the values of a rule that a row has which breaks it; or, of a rule over all rows, a statement of its own. */
const broken: Readonly<Record<string, (values: RuleValues, input: Relation) => { readonly where: string } | { readonly sql: string }>> = {
  notNull: ({ columns = [] }) => ({ where: columns.map(one => `${quoteIdentifier(one)} IS NULL`).join(' OR ') }),
  unique: ({ columns = [] }, { sql }) => ({ sql: `SELECT coalesce(sum(n), 0) AS broken FROM (SELECT count(*) AS n FROM ${sql} GROUP BY ${list(columns)} HAVING count(*) > 1) AS t` }),
  range({ column: own = '', min, max }, { columns }) {
    const type = sqlType[columns.find(({ name }) => name === own)?.type ?? 'String']
    const limit = (value: string | number) => `CAST(${quoteText(String(value))} AS ${type})`
    return { where: [...(min === undefined ? [] : [`${quoteIdentifier(own)} < ${limit(min)}`]), ...(max === undefined ? [] : [`${quoteIdentifier(own)} > ${limit(max)}`])].join(' OR ') }
  },
  regex: ({ column: own = '', pattern: expression = '' }) => ({ where: `NOT regexp_like(CAST(${quoteIdentifier(own)} AS varchar), ${quoteText(`^(?:${expression})$`)})` }),
  freshness: ({ column: own = '', maxAge = 0 }, { sql }) => ({ sql: `SELECT CASE WHEN max(${quoteIdentifier(own)}) >= ${before('current_timestamp', maxAge)} THEN 0 ELSE 1 END AS broken FROM ${sql}` }),
  rowCount: ({ min, max }, { sql }) => ({ sql: `SELECT CASE WHEN count(*) >= ${min ?? 0}${max === undefined ? '' : ` AND count(*) <= ${max}`} THEN 0 ELSE 1 END AS broken FROM ${sql}` }),
}

const dayMs = 86_400_000

/** Days apart, for Trino adds no more milliseconds than an integer holds. */
function before(time: string, ms: number): string {
  return `date_add('day', -${Math.floor(ms / dayMs)}, date_add('millisecond', -${ms % dayMs}, ${time}))`
}

function ruleOf(child: Checked, input: Relation, report: Report): Rule | undefined {
  const values = child.values as RuleValues
  const known = names(input.columns)
  const asked = values.columns ?? (values.column === undefined ? [] : [values.column])
  const missing = asked.filter(one => !known.includes(one))
  for (const one of missing) report('COLUMN_NOT_FOUND', { of: child, attribute: values.columns ? 'columns' : 'column' }, `"${input.dataset}" has no column "${one}".${didYouMean(one, known)}`, 'ERROR', proposed(one, known))
  const made = missing.length === 0 ? broken[child.shape.name]?.(values, input) : undefined
  if (!made) return undefined
  return { name: `${child.shape.name}(${asked.join(', ')})`, severity: values.severity ?? 'error', sql: 'sql' in made ? made.sql : `SELECT count(*) AS broken FROM ${input.sql} WHERE ${made.where}` }
}
