import { isDeepStrictEqual } from 'node:util'
import type { Catalog, RegionEntry, ViewEntry } from '../../schema/catalog.ts'
import { HubError } from '../../schema/errors.ts'
import { isSoleKey, type EntityModel, type Model } from '../../schema/model.ts'
import type { Row } from '../../schema/values.ts'
import { keyOf, type Region, type RegionDefinition, type RegionStore } from '../../connectors/ports/region-store.ts'
import type { Clock, Scope } from '../../connectors/ports/scope.ts'
import type { SourceTable } from '../../connectors/ports/source-connector.ts'
import { allRows, type QueryResult, type SqlEngine } from '../../connectors/ports/sql-engine.ts'
import { Filled } from '../../resolvers/filled.ts'
import type { ReadThrough } from '../../resolvers/read-through.ts'
import { boundedRows, completeRows, engineRows, keyFromText, partialRows, type EntityRows } from '../../resolvers/rows.ts'
import { lookupStatement } from '../../resolvers/sql.ts'
import type { looker } from './past.ts'
import type { OpenSource } from './sources.ts'

/** A region of the running hub: of a declared region or a materialised view. */
export interface HeldRegion {
  readonly region: Region
  /** As the region is to be when the catalog is taken. */
  readonly definition: RegionDefinition
  /** Where its rows come from. */
  readonly source: string
  /** What it was filled from, column by column; an equal text later means that its rows can stay. */
  readonly origin: string
  /** When its rows were loaded, on the hub's clock; undefined where clients write them. */
  loadedAtMs?: number
  /** How many rows that were, of all tenants. */
  loadedRows?: number
  /** When they were last known to be those of the sources behind them: never later than the load, earlier where that read what was staged or loaded before. */
  asOfMs?: number
  /** Whose rows were loaded into it, where rows have tenants. */
  readonly tenants: Set<string>
  readonly flights: ReadThrough['flights']
  readonly filled: ReadThrough['filled']
}

export interface RegionParts {
  readonly store: RegionStore
  readonly engine: SqlEngine
  readonly sources: readonly OpenSource[]
  readonly clock: Clock
  /** Tells how far a load is; rows so far. */
  readonly progress?: (region: string, rows: number) => void
}

/** Every region the model needs, defined in the store. Rows of regions declared as before stay; where the shape changed, a region with loaded rows begins anew under another name of the store, beside the old one. */
export async function* defineRegions(model: Model, catalog: Catalog, parts: RegionParts, previous: ReadonlyMap<string, HeldRegion>): AsyncGenerator<readonly [name: string, held: HeldRegion]> {
  for (const entity of model.entities) {
    const entry = [...catalog.regions, ...catalog.views].find(one => one.name === entity.name)
    if (!entry || ('sql' in entry && !entry.materialize)) continue
    const definition = definitionOf(model, entity, entry)
    const source = JSON.stringify(originOf(entry, parts.sources))
    const origin = JSON.stringify([source, entity.fields])
    const before = previous.get(entity.name)
    const made = await define(parts.store, definition, source, before)
    const { region } = made
    const same = before?.region === region && before.origin === origin
    const kept = same ? { loadedAtMs: before.loadedAtMs, loadedRows: before.loadedRows, asOfMs: before.asOfMs, flights: before.flights, filled: before.filled } : { flights: new Map(), filled: new Filled() }
    yield [entity.name, { ...made, ...kept, source, origin, tenants: before?.region === region ? before.tenants : new Set() }]
  }
}

/** The definitions of all regions the store has, for a change that may have to be taken back. */
export function definitionsOf(store: RegionStore): ReadonlyMap<string, RegionDefinition> {
  return new Map(store.names.map(name => [name, store.region(name).definition]))
}

/** Takes back what a refused catalog did to the definitions of regions. */
export async function restoreDefinitions(store: RegionStore, before: ReadonlyMap<string, RegionDefinition>): Promise<void> {
  for (const name of store.names) {
    const definition = before.get(name)
    const now = store.region(name)
    if (!definition) await store.drop(name)
    else if (now.definition !== definition) await store.define(succeeding(definition, now.definition))
  }
}

