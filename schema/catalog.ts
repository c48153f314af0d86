import { catalogChecks, inputChecks } from './catalog-checks.ts'
import { endpointEntry, regionEntry, relationEntry, sourceEntry, subgraphEntry, viewEntry } from './catalog-entries.ts'
import { catalogInput, endpointInput, notYet, regionInput, relationInput, sourceInput, subgraphInput, viewInput, type FileFormat, type FilesTable, type Strategy } from './catalog-input.ts'
import { entryChecks } from './entry-checks.ts'
import { HubError, type Problem } from './errors.ts'
import { asProblem, findings, valueAt, type Finding } from './findings.ts'
import type { ListArgument } from './model.ts'
import type { ColumnType } from './values.ts'

export type { CatalogInput, EndpointInput, FileFormat, FilesTable, RegionInput, RelationInput, SourceInput, SubgraphInput, ViewInput } from './catalog-input.ts'

/** What is declared, ready to use: defaults filled in, durations in milliseconds, lists where one text may stand, every entry with its name, in the order written. */
export interface Catalog {
  readonly sources: readonly Source[]
  readonly regions: readonly RegionEntry[]
  readonly views: readonly ViewEntry[]
  readonly relations: readonly Relation[]
  readonly subgraphs: readonly ForeignSubgraph[]
  readonly endpoints: readonly EndpointEntry[]
}

export type Source = FilesSource | SqliteSource | PostgresqlSource | CassandraSource | ElasticsearchSource | S3Source

/** Tables of a catalog of Trino that somebody made. */
export interface TrinoTables {
  readonly catalog: string
  readonly schema: string
}

export interface FilesSource {
  readonly type: 'files'
  readonly name: string
  readonly description?: string
  /** Where Trino has the tables. Absent: as can be told from the rest. */
  readonly trino?: TrinoTables
  /** A folder; from a catalog file an absolute path. */
  readonly root: string
  /** Absent: told by each file's ending. */
  readonly format?: FileFormat
  /** By name. Absent: every file of the folder whose ending is known is a table. */
  readonly tables?: Record<string, FilesTable>
  /** Rows. Absent: as the connector says. */
  readonly quarantineLimit?: number
}

export interface SqliteSource {
  readonly type: 'sqlite'
  readonly name: string
  readonly description?: string
  /** Where Trino has the tables. Absent: as can be told from the rest. */
  readonly trino?: TrinoTables
  /** From a catalog file an absolute path. */
  readonly file: string
}

export interface PostgresqlSource {
  readonly type: 'postgresql'
  readonly name: string
  readonly description?: string
  /** Where Trino has the tables. Absent: as can be told from the rest. */
  readonly trino?: TrinoTables
  readonly connection: { readonly url: string } | { readonly host: string; readonly port: number; readonly database: string; readonly user?: string; readonly password?: string }
  readonly schema: string
}

export interface CassandraSource {
  readonly type: 'cassandra'
  readonly name: string
  readonly description?: string
  /** Where Trino has the tables. Absent: as can be told from the rest. */
  readonly trino?: TrinoTables
  readonly connection: { readonly url: string } | { readonly hosts: readonly string[]; readonly keyspace: string; readonly datacenter?: string; readonly user?: string; readonly password?: string }
}

export interface ElasticsearchSource {
  readonly type: 'elasticsearch'
  readonly name: string
  readonly description?: string
  /** Where Trino has the tables. Absent: as can be told from the rest. */
  readonly trino?: TrinoTables
  readonly urls: readonly string[]
  /** Names, `*` for any text. Absent: every one that is not hidden. */
  readonly indices?: readonly string[]
  readonly user?: string
  readonly password?: string
  readonly apiKey?: string
}

