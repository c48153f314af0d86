import type { ConsistencyLevel } from '../../schema/consistency.ts'
import { HubError, type Problem } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import { openColumn, type EntityModel, type Model } from '../../schema/model.ts'
import { parseValue } from '../../schema/scalars.ts'
import type { Json, Row, Value } from '../../schema/values.ts'
import type { Entry, Region } from '../../connectors/ports/region-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import { withConsistency, type ConsistencyArguments } from '../../resolvers/consistency.ts'
import type { Context } from '../../resolvers/context.ts'
import { mustHold } from '../../resolvers/guard.ts'
import { canonicalKey, keyFromText, type EntityRows, type KeyedRow } from '../../resolvers/rows.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'

const largestBatch = 10_000

export interface EntryRoles {
  readonly model: Model
  readonly region: (name: string) => Region
  readonly rowsOf: (type: string) => EntityRows
  /** Of reads that ask for none. */
  readonly defaultConsistency: ConsistencyLevel
}

/** Entries of any region by its name: what generic clients use where typed ones use `airport(id:)`. Reads go the same way: region first, source second. */
export function entryFields(roles: EntryRoles): Subgraph['fields'] {
  const named = (name: string) => regionNamed(roles.model, name)
  return {
    Query: {
      cacheGet: async (_: unknown, { region, key, ...said }: { region: string; key: string } & ConsistencyArguments, context: Context) => {
        const [entry] = await read(roles, withConsistency(context, said), named(region), [key])
        return entry ?? null
      },
      cacheGetAll: async (_: unknown, { region, keys, ...said }: { region: string; keys: readonly string[] } & ConsistencyArguments, context: Context) => {
        withinBatch('cacheGetAll', keys.length)
        return read(roles, withConsistency(context, said), named(region), keys)
      },
      config: () => ({ defaultConsistency: roles.defaultConsistency }),
    },
    Mutation: {
      cachePut: async (_: unknown, { region, key, value }: { region: string; key?: string | null; value: unknown }, { scope }: Context) => {
        mustHold(scope, 'cache:write')
        const entity = writable(named(region))
        const [entry] = await putMany(scope, entity, roles.region(region), rowsOf(entity, [value], () => 'value', key ?? undefined))
        return entry && described(entity, entry)
      },
      cachePutAll: async (_: unknown, { region, values }: { region: string; values: readonly unknown[] }, { scope }: Context) => {
        mustHold(scope, 'cache:write')
        withinBatch('cachePutAll', values.length)
        const entity = writable(named(region))
        return (await putMany(scope, entity, roles.region(region), rowsOf(entity, values, index => `values[${index}]`))).map(entry => described(entity, entry))
      },
      cacheRemove: async (_: unknown, { region, key }: { region: string; key: string }, { scope }: Context) => {
        mustHold(scope, 'cache:write')
        const entity = writable(named(region))
        return removeOne(scope, entity, roles.region(region), canonicalKey(entity, key))
      },
      clearCacheRegion: async (_: unknown, { name }: { name: string }, { scope }: Context) => {
        mustHold(scope, 'cache:write')
        writable(named(name))
        const removed = await roles.region(name).clear(scope)
        scope.session?.wrote(name)
        return removed
      },
    },
  }
}

/** `region.putMany`, noted as what the caller wrote. */
export async function putMany(scope: Scope, { name }: EntityModel, region: Region, rows: readonly Row[]): Promise<readonly Entry[]> {
  const entries = await region.putMany(scope, rows)
  if (entries.length > 0) scope.session?.wrote(name, Math.max(...entries.map(entry => entry.version)))
  return entries
}

/** Removes one entry, noted as what the caller wrote; whether there was one. */
export async function removeOne(scope: Scope, { name }: EntityModel, region: Region, key: string): Promise<boolean> {
  const [removed = false] = await region.removeMany(scope, [key])
  scope.session?.wrote(name)
  return removed
}

export function regionNamed(model: Model, name: string): EntityModel {
  const regions = model.entities.filter(entity => entity.kind === 'region')
  const found = regions.find(entity => entity.name === name)
  if (!found) throw new HubError('NOT_FOUND', `Region "${name}" is not declared.${didYouMean(name, regions.map(entity => entity.name))}`, { region: name })
  return found
}

