import { element, type ElementShape, may, optional, otherwise, required, textElement } from '../xml/shape.ts'
import { choice, count, delimiter, jdbcUrl, name, partitions, path, schemaRef, tableName, text, truth } from '../xml/text-types.ts'
import { type Checked, childrenOf, textOf } from '../xml/check.ts'
import type { Report } from '../rules.ts'
import { readQuery } from './query.ts'

/** Something with rules over more than one of its attributes. */
export interface Ruled {
  readonly shape: ElementShape
  readonly rules?: (checked: Checked, report: Report) => void
}

const id = required(name, 'What transformations and targets call it.')
const loadPolicy = otherwise(choice('loadPolicy', ['eager', 'onDemand']), 'onDemand', 'eager: read as soon as the run begins; onDemand: when a step needs it, or never.')
const schemaAttribute = optional(schemaRef, 'What the columns are: a file below the layer\'s schemas/, Avro (.avsc) or JSON Schema (.json).')
const newColumns = (fallback: 'fail' | 'warn') => otherwise(choice('newColumns', ['fail', 'warn']), fallback, 'What a run does where there are columns that the schema does not have: fail, or leave them out and tell of them. One that is missing, or of another type, ends it.')
export const schemaChild = textElement('schemaRef', schemaRef, 'The same as the attribute.')
export const isolation = optional(choice('isolationLevel', ['READ_COMMITTED', 'READ_UNCOMMITTED', 'REPEATABLE_READ', 'SERIALIZABLE']), 'Of the transaction it is done in.')
export const credentials = optional(name, 'Name of the secret with user and password.')

/** What a query calls how far its source was read. */
export const watermarkName = 'watermark'

/** The query of a database. */
export const sql = textElement('sql', text, 'A SELECT, best in CDATA; :name is bound to the run\'s parameter of that name.')
export const table = element('table', 'A table, whole.', { name: required(tableName, 'schema.table') })

export const csv = element('csv', 'Files with columns between delimiters (RFC 4180).', {
  id, path: required(path, 'One file, several by wildcards (*, **, ?), or a URL.'),
  header: otherwise(truth, true, 'Whether the first line has the names of the columns.'),
  delimiter: otherwise(delimiter, ',', 'Between two values.'),
  inferSchema: otherwise(truth, false, 'Whether types are told by the values, where no schema is given.'),
  null: optional(text, 'A text that stands for no value, as \\N, beside an empty field.'),
  loadPolicy, schemaRef: schemaAttribute, newColumns: newColumns('fail'),
}, { content: { each: [may(schemaChild)] } })

export const json = element('json', 'Files with one JSON object a line, or a list of them.', { id, path: required(path, 'One file, several by wildcards, or a URL.'), loadPolicy, schemaRef: schemaAttribute, newColumns: newColumns('warn') }, { content: { each: [may(schemaChild)] } })

export const parquet = element('parquet', 'Parquet files.', { id, path: required(path, 'One file, several by wildcards, or a URL.'), loadPolicy, schemaRef: schemaAttribute, newColumns: newColumns('warn') }, { content: { each: [may(schemaChild)] } })

export const hive = element('hive', 'A table of the lake.', { id, table: required(tableName, 'layer.table'), partitions: optional(partitions, 'Those that are read: column=value, with * and ? for characters and %Y, %m, %d of the run\'s date. Without it all.'), loadPolicy, schemaRef: schemaAttribute, newColumns: newColumns('warn') }, { content: { each: [may(schemaChild)] } })

export const database = element('database', 'A query to, or a table of, a database.', {
  id, jdbcUrl: required(jdbcUrl, 'Where it is.'), userSecretRef: credentials,
  fetchSize: otherwise(count, 10_000, 'Rows of one fetch.'),
  loadPolicy, isolationLevel: isolation, schemaRef: schemaAttribute, newColumns: newColumns('warn'),
  watermark: optional(text, 'A column of the query whose values grow with every row that is new or changed: a run reads what is behind :watermark, the largest value that was read by those that succeeded.'),
  watermarkFrom: optional(text, 'What :watermark is before the first of them.'),
  queryRef: optional(text, 'A file below resources/ with the query, in place of <sql>.'),
}, { content: { each: [may(sql), may(table), may(schemaChild)] } })

