import type { Catalog, Relation, RelationEnd, RegionEntry, ViewEntry } from './catalog.ts'
import { compares } from './filter.ts'
import type { Finding, Path } from './findings.ts'
import { isSoleKey, keysOf, plural, type EntityModel, type FieldModel, type ForeignEntity, type ForeignKey, type Link } from './model.ts'
import { camelCase, didYouMean } from './names.ts'
import { columnTypes, type Column, type ColumnType } from './values.ts'

/** What was derived, or why it could not be: findings with paths into the catalog. */
export interface Derived<T> {
  readonly value?: T
  readonly findings: readonly Finding[]
}

/** A region's entity: its declared fields, with what they leave open taken from the columns it is loaded from; without fields all of those columns. */
export function regionEntity(entry: RegionEntry, columns: readonly Column[] | undefined): Derived<EntityModel> {
  const path = ['regions', entry.name]
  const chosen = chosenColumns(entry, columns, path)
  const { load } = entry
  const fields = (chosen.value ?? []).map(field => (entry.key.includes(field.name) ? { ...field, nullable: false } : field))
  const findings = [...chosen.findings, ...(chosen.value ? fieldFindings(entry, fields, path) : [])]
  if (findings.length > 0) return { findings }
  return {
    findings,
    value: {
      kind: 'region', name: entry.name, description: entry.description, type: entry.type, key: entry.key, fields, ...graphNames(entry), arguments: entry.arguments,
      writable: load === undefined, complete: load === undefined || 'view' in load || load.eager, tenancy: entry.tenancy,
      load: load && ('view' in load ? { source: 'hub', table: load.view } : { source: load.source, table: load.table }),
    },
  }
}

/** A view's entity from the columns its statement answers. Columns of the key count as never null. */
export function viewEntity(entry: ViewEntry, columns: readonly Column[]): Derived<EntityModel> {
  const path = ['views', entry.name]
  const fields = columns.map((column): FieldModel => ({
    ...column, field: camelCase(column.name), nullable: column.nullable && !entry.key.includes(column.name), description: entry.descriptions[column.name] ?? column.description,
  }))
  const unknown = Object.keys(entry.descriptions).filter(name => !columns.some(column => column.name === name))
  const findings = [
    ...fieldFindings(entry, fields, path),
    ...unknown.map(name => ({ path: [...path, 'descriptions', name], at: 'key' as const, message: `The view answers no column "${name}".${didYouMean(name, columns.map(column => column.name))}` })),
  ]
  if (findings.length > 0) return { findings }
  return {
    findings,
    value: {
      kind: 'view', name: entry.name, description: entry.description, type: entry.type, key: entry.key, fields, ...graphNames(entry), arguments: entry.arguments, writable: false,
      complete: entry.materialize !== undefined, tenancy: 'SHARED', sql: entry.sql,
    },
  }
}

/** Both directions of every relation. */
export function linksOf(relations: Catalog['relations'], entities: readonly EntityModel[], foreign: readonly ForeignEntity[]): Derived<readonly Link[]> {
  const findings: Finding[] = []
  const links: Link[] = []
  for (const [index, relation] of relations.entries()) {
    const from = endOf(relation.from, entities, foreign, ['relations', index, 'from'])
    const to = endOf(relation.to, entities, foreign, ['relations', index, 'to'])
    findings.push(...from.findings, ...to.findings)
    if (!from.value || !to.value) continue
    const unanswered = foreignFindings(relation, from.value, to.value, ['relations', index])
    findings.push(...unanswered)
    if (unanswered.length > 0) continue
    if (!comparable(from.value, to.value)) {
      findings.push({ path: ['relations', index], message: `${said(relation.from)} is ${from.value.type} and ${said(relation.to)} is ${to.value.type}: the two never equal. Relate columns of one type, with CAST in a view's SQL where needed.` })
      continue
    }
    links.push(...linksOfRelation(relation, from.value, to.value))
  }
  return { value: links, findings: [...findings, ...collisions(links, entities, foreign)] }
}

interface End {
  readonly entity?: EntityModel
  /** Where the type is of a subgraph somewhere else. */
  readonly foreign?: ForeignEntity
  readonly column: string
  readonly type: ColumnType | 'ID'
}

