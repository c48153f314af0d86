import type { DeclaredField, RegionEntry, Relation, ViewEntry } from './catalog.ts'
import { notYet, type RegionInput } from './catalog-input.ts'
import { nameProblem, reservedNames } from './catalog-names.ts'
import type { Finding, Path } from './findings.ts'
import { didYouMean, pascalCase } from './names.ts'

/** What an entry says wrongly of itself, beyond the form: one function a kind. `input` is the entry as written. */
export const entryChecks = { source: none, region: regionChecks, view: viewChecks, relation: relationChecks, subgraph: none }

function none(): Finding[] {
  return []
}

function regionChecks(region: RegionEntry, path: Path, input: RegionInput): Finding[] {
  return [
    ...typeChecks(region, path, input.type),
    ...columnListChecks(region.key, [...path, 'key'], region.fields),
    ...fieldChecks(region, [...path, 'fields'], Object.keys(input.fields ?? {})),
    ...indexChecks(region, [...path, 'indexes'], input),
    ...strategyChecks(region, [...path, 'strategies'], input),
    ...everyChecks(region, [...path, 'load', 'every']),
    ...tenancyChecks(region, path),
    ...(region.affinityKey === undefined ? [] : columnListChecks([region.affinityKey], [...path, 'affinityKey'], region.fields)),
  ]
}

function viewChecks(view: ViewEntry, path: Path, input: { type?: string }): Finding[] {
  const blank: Finding[] = view.sql.trim() === '' ? [{ path: [...path, 'sql'], message: 'The statement is blank; expected one SELECT.' }] : []
  return [...typeChecks(view, path, input.type), ...columnListChecks(view.key, [...path, 'key'], undefined), ...blank]
}

function relationChecks(relation: Relation, path: Path): Finding[] {
  return (['as', 'inverse'] as const).flatMap((member): Finding[] => {
    const name = relation[member]
    if (name === undefined) return []
    if (!/^[a-z][A-Za-z0-9_]*$/.test(name)) return [{ path: [...path, member], message: `"${name}" is not the name of a field: letters and digits, the first a small letter, such as "originAirport".` }]
    if (['and', 'or', 'not'].includes(name)) return [{ path: [...path, member], message: `"${name}" is taken: filters combine their conditions with it. Give the field another name.` }]
    return []
  })
}

function typeChecks({ name, type }: RegionEntry | ViewEntry, path: Path, written: string | undefined): Finding[] {
  // A type made from a name that is none has that one mistake only.
  if (written === undefined && nameProblem(name) !== undefined) return []
  const place: Pick<Finding, 'path' | 'at'> = written === undefined ? { path, at: 'key' } : { path: [...path, 'type'] }
  const pascal = pascalCase(type).slice(0, 58)
  const proposal = reservedNames.type.has(pascal) || pascal === type ? `${pascal}Entry` : pascal
  if (!/^[A-Z][A-Za-z0-9_]{0,62}$/.test(type)) {
    return [{ ...place, message: `"${type}" is not the name of a type: letters and digits, the first a capital, at most 63. Call it "${proposal}", for example.` }]
  }
  if (reservedNames.type.has(type)) return [{ ...place, message: `Type "${type}" is one of the graph's own. Call it "${proposal}", for example.` }]
  return []
}

/** A key or an index: no column twice, and each among the declared fields, where there are some. */
function columnListChecks(columns: readonly string[], path: Path, fields: readonly DeclaredField[] | undefined): Finding[] {
  const known = fields?.map(field => field.name)
  return columns.flatMap((column, index): Finding[] => {
    const place = columns.length === 1 ? path : [...path, index]
    if (columns.indexOf(column) < index) return [{ path: place, message: `Column "${column}" stands here twice.` }]
    if (known && known.length > 0 && !known.includes(column)) return [{ path: place, message: `Column "${column}" is not among the fields.${didYouMean(column, known) || ` There are: ${known.join(', ')}.`}` }]
    return []
  })
}

