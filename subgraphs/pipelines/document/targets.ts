import type { Checked } from '../xml/check.ts'
import { element, must, optional, otherwise, required } from '../xml/shape.ts'
import { choice, columns, count, delimiter, jdbcUrl, name, path, schemaRef, tableName, text, truth } from '../xml/text-types.ts'
import type { Report } from '../rules.ts'
import { credentials, isolation, type Ruled, urlRules } from './sources.ts'

const source = optional(name, 'The dataset that is written. Without it the last one produced.')
const schema = optional(schemaRef, 'What the columns have to be.')
const keys = optional(columns, 'For merge: what a row is known by. Without it the keys of the schema.')

export const csv = element('csv', 'Files with columns between delimiters.', {
  source, path: required(path, 'A folder; %Y, %m, %d, %H, %M and %S are those of the run\'s date.'),
  mode: otherwise(choice('fileMode', ['append', 'overwrite', 'ignore', 'error']), 'error', 'What to do where there is something: overwrite swaps all of it at once.'),
  compression: otherwise(choice('compression', ['gzip', 'bzip2', 'snappy', 'none']), 'none', 'Of each file.'),
  header: otherwise(truth, true, 'Whether the first line has the names of the columns.'),
  delimiter: otherwise(delimiter, ',', 'Between two values.'),
  schemaRef: schema,
})

export const hive = element('hive', 'A table of the lake.', {
  source, table: required(tableName, 'layer.table'),
  mode: required(choice('tableMode', ['append', 'overwrite', 'merge']), 'overwrite replaces the partitions it touches, or all of a table without any.'),
  partitionBy: optional(columns, 'Columns by whose values rows go into folders; ingest_date is added where it is not there.'),
  format: otherwise(choice('tableFormat', ['parquet', 'orc', 'delta']), 'parquet', 'Of its files.'),
  schemaRef: schema, keys,
})

export const targetTable = element('table', 'The table.', { name: required(tableName, 'schema.table') })

export const database = element('database', 'A table of a database.', {
  id: required(name, 'What the run calls it.'), source, jdbcUrl: required(jdbcUrl, 'Where it is.'), userSecretRef: credentials,
  mode: required(choice('databaseMode', ['append', 'overwrite', 'merge', 'truncateInsert']), 'All of it in one transaction.'),
  writeBatchSize: otherwise(count, 1_000, 'Rows of one statement.'),
  isolationLevel: isolation, schemaRef: schema, keys,
}, { content: { each: [must(targetTable)] } })

export const region = element('region', 'A region of the hub.', {
  source, name: required(name, 'The region.'), mode: otherwise(choice('regionMode', ['merge', 'overwrite']), 'merge', 'merge: rows are put, others stay; overwrite: all entries are swapped at once.'),
})

export const elasticsearch = element('elasticsearch', 'An index.', {
  source, connection: required(name, 'A source of the catalog.'), index: required(text, 'The index.'), mode: otherwise(choice('indexMode', ['merge', 'overwrite']), 'merge', 'overwrite: a new index takes over the name when it is full.'), keys,
})

export const kafka = element('kafka', 'A topic: a message for each row.', { source, topic: required(text, 'The topic.'), keys: optional(columns, 'What the message\'s key is made of: one column as its text, several as the JSON array of their texts. Without it messages have none.') })

/** merge has to know which row is which. */
function mergeRules({ values }: Checked, report: Report): void {
  const { mode, keys: given, schemaRef: schemaGiven } = values as { readonly mode?: string; readonly keys?: readonly string[]; readonly schemaRef?: string }
  if (mode === 'merge' && !given && schemaGiven === undefined) report('MISSING_ATTRIBUTE', 'mode', 'Mode "merge" needs "keys", or a "schemaRef" whose schema has some.')
  if (mode !== undefined && mode !== 'merge' && given) report('CONTRADICTION', 'keys', `"keys" means something only with mode="merge"; the mode is "${mode}".`, 'WARNING')
}

/** Every target a pipeline may write. */
export const targets: readonly Ruled[] = [
  { shape: hive, rules: mergeRules }, { shape: csv },
  {
    shape: database,
    rules: (checked, report) => {
      mergeRules(checked, report)
      urlRules(checked, report)
    },
  },
  { shape: region }, { shape: elasticsearch, rules: mergeRules }, { shape: kafka },
]
