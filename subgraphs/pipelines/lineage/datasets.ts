import type { RunDataset } from '../../../schema/lineage.ts'
import type { Column } from '../../../schema/values.ts'
import { bucketPath } from '../bucket-path.ts'
import { isMysql } from '../document/query.ts'
import * as sources from '../document/sources.ts'
import * as targets from '../document/targets.ts'
import type { Reference } from '../plan/relation.ts'
import { type Checked, childrenOf, isOf } from '../xml/check.ts'

/** Where a pipeline belongs, and what it is called. */
export interface Whose {
  readonly application: string
  readonly pipelineId: string
  /** What other programs call a topic; absent or undefined: the hub keeps it itself. */
  readonly topicOf?: (topic: string) => Pick<RunDataset, 'namespace' | 'name'> | undefined
}

/** What a source reads; of a database, the tables are those of its statement. */
export function sourceDataset(checked: Checked, columns: readonly Column[], { application }: Whose): RunDataset | undefined {
  if (isOf(checked, sources.hive)) return lakeTable(application, checked.values.table, columns)
  if (isOf(checked, sources.database)) return undefined
  const { path } = checked.values as { readonly path: string }
  return files(application, path, columns)
}

export function referenceDataset({ dataset, columns, isTable }: Reference, { application }: Whose): RunDataset {
  return isTable ? lakeTable(application, dataset, columns) : { kind: 'FILE', namespace: 'lookup', name: dataset, columns: shown(columns) }
}

/** What a target writes. */
export function targetDataset(checked: Checked, columns: readonly Column[], { application, pipelineId, topicOf }: Whose): RunDataset | undefined {
  if (isOf(checked, targets.csv)) {
    const { path, mode, compression } = checked.values
    return files(application, `${path.replace(/\/+$/, '')}/${pipelineId}${mode === 'append' ? '-*' : ''}.csv${compression === 'gzip' ? '.gz' : ''}`, columns)
  }
  if (isOf(checked, targets.hive)) {
    const added = (checked.values.partitionBy ?? []).filter(name => !columns.some(column => column.name === name))
    return lakeTable(application, checked.values.table, [...columns, ...added.map((name): Column => ({ name, type: 'Date', nullable: true }))])
  }
  if (isOf(checked, targets.database)) {
    const [table] = childrenOf(checked, targets.targetTable)
    return databaseTable(checked.values.jdbcUrl, (table?.values.name ?? '').split('.'), shown(columns), application)
  }
  if (isOf(checked, targets.elasticsearch)) return { kind: 'TABLE', namespace: 'elasticsearch', name: `${checked.values.connection}/${checked.values.index}`, columns: shown(columns) }
  if (isOf(checked, targets.kafka)) return { kind: 'TOPIC', ...(topicOf?.(checked.values.topic) ?? { namespace: 'topic', name: checked.values.topic }), columns: shown(columns) }
  return isOf(checked, targets.region) ? { kind: 'REGION', namespace: 'region', name: checked.values.name, columns: shown(columns) } : undefined
}

/** A table by the parts of its name in a statement of that database. */
export function databaseTable(jdbcUrl: string, parts: readonly string[], columns: RunDataset['columns'], application: string): RunDataset {
  const [, driver = '', rest = ''] = /^jdbc:([^:]+):(.*)$/.exec(jdbcUrl) ?? []
  if (driver === 'sqlite') return { kind: 'TABLE', namespace: 'sqlite', name: `${placed(application, rest.replace(/\?.*$/, ''))}/${(parts[0] === 'main' ? parts.slice(1) : parts).join('.')}`, columns }
  const [, host = '', given, database = ''] = /^\/\/(?:[^@/]*@)?([^/:?]+)(?::(\d+))?\/([^?;]*)/.exec(rest) ?? []
  // What MySQL calls a database is the schema of its tables.
  const { system, port, path } = isMysql(jdbcUrl)
    ? { system: 'mysql', port: '3306', path: parts.length === 1 ? [database, ...parts] : parts }
    : { system: driver, port: '5432', path: [database, ...(parts.length === 1 ? ['public', ...parts] : parts)] }
  return { kind: 'TABLE', namespace: `${system}://${host}:${given ?? port}`, name: path.join('.'), columns }
}

/** Objects of a bucket are called as everybody calls them, others by their application. */
function files(application: string, path: string, columns: readonly Column[]): RunDataset {
  const object = bucketPath(path)
  const called = object ? { namespace: `s3://${object.bucket}`, name: object.key } : { namespace: 'file', name: placed(application, path) }
  return { kind: 'FILE', ...called, columns: shown(columns) }
}

function lakeTable(application: string, table: string, columns: readonly Column[]): RunDataset {
  return { kind: 'TABLE', namespace: 'lake', name: `${application}/${table}`, columns: shown(columns) }
}

function placed(application: string, path: string): string {
  return `${application}/${path.replace(/^(?:\.?\/)+/, '').replace(/\/+$/, '')}`
}

function shown(columns: readonly Column[]): RunDataset['columns'] {
  return columns.map(({ name, type }) => ({ name, type }))
}
