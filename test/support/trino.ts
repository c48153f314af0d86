import { openTrino, type TrinoClient } from '../../connectors/trino/client.ts'
import { literal } from '../../connectors/trino/literals.ts'
import type { TrinoName } from '../../connectors/trino/rewrite.ts'
import type { Column, ColumnType, Json, Row } from '../../schema/values.ts'

const types: Readonly<Record<ColumnType, string>> = {
  String: 'varchar', Int: 'integer', Long: 'bigint', Float: 'double', Decimal: 'decimal(38, 3)', Boolean: 'boolean', Date: 'date', Time: 'time(6)', DateTime: 'timestamp(6) with time zone',
  LocalDateTime: 'timestamp(6)', UUID: 'uuid', Bytes: 'varbinary', JSON: 'json',
}

export function trinoClient(url: string): TrinoClient {
  return openTrino({ url, user: 'tests', source: 'tributary-tests' })
}

/** Runs a statement to its end, whatever it does, and answers its rows as Trino's protocol has them. */
export async function trinoRows(client: TrinoClient, sql: string): Promise<(readonly Json[])[]> {
  const controller = new AbortController()
  const result = await client.run({ sql, signal: controller.signal, later: async work => work() })
  const rows: (readonly Json[])[] = []
  for (let page = await result.next(); page !== undefined; page = await result.next()) rows.push(...page)
  return rows
}

/** A schema of its own in Trino's memory catalog. */
export class TrinoSchema {
  readonly client: TrinoClient
  readonly schema: string

  private constructor(client: TrinoClient, schema: string) {
    this.client = client
    this.schema = schema
  }

  static async open(url: string): Promise<TrinoSchema> {
    const made = new TrinoSchema(trinoClient(url), `test_${process.pid}_${Date.now()}`)
    await trinoRows(made.client, `CREATE SCHEMA memory.${made.schema}`)
    return made
  }

  name(table: string): TrinoName {
    return { catalog: 'memory', schema: this.schema, table }
  }

  async store(table: string, columns: readonly Column[], rows: readonly Row[]): Promise<void> {
    await trinoRows(this.client, `CREATE TABLE memory.${this.schema}.${table} (${columns.map(({ name, type }) => `"${name}" ${types[type]}`).join(', ')})`)
    const tuples = rows.map(row => `(${columns.map(({ name, type }, index) => (type === 'JSON' ? `JSON '${JSON.stringify(row[name]).replaceAll("'", "''")}'` : literal(row[name] ?? null, types[type], index))).join(', ')})`)
    await trinoRows(this.client, `INSERT INTO memory.${this.schema}.${table} VALUES ${tuples.join(', ')}`)
  }

  async close(): Promise<void> {
    await trinoRows(this.client, `DROP SCHEMA memory.${this.schema} CASCADE`)
    await this.client.close()
  }
}

export interface TrinoQuery {
  readonly queryId: string
  readonly state: string
  readonly query: string
  readonly errorCode?: { readonly name: string }
}

/** Trino's list of statements that have this text in theirs. */
export async function trinoQueries(url: string, text: string): Promise<readonly TrinoQuery[]> {
  const response = await fetch(`${url}/v1/query`, { headers: { 'x-trino-user': 'tests' } })
  const all = (await response.json()) as readonly TrinoQuery[]
  return all.filter(({ query }) => query.includes(text))
}