/** What of a relation to or from a foreign type the hub could not answer. */
function foreignFindings(relation: Relation, from: End, to: End, path: Path): Finding[] {
  if (from.foreign && to.foreign) {
    return [{ path, message: `${relation.from.type} and ${relation.to.type} are both of foreign subgraphs, whose rows the hub does not have. Relate a region or a view, or let one of the subgraphs add the field.` }]
  }
  const named = to.foreign && keysOf(to.foreign).find(key => key.length === 1 && key[0]?.field === to.column)
  const findings = [...keyFindings(from.foreign, from.foreign?.key, [...path, 'from']), ...keyFindings(to.foreign, named, [...path, 'to'])]
  if (to.foreign && !named) {
    const keys = keysOf(to.foreign).map(key => `"${key.map(one => one.field).join(' ')}"`).join(' or ')
    findings.push({ path: [...path, 'to'], message: `The subgraph "${to.foreign.subgraph}" finds a ${relation.to.type} by its key alone, which is ${keys}, and not by "${to.column}". Relate to a key of one field.` })
  }
  if (from.foreign && relation.inverse !== undefined) {
    const wayOut = `Leave it out, and let that subgraph add it to ${relation.to.type}, by its key.`
    findings.push({ path: [...path, 'inverse'], message: `The inverse "${relation.inverse}" would answer ${plural(relation.from.type)}, which only the subgraph "${from.foreign.subgraph}" can find. ${wayOut}` })
  }
  return findings
}

/** A key is sent in the types it has: those must be types of ours. */
function keyFindings(foreign: ForeignEntity | undefined, key: ForeignKey = [], path: Path): Finding[] {
  const unknown = key.filter(one => !isKnownType(nameOf(one.type)))
  return unknown.map(one => ({ path, message: `The key of ${foreign?.type}, of the subgraph "${foreign?.subgraph}", holds ${one.field}: ${one.type}, a type the hub does not know. A relation needs a key of ID, String, Int or another of its scalars.` }))
}

function isKnownType(name: string): boolean {
  return name === 'ID' || (columnTypes as readonly string[]).includes(name)
}

/** `[Int!]!` → `Int`. */
function nameOf(graphQlType: string): string {
  return graphQlType.replace(/[![\]]/g, '')
}

function linksOfRelation(relation: Relation, from: End, to: End): Link[] {
  const forward: Link = { source: relation.from.type, sourceColumn: from.column, target: relation.to.type, targetColumn: to.column, field: relation.as, many: false }
  if (relation.inverse === undefined || !from.entity) return [forward]
  const many = !isSoleKey(from.entity, from.column)
  return [forward, { source: relation.to.type, sourceColumn: to.column, target: relation.from.type, targetColumn: from.column, field: relation.inverse, many }]
}

function endOf(end: RelationEnd, entities: readonly EntityModel[], foreign: readonly ForeignEntity[], path: Path): Derived<End> {
  const entity = entities.find(one => one.type === end.type)
  if (entity) {
    const field = entity.fields.find(one => one.name === end.column) ?? entity.fields.find(one => one.field === end.column)
    if (field) return { value: { entity, column: field.name, type: field.type }, findings: [] }
    return { findings: [{ path, message: `${end.type} has no column "${end.column}".${didYouMean(end.column, entity.fields.map(one => one.name))}` }] }
  }
  const outside = foreign.find(one => one.type === end.type)
  const field = (outside ? [...keysOf(outside).flat(), ...outside.fields] : []).find(one => one.field === end.column)
  if (field) return { value: { foreign: outside, column: field.field, type: nameOf(field.type) as End['type'] }, findings: [] }
  if (outside) return { findings: [{ path, message: `${end.type} of the subgraph "${outside.subgraph}" has no field "${end.column}".${didYouMean(end.column, outside.fields.map(one => one.field))}` }] }
  const known = [...entities.map(one => one.type), ...foreign.map(one => one.type)]
  return { findings: [{ path, message: `There is no type "${end.type}".${didYouMean(end.type, known)}` }] }
}

const families: Partial<Record<End['type'], string>> = { Int: 'number', Long: 'number', Float: 'number', Decimal: 'number' }
/** What a foreign ID may be the text of. */
const idTypes: ReadonlySet<End['type']> = new Set(['String', 'UUID', 'Int', 'Long'])

function comparable({ type: a }: End, { type: b }: End): boolean {
  if (a === 'ID' || b === 'ID') return idTypes.has(a === 'ID' ? b : a)
  return (families[a] ?? a) === (families[b] ?? b)
}

function said(end: RelationEnd): string {
  return `${end.type}.${end.column}`
}

/** A link's field must be new on its type. */
function collisions(links: readonly Link[], entities: readonly EntityModel[], foreign: readonly ForeignEntity[]): Finding[] {
  const taken = new Map([...foreign.map(one => [one.type, new Set([...keysOf(one).flat(), ...one.fields].map(field => field.field))] as const), ...entities.map(entity => [entity.type, new Set(entity.fields.map(field => field.field))] as const)])
  return links.flatMap(link => {
    const names = taken.get(link.source)
    if (!names) return []
    if (names.has(link.field)) {
      const also = camelCase(link.target)
      return [{ path: ['relations'], message: `${link.source} has a field "${link.field}" already. Call the relation otherwise${names.has(also) ? '' : `: "${also}", for example`}.` }]
    }
    names.add(link.field)
    return []
  })
}

