import type { CassandraSource, ElasticsearchSource, PostgresqlSource, Source } from '../../schema/catalog.ts'
import { fromUrl as cassandraAt } from '../cassandra/options.ts'
import type { Scope } from '../ports/scope.ts'
import { readOtherwise } from './mappings.ts'
import type { Conversions } from './readings.ts'

/** How Trino is told of a system: its connector, the connector's properties, and the schema the tables stand in. */
export interface CatalogDefinition {
  readonly connector: string
  readonly properties: Readonly<Record<string, string>>
  /** In no property, since Trino shows statements to whoever may list them: sent with each statement, under the name that the property `property` gives. */
  readonly secret?: { readonly property: string; readonly value: string }
  readonly schema: string
}

/** How Trino gets to a source's tables. */
export type Way =
  /** By a catalog the hub makes. */
  | { readonly kind: 'made'; readonly definition: CatalogDefinition }
  /** By one somebody made. */
  | { readonly kind: 'named'; readonly catalog: string; readonly schema: string }
  /** Not at all. `reason`: why, where a catalog made by hand would help. */
  | { readonly kind: 'none'; readonly reason?: string }

/** How a connector of Trino shows tables otherwise than the hub does. */
export interface Habits {
  /** Columns it has and does not list, by name, with their types. */
  readonly hidden: Readonly<Record<string, string>>
  readonly conversions: Conversions
  /** It finds only tables whose names have no capital letters. */
  readonly isLowerCase: boolean
  /** Names of tables it has, with other values. Absent: none. */
  readonly otherwise?: (scope: Scope) => Promise<ReadonlySet<string>>
}

const plain: Habits = { hidden: {}, conversions: {}, isLowerCase: false }

const of = (shown: readonly string[], expression: (column: string) => string) => (column: string, trinoType: string) => (shown.includes(trinoType) ? expression(column) : undefined)

/**
 * Trino's connector hands comparisons on to Elasticsearch in a form that Elasticsearch 9 refuses (`[range] query does not support [from]`), and nothing keeps it from that but
 * expressions it does not look into. They change no value: not the sign of a zero, not a null.
 */
const elasticsearch: Habits = {
  hidden: { _id: 'varchar' },
  conversions: {
    String: of(['varchar'], column => `${column} || ''`),
    Int: of(['tinyint', 'smallint', 'integer'], column => `${column} + 0`),
    Long: of(['bigint'], column => `${column} + 0`),
    Float: of(['double'], column => `${column} * 1e0`),
    Boolean: of(['boolean'], column => `CAST(${column} AS varchar) = 'true'`),
    // In UTC, to the millisecond, as such a field is. Finer ones, and those with a format of their own, it does not list.
    DateTime: of(['timestamp'], column => `with_timezone(${column}, 'UTC')`),
  },
  isLowerCase: true,
}

export function habitsOf(source: Source): Habits {
  return source.type === 'elasticsearch' ? { ...elasticsearch, otherwise: scope => readOtherwise(scope, source) } : plain
}

export function wayTo(source: Source): Way {
  if (source.trino) return { kind: 'named', catalog: source.trino.catalog, schema: source.trino.schema }
  switch (source.type) {
    case 'postgresql':
      return { kind: 'made', definition: postgresql(source) }
    case 'cassandra':
      return cassandra(source)
    case 'elasticsearch':
      return searching(source)
    case 's3':
      // Nor could a table be made from what the hub knows: Trino reads an unsigned column declared bigint as a negative number, and of a folder all files.
      return { kind: 'none', reason: shown('keys') }
    case 'files':
    case 'sqlite':
      return { kind: 'none' }
  }
}

const shown = (secret: string) => `Trino's connector takes its ${secret} as a property only, which everybody reads who may list statements`

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

function cassandra({ name, connection }: CassandraSource): Way {
  const { hosts, keyspace, datacenter, password } = 'url' in connection ? cassandraAt(name, connection.url) : connection
  if (password !== undefined) return { kind: 'none', reason: shown('password') }
  if (datacenter === undefined) return { kind: 'none', reason: 'Trino\'s connector asks one datacenter, and "datacenter" names none' }
  const places = hosts.map(host => /^(.*?)(?::(\d+))?$/.exec(host)?.slice(1) ?? [])
  const ports = new Set(places.map(([, port = '9042']) => port))
  const [port, another] = ports
  if (port === undefined || another !== undefined) return { kind: 'none', reason: 'Trino\'s connector takes one port for all hosts' }
  return {
    kind: 'made',
    definition: {
      connector: 'cassandra', schema: keyspace,
      properties: { 'cassandra.contact-points': places.map(([host = '']) => host).join(','), 'cassandra.native-protocol-port': port, 'cassandra.load-policy.dc-aware.local-dc': datacenter },
    },
  }
}

function searching({ urls, user, password, apiKey }: ElasticsearchSource): Way {
  const nodes = urls.map(url => new URL(url))
  if (user !== undefined || password !== undefined || apiKey !== undefined || nodes.some(node => node.username !== '')) return { kind: 'none', reason: shown('password') }
  const [first] = nodes
  if (!first || nodes.some(node => node.pathname !== '/' || node.protocol !== first.protocol || node.port !== first.port)) return { kind: 'none', reason: 'Trino\'s connector takes one protocol and port for all nodes, and no path' }
  const isSecure = first.protocol === 'https:'
  return {
    kind: 'made',
    definition: {
      connector: 'elasticsearch', schema: 'default',
      properties: {
        'elasticsearch.host': nodes.map(node => node.hostname).join(','), 'elasticsearch.port': first.port || (isSecure ? '443' : '80'), 'elasticsearch.default-schema-name': 'default',
        // The nodes as they are declared, not as they call each other.
        'elasticsearch.ignore-publish-address': 'true',
        ...(isSecure && { 'elasticsearch.tls.enabled': 'true' }),
      },
    },
  }
}
