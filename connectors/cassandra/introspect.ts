import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import type { Keys } from './access.ts'
import { cqlType, type CqlColumn } from './types.ts'

export interface CassandraTable extends Keys {
  readonly name: string
  /** Quoted, with its keyspace. */
  readonly relation: string
  /** Partition key, clustering columns, then the others by name: Cassandra keeps no other order. */
  readonly columns: readonly CqlColumn[]
  readonly description?: string
}

type Cells = Readonly<Record<string, unknown>>
/** Runs a statement and answers its rows. */
export type Ask = (cql: string, values: readonly string[]) => Promise<readonly Cells[]>

/** Tables and materialized views of one keyspace. Four statements. No such keyspace → NOT_FOUND. */
export async function introspect(ask: Ask, source: string, keyspace: string): Promise<CassandraTable[]> {
  const named = (rows: readonly Cells[], name: string) => rows.map(row => ({ name: String(row[name]), comment: String(row['comment'] ?? '') }))
  const tables = named(await ask('SELECT table_name, comment FROM system_schema.tables WHERE keyspace_name = ?', [keyspace]), 'table_name')
  const views = named(await ask('SELECT view_name, comment FROM system_schema.views WHERE keyspace_name = ?', [keyspace]), 'view_name')
  const columns = await ask('SELECT table_name, column_name, kind, position, type FROM system_schema.columns WHERE keyspace_name = ?', [keyspace])
  if (tables.length === 0) {
    const keyspaces = (await ask('SELECT keyspace_name FROM system_schema.keyspaces', [])).map(row => String(row['keyspace_name']))
    if (!keyspaces.includes(keyspace)) throw new HubError('NOT_FOUND', `Source "${source}" has no keyspace "${keyspace}".${didYouMean(keyspace, keyspaces)}`, { source })
  }
  return [...tables, ...views].sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ name, comment }): CassandraTable => {
    const own = columns.filter(row => row['table_name'] === name).sort((a, b) => Number(a['position']) - Number(b['position']))
    const of = (...kinds: readonly string[]) => own.filter(row => kinds.includes(String(row['kind']))).map(columnOf)
    const [partition, clustering] = [of('partition_key'), of('clustering')]
    const rest = of('static', 'regular').sort((a, b) => (a.name < b.name ? -1 : 1))
    return { name, relation: `${quoted(keyspace)}.${quoted(name)}`, partition, clustering, columns: [...partition, ...clustering, ...rest], ...(comment === '' ? {} : { description: comment }) }
  })
}

function columnOf(row: Cells): CqlColumn {
  const cql = cqlType(String(row['type']))
  return { name: String(row['column_name']), type: cql.type, nullable: row['kind'] === 'static' || row['kind'] === 'regular', cql }
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