export interface S3Source {
  readonly type: 's3'
  readonly name: string
  readonly description?: string
  /** Where Trino has the tables. Absent: as can be told from the rest. */
  readonly trino?: TrinoTables
  readonly bucket: string
  readonly prefix?: string
  /** Absent: AWS. */
  readonly endpoint?: string
  readonly region?: string
  readonly accessKeyId?: string
  readonly secretAccessKey?: string
  readonly sessionToken?: string
  readonly format?: FileFormat
  readonly tables?: Record<string, FilesTable>
  readonly quarantineLimit?: number
  readonly maxObjectBytes?: number
  /** What pipelines of applications may do with its objects. Absent: nothing. */
  readonly applications?: Record<string, 'read' | 'write'>
}

export interface RegionEntry {
  readonly name: string
  readonly type: string
  readonly description?: string
  /** Columns. */
  readonly key: readonly string[]
  readonly load?: { readonly source: string; readonly table: string; readonly columns?: readonly string[]; readonly eager: boolean; readonly everyMs?: number; readonly follow?: boolean } | { readonly view: string; readonly everyMs?: number }
  /** All its fields, in order. Absent: the columns of what it is loaded from. */
  readonly fields?: readonly DeclaredField[]
  /** Of its list, beside the ones every list has. */
  readonly arguments: readonly ListArgument[]
  readonly strategies: readonly Strategy[]
  readonly expiry: { readonly createMs?: number; readonly updateMs?: number; readonly accessMs?: number }
  /** Columns of each index. */
  readonly indexes: readonly (readonly string[])[]
  /** Those of the indexes whose values no two entries of a tenant share. */
  readonly unique: readonly (readonly string[])[]
  readonly atomicity: 'TRANSACTIONAL' | 'ATOMIC'
  /** How entries lie on the nodes of a cluster. */
  readonly mode: 'PARTITIONED' | 'REPLICATED'
  /** Copies on other nodes. */
  readonly backups: number
  readonly affinityKey?: string
  readonly maxEntries: number
  readonly evictionPolicy: 'LRU' | 'FIFO'
  readonly tenancy: 'SHARED' | 'TENANT'
  readonly tenantColumn?: string
}

export interface DeclaredField {
  /** The column, as the source spells it. */
  readonly name: string
  /** Its name in the graph. */
  readonly field: string
  /** Absent: as the source says. */
  readonly type?: ColumnType
  /** Absent with the type. */
  readonly nullable?: boolean
  /** Declared as `ID`: a String the graph shows as ID. */
  readonly id: boolean
  readonly description?: string
}

export interface ViewEntry {
  readonly name: string
  readonly type: string
  readonly description?: string
  readonly key: readonly string[]
  readonly sql: string
  readonly materialize?: { readonly everyMs: number }
  /** Of its list, beside the ones every list has. */
  readonly arguments: readonly ListArgument[]
  /** By column. */
  readonly descriptions: Readonly<Record<string, string>>
}

export interface Relation {
  readonly from: RelationEnd
  readonly to: RelationEnd
  readonly as: string
  readonly inverse?: string
}

export interface RelationEnd {
  readonly type: string
  readonly column: string
}

export interface ForeignSubgraph {
  readonly name: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly description?: string
}

/** A statement with parameters that clients call by a path. */
export interface EndpointEntry {
  /** Its path: `session/validate`. */
  readonly name: string
  readonly description?: string
  /** Names of the regions it may read. */
  readonly cacheRegions: readonly string[]
  /** The statement as written, with placeholders `{name}`. */
  readonly query: string
  readonly cacheKeyPattern: string
  /** 0: results are not kept. */
  readonly ttlSeconds: number
  /** Whether parameters it does not have are refused. */
  readonly strict: boolean
}

/** What a catalog does not say and the configuration does. */
export interface CatalogDefaults {
  readonly maxEntries: number
  readonly backups: number
}

export const catalogDefaults: CatalogDefaults = { maxEntries: 10_000_000, backups: 1 }

