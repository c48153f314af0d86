import { createHash } from 'node:crypto'
import type { PostgresqlSource, Source } from '../../schema/catalog.ts'
import { HubError } from '../../schema/errors.ts'
import type { ColumnType, Json } from '../../schema/values.ts'
import { quoteIdentifier, quoteText } from '../statements/quote.ts'
import type { Scope } from '../ports/scope.ts'
import type { SourceConnector, SourceTable } from '../ports/source-connector.ts'
import type { MountedTable } from '../ports/sql-engine.ts'
import { type TrinoClient, TrinoFailure } from './client.ts'
import type { TrinoName } from './rewrite.ts'
import { readerOf } from './types.ts'

/** How Trino is told of a source: its connector, the connector's properties, and the schema the source's tables stand in. */
export interface CatalogDefinition {
  readonly connector: string
  readonly properties: Readonly<Record<string, string>>
  /** In no property, since Trino shows statements to whoever may list them: sent with each statement, under the name that the property `property` gives. */
  readonly secret?: { readonly property: string; readonly value: string }
  readonly schema: string
}

/** The source in Trino's words; undefined for one Trino has no way to, such as files of this machine. */
export function catalogDefinition(source: Source): CatalogDefinition | undefined {
  return source.type === 'postgresql' ? postgresql(source) : undefined
}

function postgresql({ connection, schema }: PostgresqlSource): CatalogDefinition {
  const { host, port, database, user, password, parameters } = 'url' in connection ? partsOf(connection.url) : { ...connection, parameters: '' }
  return {
    connector: 'postgresql',
    schema,
    properties: {
      'connection-url': `jdbc:postgresql://${host}:${port}/${encodeURIComponent(database)}${parameters}`,
      ...(user === undefined ? {} : { 'connection-user': user }),
      'case-insensitive-name-matching': 'true',
    },
    ...(password === undefined ? {} : { secret: { property: 'password-credential-name', value: password } }),
  }
}

function partsOf(url: string) {
  const { hostname, port, pathname, username, password, searchParams } = new URL(url)
  const sslmode = searchParams.get('sslmode')
  return {
    host: hostname, port: port || '5432', database: decodeURIComponent(pathname.slice(1)), parameters: sslmode === null ? '' : `?sslmode=${encodeURIComponent(sslmode)}`,
    user: username === '' ? undefined : decodeURIComponent(username), password: password === '' ? undefined : decodeURIComponent(password),
  }
}

/** Columns of one table of Trino, by name in lower case. */
type Columns = ReadonlyMap<string, ColumnType>

/** Where Trino has a source. */
interface Place {
  readonly source: string
  readonly definition: CatalogDefinition
  readonly catalog: string
  readonly schema: string
  /** By table, in lower case, as Trino told when it was last asked; undefined: it has not told yet. */
  tables: ReadonlyMap<string, Columns> | undefined
  askedAtMs: number
}

/** How long a Trino that did not answer is left alone. */
const pauseMs = 5_000

/**
 * The declared sources as catalogs of Trino (`catalog.management=dynamic`), so that a source needs no hand work there. A catalog is named after its source and what the source is
 * declared as: another declaration is another catalog, and one that is there is right. None is ever dropped, since other hubs may read by it.
 */
export class TrinoSources {
  readonly #client: TrinoClient
  readonly #secrets: Record<string, string>
  readonly #places = new WeakMap<SourceConnector, Place>()

  /** `secrets` is what the client sends along (`credentials` of its options): the sources' are put there. */
  constructor(client: TrinoClient, secrets: Record<string, string>) {
    this.#client = client
    this.#secrets = secrets
  }

