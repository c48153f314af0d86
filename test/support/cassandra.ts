import { Client, types } from 'cassandra-driver'
import type { Column, Row } from '../../schema/values.ts'
import { heldAs } from '../conformance/source-connector.ts'

/** A keyspace of a test's own, gone when it is closed. */
export interface CassandraKeyspace {
  readonly name: string
  exec(cql: string, values?: readonly unknown[]): Promise<void>
  close(): Promise<void>
}

export async function openKeyspace(host: string): Promise<CassandraKeyspace> {
  const name = `test_${process.pid}_${Date.now().toString(36)}`
  const client = new Client({ contactPoints: [host], localDataCenter: process.env['CASSANDRA_DATACENTER'] ?? 'datacenter1', encoding: { useBigIntAsLong: true, useBigIntAsVarint: true, map: Map, set: Set }, socketOptions: { readTimeout: 60_000 } })
  await client.connect()
  await client.execute(`CREATE KEYSPACE ${name} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`)
  return {
    name,
    async exec(cql, values = []) {
      await client.execute(cql, [...values], { prepare: values.length > 0 })
    },
    async close() {
      await client.execute(`DROP KEYSPACE ${name}`)
      await client.shutdown()
    },
  }
}

const toMillisecond = (text: string) => `${text.replace(/(\.\d{3})\d+$/, '$1')}Z`

/** No order of columns, names of letters and digits, no JSON, times in milliseconds of UTC. */
export const heldByCassandra = heldAs({
  table: ({ name, columns, key, rows }) => ({
    name: name.replaceAll(/\W/g, ''), key, rows,
    columns: [...key.flatMap(of => columns.filter(column => column.name === of)), ...columns.filter(column => !key.includes(column.name)).sort((a, b) => (a.name < b.name ? -1 : 1))],
  }),
  types: { seen: 'DateTime', extra: 'String' },
  value: (column, value) => (value === null ? null : column === 'seen' ? toMillisecond(String(value)) : column === 'extra' ? JSON.stringify(value) : value),
})

const cqlTypes: Readonly<Record<string, string>> = { String: 'text', Int: 'int', Long: 'bigint', Float: 'double', Boolean: 'boolean', Date: 'date', DateTime: 'timestamp' }

function encoded({ type }: Column, row: Row, name: string): unknown {
  const value = row[name] ?? null
  if (value === null) return null
  if (type === 'DateTime') return new Date(String(value))
  if (type === 'Date') return types.LocalDate.fromString(String(value))
  return type === 'Long' ? BigInt(String(value)) : value
}

/** The tables of the conformance list. */
export async function storeConformance({ name: keyspace, exec }: CassandraKeyspace): Promise<void> {
  const { places, visits, numbers } = heldByCassandra
  for (const { name, columns, key, rows } of [places, visits, numbers]) {
    const quoted = (column: string) => `"${column}"`
    await exec(`CREATE TABLE ${keyspace}.${name} (${columns.map(column => `${quoted(column.name)} ${cqlTypes[column.type]}`).join(', ')}, PRIMARY KEY (${key.map(quoted).join(', ')}))`)
    const insert = `INSERT INTO ${keyspace}.${name} (${columns.map(column => quoted(column.name)).join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`
    for (let at = 0; at < rows.length; at += 100) await Promise.all(rows.slice(at, at + 100).map(row => exec(insert, columns.map(column => encoded(column, row, column.name)))))
  }
}
