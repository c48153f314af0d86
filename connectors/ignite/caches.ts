import { HubError } from '../../schema/errors.ts'
import type { Scope } from '../ports/scope.ts'
import { list } from './binary/metadata.ts'
import { javaHash } from './binary/names.ts'
import type { IgniteClient } from './client.ts'
import { type CacheConfiguration, type CacheField, type FoundConfiguration, type FoundEntity, keyTypeOf, readConfiguration, writeConfiguration } from './configuration.ts'
import { sqlRows } from './sql.ts'
import { valueTypes } from './wire/values.ts'

const nothing = () => {}

export function cacheNames(scope: Scope, client: IgniteClient): Promise<readonly string[]> {
  return client.send(scope, { operation: 'cacheNames', read: reader => list(reader, () => reader.text()), repeatable: true })
}

/** Fails with NOT_FOUND when there is no such cache. */
export function configurationOf(scope: Scope, client: IgniteClient, name: string): Promise<FoundConfiguration> {
  return client.send(scope, {
    operation: 'getConfiguration', repeatable: true, read: readConfiguration,
    write: writer => {
      writer.i32(javaHash(name))
      writer.u8(0)
    },
  })
}

/** Fails with CONFLICT when there is one of this name. */
export async function createCache(scope: Scope, client: IgniteClient, configuration: CacheConfiguration): Promise<void> {
  await client.send(scope, { operation: 'createCache', write: writer => writeConfiguration(writer, configuration), read: nothing })
}

/**
 * The cache as configured, made if there is none, and made again on a cluster that started anew. Columns and indexes that are missing at an existing one are added;
 * any other difference fails with CONFLICT naming each, for Ignite itself takes no notice of what an existing cache was asked to be.
 */
export async function ensureCache(scope: Scope, client: IgniteClient, configuration: CacheConfiguration): Promise<void> {
  const { name } = configuration
  await client.send(scope, { operation: 'getOrCreateCache', write: writer => writeConfiguration(writer, configuration), read: nothing, repeatable: true })
  const found = await configurationOf(scope, client, name)
  const entity = await asAltered(scope, client, found.entities.find(({ table }) => table === configuration.table))
  const problems = differences(found, entity, configuration)
  if (problems.length > 0) throw new HubError('CONFLICT', `Cache "${name}" exists with another definition: ${problems.join('; ')}. Drop it first, or define it as it is.`, { cache: name, differences: problems })
  if (entity) await extend(scope, client, entity, configuration)
  client.prepareWith(`cache ${name}`, connection => connection.request('getOrCreateCache', writer => writeConfiguration(writer, configuration), nothing))
}

/** Removes the cache with its entries. False: there was none. Its types stay registered. */
export async function destroyCache(scope: Scope, client: IgniteClient, name: string): Promise<boolean> {
  client.prepareWith(`cache ${name}`, undefined)
  try {
    await client.send(scope, { operation: 'destroyCache', write: writer => writer.i32(javaHash(name)), read: nothing })
    return true
  } catch (error) {
    if (error instanceof HubError && error.code === 'NOT_FOUND') return false
    throw error
  }
}

function differences(found: FoundConfiguration, entity: FoundEntity | undefined, wanted: CacheConfiguration): string[] {
  const problems: string[] = []
  const compare = (what: string, is: unknown, want: unknown) => {
    if (is !== want) problems.push(`${what} is ${JSON.stringify(is)}, not ${JSON.stringify(want)}`)
  }
  compare('mode', found.mode, wanted.mode)
  compare('atomicity', found.atomicity, wanted.atomicity)
  if (wanted.mode === 'PARTITIONED') compare('backups', found.backups, wanted.backups)
  if (!entity) {
    problems.push(`its tables are ${JSON.stringify(found.entities.map(({ table }) => table))}, without "${wanted.table}"`)
    return problems
  }
  compare('key type', entity.keyType, keyTypeOf(wanted))
  compare('value type', entity.valueType, wanted.valueType)
  for (const field of [...wanted.key, ...wanted.fields]) {
    const there = entity.fields.find(({ name }) => name === field.name)
    if (there) compare(`column ${field.name}`, there.type, valueTypes[field.type].java)
    else if (wanted.key.includes(field)) problems.push(`key column ${field.name} is missing`)
    else if (field.notNull) problems.push(`column ${field.name} is missing, and entries there cannot have it: it would have to be nullable`)
  }
  for (const { name, notNull } of entity.fields) {
    if (notNull && ![...wanted.key, ...wanted.fields].some(field => field.name === name)) problems.push(`column ${name}, which must not be null, is not in this definition`)
  }
  return problems
}

/** The configuration does not show what ALTER TABLE and CREATE INDEX changed since; the system views do. */
async function asAltered(scope: Scope, client: IgniteClient, entity: FoundEntity | undefined): Promise<FoundEntity | undefined> {
  if (!entity) return undefined
  const columns = await sqlRows(scope, client, "SELECT COLUMN_NAME, TYPE, NULLABLE FROM SYS.TABLE_COLUMNS WHERE SCHEMA_NAME = 'PUBLIC' AND TABLE_NAME = ?", [entity.table])
  const indexes = await sqlRows(scope, client, "SELECT INDEX_NAME FROM SYS.INDEXES WHERE SCHEMA_NAME = 'PUBLIC' AND TABLE_NAME = ?", [entity.table])
  const added = columns.filter(([name]) => name !== '_KEY' && name !== '_VAL' && !entity.fields.some(field => field.name === name))
  return {
    ...entity,
    fields: [...entity.fields, ...added.map(([name, type, nullable]) => ({ name: String(name), type: String(type), notNull: nullable === false, precision: -1, scale: -1 }))],
    indexes: indexes.map(([name]) => ({ name: String(name), fields: [] })),
  }
}

async function extend(scope: Scope, client: IgniteClient, entity: FoundEntity, wanted: CacheConfiguration): Promise<void> {
  const columns = new Set(entity.fields.map(({ name }) => name))
  const indexes = new Set(entity.indexes.map(({ name }) => name))
  for (const field of wanted.fields) {
    if (!columns.has(field.name)) await sqlRows(scope, client, `ALTER TABLE ${quoted(wanted.table)} ADD COLUMN IF NOT EXISTS ${definition(field)}`)
  }
  for (const { name, fields } of wanted.indexes) {
    if (!indexes.has(name)) await sqlRows(scope, client, `CREATE INDEX IF NOT EXISTS ${quoted(name)} ON ${quoted(wanted.table)} (${fields.map(quoted).join(', ')})`)
  }
}

const sqlTypes: Partial<Record<string, string>> = {
  'java.lang.Byte': 'TINYINT', 'java.lang.Short': 'SMALLINT', 'java.lang.Integer': 'INT', 'java.lang.Long': 'BIGINT', 'java.lang.Float': 'REAL', 'java.lang.Double': 'DOUBLE',
  'java.lang.Boolean': 'BOOLEAN', 'java.lang.String': 'VARCHAR', 'java.util.UUID': 'UUID', '[B': 'BINARY', 'java.math.BigDecimal': 'DECIMAL', 'java.sql.Date': 'DATE',
  'java.sql.Timestamp': 'TIMESTAMP', 'java.sql.Time': 'TIME',
}

function definition({ name, type, precision, scale }: CacheField): string {
  const size = precision === undefined ? '' : scale === undefined ? `(${precision})` : `(${precision}, ${scale})`
  return `${quoted(name)} ${sqlTypes[valueTypes[type].java]}${size}`
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
