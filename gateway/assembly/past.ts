import type { Catalog } from '../../schema/catalog.ts'
import { HubError } from '../../schema/errors.ts'
import { fieldOfColumn, type EntityModel, type Model } from '../../schema/model.ts'
import { parseKeyText } from '../../schema/scalars.ts'
import type { Filter } from '../../schema/filter.ts'
import type { Row, Value } from '../../schema/values.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { SourceConnector } from '../../connectors/ports/source-connector.ts'
import type { MountedTable, QueryResult, SqlEngine, TableOrigin } from '../../connectors/ports/sql-engine.ts'
import type { OpenSource } from './sources.ts'

/** The same tables with nothing the hub loaded: regions and kept views are read where their rows come from. Those that clients write stay as they are. */
export function pastMounts(mounts: readonly MountedTable[], model: Model, catalog: Catalog, sources: readonly OpenSource[]): readonly MountedTable[] {
  return mounts.map(mount => {
    const entity = model.entities.find(one => isOf(one, mount))
    const from = entity && originOf(entity, catalog, sources)
    return from ? { catalog: mount.catalog, name: mount.name, columns: mount.columns, from } : mount
  })
}

/** Whether the mount shows loaded rows of this region or kept view; those that belong to tenants stand under the name of their source's table, too. */
function isOf(entity: EntityModel, { catalog, name, from }: MountedTable): boolean {
  if (from.kind !== 'live' && from.kind !== 'source') return false
  if (!entity.complete || entity.writable) return false
  if (catalog === 'hub') return entity.name === name
  return entity.tenancy === 'TENANT' && entity.load !== undefined && entity.load.source === catalog && entity.load.table === name
}

