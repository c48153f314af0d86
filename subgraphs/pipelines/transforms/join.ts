import { otherwise, required } from '../xml/shape.ts'
import { proposed } from '../xml/read.ts'
import { choice, name, text } from '../xml/text-types.ts'
import { quoteIdentifier } from '../../../schema/quote.ts'
import { list, names, type Relation } from '../plan/relation.ts'
import type { Report } from '../rules.ts'
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
  rules({ values: { left, right, condition } }, report) {
    const why = condition === undefined ? undefined : whyNoCondition(condition)
    if (why !== undefined) report('INVALID_VALUE', 'condition', why)
    if (left !== undefined && left === right) report('CONTRADICTION', 'right', `The join has "${left}" on both sides, where a condition cannot tell one from the other. Give one of them another name by "as".`)
  },
  compile({ values: { type, condition } }, inputs, { report }) {
    const [left, right] = inputs
    if (!left || !right || !conditionRules(condition, [left, right], report)) return undefined
    const from = (one: Relation) => `${one.sql} AS ${quoteIdentifier(one.dataset)}`
    const own = list(names(left.columns), `${quoteIdentifier(left.dataset)}.`)
    if (type === 'semi' || type === 'anti') return { sql: `SELECT ${own} FROM ${from(left)} WHERE ${type === 'anti' ? 'NOT ' : ''}EXISTS (SELECT 1 FROM ${from(right)} WHERE (${condition}))` }
    // Statements do not tell names apart by the case of their letters.
    const taken = new Set(names(left.columns).map(lower))
    const added = names(right.columns).map(column => {
      let alias = taken.has(lower(column)) ? `${column}_${right.dataset}` : column
      while (taken.has(lower(alias))) alias += '_'
      taken.add(lower(alias))
      return { column, alias }
    })
    const renamed = added.filter(({ column, alias }) => column !== alias)
    if (renamed.length > 0) report('COLUMN_RENAMED', 'right', `Both datasets have ${renamed.map(({ column }) => `"${column}"`).join(', ')}; of "${right.dataset}" the result has ${renamed.map(({ alias }) => `"${alias}"`).join(', ')}.`, 'WARNING')
    const others = added.map(({ column, alias }) => `${quoteIdentifier(right.dataset)}.${quoteIdentifier(column)} AS ${quoteIdentifier(alias)}`).join(', ')
    return { sql: `SELECT ${own}, ${others} FROM ${from(left)} ${type.toUpperCase()} JOIN ${from(right)} ON (${condition})` }
  },
  example: '<join left="customer_csv" right="customer_db" type="left" condition="customer_csv.customer_id = customer_db.customer_id"/>',
})

const lower = (name: string) => name.toLowerCase()

/** What stands in quotes, in double quotes, or is a name with its dataset in front. */
const piece = /'(?:[^']|'')*'|(?:([A-Za-z_][A-Za-z0-9_-]*)|"((?:[^"]|"")+)")\s*\.\s*(?:([A-Za-z_][A-Za-z0-9_]*)|"((?:[^"]|"")+)")|"(?:[^"]|"")*"/g

/** Every column that a condition names with its dataset is one; false: it is not so, which is reported. */
function conditionRules(condition: string, inputs: readonly Relation[], report: Report): boolean {
  let isRight = true
  const say = (message: string, proposal?: string) => {
    isRight = false
    report('COLUMN_NOT_FOUND', 'condition', message, 'ERROR', proposal)
  }
  for (const [, plainDataset, quotedDataset, plainColumn, quotedColumn] of condition.matchAll(piece)) {
    const dataset = plainDataset ?? quotedDataset
    const column = plainColumn ?? quotedColumn
    if (dataset === undefined || column === undefined) continue
    const input = inputs.find(one => one.dataset.toLowerCase() === dataset.toLowerCase())
    if (!input) {
      say(`"${dataset}.${column}" of the condition is of none of the datasets that are joined, ${inputs.map(one => `"${one.dataset}"`).join(' and ')}.`)
      continue
    }
    const known = names(input.columns)
    if (known.some(one => one.toLowerCase() === column.toLowerCase())) continue
    const near = alike(column, known)
    say(`"${input.dataset}" has no column "${column}", which the condition names.${near === undefined ? ` It has ${known.join(', ')}.` : ` Did you mean "${input.dataset}.${near}"?`}`, near && `${input.dataset}.${near}`)
  }
  return isRight
}

/** A column that may be meant: the nearest by its letters, or the only one that ends with what was written. */
function alike(column: string, known: readonly string[]): string | undefined {
  const ending = known.filter(one => one.toLowerCase().endsWith(`_${column.toLowerCase()}`))
  return proposed(column, known) ?? (ending.length === 1 ? ending[0] : undefined)
}

/** Strings, quoted names, and what ends or begins something. */
const token = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--|\/\*|[();'"]|\bselect\b/gi

/** Why a text is not one condition and nothing more: it stands in parentheses, and must not leave them. */
function whyNoCondition(condition: string): string | undefined {
  let depth = 0
  for (const [found] of condition.matchAll(token)) {
    if (found === '(') depth += 1
    else if (found === ')') depth -= 1
    else if (found === "'" || found === '"') return `The condition has a ${found} that is not closed.`
    else if (found === ';' || found === '--' || found === '/*') return `The condition has "${found}", which ends it; one condition without comments is expected.`
    else if (/^select$/i.test(found)) return 'The condition has a query in it; it may compare columns of the two datasets, and values.'
    if (depth < 0) return 'The condition closes a parenthesis that is not open.'
  }
  return depth > 0 ? 'The condition has a parenthesis that is not closed.' : undefined
}