/** What clients wrote goes on under its new definitions: the last step of a catalog that is taken, as a column cannot be taken back. */
export async function settleDefinitions(store: RegionStore, held: ReadonlyMap<string, HeldRegion>): Promise<void> {
  for (const { definition } of held.values()) if (definition.durable) await store.define(definition)
}

async function define(store: RegionStore, wanted: RegionDefinition, source: string, before: HeldRegion | undefined): Promise<Pick<HeldRegion, 'region' | 'definition'>> {
  if (wanted.durable && store.names.includes(wanted.name)) return { region: store.region(wanted.name), definition: await successor(store, wanted) }
  const region = await (wanted.durable ? store.define(wanted) : defineLoaded(store, wanted, source, before))
  return { region, definition: region.definition }
}

/** The definition under which entries that clients wrote can go on, or CONFLICT. */
async function successor(store: RegionStore, wanted: RegionDefinition): Promise<RegionDefinition> {
  const definition = succeeding(wanted, store.region(wanted.name).definition)
  try {
    await store.check(definition)
    return definition
  } catch (error) {
    if (!(error instanceof HubError) || error.code !== 'CONFLICT') throw error
    const wayOut = `Its entries outlive their declaration. Declare it as it was, give the new one another name, or take it out of the catalog and delete what it holds with deleteCacheRegion(name: "${wanted.name}").`
    throw new HubError('CONFLICT', `Region "${wanted.name}" holds entries of another definition: ${(error.details['differences'] as readonly string[]).join('; ')}. ${wayOut}`, { ...error.details, region: wanted.name }, { cause: error })
  }
}

/** The wanted definition with its columns in the order the store has them, and those of the store that it does without and that may be null. */
function succeeding(wanted: RegionDefinition, now: RegionDefinition): RegionDefinition {
  const known = now.columns.flatMap(column => wanted.columns.find(one => one.name === column.name) ?? (column.nullable ? [column] : []))
  const fresh = wanted.columns.filter(column => !now.columns.some(one => one.name === column.name))
  return { ...wanted, columns: [...known, ...fresh] }
}

/** Loaded rows serve on where nobody who still reads them loses anything: the same source, and columns only added. Else they begin anew beside the old ones, under another name of the store. */
async function defineLoaded(store: RegionStore, wanted: RegionDefinition, source: string, before: HeldRegion | undefined): Promise<Region> {
  const now = before?.region.definition
  if (now && before.source === source && onlyGrows(now, wanted)) return store.define({ ...succeeding(wanted, now), name: now.name })
  let name = wanted.name
  for (let generation = 2; store.names.includes(name); generation += 1) name = `${wanted.name}__${generation}`
  return store.define({ ...wanted, name })
}

function onlyGrows(now: RegionDefinition, wanted: RegionDefinition): boolean {
  const kept = now.columns.every(({ name, type, nullable }) => wanted.columns.some(one => one.name === name && one.type === type && one.nullable === nullable))
  const added = wanted.columns.filter(column => !now.columns.some(one => one.name === column.name))
  const same = (member: 'key' | 'unique' | 'expiry' | 'atomicity' | 'durable' | 'tenancy') => isDeepStrictEqual(now[member], wanted[member])
  return kept && added.every(column => column.nullable) && wanted.maxEntries >= now.maxEntries && (['key', 'unique', 'expiry', 'atomicity', 'durable', 'tenancy'] as const).every(same)
}

function definitionOf(model: Model, entity: EntityModel, entry: RegionEntry | ViewEntry): RegionDefinition {
  const declared = 'indexes' in entry ? entry.indexes : []
  const related = model.links.filter(link => link.target === entity.type && !isSoleKey(entity, link.targetColumn)).map(link => [link.targetColumn])
  const indexes = [...new Map([...declared, ...related].map(columns => [JSON.stringify(columns), columns])).values()]
  const columns = entity.fields.map(({ name, type, nullable, description }) => ({ name, type, nullable, description }))
  const common = { name: entity.name, columns, key: entity.key, indexes, unique: 'unique' in entry ? entry.unique : [], tenancy: entity.tenancy }
  if ('sql' in entry) return { ...common, atomicity: 'ATOMIC', expiry: {}, maxEntries: Number.MAX_SAFE_INTEGER, durable: false }
  const placement = { mode: entry.mode, backups: entry.backups, ...(entry.affinityKey !== undefined && { affinity: entry.affinityKey }) }
  return { ...common, atomicity: entry.atomicity, expiry: entry.expiry, maxEntries: entry.maxEntries, ...(entry.evictionPolicy !== 'LRU' && { evictionPolicy: entry.evictionPolicy }), durable: entry.load === undefined, placement }
}

