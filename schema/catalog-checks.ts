import type { Catalog, RegionEntry, RelationEnd, ViewEntry } from './catalog.ts'
import { notYet, relationInput } from './catalog-input.ts'
import { graphNames, nameProblem, reservedNames, reservedSources, reservedSubgraphs, type GraphName } from './catalog-names.ts'
import { fieldOfPath, pathProblem } from './endpoint.ts'
import { valueAt, type Finding, type Path } from './findings.ts'
import { didYouMean } from './names.ts'

/** Names that are none, sections that are not there yet: what can be said of the input whatever its form. */
export function inputChecks(input: unknown): Finding[] {
  const found: Finding[] = []
  for (const section of Object.keys(notYet.sections)) {
    if (valueAt(input, [section]) !== undefined) found.push({ path: [section], at: 'key', message: notYet.sections[section] ?? '' })
  }
  for (const section of ['sources', 'regions', 'views', 'subgraphs']) {
    for (const name of namesOf(input, section)) {
      const problem = nameProblem(name) ?? reservedEntries[section]?.(name)
      if (problem !== undefined) found.push({ path: [section, name], at: 'key', message: `"${name}" ${problem}` })
    }
  }
  for (const name of namesOf(input, 'endpoints')) {
    const problem = pathProblem(name)
    if (problem !== undefined) found.push({ path: ['endpoints', name], at: 'key', message: `"${name}" ${problem}` })
  }
  return [...found, ...prototypeKeys(input, [])]
}

const reservedEntries: Readonly<Record<string, (name: string) => string | undefined>> = {
  sources: name => (reservedSources.has(name.toLowerCase()) ? `is a name SQL keeps for itself. Call it "${name}_source", for example.` : undefined),
  subgraphs: name => (reservedSubgraphs.has(name.toLowerCase()) ? `is a subgraph of the hub itself. Call it "${name}_remote", for example.` : undefined),
}

/** What the entries say wrongly of each other. `input` knows the names of entries that have mistakes of their own and are not in the catalog. */
export function catalogChecks(catalog: Catalog, input: unknown): Finding[] {
  return [...loadChecks(catalog, input), ...tableNameChecks(input), ...graphNameChecks(catalog), ...relationChecks(catalog, input), ...endpointChecks(catalog, input)]
}

function loadChecks(catalog: Catalog, input: unknown): Finding[] {
  return catalog.regions.flatMap(({ name, load }): Finding[] => {
    if (!load) return []
    const [kind, section, wanted] = 'view' in load ? (['view', 'views', load.view] as const) : (['source', 'sources', load.source] as const)
    const known = namesOf(input, section)
    if (known.includes(wanted)) return followable(catalog, name, load)
    const hint = didYouMean(wanted, known) || (known.length === 0 ? ` There are no ${section}.` : ` There are: ${known.join(', ')}.`)
    return [{ path: ['regions', name, 'load', kind], message: `There is no ${kind} "${wanted}".${hint}` }]
  })
}

/** Types of sources that tell of their commits. */
const telling: ReadonlySet<string> = new Set(['postgresql'])

function followable(catalog: Catalog, region: string, load: NonNullable<RegionEntry['load']>): Finding[] {
  const source = 'source' in load && load.follow ? catalog.sources.find(one => one.name === load.source) : undefined
  if (!source || telling.has(source.type)) return []
  return [{ path: ['regions', region, 'load', 'follow'], message: `Source "${source.name}" is of type ${source.type}, which does not tell of its commits; ${[...telling].join(', ')} does. Leave "follow" out${source.type === 'files' ? ': files that change are read again anyway' : ', and have it read again on time: every: PT1M with eager: true'}.` }]
}

