import type { CatalogDefaults, DeclaredField, EndpointEntry, ForeignSubgraph, RegionEntry, Relation, RelationEnd, Source, ViewEntry } from './catalog.ts'
import type { EndpointInput, RegionInput, RelationInput, SourceInput, SubgraphInput, ViewInput } from './catalog-input.ts'
import { singular } from './catalog-names.ts'
import { durationMs } from './duration.ts'
import type { ListArgument } from './model.ts'
import { camelCase, pascalCase } from './names.ts'
import type { ColumnType } from './values.ts'

/** From what is written to what is used, one function a kind of entry. The input has passed its schema. */
export function sourceEntry(name: string, source: SourceInput): Source {
  switch (source.type) {
    case 'files':
    case 's3':
      return { ...source, name, tables: source.tables && Object.fromEntries(Object.entries(source.tables).map(([table, given]) => [table, typeof given === 'string' ? { file: given } : given])) }
    case 'sqlite':
      return { ...source, name }
    case 'postgresql': {
      const { type, description, trino, url, host = '', port = 5432, database = '', user, password, schema = 'public' } = source
      return { type, name, description, trino, connection: url === undefined ? { host, port: Number(port), database, user, password } : { url }, schema }
    }
    case 'cassandra': {
      const { type, description, trino, url, hosts = '', keyspace = '', datacenter, user, password } = source
      return { type, name, description, trino, connection: url === undefined ? { hosts: listed(hosts), keyspace, datacenter, user, password } : { url } }
    }
    case 'elasticsearch': {
      const { url, indices, ...rest } = source
      return { ...rest, name, urls: listed(url), indices: indices === undefined ? undefined : listed(indices) }
    }
  }
}

export function regionEntry(name: string, region: RegionInput, defaults: CatalogDefaults): RegionEntry {
  const { description, load, fields, expiry = {}, tenantColumn } = region
  const key = listed(region.key)
  const indexes = (region.indexes ?? []).map(indexOf)
  return {
    name,
    type: region.type ?? typeName(name, 'Entry'),
    description,
    key,
    load: load && loadOf(load),
    arguments: listArguments(region.arguments),
    fields: fields && Object.entries(fields).map(([field, given]) => declaredField(field, typeof given === 'string' ? { type: given } : given, key)),
    strategies: region.strategies ? listed(region.strategies) : load && 'source' in load ? ['READ_THROUGH'] : [],
    expiry: { createMs: optionalMs(expiry.create), updateMs: optionalMs(expiry.update), accessMs: optionalMs(expiry.access) },
    indexes: indexes.map(one => one.columns),
    unique: indexes.filter(one => one.unique).map(one => one.columns),
    atomicity: region.atomicity ?? 'TRANSACTIONAL',
    mode: region.mode ?? 'PARTITIONED',
    backups: region.backups ?? defaults.backups,
    affinityKey: region.affinityKey,
    maxEntries: region.maxEntries ?? defaults.maxEntries,
    evictionPolicy: region.evictionPolicy ?? 'LRU',
    tenancy: region.tenancy ?? (load ? 'SHARED' : 'TENANT'),
    tenantColumn,
  }
}

function indexOf(given: NonNullable<RegionInput['indexes']>[number]): { columns: readonly string[]; unique: boolean } {
  if (typeof given === 'string' || Array.isArray(given)) return { columns: listed(given), unique: false }
  return { columns: listed(given.columns), unique: given.unique ?? false }
}

function loadOf({ every, ...load }: NonNullable<RegionInput['load']>): RegionEntry['load'] {
  const everyMs = optionalMs(every)
  return 'view' in load ? { view: load.view, everyMs } : { ...load, eager: load.eager ?? false, everyMs }
}

function declaredField(name: string, given: { type?: string; description?: string; column?: string }, key: readonly string[]): DeclaredField {
  const column = given.column ?? name
  const field = given.column === undefined ? camelCase(name) : name
  if (given.type === undefined) return { name: column, field, id: false, description: given.description }
  const type = given.type.replace('!', '')
  const nullable = !given.type.endsWith('!') && !key.includes(column)
  return { name: column, field, type: type === 'ID' ? 'String' : (type as ColumnType), nullable, id: type === 'ID', description: given.description }
}

export function viewEntry(name: string, view: ViewInput): ViewEntry {
  const { type = typeName(name, 'Row'), description, sql, materialize, descriptions = {} } = view
  return { name, type, description, key: listed(view.key), sql, materialize: materialize && { everyMs: durationMs(materialize.every) ?? 0 }, arguments: listArguments(view.arguments), descriptions }
}

function listArguments(given: ViewInput['arguments'] = {}): readonly ListArgument[] {
  return Object.entries(given).map(([name, one]) => (typeof one === 'string' ? { name, column: one, op: 'eq' } : { name, column: one.column, op: one.is ?? 'eq', description: one.description }))
}

export function relationEntry(_name: string, relation: RelationInput): Relation {
  return { from: relationEnd(relation.from), to: relationEnd(relation.to), as: relation.as, inverse: relation.inverse }
}

export function subgraphEntry(name: string, { url, headers = {}, description }: SubgraphInput): ForeignSubgraph {
  return { name, url, headers, description }
}

export function endpointEntry(name: string, { description, cacheRegions, query, cacheKeyPattern, ttlSeconds, strict = false }: EndpointInput): EndpointEntry {
  return { name, description, cacheRegions, query, cacheKeyPattern, ttlSeconds, strict }
}

function relationEnd(text: string): RelationEnd {
  const dot = text.indexOf('.')
  return { type: text.slice(0, dot), column: text.slice(dot + 1) }
}

/** `busiest_routes` → `BusiestRoute`. A name that is its own singular gets the suffix, so that its list and its look-up differ: `asset_metadata` → `AssetMetadataEntry`. */
function typeName(name: string, suffix: string): string {
  const type = pascalCase(singular(name))
  return camelCase(type) === camelCase(name) ? type + suffix : type
}

function listed<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? value : [value as T]
}

function optionalMs(text: string | undefined): number | undefined {
  return text === undefined ? undefined : durationMs(text)
}