function originOf(entry: RegionEntry | ViewEntry, sources: readonly OpenSource[]): unknown {
  if ('sql' in entry) return ['sql', entry.sql]
  if (!entry.load) return ['clients']
  if ('view' in entry.load) return ['view', entry.load.view]
  const { source, table } = entry.load
  return ['table', table, sources.find(one => one.source.name === source)?.source, entry.tenantColumn]
}

/** Fills a region that is complete: all rows of its table or view, swapped in as a whole. `silent` after a start, when nobody has seen earlier rows. Rows without key or tenant are left out, counted in the log. `from` gives the rows, where somebody has them. */
export async function loadRegion(scope: Scope, entity: EntityModel, entry: RegionEntry | ViewEntry, held: HeldRegion, parts: RegionParts, silent: boolean, from?: Pick<QueryResult, 'rows' | 'asOfMs'>): Promise<void> {
  const startedMs = parts.clock.now()
  const counts = { rows: 0, withoutKey: 0, withoutTenant: 0, repeated: 0 }
  const limit = 'maxEntries' in entry ? entry.maxEntries : Number.MAX_SAFE_INTEGER
  const tenantColumn = 'tenantColumn' in entry ? entry.tenantColumn : undefined
  const read = from ?? (await sourceRows(scope, entity, entry, parts))
  const rows = usable(read.rows, entity, tenantColumn, counts, limit, parts.progress)
  if (tenantColumn === undefined) {
    await held.region.replaceAll(scope, rows, { silent })
  } else {
    // Tenants that were there before and have no row any more are emptied.
    const owned = new Map([...held.tenants].map((tenant): [string, Row[]] => [tenant, []]))
    for await (const batch of rows) {
      for (const row of batch) {
        const tenant = String(row[tenantColumn])
        const own = owned.get(tenant)
        if (own) own.push(row)
        else owned.set(tenant, [row])
      }
    }
    for (const [tenant, own] of owned) {
      held.tenants.add(tenant)
      await held.region.replaceAll({ ...scope, tenant }, one(own), { silent })
    }
  }
  held.loadedAtMs = startedMs
  held.loadedRows = counts.rows
  held.asOfMs = Math.min(startedMs, read.asOfMs ?? startedMs)
  const { withoutKey, withoutTenant, repeated } = counts
  const left = withoutKey + withoutTenant + repeated > 0 ? { withoutKey, repeatedKey: repeated, ...(tenantColumn !== undefined && { withoutTenant }) } : {}
  scope.log.info(`Loaded ${counts.rows} rows into "${entity.name}".`, { region: entity.name, ...left })
}

async function* one(rows: readonly Row[]): AsyncGenerator<readonly Row[]> {
  yield rows
}

/** The rows a region is filled with, and when they were last known to be so; undefined: now. */
async function sourceRows(scope: Scope, entity: EntityModel, entry: RegionEntry | ViewEntry, parts: RegionParts): Promise<Pick<QueryResult, 'rows' | 'asOfMs'>> {
  if (!('sql' in entry) && entry.load && 'source' in entry.load) {
    const { source, table } = entry.load
    const connector = parts.sources.find(one => one.source.name === source)?.connector
    if (!connector) throw new HubError('NOT_FOUND', `Source "${source}" is not declared.`, { source })
    return { asOfMs: loadedFrom(entity, parts)?.asOfMs?.(), rows: connector.scan(scope, { table, columns: entity.fields.map(field => field.name) }) }
  }
  const sql = 'sql' in entry ? entry.sql : `SELECT * FROM hub."${entity.load?.table ?? ''}"`
  return parts.engine.query(scope, { sql })
}

