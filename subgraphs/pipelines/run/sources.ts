import type { LakeTable } from '../../../connectors/ports/lake.ts'
import type { DatasetColumn, FileSource } from '../../../connectors/ports/pipeline-engine.ts'
import { HubError } from '../../../schema/errors.ts'
import { didYouMean } from '../../../schema/names.ts'
import { quoteIdentifier } from '../../../schema/quote.ts'
import type { Step } from '../document/datasets.ts'
import { cutQuery, isMysql, readQuery } from '../document/query.ts'
import { csv, database, hive, json, type parquet, sql, table, watermarkName } from '../document/sources.ts'
import { type Checked, childrenOf, isOf, textOf } from '../xml/check.ts'
import { datedPath } from './parameters.ts'
import { withPartitions } from './partitions.ts'
import type { Credentials, RunContext } from './parts.ts'
import type { DatasetSchema } from '../schema-document.ts'
import { type Difference, Drifted, schemaOf, withoutNew } from './schemas.ts'
import { readSpan } from './watermarks.ts'

/** A source as a dataset. */
export interface OpenedSource {
  readonly columns: readonly DatasetColumn[]
  /** Whether its rows are held; otherwise each statement reads them anew. */
  readonly isHeld: boolean
  readonly rows?: number
  /** What a database was asked. */
  readonly query?: string
  /** Of a table of the lake: partitions that were not asked for. */
  readonly partitionsPruned?: number
  /** Columns that its schema does not have, and that are left out. Those of files are known when they were read. */
  readonly drift?: readonly Difference[]
  /** Columns that its schema calls sensitive. */
  readonly sensitive?: readonly string[]
}

/** Nothing matches the path of a source of files. */
export class NoData extends HubError {}

/** Makes a dataset of a source, called as its step. Rows of a database are read now; files when something is computed of them. */
export async function openSource({ id, checked }: Step, context: RunContext): Promise<OpenedSource> {
  if (isOf(checked, database)) return readDatabase(id, checked, context)
  if (isOf(checked, hive)) return openTable(id, checked, context)
  if (isOf(checked, csv)) {
    const { path, header, delimiter, inferSchema, null: missing } = checked.values
    return openFiles(id, checked, { format: 'csv', path, header, delimiter, infer: inferSchema, ...(missing !== undefined && { null: missing }) }, context)
  }
  const format = isOf(checked, json) ? 'json' : 'parquet'
  return openFiles(id, checked, { format, path: (checked as Checked<typeof json | typeof parquet>).values.path }, context)
}

async function openFiles(id: string, checked: Checked, { path, ...source }: Omit<FileSource, 'paths'> & { readonly path: string }, { workspace, places, parts, scope, runDate }: RunContext): Promise<OpenedSource> {
  const schema = await schemaOf(checked, parts)
  const dated = datedPath(path, runDate)
  const { objects, path: pattern } = await places.at(dated, 'read')
  const found = await objects.find(scope, pattern)
  if (found.length === 0) throw new NoData('NOT_FOUND', `No file matches "${dated}".`)
  const paths = await Promise.all(found.map(one => objects.local(scope, one.path)))
  const { newColumns } = checked.values as { readonly newColumns?: 'fail' | 'warn' }
  try {
    return { columns: await workspace.files(id, { ...source, paths, ...(schema && { columns: schema.columns, leavesOut: newColumns === 'warn' }) }), isHeld: false, ...sensitiveOf(schema) }
  } catch (error) {
    const { missing = [], extra = [] } = (error instanceof HubError ? error.details : {}) as { readonly missing?: readonly string[]; readonly extra?: readonly string[] }
    if (!(error instanceof HubError) || missing.length + extra.length === 0) throw error
    const typeOf = (name: string) => schema?.columns.find(column => column.name === name)?.type
    throw new Drifted(error.code, error.message, [...missing.map((column): Difference => ({ column, change: 'MISSING', ...(typeOf(column) && { expected: typeOf(column) }) })), ...extra.map((column): Difference => ({ column, change: 'NEW' }))], { cause: error })
  }
}

async function openTable(id: string, checked: Checked<typeof hive>, context: RunContext): Promise<OpenedSource> {
  const { scope, parts: { lake } } = context
  const { table: name, partitions } = checked.values
  const found = await lake.table(scope, name)
  if (!found) throw new HubError('NOT_FOUND', `There is no table "${name}" in the lake.${didYouMean(name, await lake.names(scope))}`)
  const wanted = partitions === undefined ? undefined : datedPath(partitions, context.runDate)
  const chosen = wanted === undefined ? undefined : withPartitions(found, wanted)
  if (chosen?.table.files.length === 0) throw new NoData('NOT_FOUND', `No partition of table "${name}" matches "${wanted}".`)
  const schema = await schemaOf(checked, context.parts)
  const left = schema ? withoutNew(`Table "${name}"`, checked, found.columns, schema.columns) : []
  return { ...(await openVersion(id, chosen?.table ?? found, context, left.map(({ column }) => column))), drift: left, ...(chosen && { partitionsPruned: chosen.pruned }), ...sensitiveOf(schema) }
}

