import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { openDuckDb } from '../../../connectors/duckdb/database.ts'

/** Files of one size, and the work over them: rows of customers, the latest of each, with their status, counted and summed by country and status. */
export interface Workload {
  readonly rows: number
  readonly format: 'parquet' | 'csv'
  readonly folder: string
}

export const memoryLimit = '1GB'

/** Writes the files, unless they are there. Eight of ten rows are of another customer each; of each customer there is a status. */
export async function writeWorkload({ rows, format, folder }: Workload): Promise<void> {
  const done = join(folder, 'done')
  if (await stat(done).catch(() => undefined)) return
  await rm(folder, { recursive: true, force: true })
  await mkdir(join(folder, 'in'), { recursive: true })
  const database = await openDuckDb({ memoryLimit: '2GB', tempLimit: '100GB' })
  const connection = await database.connect()
  const customers = Math.ceil(rows * 0.8)
  const to = (name: string) => `'${join(folder, 'in', `${name}.${format}`)}' (FORMAT ${format})`
  await connection.run(`COPY (SELECT CAST(hash(i) % ${customers} AS BIGINT) AS customer_id, 'country-' || (hash(i + 1) % 200) AS country, 'user' || (hash(i) % 1000000) || '@example.com' AS email,
    CAST((hash(i + 7) % 100000) / 100.0 AS DOUBLE) AS revenue, TIMESTAMP '2024-01-01' + INTERVAL (hash(i + 3) % 31536000) SECOND AS updated_at FROM range(${rows}) t(i)) TO ${to('customers')}`)
  await connection.run(`COPY (SELECT CAST(i AS BIGINT) AS customer_id, 'S' || (hash(i) % 5) AS status FROM range(${customers}) t(i)) TO ${to('statuses')}`)
  await connection.run(`COPY (SELECT 1 AS done) TO '${done}' (FORMAT csv)`)
  connection.disconnectSync()
  await database.close()
}

const schema = (name: string, fields: Readonly<Record<string, unknown>>) => JSON.stringify({ type: 'record', name, fields: Object.entries(fields).map(([field, type]) => ({ name: field, type: ['null', type] })) })

/** The schemas of the files. */
export const schemas: Readonly<Record<string, string>> = {
  'customers.avsc': schema('customers', { customer_id: 'long', country: 'string', email: 'string', revenue: 'double', updated_at: { type: 'long', logicalType: 'local-timestamp-micros' } }),
  'statuses.avsc': schema('statuses', { customer_id: 'long', status: 'string' }),
}

/** The work as a pipeline. */
export function pipelineOf(format: Workload['format']): string {
  return `<pipeline id="work" version="1.0" layer="service">
  <metadata><owner>bench</owner></metadata>
  <sources>
    <${format} id="customers" path="in/customers.${format}" schemaRef="schemas/customers.avsc"/>
    <${format} id="statuses" path="in/statuses.${format}" schemaRef="schemas/statuses.avsc"/>
  </sources>
  <transformations>
    <deduplicate source="customers" keys="customer_id" keep="latest" orderBy="updated_at"/>
    <join left="customers" right="statuses" type="left" condition="customers.customer_id = statuses.customer_id"/>
    <aggregate source="customers" groupBy="country,status" metrics="count:customers,sum:revenue"/>
    <sort source="customers" orderBy="country,status"/>
  </transformations>
  <targets><csv path="out" mode="overwrite"/></targets>
</pipeline>`
}

/** The work as who knows DuckDB writes it. Of rows of one moment the same stays as in the pipeline. */
export function sqlOf({ format, folder }: Workload): string {
  const columns = { customers: "{customer_id: 'BIGINT', country: 'VARCHAR', email: 'VARCHAR', revenue: 'DOUBLE', updated_at: 'TIMESTAMP'}", statuses: "{customer_id: 'BIGINT', status: 'VARCHAR'}" }
  const read = (name: keyof typeof columns) => (format === 'parquet' ? `read_parquet('${join(folder, 'in', `${name}.parquet`)}')` : `read_csv('${join(folder, 'in', `${name}.csv`)}', header = true, columns = ${columns[name]})`)
  return `COPY (WITH latest AS (SELECT * FROM ${read('customers')} QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY updated_at DESC, country DESC, email DESC, revenue DESC) = 1)
    SELECT country, status, count(*) AS customers, sum(revenue) AS revenue FROM latest LEFT JOIN ${read('statuses')} USING (customer_id) GROUP BY country, status ORDER BY country, status) TO '${join(folder, 'out-raw.csv')}' (HEADER)`
}
