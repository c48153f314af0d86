import { parseEntry, type Catalog, type CatalogDefaults } from '../../schema/catalog.ts'
import { catalogChecks } from '../../schema/catalog-checks.ts'
import { HubError } from '../../schema/errors.ts'
import { pathText, type Finding } from '../../schema/findings.ts'
import type { Json } from '../../schema/values.ts'
import type { CatalogEntry, EntryKind } from '../../connectors/ports/metadata-store.ts'
import { withinReach, type Reach } from './reach.ts'

/** What files declare: ready to use, and as written. */
export interface FileCatalog {
  readonly catalog: Catalog
  readonly written: Readonly<Record<string, unknown>>
}

export type ApiEntry = Pick<CatalogEntry, 'kind' | 'name' | 'definition'>

const sections = { source: 'sources', region: 'regions', view: 'views', relation: 'relations', subgraph: 'subgraphs', endpoint: 'endpoints' } as const satisfies Record<EntryKind, string>

/** Path of an entry in the catalog: `regions.airports`. */
export function placeOf({ kind, name }: Pick<ApiEntry, 'kind' | 'name'>): string {
  return pathText([sections[kind], name])
}

/** Whether files declare an entry of this name. */
export function isFromFiles(files: FileCatalog, kind: EntryKind, name: string): boolean {
  return kind !== 'relation' && files.catalog[sections[kind]].some(entry => 'name' in entry && entry.name === name)
}

/** Files and API entries as one catalog, with what the two say of each other checked. A name both declare is the files'. What an API entry may not reach → FORBIDDEN. */
export async function declaredCatalog(files: FileCatalog, entries: readonly ApiEntry[], defaults: CatalogDefaults, reach: Reach): Promise<{ catalog: Catalog; findings: readonly Finding[] }> {
  const own = entries.filter(entry => !isFromFiles(files, entry.kind, entry.name))
  const used = await Promise.all(own.map(entry => withinReach(entry, reach)))
  const of = <Kind extends EntryKind>(kind: Kind) => used.filter(entry => entry.kind === kind).map(entry => parseEntry(kind, entry.name, entry.definition, defaults))
  const catalog: Catalog = {
    sources: [...files.catalog.sources, ...of('source')],
    regions: [...files.catalog.regions, ...of('region')],
    views: [...files.catalog.views, ...of('view')],
    relations: [...files.catalog.relations, ...of('relation')],
    subgraphs: [...files.catalog.subgraphs, ...of('subgraph')],
    endpoints: [...files.catalog.endpoints, ...of('endpoint')],
  }
  const written = writtenTogether(files.written, own)
  return { catalog, findings: catalogChecks(catalog, written) }
}

function writtenTogether(files: FileCatalog['written'], entries: readonly ApiEntry[]): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...files }
  for (const { kind, name, definition } of entries) {
    const section = sections[kind]
    if (kind === 'relation') merged[section] = [...((merged[section] as Json[] | undefined) ?? []), definition]
    else merged[section] = { ...(merged[section] as Record<string, Json> | undefined), [name]: definition }
  }
  return merged
}

/** Regions and views are tables of one name space: a name another has → CONFLICT. */
export function refuseTaken({ regions, views }: Catalog, { kind, name }: ApiEntry): void {
  if (kind !== 'region' && kind !== 'view') return
  const taken = [...regions.map(one => ['region', one.name] as const), ...views.map(one => ['view', one.name] as const)]
  const other = taken.find(one => one[1].toLowerCase() === name.toLowerCase())
  if (other) throw new HubError('CONFLICT', `"${name}" is the name of the ${other[0]} "${other[1]}" already. Give the ${kind} another name.`, { kind, name })
}

/** A definition as it is stored: numbers JSON does not have become texts. */
export function plain(definition: Json): Json {
  return JSON.parse(JSON.stringify(definition, (_, value) => (typeof value === 'bigint' ? String(value) : value))) as Json
}
