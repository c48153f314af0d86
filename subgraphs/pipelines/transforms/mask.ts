import { optional, required } from '../xml/shape.ts'
import { choice, columns, name } from '../xml/text-types.ts'
import { defineTransform } from './transform.ts'

export const mask = defineTransform({
  name: 'mask',
  doc: 'Puts something in the place of values that not everybody may see.',
  attributes: {
    source: required(name, 'The dataset.'),
    columns: required(columns, 'Columns that are masked.'),
    strategy: required(choice('maskStrategy', ['tokenize', 'hash', 'redact', 'encrypt']), 'tokenize: a token that leads back, with leave; hash: a keyed digest (HMAC); redact: only the last characters stay; encrypt: AES-256-GCM.'),
    secretRef: optional(name, 'Name of the key. Without it the application\'s.'),
  },
  reads: ['source'],
  columns: ['columns'],
  rules({ values: { strategy, secretRef } }, report) {
    if (strategy === 'redact' && secretRef !== undefined) report('CONTRADICTION', 'secretRef', 'Strategy "redact" needs no key; take "secretRef" out, or choose a strategy that has one.', 'WARNING')
  },
  example: '<mask source="customer_csv" columns="ssn,email" strategy="tokenize"/>',
})