function chosenColumns(entry: RegionEntry, columns: readonly Column[] | undefined, path: Path): Derived<readonly FieldModel[]> {
  const known = new Map((columns ?? []).map(column => [column.name, column]))
  const unknown = (name: string, place: Path): Finding => ({ path: place, message: `${loadedFrom(entry)} has no column "${name}".${didYouMean(name, known.keys())}` })
  if (entry.fields) {
    const findings: Finding[] = []
    const fields = entry.fields.flatMap(({ name, field, type, nullable, id, description }): FieldModel[] => {
      const column = known.get(name)
      if (columns && !column) findings.push(unknown(name, [...path, 'fields', field]))
      const stored = type ?? column?.type
      if (stored === undefined) return []
      if (type && column && type !== column.type) {
        findings.push({ path: [...path, 'fields', field], message: `"${field}" is declared ${type}, but ${loadedFrom(entry)} has ${column.type} in "${name}". Leave the type out, or load a view that casts.` })
      }
      return [{ name, field, type: stored, nullable: nullable ?? column?.nullable ?? true, id: id || undefined, description: description ?? column?.description }]
    })
    return { value: findings.length === 0 ? fields : undefined, findings }
  }
  if (!columns) return { findings: [{ path, message: 'A region without a source needs its fields declared: fields: { code: "ID!", note: "String" }.' }] }
  const load = entry.load && 'source' in entry.load ? entry.load.columns : undefined
  const missing = (load ?? []).filter(name => !known.has(name)).map((name, index) => unknown(name, [...path, 'load', 'columns', index]))
  const taken = load ? columns.filter(column => load.includes(column.name)) : columns
  return { value: missing.length === 0 ? taken.map(column => ({ ...column, field: camelCase(column.name) })) : undefined, findings: missing }
}

function loadedFrom(entry: RegionEntry): string {
  if (!entry.load) return `Region "${entry.name}"`
  return 'view' in entry.load ? `View "${entry.load.view}"` : `Table "${entry.load.source}.${entry.load.table}"`
}

/** Key and index columns exist, and no two columns have one name in the graph. */
function fieldFindings(entry: RegionEntry | ViewEntry, fields: readonly FieldModel[], path: Path): Finding[] {
  const names = new Set(fields.map(field => field.name))
  const lacking = (columns: readonly string[], place: Path) =>
    columns.filter(column => !names.has(column)).map((column): Finding => ({ path: place, message: `"${entry.name}" has no column "${column}".${didYouMean(column, names)}` }))
  const findings = lacking(entry.key, [...path, 'key'])
  for (const column of entry.key) {
    if (fields.find(field => field.name === column)?.type === 'JSON') findings.push({ path: [...path, 'key'], message: `Column "${column}" is JSON, which names no row. Key by a column of a plain type.` })
  }
  if ('indexes' in entry) findings.push(...entry.indexes.flatMap((columns, index) => lacking(columns, [...path, 'indexes', index])))
  if ('tenantColumn' in entry && entry.tenantColumn) findings.push(...lacking([entry.tenantColumn], [...path, 'tenantColumn']))
  findings.push(...argumentFindings(entry, fields, [...path, 'arguments']))
  for (const [field, several] of Map.groupBy(fields, one => one.field)) {
    if (several.length > 1) findings.push({ path, message: `Columns ${several.map(one => `"${one.name}"`).join(' and ')} would both be the field "${field}". Rename one of them, in fields or by AS in the SQL.` })
  }
  for (const { name, field } of fields) {
    if (filterWords.has(field)) findings.push({ path, message: `Column "${name}" would be the field "${field}", a word of filters. Rename it, in fields or by AS in the SQL.` })
  }
  if (fields.length === 0) findings.push({ path, message: `"${entry.name}" has no columns.` })
  return findings
}

/** Arguments compare with columns there are, in ways their types have. */
function argumentFindings(entry: RegionEntry | ViewEntry, fields: readonly FieldModel[], path: Path): Finding[] {
  return entry.arguments.flatMap(({ name, column, op }): Finding[] => {
    const place = [...path, name]
    const type = fields.find(field => field.name === column)?.type
    if (type === undefined) return [{ path: place, message: `"${entry.name}" has no column "${column}".${didYouMean(column, fields.map(field => field.name))}` }]
    if (compares(type, op)) return []
    return [{ path: place, message: `Column "${column}" is ${type}, which has no comparison "${op}".${type === 'Boolean' ? ' There are: eq, ne.' : ' Compare a column of a plain type.'}` }]
  })
}

/** Members every filter has of its own. */
const filterWords: ReadonlySet<string> = new Set(['and', 'or', 'not'])

function graphNames(entry: { readonly name: string; readonly type: string }): Pick<EntityModel, 'listField' | 'lookupField'> {
  return { listField: camelCase(entry.name), lookupField: camelCase(entry.type) }
}
