import { createHash } from 'node:crypto'
import type { Json } from '../../schema/values.ts'
import type { Scope } from '../ports/scope.ts'
import { quoteIdentifier, quoteText } from '../../schema/quote.ts'
import type { TrinoClient } from './client.ts'
import type { TrinoColumns } from './readings.ts'
import type { CatalogDefinition } from './ways.ts'

/**
 * Catalogs of Trino (`catalog.management=dynamic`), made so that a system needs no hand work there. A catalog is named after the system and what it is declared as: another
 * declaration is another catalog, and one that is there is right. None is ever dropped, since other hubs may read by it.
 */
export class TrinoCatalogs {
  readonly #client: TrinoClient
  readonly #secrets: Record<string, string>

  /** `secrets` is what the client sends along (`credentials` of its options): those of the catalogs are put there. */
  constructor(client: TrinoClient, secrets: Record<string, string>) {
    this.#client = client
    this.#secrets = secrets
  }

  /** The name its catalog has, or will have, with the secret ready for statements that read by it. */
  name(system: string, definition: CatalogDefinition): string {
    const catalog = `hub_${system.toLowerCase()}_${createHash('sha256').update(JSON.stringify(definition)).digest('hex').slice(0, 12)}`
    if (definition.secret) this.#secrets[catalog] = definition.secret.value
    return catalog
  }

  /** Makes it where it is not there. */
  async make(scope: Scope, catalog: string, { connector, properties, secret }: CatalogDefinition): Promise<void> {
    const written = Object.entries({ ...properties, ...(secret && { [secret.property]: catalog }) }).map(([name, value]) => `${quoteIdentifier(name)} = ${quoteText(value)}`)
    await this.#rows(scope, `CREATE CATALOG IF NOT EXISTS ${quoteIdentifier(catalog)} USING ${connector} WITH (${written.join(', ')})`)
  }

  /** The columns of every table of a schema, by the table's name in lower case. None where there is no such schema. */
  async tables(scope: Scope, catalog: string, schema: string): Promise<Map<string, TrinoColumns>> {
    const rows = await this.#rows(scope, `SELECT table_name, column_name, data_type FROM ${quoteIdentifier(catalog)}.information_schema.columns WHERE table_schema = ${quoteText(schema.toLowerCase())}`)
    const tables = new Map<string, Map<string, string>>()
    for (const [table, column, type] of rows) {
      const columns = tables.get(String(table)) ?? new Map<string, string>()
      tables.set(String(table), columns.set(String(column).toLowerCase(), String(type)))
    }
    return tables
  }

  async #rows(scope: Scope, sql: string): Promise<(readonly Json[])[]> {
    const result = await this.#client.run({ sql, signal: scope.signal, later: work => scope.later(work) })
    const rows: (readonly Json[])[] = []
    for (let page = await result.next(); page !== undefined; page = await result.next()) rows.push(...page)
    return rows
  }
}