/** The newest version of a table of the lake as a dataset. */
export async function openLakeFiles(dataset: string, name: string, context: RunContext): Promise<OpenedSource> {
  const found = await context.parts.lake.table(context.scope, name)
  if (!found) throw new HubError('NOT_FOUND', `There is no table "${name}" in the lake.`)
  return openVersion(dataset, found, context)
}

/** A version of a table of the lake as a dataset, without some of its columns. */
export async function openVersion(dataset: string, found: LakeTable, { scope, workspace, parts: { lake } }: Pick<RunContext, 'scope' | 'workspace'> & { readonly parts: Pick<RunContext['parts'], 'lake'> }, without: readonly string[] = []): Promise<OpenedSource> {
  const wanted = found.columns.filter(column => !without.includes(column.name))
  if (found.files.length === 0) {
    await workspace.rows(dataset, wanted, none())
    return { columns: wanted, isHeld: true, rows: 0 }
  }
  const columns = await workspace.files(dataset, { format: 'parquet', ...(without.length > 0 && { columns: wanted, leavesOut: true }), paths: await lake.paths(scope, found), partitionBy: found.columns.filter(({ name: own }) => found.partitionBy.includes(own)) })
  return { columns, isHeld: false }
}

async function* none(): AsyncGenerator<never, void, void> {}

async function readDatabase(id: string, checked: Checked<typeof database>, context: RunContext): Promise<OpenedSource> {
  const { scope, workspace, parts } = context
  const { jdbcUrl, userSecretRef, fetchSize, isolationLevel, watermark, watermarkFrom = '' } = checked.values
  const schema = await schemaOf(checked, parts)
  const query = await queryOf(id, checked, context)
  const { texts, names } = cutQuery(query)
  if (watermark !== undefined && !names.includes(watermarkName)) throw new HubError('VALIDATION_ERROR', `The query of "${id}" reads the same rows in every run. Name :${watermarkName} in it, as in: WHERE ${watermark} > :${watermarkName}.`)
  const begin = watermark === undefined ? undefined : context.watermarks.begin(id, watermark, watermarkFrom)
  const connected = await parts.openDatabase(jdbcUrl, await credentialsOf(userSecretRef, context))
  try {
    const { columns, batches } = await connected.read(scope, { texts, values: names.map(name => (name === watermarkName && begin ? begin.value : bound(name, context))), fetchSize, ...(isolationLevel && { isolation: isolationLevel }) })
    const left = schema ? withoutNew(`What the query of "${id}" answers`, checked, columns, schema.columns) : []
    const wanted = columns.filter(({ name }) => !left.some(({ column }) => column === name))
    const rows = begin ? readSpan({ source: id, driver: connected.driver, columns, batches, begin }, context.watermarks) : batches
    return { columns: wanted, isHeld: true, rows: await workspace.rows(id, wanted, rows), query, drift: left, ...sensitiveOf(schema) }
  } finally {
    await connected.close()
  }
}

function sensitiveOf(schema: DatasetSchema | undefined): Pick<OpenedSource, 'sensitive'> {
  return schema?.sensitive ? { sensitive: schema.sensitive } : {}
}

function bound(name: string, { bindings }: RunContext) {
  const value = bindings.get(name)
  if (value === undefined) throw new HubError('VALIDATION_ERROR', `The query names ":${name}", which is no parameter of this run.`)
  return value
}

async function queryOf(id: string, checked: Checked<typeof database>, { parts }: RunContext): Promise<string> {
  const written = textOf(checked, sql)
  if (typeof written === 'string') return written
  const [named] = childrenOf(checked, table)
  const { jdbcUrl, queryRef = '' } = checked.values
  // A table's name here has no character that ends it.
  const quoted = isMysql(jdbcUrl) ? (name: string) => `\`${name}\`` : quoteIdentifier
  if (named) return `SELECT * FROM ${named.values.name.split('.').map(quoted).join('.')}`
  const found = await parts.queryText(queryRef)
  if (found === undefined) throw new HubError('VALIDATION_ERROR', `There is no query "${queryRef}" below resources/, which source "${id}" names.`)
  const { why } = readQuery(found)
  if (why !== undefined) throw new HubError('VALIDATION_ERROR', `"${queryRef}": ${why}`)
  return found
}

/** User and password of a secret: JSON with both, or `user:password`. */
export async function credentialsOf(name: string | undefined, { scope, parts: { secrets } }: RunContext): Promise<Credentials | undefined> {
  if (name === undefined) return undefined
  const text = (await secrets.read(scope, name)).trim()
  if (text.startsWith('{')) {
    const { user, password } = parsed(text)
    if (typeof user === 'string' && typeof password === 'string') return { user, password }
    throw new HubError('VALIDATION_ERROR', `Secret "${name}" is JSON without "user" and "password".`)
  }
  const colon = text.indexOf(':')
  if (colon < 1) throw new HubError('VALIDATION_ERROR', `Secret "${name}" is neither user:password nor JSON with "user" and "password".`)
  return { user: text.slice(0, colon), password: text.slice(colon + 1) }
}

function parsed(text: string): { readonly user?: unknown; readonly password?: unknown } {
  try {
    return JSON.parse(text) as { readonly user?: unknown; readonly password?: unknown }
  } catch {
    return {}
  }
}
