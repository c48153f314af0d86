import type { RegionInput, RelationInput, SourceInput, ViewInput } from './catalog-input.ts'
import { graphNames, nameProblem, reservedNames, singular } from './catalog-names.ts'
import { camelCase, lowerFirst, pascalCase, upperFirst } from './names.ts'
import { proposeRelations } from './propose-relations.ts'
import type { Column, ColumnType } from './values.ts'

/** What was found of one table of a source. */
export interface FoundTable {
  readonly name: string
  readonly columns: readonly Column[]
  /** Primary key; empty where the source knows none. */
  readonly key: readonly string[]
  readonly foreignKeys: readonly { readonly columns: readonly string[]; readonly table: string; readonly references: readonly string[] }[]
  readonly description?: string
  /** Columns without a null and without a value met twice, found by counting. They stand in for a key where there is none. */
  readonly unique?: readonly string[]
}

/** A catalog as it is written, and what of the source it does not show. */
export interface ProposedCatalog {
  readonly sources: Record<string, SourceInput>
  readonly regions: Record<string, RegionInput>
  readonly views: Record<string, ViewInput>
  readonly relations: RelationInput[]
  /** Tables and foreign keys that are no part of it, each with the reason as a sentence. */
  readonly leftOut: readonly { readonly table: string; readonly reason: string }[]
}

/** A table that becomes a region, with the names found for it. */
export interface ProposedRegion {
  readonly table: FoundTable
  readonly name: string
  readonly type: string
  readonly key: readonly string[]
  /** By column: its field in the graph. */
  readonly fields: ReadonlyMap<string, string>
}

/**
 * A catalog that shows the tables and starts as it is: every table with a key, or with a column that could be one, as a region; every foreign key of one column
 * as a relation. Names are those of the tables, changed only where they could not stand. Tables without a key stay readable in SQL as `source.table`.
 */
export function proposeCatalog(tables: readonly FoundTable[], sourceName: string, source?: SourceInput): ProposedCatalog {
  const leftOut: { table: string; reason: string }[] = []
  const taken = new Set<string>()
  const chosen = tables.flatMap((table): ProposedRegion[] => {
    const key = keyOf(table)
    if (key.length > 0) return [{ table, ...freeNames(table.name, taken), key, fields: fieldsOf(table.columns) }]
    leftOut.push({ table: table.name, reason: `It has no key, and no column names one row. It can be read in SQL as ${sourceName}.${table.name}; a view with a key shows it in the graph.` })
    return []
  })
  const { relations, indexes, leftOut: unrelated } = proposeRelations(chosen)
  return {
    sources: source ? { [sourceName]: source } : {},
    regions: Object.fromEntries(chosen.map(region => [region.name, regionInput(region, sourceName, indexes.get(region.name) ?? [])])),
    views: {},
    relations,
    leftOut: [...leftOut, ...unrelated],
  }
}

function regionInput({ table, type, key, fields }: ProposedRegion, source: string, indexes: readonly string[]): RegionInput {
  const renamed = table.columns.some(({ name }) => fields.get(name) !== camelCase(name))
  return {
    type,
    ...(table.description?.trim() ? { description: table.description.trim() } : {}),
    key: key.length === 1 && key[0] !== undefined ? key[0] : [...key],
    load: { source, table: table.name },
    ...(renamed ? { fields: Object.fromEntries(table.columns.map(({ name }) => [fields.get(name) ?? name, { column: name }])) } : {}),
    ...(indexes.length > 0 ? { indexes: [...indexes] } : {}),
  }
}

const keyTypes: readonly ColumnType[] = ['Int', 'Long', 'UUID', 'String', 'Decimal', 'Date', 'DateTime', 'LocalDateTime', 'Time', 'Boolean']

/** The primary key, else the one column most like a key. */
function keyOf({ name, columns, key, unique = [] }: FoundTable): readonly string[] {
  const typeOf = new Map(columns.map(column => [column.name, column.type]))
  const usable = (column: string) => keyTypes.includes(typeOf.get(column) ?? 'JSON')
  if (key.length > 0) return key.every(usable) ? key : []
  const one = singular(name).toLowerCase()
  const likeness = (column: string): number => {
    const plain = column.toLowerCase().replace(/[^a-z0-9]/g, '')
    if (plain === 'id') return 0
    if (plain === `${one.replace(/[^a-z0-9]/g, '')}id`) return 1
    if (/^(code|key|uuid|guid)$/.test(plain)) return 2
    return /(id|code|key|no|number)$/.test(plain) ? 3 : 4
  }
  const ranked = unique.filter(usable).map(column => ({ column, likeness: likeness(column), type: keyTypes.indexOf(typeOf.get(column) ?? 'JSON') }))
  const [best] = ranked.sort((a, b) => a.likeness - b.likeness || a.type - b.type)
  return best ? [best.column] : []
}

/** A name for the region and one for its type under which nothing in the graph or in SQL meets anything else. Marks them as taken. */
function freeNames(table: string, taken: Set<string>): { name: string; type: string } {
  const plain = table.replace(/[^A-Za-z0-9_]+/g, '_').replace(/^_+|_+$/g, '').slice(0, 50) || 'table'
  const letter = /^[A-Za-z]/.test(plain) ? plain : `t_${plain}`
  const base = nameProblem(letter) === undefined ? letter : `${letter}_data`
  for (let count = 1; ; count++) {
    const name = count === 1 ? base : `${base}_${count}`
    for (const suffix of ['', 'Entry']) {
      const type = `${upperFirst(pascalCase(singular(base)))}${count === 1 ? '' : count}${suffix}`
      const names = graphNames(name, type, { kept: true, writable: true })
      const places = [`sql ${name.toLowerCase()}`, ...names.map(one => `${one.space} ${one.name}`)]
      const own = new Set(places).size === places.length
      const possible = /^[A-Z][A-Za-z0-9_]{0,58}$/.test(type) && names.every(one => !reservedNames[one.space].has(one.name))
      if (!own || !possible || places.some(place => taken.has(place))) continue
      for (const place of places) taken.add(place)
      return { name, type }
    }
  }
}

/** Words a filter uses itself. */
const filterWords = ['and', 'or', 'not']

function fieldsOf(columns: readonly Column[]): Map<string, string> {
  const used = new Set<string>(filterWords)
  const fields = new Map<string, string>()
  columns.forEach(({ name }, index) => {
    const wanted = lowerFirst(camelCase(name).replace(/^_+/, ''))
    const base = /^[a-z][A-Za-z0-9_]*$/.test(wanted) ? wanted : camelCase(name) === '_' ? `column${index + 1}` : `c${wanted}`
    let field = base
    for (let count = 2; used.has(field); count++) field = `${base}${count}`
    used.add(field)
    fields.set(name, field)
  })
  return fields
}