/** The table a region is loaded from. */
function loadedFrom({ load }: EntityModel, { sources }: RegionParts): SourceTable | undefined {
  return sources.find(one => one.source.name === load?.source)?.tables.find(table => table.name === load?.table)
}

interface Counts {
  rows: number
  withoutKey: number
  withoutTenant: number
  repeated: number
}

/** Rows with a key nobody of their tenant had before them. */
async function* usable(batches: AsyncIterable<readonly Row[]>, entity: EntityModel, tenantColumn: string | undefined, counts: Counts, limit: number, progress: RegionParts['progress']): AsyncGenerator<readonly Row[]> {
  const seen = new Set<string>()
  for await (const batch of batches) {
    const rows = batch.filter(row => {
      const tenant = tenantColumn === undefined ? '' : (row[tenantColumn] ?? null)
      if (tenant === null) {
        counts.withoutTenant += 1
        return false
      }
      if (entity.key.some(column => (row[column] ?? null) === null)) {
        counts.withoutKey += 1
        return false
      }
      const key = `${String(tenant)}\u0000${keyOf(entity.key, row)}`
      if (seen.has(key)) {
        counts.repeated += 1
        return false
      }
      seen.add(key)
      return true
    })
    counts.rows += rows.length
    if (counts.rows > limit) {
      throw new HubError('RESULT_TOO_LARGE', `Region "${entity.name}" loads more than the ${limit} rows it keeps at most. Raise maxEntries, or load as rows are asked for (eager: false).`, { region: entity.name })
    }
    progress?.(entity.name, counts.rows)
    yield rows
  }
}

interface ReaderParts extends RegionParts {
  readonly catalog: Catalog
  /** The engine past what the hub holds. */
  readonly past: SqlEngine
  readonly look: ReturnType<typeof looker>
}

/** How the rows of each type are read, region first. */
export function rowsOfModel(model: Model, held: ReadonlyMap<string, HeldRegion>, parts: ReaderParts): (type: string) => EntityRows {
  const readers = new Map(model.entities.map(entity => [entity.type, reader(model, entity, held.get(entity.name), parts)]))
  return type => {
    const found = readers.get(type)
    if (!found) throw new RangeError(`${type} is not declared.`)
    return found
  }
}

function reader(model: Model, entity: EntityModel, held: HeldRegion | undefined, parts: ReaderParts): EntityRows {
  if (!held) return engineRows(model, entity, parts.engine, 'view')
  if (entity.complete) {
    const asOfMs = () => held.asOfMs
    const rows = completeRows(model, entity, held.region, parts.engine, asOfMs)
    return entity.writable ? rows : boundedRows(rows, engineRows(model, entity, parts.past, 'source'), asOfMs)
  }
  const { region, flights, filled } = held
  const asOfMs = () => loadedFrom(entity, parts)?.asOfMs?.()
  const look = (scope: Scope, momentMs: number) => parts.look(scope, momentMs, parts.sources.find(one => one.source.name === entity.load?.source)?.connector)
  const isFollowed = parts.catalog.regions.some(({ name, load }) => name === entity.name && load !== undefined && 'source' in load && load.follow === true)
  return partialRows(model, entity, { name: entity.name, region, flights, filled, ...keyed(entity, parts), asOfMs, look, isFollowed }, parts.engine)
}

/** Reads rows by key from what a region is loaded from, in one read. */
function keyed(entity: EntityModel, parts: RegionParts): Pick<ReadThrough, 'load' | 'loader'> {
  const columns = entity.fields.map(field => field.name)
  const keysOf = (texts: readonly string[]) => texts.map(text => keyFromText(entity, text))
  const { load } = entity
  const connector = parts.sources.find(one => one.source.name === load?.source)?.connector
  if (connector && load) return { loader: connector.type, load: (scope, texts) => connector.lookup(scope, { table: load.table, columns, keyColumns: entity.key, keys: keysOf(texts) }) }
  return { loader: parts.engine.name, load: async (scope, texts) => allRows(await parts.engine.query(scope, lookupStatement(entity, entity.key, keysOf(texts)))) }
}
