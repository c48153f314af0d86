import type { EndpointModel } from '../../../schema/endpoint.ts'
import { HubError } from '../../../schema/errors.ts'
import { didYouMean } from '../../../schema/names.ts'
import type { Row } from '../../../schema/values.ts'
import type { Region } from '../../../connectors/ports/region-store.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import type { SqlEngine } from '../../../connectors/ports/sql-engine.ts'
import { notBefore } from '../../../resolvers/consistency.ts'
import type { Context } from '../../../resolvers/context.ts'
import { endpointStatement } from '../../../resolvers/endpoint-statement.ts'
import { mustHold } from '../../../resolvers/guard.ts'
import { resultKey } from './key.ts'
import { endpointValues } from './parameters.ts'
import type { Computed, ResultCache, ResultRequest, ResultSource } from './result-cache.ts'

export interface RunRoles {
  /** Of the catalog this graph was made of. */
  readonly endpoints: readonly EndpointModel[]
  readonly engine: SqlEngine
  readonly region: (name: string) => Region
  readonly results: ResultCache<Answer>
  /** Tells this graph's results from those of other graphs. */
  readonly generation: number
}

/** What a statement answered, and who ran it. */
export interface Answer {
  readonly rows: readonly Row[]
  readonly engine: string
  /** Of the oldest data it was made from; absent: of the moment it was begun. */
  readonly asOfMs?: number
}

/** Rows one call answers at most. */
const mostRows = 10_000

export function endpointAt(endpoints: readonly EndpointModel[], path: string): EndpointModel {
  const found = endpoints.find(one => one.path === path)
  if (found) return found
  const paths = endpoints.map(one => one.path)
  throw new HubError('NOT_FOUND', `There is no endpoint "${path.slice(0, 200)}".${didYouMean(path, paths)}`, { path: path.slice(0, 200) })
}

/** One call of an endpoint, as `ApiQueryResult` shows it: the result kept for these parameters, or the statement run now. */
export async function runEndpoint(context: Context, roles: RunRoles, endpoint: EndpointModel, params: unknown) {
  const { scope } = context
  mustHold(scope, 'cache:read')
  const startedMs = scope.clock.now()
  const { values, warnings } = endpointValues(endpoint, params)
  const answered = await roles.results.answer(scope, {
    key: JSON.stringify([roles.generation, scope.tenant, endpoint.path, resultKey(endpoint, values)]),
    ...keeping(scope, endpoint),
    reads: endpoint.cacheRegions.map(name => sourceOf(roles.region(name), scope.tenant)),
    compute: own => compute(own, roles.engine, endpoint, values),
  })
  const { rows, engine } = answered.value
  const ageMs = scope.clock.now() - answered.sinceMs
  context.explain?.({ path: context.at, from: 'region', name: endpoint.path, engine: answered.hit ? 'result cache' : engine, rows: rows.length, ageMs })
  return {
    rows, rowCount: rows.length, warnings, tookMs: scope.clock.now() - startedMs,
    cache: { status: answered.hit ? 'HIT' : 'MISS', ageMs: answered.hit ? ageMs : 0, ttlSeconds: endpoint.ttlSeconds },
  }
}

/**
 * How long a result may be answered again. The endpoint's own word is nearer than the hub's default, and that of the caller is nearer still: at STRONG, or where another hub
 * wrote for him what the endpoint reads, the statement is run anew; at BOUNDED_STALENESS what is kept must be young enough.
 */
function keeping(scope: Scope, endpoint: EndpointModel): Pick<ResultRequest<Answer>, 'ttlMs' | 'suits'> {
  const { consistency, session } = scope
  const ttlMs = endpoint.ttlSeconds * 1000
  if (!consistency || consistency.from === 'default') return { ttlMs }
  const limitMs = notBefore(scope)
  if (limitMs !== undefined) return { ttlMs, suits: ({ asOfMs = Number.POSITIVE_INFINITY }, sinceMs) => Math.min(asOfMs, sinceMs) >= limitMs }
  const isAnew = consistency.level === 'STRONG' || (consistency.level === 'SESSION' && endpoint.cacheRegions.some(name => session?.since(name) !== undefined))
  return { ttlMs: isAnew ? 0 : ttlMs }
}

function sourceOf({ definition: { name, tenancy } }: Region, tenant: string): ResultSource {
  return { region: name, tenant: tenancy === 'SHARED' ? '' : tenant }
}

async function compute(scope: Scope, engine: SqlEngine, endpoint: EndpointModel, values: Parameters<typeof endpointStatement>[1]): Promise<Computed<Answer>> {
  const result = await engine.query(scope, endpointStatement(endpoint, values), { maxRows: mostRows, notBeforeMs: notBefore(scope) })
  const rows: Row[] = []
  for await (const batch of result.rows) for (const row of batch) rows.push(row)
  if (rows.length > mostRows || result.truncated()) throw new HubError('RESULT_TOO_LARGE', `Endpoint "${endpoint.path}" answers more than ${mostRows} rows. Give its statement a LIMIT, or parameters that find less.`, { path: endpoint.path })
  return { value: { rows, engine: result.engine, ...(result.asOfMs !== undefined && { asOfMs: result.asOfMs }) }, sizeBytes: sizeOf(rows) }
}

/** About what the rows take: V8 keeps at most two bytes a character. */
function sizeOf(rows: readonly Row[]): number {
  return 256 + 2 * JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)).length
}
