import type { Catalog, Source } from '../../schema/catalog.ts'
import type { EndpointModel } from '../../schema/endpoint.ts'
import { HubError } from '../../schema/errors.ts'
import type { Finding } from '../../schema/findings.ts'
import type { Model } from '../../schema/model.ts'
import type { MetadataStore } from '../../connectors/ports/metadata-store.ts'
import type { Region, RegionStore } from '../../connectors/ports/region-store.ts'
import type { Clock, Scope } from '../../connectors/ports/scope.ts'
import type { SourceConnector } from '../../connectors/ports/source-connector.ts'
import type { MountedTable, SqlEngine } from '../../connectors/ports/sql-engine.ts'
import type { EntityRows } from '../../resolvers/rows.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { localService } from '../federation/local.ts'
import type { SubgraphMetrics } from '../telemetry/metrics.ts'
import { openSupergraph } from '../federation/execute.ts'
import type { SubgraphService, Supergraph } from '../federation/supergraph.ts'
import { composeAll, foreignEntities, openForeign, type OpenForeign } from './foreign.ts'
import { endpointsOf, type EndpointParts } from './endpoints.ts'
import type { FeedParts } from './feed.ts'
import { followFindings, isKeptElsewhere } from './feeds.ts'
import { refuse } from './mistakes.ts'
import { modelOf, type ModelParts } from './model.ts'
import { boundedEngine, looker, pastEngine, pastMounts } from './past.ts'
import { withOpenRegions, type WithMembers } from './open-regions.ts'
import { definitionsOf, defineRegions, loadRegion, restoreDefinitions, rowsOfModel, settleDefinitions, type HeldRegion } from './regions.ts'
import { openSources, type OpenSource } from './sources.ts'

/** What the hub is made of, from the outside: adapters, subgraphs, clock. */
export interface AssemblyParts {
  /** Keeps answers of mutations by their clients' keys. */
  readonly metadata: Pick<MetadataStore, 'keptAnswer' | 'keepAnswer'>
  readonly metrics?: SubgraphMetrics
  readonly store: RegionStore
  readonly engine: SqlEngine
  readonly clock: Clock
  readonly consumer: FeedParts['consumer']
  readonly openSource: (source: Source) => Promise<SourceConnector>
  readonly openSubgraph: (declared: Catalog['subgraphs'][number], scope: Scope) => Promise<SubgraphService>
  readonly tablesOf: ModelParts['tablesOf']
  readonly ownTables: ModelParts['own']
  readonly placesOf: EndpointParts['placesOf']
  readonly withMembers: WithMembers
  /** The product's own subgraphs over an assembly. */
  readonly subgraphs: (assembly: Assembled) => readonly Subgraph[]
  readonly progress?: (region: string, rows: number) => void
}

/** Everything derived from one catalog, but the graph. */
export interface Assembled {
  readonly catalog: Catalog
  readonly model: Model
  readonly mounts: readonly MountedTable[]
  /** Over these mounts alone: statements of an older graph go on seeing that graph's tables. */
  readonly engine: SqlEngine
  readonly sources: readonly OpenSource[]
  readonly foreign: readonly OpenForeign[]
  readonly held: ReadonlyMap<string, HeldRegion>
  readonly rowsOf: (type: string) => EntityRows
  readonly endpoints: readonly EndpointModel[]
}

export interface Assembly extends Assembled {
  /** The product's own. */
  readonly subgraphs: readonly Subgraph[]
  readonly supergraph: Supergraph
}

/** What an assembly holds on to, which is let go of when the next one does without it. */
export type Held = Pick<Assembled, 'sources' | 'foreign' | 'held'>

export const noCatalog: Catalog = { sources: [], regions: [], views: [], relations: [], subgraphs: [], endpoints: [] }
export const nothing: Held = { sources: [], foreign: [], held: new Map() }

/**
 * A catalog made ready to serve: sources opened and looked into, views described, regions defined and loaded, subgraphs composed. What `previous` has and is declared as
 * before is taken over; with `again`, foreign subgraphs are asked whether their types are still the same. Any mistake → CATALOG_INVALID with all that one stage finds, and everything is as it was.
 */