/** Regions and views share the tables of SQL, where letter case does not tell names apart; sources are SQL's catalogs. */
function tableNameChecks(input: unknown): Finding[] {
  const unique = (sections: readonly string[]): Finding[] => {
    const seen = new Map<string, Path>()
    return sections.flatMap(section =>
      namesOf(input, section).flatMap((name): Finding[] => {
        const other = seen.get(name.toLowerCase())
        if (!other) {
          seen.set(name.toLowerCase(), [section, name])
          return []
        }
        const how = other[1] === name ? 'is the name of' : 'differs only in letter case from'
        const proposal = section === 'views' ? `${name}_view` : `${name}_2`
        return [{ path: [section, name], at: 'key', message: `"${name}" ${how} ${other.join('.')}, and SQL could not tell them apart. Call it "${proposal}", for example.` }]
      }),
    )
  }
  return [...unique(['regions', 'views']), ...unique(['sources']), ...unique(['subgraphs'])]
}

interface Named {
  readonly kind: 'region' | 'view'
  readonly entry: RegionEntry | ViewEntry
  readonly path: Path
}

function graphNameChecks(catalog: Catalog): Finding[] {
  const entries: Named[] = [
    ...catalog.regions.map((entry): Named => ({ kind: 'region', entry, path: ['regions', entry.name] })),
    ...catalog.views.map((entry): Named => ({ kind: 'view', entry, path: ['views', entry.name] })),
  ]
  const taken = new Map<string, string>()
  return entries.flatMap(named => {
    const collisions = new Map<GraphName['by'], Finding>()
    const { entry } = named
    const kept = !('sql' in entry) || entry.materialize !== undefined
    const names = graphNames(entry.name, entry.type, { kept, writable: !('sql' in entry) && !entry.load })
    for (const graphName of names) {
      const { space, name, by } = graphName
      const id = `${space}.${name}`
      const other = reservedNames[space].has(name) ? 'the graph itself' : taken.get(id)
      if (other === undefined) taken.set(id, named.path.join('.'))
      else if (!collisions.has(by) && !isSaidElsewhere(named, graphName, other)) collisions.set(by, collision(named, graphName, other))
    }
    return [...collisions.values()]
  })
}

/** A reserved type is the entry's own mistake; entries whose names are one in SQL are told so there. */
function isSaidElsewhere({ entry, path }: Named, { space, name, by }: GraphName, other: string): boolean {
  if (by === 'entry') return other !== path.join('.') && other.toLowerCase().endsWith(`.${entry.name.toLowerCase()}`)
  return space === 'type' && name === entry.type && reservedNames.type.has(name)
}

function collision({ kind, entry, path }: Named, { space, name, by }: GraphName, other: string): Finding {
  const what = space === 'type' ? `the type "${name}"` : `the ${space} field "${name}"`
  const self = other === path.join('.')
  const proposal = by === 'type' ? `type "${entry.type}${kind === 'region' ? 'Entry' : 'View'}"` : `"${entry.name}_${kind === 'region' ? 'entries' : 'view'}"`
  return {
    path: by === 'type' ? [...path, 'type'] : path,
    ...(by === 'entry' && { at: 'key' as const }),
    message: `${self ? 'Its list and its look-up would both be' : 'In the graph it would be'} ${what}${self ? '' : `, which ${other} has already`}. Call it ${proposal}, for example.`,
  }
}