/** `names` are the fields' names as written, in their order. */
function fieldChecks(region: RegionEntry, path: Path, names: readonly string[]): Finding[] {
  const { fields, load, key } = region
  if (!fields) return load ? [] : [{ path: path.slice(0, -1), at: 'key', message: `Region "${region.name}" has neither "load" nor "fields": say where its entries come from, or which fields clients may write.` }]
  if (fields.length === 0) return [{ path, message: 'There is not one field; give at least those of the key.' }]

  const taken = load && 'source' in load ? load.columns : undefined
  const writtenName = new Map<string, string>()
  return fields.flatMap((field, index): Finding[] => {
    const found: Finding[] = []
    const name = names[index] ?? field.field
    const place = [...path, name]
    const other = writtenName.get(field.field)
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(field.field)) found.push({ path: place, at: 'key', message: `"${name}" is not the name of a field: letters, digits and "_", the first a letter.` })
    if (other !== undefined) found.push({ path: place, at: 'key', message: `Fields "${other}" and "${name}" are both "${field.field}" in the graph. Rename one, with "column" for the column it stands for.` })
    if (field.type === undefined && !load) found.push({ path: place, message: `Field "${name}" has no type, and there is no source to take it from.` })
    if (field.type === 'JSON' && key.includes(field.name)) found.push({ path: place, message: `Field "${name}" is part of the key and cannot be JSON.` })
    if (taken && !taken.includes(field.name)) found.push({ path: place, message: `Column "${field.name}" is not among the columns that "load" takes.${didYouMean(field.name, taken) || ` There are: ${taken.join(', ')}.`}` })
    writtenName.set(field.field, name)
    return found
  })
}

function indexChecks(region: RegionEntry, path: Path, input: RegionInput): Finding[] {
  const seen = new Map<string, number>()
  return region.indexes.flatMap((columns, index): Finding[] => {
    const place = [...path, index]
    const text = columns.join(', ')
    const first = seen.get(text)
    if (first !== undefined) return [{ path: place, message: `Index (${text}) stands here twice, first as indexes[${first}].` }]
    seen.set(text, index)
    const single = typeof input.indexes?.[index] === 'string' || columns.length > 1
    return columnListChecks(columns, single ? place : [...place, 0], region.fields)
  })
}

function everyChecks({ load }: RegionEntry, path: Path): Finding[] {
  if (!load || 'view' in load || load.eager || load.everyMs === undefined) return []
  return [{ path, message: '"every" reads all rows again, and this region holds those asked for. Add `eager: true`, or let entries expire: expiry: { create: PT10M }.' }]
}

function strategyChecks(region: RegionEntry, path: Path, input: RegionInput): Finding[] {
  const place = (index: number) => (Array.isArray(input.strategies) ? [...path, index] : path)
  return region.strategies.flatMap((strategy, index): Finding[] => {
    const refusal = notYet.strategies[strategy]
    if (region.strategies.indexOf(strategy) < index) return [{ path: place(index), message: `Strategy "${strategy}" stands here twice.` }]
    if (strategy === 'WRITE_BEHIND' && region.strategies.includes('WRITE_THROUGH')) return [{ path: place(index), message: 'WRITE_BEHIND stands beside WRITE_THROUGH: a write reaches the source at once or later, not both. Leave one out.' }]
    // Without a source there is nothing to do; the strategy is kept for the day there is one.
    return refusal === undefined || !region.load ? [] : [{ path: place(index), message: refusal }]
  })
}

function tenancyChecks(region: RegionEntry, path: Path): Finding[] {
  const { tenancy, tenantColumn, load, fields } = region
  if (tenantColumn === undefined) {
    if (tenancy !== 'TENANT' || !load) return []
    return [{ path: [...path, 'tenancy'], message: 'TENANT with "load" needs "tenantColumn": which column of the source says whose row it is.' }]
  }
  if (!load) return [{ path: [...path, 'tenantColumn'], message: '"tenantColumn" is for rows of a source; what clients write belongs to their own tenant. Leave it out.' }]
  if (tenancy === 'SHARED') return [{ path: [...path, 'tenantColumn'], message: '"tenantColumn" has no meaning in a SHARED region. Add `tenancy: TENANT`, or leave it out.' }]
  return columnListChecks([tenantColumn], [...path, 'tenantColumn'], fields)
}