  /** The connector, made to tell Trino of its tables whenever it is asked for them. A Trino that does not answer fails nothing: it is asked again when a statement wants the tables. */
  adopt(source: Source, connector: SourceConnector): SourceConnector {
    const definition = catalogDefinition(source)
    if (!definition) return connector
    const catalog = catalogName(source.name, definition)
    if (definition.secret) this.#secrets[catalog] = definition.secret.value
    const place: Place = { source: source.name, definition, catalog, schema: definition.schema, tables: undefined, askedAtMs: 0 }
    const tables = connector.tables.bind(connector)
    const adopted: SourceConnector = Object.assign(connector, {
      tables: async (scope: Scope): Promise<readonly SourceTable[]> => {
        const [found] = await Promise.all([tables(scope), this.#learn(scope, place)])
        return found
      },
    })
    this.#places.set(adopted, place)
    return adopted
  }

  /** Where Trino has the table, with every column of it and of the same type; undefined where it has not. */
  locate({ from, columns }: MountedTable): TrinoName | undefined {
    if (from.kind !== 'source') return undefined
    const place = this.#places.get(from.source)
    const known = place?.tables?.get(from.table.toLowerCase())
    if (!place || !known || !columns.every(({ name, type }) => known.get(name.toLowerCase()) === type)) return undefined
    return { catalog: place.catalog, schema: place.schema, table: from.table }
  }

  /** Whether Trino has the table. Where Trino has not told of the source yet, it is asked behind the answer. */
  reads(scope: Scope, table: MountedTable): boolean {
    const place = table.from.kind === 'source' ? this.#places.get(table.from.source) : undefined
    if (place && !place.tables && scope.clock.now() - place.askedAtMs >= pauseMs) scope.later(() => this.#learn({ ...scope, signal: AbortSignal.timeout(pauseMs) }, place))
    return this.locate(table) !== undefined
  }

  async #learn(scope: Scope, place: Place): Promise<void> {
    const { source, definition } = place
    place.askedAtMs = scope.clock.now()
    try {
      const { secret } = definition
      const properties = Object.entries({ ...definition.properties, ...(secret && { [secret.property]: place.catalog }) }).map(([name, value]) => `${quoteIdentifier(name)} = ${quoteText(value)}`)
      await this.#rows(scope, `CREATE CATALOG IF NOT EXISTS ${quoteIdentifier(place.catalog)} USING ${definition.connector} WITH (${properties.join(', ')})`)
      const rows = await this.#rows(scope, `SELECT table_name, column_name, data_type FROM ${quoteIdentifier(place.catalog)}.information_schema.columns WHERE table_schema = ${quoteText(place.schema.toLowerCase())}`)
      const tables = new Map<string, Map<string, ColumnType>>()
      for (const [table, column, type] of rows) {
        const columns = tables.get(String(table)) ?? new Map<string, ColumnType>()
        tables.set(String(table), columns.set(String(column).toLowerCase(), columnType(String(type))))
      }
      place.tables = tables
    } catch (error) {
      scope.signal.throwIfAborted()
      if (!(error instanceof HubError) && !(error instanceof TrinoFailure)) throw error
      // Its text may hold what the source is opened with.
      const reason = error instanceof TrinoFailure ? error.error.errorName : error.message
      scope.log.warn(`Trino does not know the tables of source "${source}"; statements over them run embedded.`, { source, reason })
    }
  }

  async #rows(scope: Scope, sql: string): Promise<(readonly Json[])[]> {
    const result = await this.#client.run({ sql, signal: scope.signal, later: work => scope.later(work) })
    const rows: (readonly Json[])[] = []
    for (let page = await result.next(); page !== undefined; page = await result.next()) rows.push(...page)
    return rows
  }
}

function catalogName(source: string, definition: CatalogDefinition): string {
  return `hub_${source.toLowerCase()}_${createHash('sha256').update(JSON.stringify(definition)).digest('hex').slice(0, 12)}`
}

/** `timestamp(6) with time zone` → DateTime. */
function columnType(written: string): ColumnType {
  return readerOf({ rawType: written.replace(/\(.*\)/, '') }).type
}