/** Ends that name declared types and columns, and fields nobody else has. With foreign subgraphs, types they may own are left to composition. */
function relationChecks(catalog: Catalog, input: unknown): Finding[] {
  const entries = new Map([...catalog.regions, ...catalog.views].map(entry => [entry.type, entry]))
  const open = namesOf(input, 'subgraphs').length > 0 || entries.size < namesOf(input, 'regions').length + namesOf(input, 'views').length
  const fields = new Map<string, string>()
  for (const { type, fields: declared } of catalog.regions) for (const { field } of declared ?? []) fields.set(`${type}.${field}`, `a field of ${type}`)

  const places = relationPlaces(input)
  return catalog.relations.flatMap((relation, index): Finding[] => {
    const path = ['relations', places[index] ?? index]
    const found = [...endChecks(relation.from, [...path, 'from'], entries, open), ...endChecks(relation.to, [...path, 'to'], entries, open)]
    const add = (type: string, member: 'as' | 'inverse') => {
      const field = relation[member]
      if (field === undefined) return
      const other = fields.get(`${type}.${field}`)
      if (other === undefined) fields.set(`${type}.${field}`, `relations[${path[1]}].${member}`)
      else found.push({ path: [...path, member], message: `${type}.${field} is ${other} already. Call it "${field}${member === 'as' ? relation.to.type : relation.from.type}", for example.` })
    }
    add(relation.from.type, 'as')
    add(relation.to.type, 'inverse')
    return found
  })
}

function endChecks(end: RelationEnd, path: Path, entries: ReadonlyMap<string, RegionEntry | ViewEntry>, open: boolean): Finding[] {
  const entry = entries.get(end.type)
  if (!entry) {
    if (open) return []
    return [{ path, message: `There is no type "${end.type}".${didYouMean(end.type, entries.keys()) || (entries.size === 0 ? ' No region or view is declared.' : ` There are: ${[...entries.keys()].join(', ')}.`)}` }]
  }
  const columns = 'fields' in entry ? entry.fields?.map(field => field.name) : undefined
  const isField = 'fields' in entry && entry.fields?.some(field => field.field === end.column)
  if (!columns || isField || columns.includes(end.column)) return []
  return [{ path, message: `Type "${end.type}" has no column "${end.column}".${didYouMean(end.column, columns) || ` There are: ${columns.join(', ')}.`}` }]
}

/** Regions that are there, and paths that stay apart as fields of the graph. */
function endpointChecks(catalog: Catalog, input: unknown): Finding[] {
  const known = namesOf(input, 'regions')
  const fields = new Map<string, string>()
  return catalog.endpoints.flatMap(({ name, cacheRegions }): Finding[] => {
    const found = cacheRegions.flatMap((region, index): Finding[] => {
      if (known.includes(region)) return []
      const hint = didYouMean(region, known) || (known.length === 0 ? ' There are no regions.' : ` There are: ${known.join(', ')}.`)
      return [{ path: ['endpoints', name, 'cacheRegions', index], message: `There is no region "${region}".${hint}` }]
    })
    const field = fieldOfPath(name)
    const other = fields.get(field)
    if (other === undefined) fields.set(field, name)
    else found.push({ path: ['endpoints', name], at: 'key', message: `In the graph it would be the field "${field}", as "${other}" is already. Give it another path.` })
    return found
  })
}

/** Where in the input each relation of the catalog stands: those with mistakes of form are not in it. */
function relationPlaces(input: unknown): number[] {
  const written = valueAt(input, ['relations'])
  return Array.isArray(written) ? written.flatMap((one, index) => (relationInput.safeParse(one).success ? [index] : [])) : []
}

function namesOf(input: unknown, section: string): string[] {
  const value = valueAt(input, [section])
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : []
}

/** Members whose names the author chooses, beside those of the sections. */
const freeNames: ReadonlySet<string> = new Set(['fields', 'arguments', 'tables', 'headers', 'descriptions'])

/** `__proto__` is dropped by whoever copies a map; nothing may be called so. */
function prototypeKeys(value: unknown, path: Path): Finding[] {
  // Nothing of the declared form is deeper; the schema refuses the rest.
  if (typeof value !== 'object' || value === null || path.length > 8) return []
  return Object.entries(value).flatMap(([key, member]) => {
    const place = [...path, Array.isArray(value) ? Number(key) : key]
    const own: Finding[] = key === '__proto__' && freeNames.has(String(path.at(-1))) ? [{ path: place, at: 'key', message: '"__proto__" cannot be a name here.' }] : []
    return [...own, ...prototypeKeys(member, place)]
  })
}
