import { HubError, type Problem } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import type { Column } from '../../schema/values.ts'
import { evictionPolicies, type RegionDefinition } from '../ports/region-store.ts'

/** Fails with VALIDATION_ERROR listing everything that is wrong with a definition. */
export function checkDefinition(definition: RegionDefinition): void {
  const problems: Problem[] = []
  const add = (path: string, message: string) => problems.push({ path, message })
  const { name, columns, key, indexes, unique = [], expiry, maxEntries, evictionPolicy = 'LRU' } = definition
  const names = columns.map(column => column.name)

  if (!/^[A-Za-z][A-Za-z0-9_]{0,62}$/.test(name)) add('name', `"${name}" is not a name: a letter, then letters, digits and _, at most 63 in all.`)
  if (names.includes('__proto__')) add(`columns[${names.indexOf('__proto__')}]`, 'A column cannot be called "__proto__".')
  if (columns.length === 0) add('columns', 'A region has at least one column.')
  for (const [index, column] of names.entries()) if (names.indexOf(column) !== index) add(`columns[${index}]`, `There are two columns "${column}".`)
  if (key.length === 0) add('key', 'A region has at least one key column.')
  for (const [index, column] of key.entries()) checkColumn(`key[${index}]`, column, names, add)
  for (const [index, column] of key.entries()) {
    if (columns.some(other => other.name === column && other.type === 'JSON')) add(`key[${index}]`, `Column "${column}" is JSON, which cannot name an entry.`)
  }
  for (const [at, list] of indexes.entries()) {
    if (list.length === 0) add(`indexes[${at}]`, 'An index has at least one column.')
    for (const [index, column] of list.entries()) checkColumn(`indexes[${at}][${index}]`, column, names, add)
    if (new Set(list).size < list.length) add(`indexes[${at}]`, 'A column stands twice in the index.')
  }
  for (const [at, list] of unique.entries()) {
    if (!indexes.some(index => JSON.stringify(index) === JSON.stringify(list))) add(`unique[${at}]`, `(${list.join(', ')}) is not among the indexes.`)
  }
  for (const [limit, value] of Object.entries(expiry)) {
    if (value !== undefined && !(Number.isFinite(value) && value > 0)) add(`expiry.${limit}`, `${value} is not a number of milliseconds above 0.`)
  }
  if (!Number.isInteger(maxEntries) || maxEntries < 1) add('maxEntries', `${maxEntries} is not a whole number above 0.`)
  if (!evictionPolicies.includes(evictionPolicy)) add('evictionPolicy', `"${evictionPolicy}" is not one of ${evictionPolicies.join(', ')}.`)
  if (problems.length === 0) return
  throw new HubError('VALIDATION_ERROR', `Region "${name}" cannot be defined. ${problems.map(problem => `${problem.path}: ${problem.message}`).join(' ')}`, { problems })
}

function checkColumn(path: string, column: string, names: readonly string[], add: (path: string, message: string) => void): void {
  if (!names.includes(column)) add(path, `There is no column "${column}".${didYouMean(column, names)}`)
}

export function equalDefinitions(a: RegionDefinition, b: RegionDefinition): boolean {
  return canonical(a) === canonical(b)
}

/** Fails with CONFLICT, naming each difference, unless entries of the one definition can go on under the other. */
export function checkSuccession(from: RegionDefinition, to: RegionDefinition): void {
  const differences: string[] = []
  for (const member of ['key', 'atomicity', 'durable', 'tenancy'] as const) {
    if (JSON.stringify(from[member]) !== JSON.stringify(to[member])) differences.push(`${member} is ${JSON.stringify(from[member])}, not ${JSON.stringify(to[member])}`)
  }
  for (const [index, column] of from.columns.entries()) {
    const other = to.columns[index]
    if (!other || typeOf(column) !== typeOf(other)) differences.push(`column ${index + 1} is ${typeOf(column)}, not ${other ? typeOf(other) : 'missing'}`)
  }
  for (const column of to.columns.slice(from.columns.length)) {
    if (!column.nullable) differences.push(`the new column "${column.name}" must be nullable, since the entries there are lack it`)
  }
  if (differences.length === 0) return
  throw new HubError('CONFLICT', `Region "${to.name}" exists with another definition: ${differences.join('; ')}. Drop it first, or define it as it is.`, { region: to.name, differences })
}

function typeOf({ name, type, nullable }: Column): string {
  return `"${name}" ${type}${nullable ? '' : ' not null'}`
}

function canonical(definition: RegionDefinition): string {
  const { name, columns, key, indexes, unique = [], atomicity, expiry, maxEntries, evictionPolicy = 'LRU', durable, tenancy } = definition
  return JSON.stringify([
    name, columns.map(column => [column.name, column.type, column.nullable, column.description]), key, indexes, unique, atomicity,
    [expiry.createMs, expiry.updateMs, expiry.accessMs], maxEntries, evictionPolicy, durable, tenancy,
  ])
}
