import { optional, otherwise, required } from '../xml/shape.ts'
import { choice, columns, name } from '../xml/text-types.ts'
import { didYouMean } from '../../../schema/names.ts'
import { quoteIdentifier } from '../../../schema/quote.ts'
import { firstOfEach, freeName, list, names, totalOrder } from '../plan/relation.ts'
import { proposed } from '../xml/read.ts'
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
  columns: ['keys'],
  compile({ values: { reference: wanted, outputFields, joinType, keys: given } }, inputs, { report, references }) {
    const [input] = inputs
    if (!input || !references) return undefined
    const reference = references.get(wanted)
    if (!reference) return void report('UNKNOWN_REFERENCE', 'reference', `There is no reference table "${wanted}".${didYouMean(wanted, references.keys())}`, 'ERROR', proposed(wanted, references.keys()))
    const keys = given ?? reference.keys
    if (!keys) return void report('MISSING_ATTRIBUTE', 'reference', `The catalogue does not say what a row of "${wanted}" is known by; say it by "keys".`)
    const missing = (columns: readonly string[], known: readonly string[]) => columns.filter(column => !known.includes(column))
    const own = names(input.columns)
    const there = names(reference.columns)
    const problems = [
      ...missing(keys, there).map(column => ({ attribute: given ? 'keys' : 'reference', of: wanted, column, known: there })),
      ...missing(outputFields, there).map(column => ({ attribute: 'outputFields', of: wanted, column, known: there })),
      ...(given ? [] : missing(keys, own)).map(column => ({ attribute: 'reference', of: input.dataset, column, known: own })),
    ]
    for (const { attribute, of, column, known } of problems) report('COLUMN_NOT_FOUND', attribute, `"${of}" has no column "${column}".${didYouMean(column, known)}`, 'ERROR', proposed(column, known))
    const lower = own.map(column => column.toLowerCase())
    const twice = outputFields.filter(column => lower.includes(column.toLowerCase()))
    for (const column of twice) report('DUPLICATE_ID', 'outputFields', `"${input.dataset}" has a column "${column}" already.`)
    if (problems.length > 0 || twice.length > 0) return undefined
    const found = freeName('found', reference.columns)
    const one = firstOfEach(reference, keys, totalOrder([], reference.columns), [...new Set([...keys, ...outputFields])])
    const on = keys.map(column => `${quoteIdentifier('of')}.${quoteIdentifier(column)} = ${quoteIdentifier(found)}.${quoteIdentifier(column)}`).join(' AND ')
    return { sql: `SELECT ${list(own, '"of".')}, ${list(outputFields, `${quoteIdentifier(found)}.`)} FROM ${input.sql} AS "of" ${joinType.toUpperCase()} JOIN (${one}) AS ${quoteIdentifier(found)} ON (${on})` }
  },
  example: '<lookup source="customer_csv" reference="country_dim" outputFields="country_name"/>',
})