export async function assemble(scope: Scope, catalog: Catalog, parts: AssemblyParts, previous: Held, again = false): Promise<Assembly> {
  const opened: { sources: readonly OpenSource[]; foreign: readonly OpenForeign[]; held: Map<string, HeldRegion> } = { sources: [], foreign: [], held: new Map() }
  const before = definitionsOf(parts.store)
  try {
    const found = await openSources(scope, catalog.sources, previous.sources, parts.openSource)
    opened.sources = found.sources
    const joined = await openForeign(scope, catalog.subgraphs, previous.foreign, again, parts.openSubgraph)
    opened.foreign = joined.foreign
    const { sources } = found
    const { foreign } = joined
    refuse([...found.findings, ...joined.findings])

    const { held } = opened
    const origin = (name: string) => parts.store.origin(() => held.get(name)?.region)
    const derived = await modelOf(scope, catalog, { engine: parts.engine, sources, foreign: foreign.flatMap(one => foreignEntities(one)), tablesOf: parts.tablesOf, own: parts.ownTables, origin, asOfMs: name => held.get(name)?.asOfMs })
    refuse(derived.findings)
    const { model, mounts } = derived
    refuse(await followFindings(scope, catalog, model, sources, parts.consumer.name))
    const look = looker(sources)
    const past = pastEngine(withOpenRegions(derived.engine.over(pastMounts(mounts, model, catalog, sources)), model, parts.withMembers), look)
    const engine = boundedEngine(withOpenRegions(derived.engine, model, parts.withMembers), past)
    const called = await endpointsOf(scope, catalog, model, { ...parts, engine })
    refuse(called.findings)

    const regionParts = { ...parts, catalog, engine, past, look, sources }
    for await (const [name, one] of defineRegions(model, catalog, regionParts, previous.held)) held.set(name, one)
    const assembled: Assembled = { catalog, model, mounts, engine, sources, foreign, held, rowsOf: rowsOfModel(model, held, regionParts), endpoints: called.endpoints }
    const subgraphs = parts.subgraphs(assembled)
    const services = [...subgraphs.map(localService), ...foreign.map(one => one.service)]
    const composed = composeAll(subgraphs, foreign)
    await loadRegions(scope, assembled, regionParts, previous)
    const supergraph = openSupergraph({ composed, services, answers: parts.metadata, ran: way => parts.metrics?.ran(way) })
    await settleDefinitions(parts.store, held)
    return { ...assembled, subgraphs, supergraph }
  } catch (error) {
    await letGo(opened, previous, parts.store)
    await restoreDefinitions(parts.store, before)
    throw error
  }
}

async function loadRegions(scope: Scope, { catalog, model, held }: Assembled, parts: Parameters<typeof loadRegion>[4] & Pick<AssemblyParts, 'consumer'>, previous: Held): Promise<void> {
  const findings: Finding[] = []
  const entries = [...catalog.regions, ...catalog.views]
  // What already serves last, so that it keeps its rows when another cannot be loaded; tables before views, which may read them.
  const serving = new Set([...previous.held.values()].map(one => one.region))
  const order = (entity: Model['entities'][number]) => Number(serving.has(held.get(entity.name)?.region as Region)) * 2 + Number(entity.kind === 'view')
  for (const entity of model.entities.toSorted((a, b) => order(a) - order(b))) {
    const one = held.get(entity.name)
    const entry = entries.find(other => other.name === entity.name)
    if (!one || !entry || !entity.complete || one.loadedAtMs !== undefined || (entity.kind === 'region' && !entity.load)) continue
    try {
      if ('load' in entry && (await isKeptElsewhere(scope, entry, one.region, parts.sources, parts.consumer.name))) {
        // Of what moment its rows are is told by the feed.
        Object.assign(one, { loadedAtMs: parts.clock.now(), asOfMs: 0 })
        continue
      }
      await loadRegion(scope, entity, entry, one, parts, !previous.held.has(entity.name))
    } catch (error) {
      if (!(error instanceof HubError)) throw error
      findings.push({ path: [entity.kind === 'region' ? 'regions' : 'views', entity.name], message: error.message })
    }
  }
  refuse(findings)
}

/** Closes what only the first of the two has. Regions that clients filled keep their entries. */
export async function letGo(old: Held, next: Held, store: RegionStore): Promise<void> {
  const kept = new Set([...next.held.values()].map(held => held.region))
  for (const { source, connector } of old.sources) if (!next.sources.some(one => one.connector === connector)) await connector.close().catch((cause: unknown) => Promise.reject(new Error(`Source "${source.name}" did not close.`, { cause })))
  for (const { service } of old.foreign) if (!next.foreign.some(one => one.service.close === service.close)) await service.close?.()
  for (const { region } of old.held.values()) if (!kept.has(region) && !region.definition.durable) await store.drop(region.definition.name)
}

/** What several assemblies have, as one. */
export function together(assemblies: readonly Held[]): Held {
  return {
    sources: assemblies.flatMap(one => one.sources),
    foreign: assemblies.flatMap(one => one.foreign),
    held: new Map(assemblies.flatMap((one, index) => [...one.held].map(([name, held]) => [`${index} ${name}`, held] as const))),
  }
}

/** Names in the store of regions whose place another one took. */
export function superseded(old: Held, next: Held): string[] {
  return [...old.held].flatMap(([name, { region }]) => (next.held.has(name) && next.held.get(name)?.region !== region ? [region.definition.name] : []))
}