function schemaRules(checked: Checked, report: Report): void {
  const { schemaRef: given, inferSchema } = checked.values as { readonly schemaRef?: string; readonly inferSchema?: boolean }
  const inside = textOf(checked, schemaChild)
  if (given !== undefined && inside !== undefined && given !== inside) report('CONTRADICTION', 'schemaRef', `The attribute "schemaRef" says "${given}", the element <schemaRef> "${String(inside)}". One of them is enough.`)
  if (inferSchema === true && (given ?? inside) !== undefined) report('CONTRADICTION', 'inferSchema', 'The schema given is taken; "inferSchema" has no effect beside it.', 'WARNING')
}

/** A password in a URL is in every copy of the document. */
export function urlRules({ values }: Checked, report: Report): void {
  const { jdbcUrl: url } = values as { readonly jdbcUrl?: string }
  if (url !== undefined && /:\/\/[^/@?]*:[^/@?]*@|[?;&](?:password|pwd)=/i.test(url)) report('CONTRADICTION', 'jdbcUrl', 'The URL has a password, which everybody sees who may read the document. Put it into a secret and name that in "userSecretRef".', 'WARNING')
}

function databaseRules(checked: Checked, report: Report): void {
  const { queryRef } = checked.values as { readonly queryRef?: string }
  const given = [...(childrenOf(checked, sql).length > 0 ? ['<sql>'] : []), ...(childrenOf(checked, table).length > 0 ? ['<table>'] : []), ...(queryRef === undefined ? [] : ['"queryRef"'])]
  if (given.length === 0) report('MISSING_ELEMENT', { of: checked }, '<database> says neither <sql> nor <table> nor "queryRef"; one of them is expected.')
  if (given.length > 1) report('CONTRADICTION', { of: checked }, `<database> has ${given.join(' and ')}; one of them is expected.`)
}

/** A query with a watermark reads what is behind it. That of a file is looked at when it is read. */
function watermarkRules(checked: Checked, report: Report): void {
  const { watermark, watermarkFrom } = checked.values as { readonly watermark?: string; readonly watermarkFrom?: string }
  if (watermark === undefined) {
    if (watermarkFrom !== undefined) report('MISSING_ATTRIBUTE', 'watermarkFrom', '"watermarkFrom" says where a watermark begins; "watermark", the column it is of, is missing.')
    return
  }
  if (watermarkFrom === undefined) report('MISSING_ATTRIBUTE', { of: checked }, `The watermark "${watermark}" has no "watermarkFrom", which the first run reads from: a value before all that there are, such as 0 or 1970-01-01.`)
  const [query] = childrenOf(checked, sql)
  if (childrenOf(checked, table).length > 0) report('CONTRADICTION', 'watermark', 'A <table> is read whole. Read what is behind the watermark by <sql>, which names :watermark.')
  else if (typeof query?.text === 'string' && !readQuery(query.text).parameters.includes(watermarkName)) report('CONTRADICTION', { of: query }, `The query reads the same rows in every run. Name :${watermarkName} in it, as in: WHERE ${watermark} > :${watermarkName}.`)
}

/** Every source a pipeline may read. */
export const sources: readonly Ruled[] = [
  { shape: csv, rules: schemaRules }, { shape: json, rules: schemaRules }, { shape: parquet, rules: schemaRules }, { shape: hive, rules: schemaRules },
  {
    shape: database,
    rules: (checked, report) => {
      schemaRules(checked, report)
      urlRules(checked, report)
      databaseRules(checked, report)
      watermarkRules(checked, report)
    },
  },
]