async function read(roles: EntryRoles, context: Context, entity: EntityModel, texts: readonly string[]) {
  mustHold(context.scope, 'cache:read')
  const keys = texts.map(text => canonicalKey(entity, text))
  const entries = await roles.rowsOf(entity.type).entries(context, entity.name, keys)
  return entries.map(entry => (entry ? described(entity, entry) : null))
}

function described(entity: EntityModel, { key, row, version, writtenAtMs }: KeyedRow) {
  const value = Object.fromEntries(entity.fields.map(({ name, field }) => [field, row[name] ?? null]))
  return { key, value, row: Object.fromEntries(entity.fields.map(({ name }) => [name, row[name] ?? null])), version: version ?? null, writtenAt: writtenAtMs === undefined ? null : new Date(writtenAtMs).toISOString() }
}

export function withinBatch(field: string, count: number): void {
  if (count > largestBatch) throw new HubError('PAYLOAD_TOO_LARGE', `${field} was given ${count} entries; it takes ${largestBatch} at once. Split them.`, { field })
}

export function writable(entity: EntityModel): EntityModel {
  if (!entity.writable) throw new HubError('FORBIDDEN', `Region "${entity.name}" is filled from ${entity.load?.source}.${entity.load?.table}; clients do not write it.`, { region: entity.name })
  return entity
}

/** JSON objects as rows: fields by their graph names or their columns', and those of the key from its text where that is given. All mistakes of all of them at once. */
export function rowsOf(entity: EntityModel, values: readonly unknown[], path: (index: number) => string, key?: string): Row[] {
  const problems: Problem[] = []
  const named = key === undefined ? {} : keyColumns(entity, key)
  const rows = values.map((value, index) => rowOf(entity, value, path(index), problems, named))
  if (problems.length > 0) throw new HubError('VALIDATION_ERROR', problems.map(problem => problem.message).join(' '), { problems })
  return rows
}

function keyColumns(entity: EntityModel, key: string): Row {
  const values = keyFromText(entity, key)
  return Object.fromEntries(entity.key.map((column, index) => [column, values[index] ?? null]))
}

function rowOf(entity: EntityModel, value: unknown, path: string, problems: Problem[], named: Row): Row {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    problems.push({ path, message: `${path} is not an object of ${entity.type}'s fields.` })
    return {}
  }
  const row: Record<string, Value> = {}
  const members: Record<string, Json> = {}
  const open = openColumn(entity)
  const known = entity.fields.flatMap(({ name, field }) => [name, field])
  for (const [given, one] of Object.entries(value)) {
    const field = entity.fields.find(candidate => candidate.field === given) ?? entity.fields.find(candidate => candidate.name === given)
    if (!field && open) {
      members[given] = one as Json
      continue
    }
    if (!field) {
      problems.push({ path: `${path}.${given}`, message: `${entity.type} has no field "${given}".${didYouMean(given, known)}` })
      continue
    }
    try {
      row[field.name] = parseValue(field.type, one)
    } catch (error) {
      if (!(error instanceof HubError)) throw error
      problems.push({ path: `${path}.${given}`, message: error.message })
    }
  }
  for (const [column, expected] of Object.entries(named)) {
    if ((row[column] ?? expected) !== expected) problems.push({ path: `${path}.${column}`, message: `${path}.${column} is "${row[column]}", and the key says "${expected}". Leave it out, or name the same entry.` })
    row[column] = expected
  }
  const [member] = Object.keys(members)
  if (open && member !== undefined) {
    if (row[open.name] !== undefined) problems.push({ path: `${path}.${member}`, message: `${entity.type} has no field "${member}", and "${open.field}", where it would be kept, is given too. Put it inside.` })
    row[open.name] = members
  }
  const absent = entity.fields.filter(({ name, nullable }) => !nullable && (row[name] ?? null) === null)
  for (const { name, field } of absent) {
    if (!problems.some(problem => problem.path === `${path}.${field}` || problem.path === `${path}.${name}`)) problems.push({ path: `${path}.${field}`, message: `${path} has no "${field}", which is never null.` })
  }
  return Object.fromEntries(entity.fields.map(({ name }) => [name, row[name] ?? null]))
}
