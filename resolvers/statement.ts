import { randomUUID } from 'node:crypto'
import { HubError } from '../schema/errors.ts'
import { didYouMean } from '../schema/names.ts'
import type { Column, Row, Value } from '../schema/values.ts'
import type { ScanStats, SqlEngine, Statement } from '../connectors/ports/sql-engine.ts'
import { notBefore } from './consistency.ts'
import { ageOf, type Context } from './context.ts'
import type { CursorSealer } from './cursor.ts'

/** Values for a statement's `?`, as a client sends them: one each, or a list for `IN (?)`. */
export type ClientParams = readonly (Value | readonly Value[])[] | null | undefined

const longestList = 10_000

/** Catalog and schema a client gives for names with fewer parts. */
export interface ClientSession {
  readonly catalog?: string | null
  readonly schema?: string | null
}

export interface StatementRequest extends ClientSession {
  readonly sql: string
  readonly params?: ClientParams
  /** Rows of one page. */
  readonly pageSize: number
  /** Cursor of an earlier page of the same statement with the same parameters, catalog and schema. */
  readonly after?: string | null
}

export interface StatementPage {
  readonly queryId: string
  readonly engine: string
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly Value[])[]
  readonly tookMs: number
  /** What the engine read for this page. */
  readonly stats: ScanStats
  readonly endCursor: string | null
  readonly hasNextPage: boolean
}

/**
 * One page of a client's statement. The engine runs the statement anew for each page and the rows of earlier pages are passed over, so pages fit together as long as
 * the statement orders its rows and the data stands still. A cursor of another statement, parameters, session or tenant → BAD_CURSOR.
 */
export async function runStatement(context: Context, engine: SqlEngine, cursors: CursorSealer, request: StatementRequest): Promise<StatementPage> {
  const { scope } = context
  const { sql, pageSize } = request
  const params = paramsWithin(request.params)
  const session = sessionWithin(engine, request)
  const identity = JSON.stringify(['statement', scope.tenant, sql, params, session.catalog, session.schema], (_, value) => (typeof value === 'bigint' ? String(value) : value))
  const skip = request.after ? Number(cursors.open(identity, request.after)) : 0
  const startedMs = scope.clock.now()

  const result = await engine.query(scope, { sql, params, ...session }, { maxRows: skip + pageSize + 1, notBeforeMs: notBefore(scope) })
  const rows: Row[] = []
  let seen = 0
  for await (const batch of result.rows) {
    for (const row of batch) {
      seen += 1
      if (seen > skip && rows.length <= pageSize) rows.push(row)
    }
    if (rows.length > pageSize) break
  }
  const hasNextPage = rows.length > pageSize
  const page = rows.slice(0, pageSize)
  context.explain?.({ path: context.at, from: 'view', name: 'statement', engine: result.engine, rows: page.length, ageMs: ageOf(scope, result.asOfMs) })
  return {
    queryId: randomUUID(),
    engine: result.engine,
    columns: result.columns,
    rows: page.map(row => result.columns.map(column => row[column.name] ?? null)),
    tookMs: scope.clock.now() - startedMs,
    stats: result.stats(),
    endCursor: page.length > 0 ? cursors.seal(identity, String(skip + page.length)) : null,
    hasNextPage,
  }
}

/** The session's names, where there is such a catalog and such a schema in it: else NOT_FOUND with the nearest. A schema without its catalog → VALIDATION_ERROR. */
export function sessionWithin({ tables }: SqlEngine, given: ClientSession): Pick<Statement, 'catalog' | 'schema'> {
  const { catalog, schema } = { catalog: given.catalog ?? undefined, schema: given.schema ?? undefined }
  if (catalog === undefined) {
    if (schema === undefined) return {}
    throw new HubError('VALIDATION_ERROR', `schema is "${schema}", and no catalog says whose. Give catalog too.`, { field: 'schema' })
  }
  const own = tables.filter(table => table.catalog.toLowerCase() === catalog.toLowerCase())
  if (own.length === 0) throw new HubError('NOT_FOUND', `There is no catalog "${catalog}".${didYouMean(catalog, new Set(tables.map(table => table.catalog)))}`, { field: 'catalog' })
  const schemas = new Set(own.flatMap(({ name }) => (name.includes('.') ? [name.slice(0, name.lastIndexOf('.'))] : [])))
  const isThere = schema === undefined || [...schemas].some(name => name.toLowerCase() === schema.toLowerCase())
  if (!isThere) throw new HubError('NOT_FOUND', `Catalog "${catalog}" has no schema "${schema}".${didYouMean(schema, schemas) || (schemas.size === 0 ? ' Its tables have none: leave schema out.' : '')}`, { field: 'schema' })
  return { catalog, schema }
}

/** A page size within its bounds; VALIDATION_ERROR beyond them. */
export function pageSizeWithin(name: string, size: number, largest: number): number {
  if (Number.isInteger(size) && size >= 1 && size <= largest) return size
  throw new HubError('VALIDATION_ERROR', `${name} is ${size}; it takes 1 to ${largest}.`, { field: name })
}

/** The parameters; a list above 10,000 values → PAYLOAD_TOO_LARGE. */
export function paramsWithin(params: ClientParams): readonly (Value | readonly Value[])[] {
  for (const [index, value] of (params ?? []).entries()) {
    if (Array.isArray(value) && value.length > longestList) throw new HubError('PAYLOAD_TOO_LARGE', `params[${index}] is a list of ${value.length} values; one list takes ${longestList}. Ask in parts.`, { field: `params[${index}]` })
  }
  return params ?? []
}
