import type { Catalog, RegionEntry } from '../../schema/catalog.ts'
import type { EntityModel, Model } from '../../schema/model.ts'
import type { Json } from '../../schema/values.ts'
import type { Region, RegionStore } from '../../connectors/ports/region-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { CatalogAdmin, Declared } from '../../resolvers/catalog-admin.ts'
import { simplePage } from '../../resolvers/connection.ts'
import type { Context } from '../../resolvers/context.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'
import { mustHold } from '../../resolvers/guard.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { regionNamed } from './entries.ts'

/** What serves now, which a change of the catalog makes another. */
export interface ServedRegions {
  readonly model: Model
  readonly catalog: Catalog
  readonly region: (name: string) => Region
  readonly loadedAtMs: (name: string) => number | undefined
}

export interface RegionCatalogRoles {
  readonly admin: CatalogAdmin
  readonly current: () => ServedRegions
  readonly cursors: CursorSealer
  readonly defaultBackups: number
  /** Reads a region's rows again. */
  readonly reload: (scope: Scope, name: string) => Promise<void>
  readonly cluster: RegionStore['cluster']
}

interface CreateInput {
  readonly name: string
  readonly type?: string | null
  readonly description?: string | null
  readonly key?: readonly string[] | null
  readonly fields?: Json
  readonly cacheMode: 'PARTITIONED' | 'REPLICATED'
  readonly backups?: number | null
  readonly atomicityMode: 'ATOMIC' | 'TRANSACTIONAL'
  readonly cacheStrategies?: readonly string[] | null
  readonly expiryPolicy?: ExpiryInput | null
  readonly indexes?: readonly IndexInput[] | null
  readonly evictionMaxSize?: number | null
  readonly evictionPolicy?: RegionEntry['evictionPolicy'] | null
  readonly affinityKey?: string | null
}

interface ExpiryInput {
  readonly createSeconds?: number | null
  readonly accessSeconds?: number | null
  readonly updateSeconds?: number | null
}

interface IndexInput {
  readonly columns: readonly string[]
  readonly type: keyof typeof sqlTypes
  readonly unique?: boolean | null
}

interface RegionFilter {
  readonly name?: string | null
  readonly type?: string | null
  readonly cacheMode?: CreateInput['cacheMode'] | null
  readonly atomicityMode?: CreateInput['atomicityMode'] | null
  readonly hasSource?: boolean | null
}

const sqlTypes = {
  STRING: 'String', INT: 'Int', LONG: 'Long', DOUBLE: 'Float', DECIMAL: 'Decimal', BOOLEAN: 'Boolean', TIMESTAMP: 'DateTime', DATE: 'Date', UUID: 'UUID', BYTES: 'Bytes', JSON: 'JSON',
} as const

