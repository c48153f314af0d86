import { HubError, type Problem } from '../../schema/errors.ts'
import type { Row, Value } from '../../schema/values.ts'
import type { RegionDefinition } from '../ports/region-store.ts'
import { IndexValues } from './index-values.ts'
import type { Shaped } from './shape.ts'

/** A row that has, in a unique index, the values of another: of one in the same commit, or of an entry that stays. */
export interface Clash {
  readonly key: string
  readonly row: Row
  /** Of the index. */
  readonly columns: readonly string[]
  /** Key of the other. */
  readonly holder: string
}

/** Entries by tenant, of whatever store. */
export interface Sharing {
  readonly definition: RegionDefinition
  readonly tenants: ReadonlyMap<string, { entriesAt(nowMs: number): Iterable<{ readonly key: string; readonly row: Row }> }>
}

const listed = 20
const longestValue = 100

/** What unique indexes have against these rows alone, where no other entry stays. */
export function within(indexes: readonly IndexValues[], written: Iterable<Pick<Shaped, 'key' | 'row'>>): Clash[] {
  return indexes.flatMap(index => repeated(index, written))
}

/** Fails with CONFLICT where entries share values over which a definition wants an index to be unique. */
export function refuseShared(entries: Sharing, wanted: RegionDefinition, now: number): void {
  const known = new Set((entries.definition.unique ?? []).map(columns => JSON.stringify(columns)))
  const differences = (wanted.unique ?? []).filter(columns => !known.has(JSON.stringify(columns))).flatMap(columns => {
    const index = new IndexValues(columns, wanted.columns)
    const shared = [...entries.tenants.values()].flatMap(rows => repeated(index, rows.entriesAt(now)))
    if (shared.length === 0) return []
    const name = `the index (${columns.join(', ')}) cannot be unique`
    // Nobody learns what another tenant's entries hold.
    if (wanted.tenancy === 'TENANT') return [`${name}: ${shared.length} ${shared.length === 1 ? 'entry has' : 'entries have'} the values of another entry of the same tenant`]
    return shared.slice(0, listed).map(({ key, holder, row }) => `${name}: entries "${holder}" and "${key}" both have ${valuesOf(columns, row)}`)
  })
  if (differences.length === 0) return
  throw new HubError('CONFLICT', `Region "${wanted.name}" cannot be defined so: ${differences.join('; ')}. Change or remove such entries first.`, { region: wanted.name, differences })
}

/** Rows whose values an earlier one of them has. */
function repeated(index: IndexValues, entries: Iterable<{ readonly key: string; readonly row: Row }>): Clash[] {
  const clashes: Clash[] = []
  const holders = new Map<string, string>()
  for (const { key, row } of entries) {
    const name = index.nameOf(row)
    if (name === undefined) continue
    const holder = holders.get(name)
    if (holder === undefined) holders.set(name, key)
    else clashes.push({ key, columns: index.columns, row, holder })
  }
  return clashes
}

/** Fails with CONFLICT, naming every clash, unless there is none. `place` is where, in what the caller gave, the row of a key stands. */
export function refuseClashes(region: string, clashes: readonly Clash[], place: (key: string) => string): void {
  if (clashes.length === 0) return
  const problems: Problem[] = clashes.slice(0, 100).map(({ key, columns, row, holder }) => ({
    path: columns.length === 1 ? `${place(key)}.${columns[0]}` : place(key),
    message: `Entry "${holder}" has ${valuesOf(columns, row)} already, and the index (${columns.join(', ')}) is unique.`,
  }))
  const sentences = problems.slice(0, listed).map(problem => `${problem.path}: ${problem.message}`)
  const more = clashes.length > listed ? ` And ${clashes.length - listed} more.` : ''
  throw new HubError('CONFLICT', `Region "${region}" takes none of these rows. ${sentences.join(' ')}${more} Give each a value of its own, or remove the other entry first.`, { region, problems, keys: clashes.slice(0, 100).map(({ key }) => key) })
}

/** `email "ada@example.org"`, `a 1, b "x"`. */
function valuesOf(columns: readonly string[], row: Row): string {
  return columns.map(column => `${column} ${shown(row[column] ?? null)}`).join(', ')
}

function shown(value: Value): string {
  const text = typeof value === 'bigint' ? String(value) : JSON.stringify(value)
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text
}
