import type { DeclaredField, EndpointEntry, RegionEntry, Relation, ViewEntry } from './catalog.ts'
import { notYet, type RegionInput } from './catalog-input.ts'
import { nameProblem, reservedNames } from './catalog-names.ts'
import type { Finding, Path } from './findings.ts'
import type { ListArgument } from './model.ts'
import { camelCase, didYouMean, pascalCase } from './names.ts'
import { parsePattern, parseStatementTemplate, type TemplateMistake } from './template.ts'

/** What an entry says wrongly of itself, beyond the form: one function a kind. `input` is the entry as written. */
export const entryChecks = { source: none, region: regionChecks, view: viewChecks, relation: relationChecks, subgraph: none, endpoint: endpointChecks }

function none(): Finding[] {
  return []
}

function regionChecks(region: RegionEntry, path: Path, input: RegionInput): Finding[] {
  return [
    ...typeChecks(region, path, input.type),
    ...columnListChecks(region.key, [...path, 'key'], region.fields),
    ...fieldChecks(region, [...path, 'fields'], Object.keys(input.fields ?? {})),
    ...argumentChecks(region.arguments, [...path, 'arguments'], region.fields),
    ...indexChecks(region, [...path, 'indexes'], input),
    ...strategyChecks(region, [...path, 'strategies'], input),
    ...everyChecks(region, [...path, 'load', 'every']),
    ...followChecks(region, [...path, 'load', 'follow']),
    ...tenancyChecks(region, path),
    ...(region.affinityKey === undefined ? [] : columnListChecks([region.affinityKey], [...path, 'affinityKey'], region.fields)),
  ]
}

function viewChecks(view: ViewEntry, path: Path, input: { type?: string }): Finding[] {
  const blank: Finding[] = view.sql.trim() === '' ? [{ path: [...path, 'sql'], message: 'The statement is blank; expected one SELECT.' }] : []
  return [...typeChecks(view, path, input.type), ...columnListChecks(view.key, [...path, 'key'], undefined), ...argumentChecks(view.arguments, [...path, 'arguments'], undefined), ...blank]
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

/** The placeholders of the statement and the pattern; the statement itself is read where the regions are known. */
function endpointChecks(endpoint: EndpointEntry, path: Path): Finding[] {
  const statement = parseStatementTemplate(endpoint.query)
  const pattern = parsePattern(endpoint.cacheKeyPattern)
  const placed = (member: string, mistakes: readonly TemplateMistake[]) => mistakes.map(({ message, line, column }): Finding => ({ path: [...path, member], message, sqlLine: line, sqlColumn: column }))
  const { names } = statement.template
  const unknown = [...new Set(pattern.template.names)].filter(name => statement.mistakes.length === 0 && !names.includes(name))
  const hint = (name: string) => didYouMean(name, names) || (names.length === 0 ? ' It has none.' : ` It has: ${[...new Set(names)].join(', ')}.`)
  return [
    ...placed('query', statement.mistakes),
    ...placed('cacheKeyPattern', pattern.mistakes),
    ...unknown.map((name): Finding => ({ path: [...path, 'cacheKeyPattern'], message: `The pattern names "${name}", which is no parameter of the query.${hint(name)}` })),
    ...endpoint.cacheRegions.flatMap((region, index): Finding[] => (endpoint.cacheRegions.indexOf(region) < index ? [{ path: [...path, 'cacheRegions', index], message: `Region "${region}" stands here twice.` }] : [])),
  ]
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

/** Arguments every list has. */
const ownArguments = ['where', 'orderBy', 'first', 'after', 'last', 'before']

function argumentChecks(declared: readonly ListArgument[], path: Path, fields: readonly DeclaredField[] | undefined): Finding[] {
  return declared.flatMap(({ name, column }): Finding[] => {
    const place = [...path, name]
    if (ownArguments.includes(name)) return [{ path: place, at: 'key', message: `"${name}" is an argument every list has. Call it "${name}${pascalCase(column)}", for example.` }]
    if (!/^[a-z][A-Za-z0-9_]*$/.test(name)) {
      const near = didYouMean(name, [camelCase(name)])
      return [{ path: place, at: 'key', message: `"${name}" is not the name of an argument: letters, digits and "_", the first a small letter.${near}` }]
    }
    return columnListChecks([column], place, fields)
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
    const given = input.indexes?.[index]
    if (typeof given === 'object' && 'columns' in given) return columnListChecks(columns, [...place, 'columns'], region.fields)
    const single = typeof given === 'string' || columns.length > 1
    return columnListChecks(columns, single ? place : [...place, 0], region.fields)
  })
}

function everyChecks({ load }: RegionEntry, path: Path): Finding[] {
  if (!load || 'view' in load || load.eager || load.everyMs === undefined) return []
  return [{ path, message: '"every" reads all rows again, and this region holds those asked for. Add `eager: true`, or let entries expire: expiry: { create: PT10M }.' }]
}

function followChecks({ load }: RegionEntry, path: Path): Finding[] {
  if (!load || 'view' in load || !load.follow || load.everyMs === undefined) return []
  return [{ path, message: '"follow" takes over every commit as it is made, so there is nothing left for "every" to read again. Leave one of them out.' }]
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