/** Regions and sources as things to list, declare and drop while the hub runs. */
export function regionCatalogFields(roles: RegionCatalogRoles): Subgraph['fields'] {
  const describe = (name: string) => describedRegion(roles.current(), regionNamed(roles.current().model, name))
  const payload = async (scope: Scope, name: string, declared: Promise<Declared>) => {
    const { changed, definition } = await declared
    const written = definition as Written
    const nodes = copiesOf(written) > 0 ? (await roles.cluster(scope)).nodes.filter(({ state }) => state === 'UP').length : 0
    return { region: describe(name), changed, warnings: warningsOf(written, nodes) }
  }
  return {
    Query: {
      cacheRegions: (_: unknown, args: { first?: number | null; after?: string | null; filter?: RegionFilter | null }, { scope }: Context) => {
        mustHold(scope, 'catalog:read')
        const served = roles.current()
        const regions = served.model.entities.filter(entity => entity.kind === 'region' && passes(entity, entryOf(served, entity.name), args.filter ?? {})).toSorted((a, b) => (a.name < b.name ? -1 : 1))
        return simplePage(regions, { name: entity => entity.name, show: entity => describedRegion(served, entity), identity: JSON.stringify(['cacheRegions', scope.tenant]), cursors: roles.cursors }, args)
      },
      cacheRegion: (_: unknown, { name }: { name: string }, { scope }: Context) => {
        mustHold(scope, 'catalog:read')
        const served = roles.current()
        const found = served.model.entities.find(entity => entity.kind === 'region' && entity.name === name)
        return found ? describedRegion(served, found) : null
      },
      cacheCluster: (_: unknown, _args: unknown, { scope }: Context) => {
        mustHold(scope, 'catalog:read')
        return roles.cluster(scope)
      },
    },
    Mutation: {
      createCacheRegion: (_: unknown, { input }: { input: CreateInput }, { scope }: Context) => {
        mustHold(scope, 'catalog:write')
        return payload(scope, input.name, roles.admin.declare(scope, 'region', input.name, definitionOf(input, roles.defaultBackups)))
      },
      updateCacheRegion: (_: unknown, { name, input }: { name: string; input: Pick<CreateInput, 'expiryPolicy' | 'indexes' | 'evictionMaxSize' | 'evictionPolicy'> }, { scope }: Context) => {
        mustHold(scope, 'catalog:write')
        return payload(scope, name, roles.admin.redeclare(scope, 'region', name, before => ({ ...(before as Written), ...changes(input) })))
      },
      reloadCacheRegion: async (_: unknown, { name }: { name: string }, { scope }: Context) => {
        mustHold(scope, 'catalog:write')
        regionNamed(roles.current().model, name)
        await roles.reload(scope, name)
        return describe(name)
      },
      deleteCacheRegion: (_: unknown, { name, force }: { name: string; force: boolean }, { scope }: Context) => {
        mustHold(scope, 'catalog:write')
        return roles.admin.drop(scope, 'region', name, { force })
      },
      registerDataSource: async (_: unknown, { name, definition }: { name: string; definition: Json }, { scope }: Context) => {
        mustHold(scope, 'catalog:write')
        return (await roles.admin.declare(scope, 'source', name, definition)).changed
      },
      deleteDataSource: (_: unknown, { name, force }: { name: string; force: boolean }, { scope }: Context) => {
        mustHold(scope, 'catalog:write')
        return roles.admin.drop(scope, 'source', name, { force })
      },
    },
  }
}

type Written = Readonly<Record<string, Json>>

function definitionOf(input: CreateInput, defaultBackups: number): Written {
  const { type, description, key, fields, cacheMode, backups, atomicityMode, cacheStrategies, affinityKey } = input
  const keys = key ?? ['key']
  return {
    ...(type ? { type } : {}),
    ...(description ? { description } : {}),
    key: keys.length === 1 && keys[0] !== undefined ? keys[0] : keys,
    fields: fields ?? Object.fromEntries([...keys.map(name => [name, 'ID!']), ...(input.indexes ?? []).flatMap(index => index.columns.map(name => [name, sqlTypes[index.type]])), ['value', 'JSON']]),
    mode: cacheMode,
    backups: backups ?? defaultBackups,
    atomicity: atomicityMode,
    ...(cacheStrategies && cacheStrategies.length > 0 ? { strategies: cacheStrategies } : {}),
    ...(affinityKey ? { affinityKey } : {}),
    ...changes(input),
  }
}

function changes({ expiryPolicy, indexes, evictionMaxSize, evictionPolicy }: Pick<CreateInput, 'expiryPolicy' | 'indexes' | 'evictionMaxSize' | 'evictionPolicy'>): Written {
  const seconds = (value: number | null | undefined) => (value === null || value === undefined ? undefined : `PT${value}S`)
  const expiry = expiryPolicy && Object.fromEntries(Object.entries({ create: seconds(expiryPolicy.createSeconds), update: seconds(expiryPolicy.updateSeconds), access: seconds(expiryPolicy.accessSeconds) }).filter(([, value]) => value !== undefined))
  return {
    ...(expiry ? { expiry: expiry as Json } : {}),
    ...(indexes ? { indexes: indexes.map(indexOf) } : {}),
    ...(evictionMaxSize !== null && evictionMaxSize !== undefined ? { maxEntries: evictionMaxSize } : {}),
    ...(evictionPolicy ? { evictionPolicy } : {}),
  }
}