function originOf(entity: EntityModel, { regions, views }: Catalog, sources: readonly OpenSource[]): TableOrigin | undefined {
  const view = views.find(one => one.name === entity.name)
  if (view) return { kind: 'view', sql: view.sql }
  const entry = regions.find(one => one.name === entity.name)
  if (!entry?.load) return undefined
  const columns = entity.fields.map(field => quoted(field.name)).join(', ')
  if ('view' in entry.load) return { kind: 'view', sql: `SELECT ${columns} FROM hub.${quoted(entry.load.view)}` }
  const { source, table } = entry.load
  if (entry.tenantColumn === undefined) return { kind: 'view', sql: `SELECT ${columns} FROM ${quoted(source)}.${quoted(table)}` }
  const connector = sources.find(one => one.source.name === source)?.connector
  return connector && { kind: 'source', source: ofTenant(connector, entity, entry.tenantColumn), table }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** The source as one tenant may see it: the rows that name him. */
function ofTenant(connector: SourceConnector, entity: EntityModel, column: string): SourceConnector {
  const { type } = fieldOfColumn(entity, column)
  const own = (scope: Scope): Value | undefined => {
    try {
      return parseKeyText(type, scope.tenant)
    } catch (error) {
      if (error instanceof HubError) return undefined // no value of the column is his name
      throw error
    }
  }
  return {
    name: connector.name, type: connector.type, tables: scope => connector.tables(scope), close: async () => {},
    async *scan(scope, request) {
      const value = own(scope)
      if (value === undefined) return
      const his: Filter = { column, op: 'eq', value }
      yield* connector.scan(scope, { ...request, filter: request.filter ? { and: [his, request.filter] } : his })
    },
    async lookup(scope, request) {
      const value = own(scope)
      const columns = request.columns && [...new Set([...request.columns, column])]
      const rows: readonly Row[] = value === undefined ? [] : await connector.lookup(scope, { ...request, columns })
      return rows.filter(row => row[column] === value)
    },
  }
}

/**
 * The engine past what the hub holds: sources are asked, and those that keep rows themselves look anew where the statement may not be answered from what they keep. Where one does
 * not answer → STALENESS_EXCEEDED.
 */
export function pastEngine(engine: SqlEngine, look: (scope: Scope, asOfMs: number) => Promise<void>): SqlEngine {
  return withQuery(engine, async (scope, statement, options) => {
    const failed = (error: unknown) => exceeded(scope, error)
    const query = () => engine.query(scope, statement, options)
    try {
      const result = await query().catch(async (error: unknown) => {
        const asOfMs = error instanceof HubError && error.code === 'STALENESS_EXCEEDED' ? error.details['asOfMs'] : undefined
        if (typeof asOfMs !== 'number' || options?.notBeforeMs === undefined) throw error
        await look(scope, options.notBeforeMs)
        return query()
      })
      return { ...result, rows: rowsOf(result, failed) }
    } catch (error) {
      throw failed(error)
    }
  })
}

/** The engine, and past what the hub holds where that is older than a query allows. */
export function boundedEngine(engine: SqlEngine, past: SqlEngine): SqlEngine {
  return withQuery(engine, async (scope, statement, options) => {
    if (options?.notBeforeMs === undefined) return engine.query(scope, statement, options)
    try {
      return await engine.query(scope, statement, options)
    } catch (error) {
      if (!(error instanceof HubError) || error.code !== 'STALENESS_EXCEEDED') throw error
      return past.query(scope, statement, options)
    }
  })
}

function withQuery(engine: SqlEngine, query: SqlEngine['query']): SqlEngine {
  return {
    get name() {
      return engine.name
    },
    get tables() {
      return engine.tables
    },
    mount: tables => engine.mount(tables), over: tables => engine.over(tables), describe: (scope, statement) => engine.describe(scope, statement), query,
    explain: (scope, statement) => engine.explain(scope, statement), check: scope => engine.check(scope), close: () => engine.close(),
  }
}

/** The rows, with failures on the way worded; closed as they are, read or not. */
function rowsOf({ rows }: QueryResult, failed: (error: unknown) => unknown): QueryResult['rows'] {
  return {
    [Symbol.asyncIterator]() {
      const iterator = rows[Symbol.asyncIterator]()
      return {
        next: () => iterator.next().catch((error: unknown) => Promise.reject(failed(error))),
        return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
      }
    },
  }
}

function exceeded({ consistency }: Scope, error: unknown): unknown {
  if (!(error instanceof HubError) || (error.code !== 'UPSTREAM_UNAVAILABLE' && error.code !== 'POOL_EXHAUSTED')) return error
  const maxStalenessMs = consistency?.maxStalenessMs
  return new HubError('STALENESS_EXCEEDED', `What the hub holds is older than the ${maxStalenessMs} ms the read allows, and where it comes from does not answer: ${error.message}`, { ...error.details, maxStalenessMs }, { cause: error })
}

/** Has sources that keep rows themselves look at what they keep, where that is not of the moment or later; who asks while one looks waits for the same. What one cannot read stays as old as it is. */
export function looker(sources: readonly OpenSource[]): (scope: Scope, asOfMs: number, only?: SourceConnector) => Promise<void> {
  const looking = new Map<SourceConnector, Promise<unknown>>()
  const looked = async (scope: Scope, { connector, source }: OpenSource): Promise<boolean> => {
    const joined = looking.has(connector)
    const look = looking.get(connector) ?? connector.tables({ ...scope, signal: new AbortController().signal }).finally(() => looking.delete(connector))
    looking.set(connector, look)
    await look.catch((error: unknown) => {
      if (!(error instanceof HubError)) throw error
      scope.log.debug(`Source "${source.name}" could not be looked at anew.`, { source: source.name, code: error.code, reason: error.message })
    })
    return joined
  }
  return async (scope, asOfMs, only) => {
    const isOld = ({ connector, tables }: OpenSource) => (only === undefined || connector === only) && tables.some(table => (table.asOfMs?.() ?? asOfMs) < asOfMs)
    await Promise.all(sources.filter(isOld).map(async one => {
      // A look that was under way may have begun too early.
      if ((await looked(scope, one)) && isOld(one)) await looked(scope, one)
    }))
  }
}
