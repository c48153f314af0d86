import { optional, otherwise, required } from '../xml/shape.ts'
import { choice, columns, name, truth } from '../xml/text-types.ts'
import { maskStrategies } from '../mask/index.ts'
import { defineTransform } from './transform.ts'

export const mask = defineTransform({
  name: 'mask',
  doc: 'Puts something in the place of values that not everybody may see.',
  attributes: {
    source: required(name, 'The dataset.'),
    columns: required(columns, 'Columns that are masked.'),
    strategy: required(choice('maskStrategy', maskStrategies), 'tokenize: a token that leads back, with leave; hash: a keyed digest (HMAC); redact: only the last characters stay; encrypt: AES-256-GCM.'),
    secretRef: optional(name, 'Name of the key. Without it the application\'s.'),
    keepFormat: otherwise(truth, false, 'Of tokenize: whether a token has a digit for each digit, a letter for each letter, and punctuation as it was. Without it: false.'),
  },
  reads: ['source'],
  columns: ['columns'],
  rules({ values: { strategy, secretRef, keepFormat } }, report) {
    if (strategy === 'redact' && secretRef !== undefined) report('CONTRADICTION', 'secretRef', 'Strategy "redact" needs no key; take "secretRef" out, or choose a strategy that has one.', 'WARNING')
    if (keepFormat && strategy !== undefined && strategy !== 'tokenize') report('CONTRADICTION', 'keepFormat', `Strategy "${strategy}" keeps no format; take "keepFormat" out, or choose "tokenize".`, 'WARNING')
  },
  result: ({ values: { columns } }, given) => given.map(column => (columns.includes(column.name) ? { ...column, type: 'String' } : column)),
  example: '<mask source="customer_csv" columns="ssn,email" strategy="tokenize"/>',
})