function indexOf({ columns, unique }: IndexInput): Json {
  const plain = columns.length === 1 ? (columns[0] ?? '') : [...columns]
  return unique ? { columns: plain, unique } : plain
}

function entryOf(served: ServedRegions, name: string): RegionEntry {
  const entry = served.catalog.regions.find(one => one.name === name)
  if (!entry) throw new RangeError(`Region ${name} is not in the catalog.`)
  return entry
}

function passes({ name, type, load }: EntityModel, { mode, atomicity }: RegionEntry, wanted: RegionFilter): boolean {
  const given = (value: unknown) => value !== undefined && value !== null
  return (
    name.toLowerCase().includes((wanted.name ?? '').toLowerCase()) &&
    (!given(wanted.type) || type === wanted.type) &&
    (!given(wanted.cacheMode) || mode === wanted.cacheMode) &&
    (!given(wanted.atomicityMode) || atomicity === wanted.atomicityMode) &&
    (!given(wanted.hasSource) || (load !== undefined) === wanted.hasSource)
  )
}

function copiesOf({ backups }: Written): number {
  return Number(backups ?? 0)
}

/** What of a region's definition has no effect, or none yet, on a store of so many nodes. */
function warningsOf(written: Written, nodes: number): string[] {
  const { mode, strategies, load } = written
  const copies = copiesOf(written)
  const kept = Math.max(0, nodes - 1)
  return [
    ...(mode === 'REPLICATED' && copies > 0 ? [`backups: ${copies} has no effect on a REPLICATED region: every node has all entries.`] : []),
    ...(mode !== 'REPLICATED' && copies > kept ? [`backups: ${copies} is kept for a larger cluster; of ${nodes === 1 ? 'the one node' : `the ${nodes} nodes`} there is now, ${kept} can hold a copy.`] : []),
    ...(Array.isArray(strategies) && strategies.length > 0 && load === undefined ? [`${strategies.join(', ')} takes effect once the region has a source.`] : []),
  ]
}

export function describedRegion(served: ServedRegions, entity: EntityModel) {
  const entry = entryOf(served, entity.name)
  const seconds = (ms: number | undefined) => (ms === undefined ? null : ms / 1000)
  return {
    name: entity.name, type: entity.type, description: entity.description ?? null, key: entity.key,
    cacheMode: entry.mode, backups: entry.backups, atomicityMode: entry.atomicity, cacheStrategies: entry.strategies, affinityKey: entry.affinityKey ?? null, colocatedWith: () => colocated(served, entity).map(other => describedRegion(served, other)),
    expiryPolicy: { createSeconds: seconds(entry.expiry.createMs), accessSeconds: seconds(entry.expiry.accessMs), updateSeconds: seconds(entry.expiry.updateMs) },
    indexes: entry.indexes, uniqueIndexes: entry.unique, evictionMaxSize: entry.maxEntries, evictionPolicy: entry.evictionPolicy,
    columns: entity.fields.map(field => ({ ...field, indexed: entry.indexes.some(columns => columns.includes(field.name)) || entity.key.includes(field.name) })),
    stats: (_args: unknown, { scope }: Context) => figures(scope, served, entity),
  }
}

/** Regions spread by a column of the same type as this one's: equal values of the two are on one node. */
function colocated(served: ServedRegions, entity: EntityModel): readonly EntityModel[] {
  const affinity = (one: EntityModel) => one.fields.find(field => field.name === entryOf(served, one.name).affinityKey)?.type
  const type = affinity(entity)
  return type === undefined ? [] : served.model.entities.filter(one => one.kind === 'region' && one !== entity && affinity(one) === type)
}

async function figures(scope: Scope, served: ServedRegions, entity: EntityModel) {
  const stats = await served.region(entity.name).stats(scope)
  const reads = stats.hits + stats.misses
  const loadedAtMs = served.loadedAtMs(entity.name)
  const ratio = reads === 0 ? null : stats.hits / reads
  return { ...stats, hitRatio: ratio, offloadRatio: entity.load ? ratio : null, lastSyncAt: loadedAtMs === undefined ? null : new Date(loadedAtMs).toISOString() }
}