/** Schema, section of the file, and the way from what is written to what is used, per kind of entry. */
const kinds = {
  source: { section: 'sources', schema: sourceInput, entry: sourceEntry },
  region: { section: 'regions', schema: regionInput, entry: regionEntry },
  view: { section: 'views', schema: viewInput, entry: viewEntry },
  relation: { section: 'relations', schema: relationInput, entry: relationEntry },
  subgraph: { section: 'subgraphs', schema: subgraphInput, entry: subgraphEntry },
  endpoint: { section: 'endpoints', schema: endpointInput, entry: endpointEntry },
} as const

export type EntryKind = keyof typeof kinds
export type EntryOf<Kind extends EntryKind> = ReturnType<(typeof kinds)[Kind]['entry']>

/**
 * The whole catalog, or every mistake in it: of form, and of what its parts say of each other. Pure: nothing is opened, so tables, columns of sources and SQL are not
 * looked at. `written` is the same input before secrets were put in place; messages quote that one.
 */
export function parseCatalog(input: unknown, defaults: CatalogDefaults = catalogDefaults, written: unknown = input): { catalog?: Catalog; findings: readonly Finding[] } {
  const found: Finding[] = [...inputChecks(input), ...findings(catalogInput, withoutNotYet(input), [], written)]
  const catalog: Catalog = {
    sources: entriesOf('source', input, defaults, found),
    regions: entriesOf('region', input, defaults, found),
    views: entriesOf('view', input, defaults, found),
    relations: entriesOf('relation', input, defaults, found),
    subgraphs: entriesOf('subgraph', input, defaults, found),
    endpoints: entriesOf('endpoint', input, defaults, found),
  }
  found.push(...catalogChecks(catalog, input))
  return found.length === 0 ? { catalog, findings: [] } : { findings: found }
}

/**
 * One entry given through the API, by the rules of the file: the entry ready to use. Its mistakes → VALIDATION_ERROR with `problems`, paths relative to the
 * definition. What concerns other entries is seen by `parseCatalog` over the whole. References to secrets stay as they are. A relation's name is not used.
 */
export function parseEntry<Kind extends EntryKind>(kind: Kind, name: string, definition: unknown, defaults: CatalogDefaults = catalogDefaults): EntryOf<Kind> {
  const { section, schema } = kinds[kind]
  const list = kind === 'relation'
  const input = { [section]: list ? [definition] : Object.fromEntries([[name, definition]]) }
  const found: Finding[] = [...inputChecks(input), ...findings(schema, definition, [section, list ? 0 : name])]
  const [entry] = entriesOf(kind, input, defaults, found)
  if (entry && found.length === 0) return entry

  const problems: Problem[] = found.map(({ path, message }) => asProblem({ path: path.length > 2 ? path.slice(2) : [kind === 'endpoint' ? 'path' : 'name'], message }))
  throw new HubError('VALIDATION_ERROR', `The ${kind} "${name}" cannot be taken. ${problems.map(problem => problem.message).join(' ')}`, { problems })
}

/** The entries of one section whose form is right, with their mistakes of their own added to `found`. */
function entriesOf<Kind extends EntryKind>(kind: Kind, input: unknown, defaults: CatalogDefaults, found: Finding[]): EntryOf<Kind>[] {
  const { section, schema, entry } = kinds[kind]
  const make = entry as (name: string, definition: unknown, defaults: CatalogDefaults) => EntryOf<Kind>
  const given = valueAt(input, [section])
  if (typeof given !== 'object' || given === null || Array.isArray(given) !== (kind === 'relation')) return []
  return Object.entries(given).flatMap(([name, definition]) => {
    if (!schema.safeParse(definition).success) return []
    const ready = make(name, definition, defaults)
    found.push(...entryChecks[kind](ready as never, [section, Array.isArray(given) ? Number(name) : name], definition as never))
    return [ready]
  })
}

function withoutNotYet(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input
  return Object.fromEntries(Object.entries(input).filter(([section]) => !Object.hasOwn(notYet.sections, section)))
}
