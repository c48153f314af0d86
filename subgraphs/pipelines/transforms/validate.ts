import { type Attributes, element, optional, otherwise, required } from '../xml/shape.ts'
import { choice, columns, count, countOrNone, duration, name, text, type TextType } from '../xml/text-types.ts'
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
