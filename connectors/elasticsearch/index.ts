import { Client, type estypes } from '@elastic/elasticsearch'
import { HubError } from '../../schema/errors.ts'
import type { Row } from '../../schema/values.ts'
import type { Scope } from '../ports/scope.ts'
import type { SourceConnector } from '../ports/source-connector.ts'
import { merged, type Part } from '../scan/merge.ts'
import { lookupReading, type Reading, scanReading } from '../scan/reading.ts'
import { noSuchTable, pickColumns } from '../sql-text/columns.ts'
import { isPossible } from '../sql-text/filter.ts'
import { asSourceError } from './errors.ts'
import { countsOf, type ElasticsearchTable, tablesFrom, withLists } from './introspect.ts'
import { clientOptions, type ElasticsearchOptions, elasticsearchOptions, secretsOf } from './options.ts'
import { queryFor } from './query.ts'
import { requestOf, rowOf } from './rows.ts'
import type { FieldColumn } from './types.ts'

const pageRows = 1000
/** Slices one scan is read in, at the same time. */
const slices = 4
/** Keys of one query. */
const keysAtOnce = 10_000
/** How long the cluster keeps a place nobody asks for. */
const keepAlive = '1m'

/**
 * Indices, aliases and data streams of a cluster as tables, read only, in a view of one moment that is given back whatever happens. The key is `_id`. Elasticsearch finds
 * what equality, ranges and absence of unanalysed fields can find; rows are compared here once more. A mapping does not say whether a field holds lists: `tables` counts,
 * and a field of which any document holds several values is a JSON list in every row. Analysed text cannot be counted: a list in it is answered as its JSON text. Where a
 * second value came later the read fails, and `tables` finds the list.
 */
export async function openElasticsearch(given: ElasticsearchOptions & { name: string }): Promise<SourceConnector> {
  const { name, ...rest } = given
  const options = elasticsearchOptions.parse(rest)
  const secrets = secretsOf(options)
  const client = new Client(clientOptions(name, options))
  let known: readonly ElasticsearchTable[] | undefined
  let closed = false

  interface Limits {
    readonly signal: AbortSignal
    readonly requestTimeout: number
  }

  async function asked<T>(scope: Scope, signal: AbortSignal, work: (limits: Limits) => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    try {
      return await work({ signal, requestTimeout: Math.max(1, Math.min(options.requestTimeoutMs, scope.deadlineMs - scope.clock.now())) })
    } catch (error) {
      signal.throwIfAborted()
      throw closed ? new HubError('UPSTREAM_UNAVAILABLE', `Source "${name}" was closed.`, { source: name }, { cause: error }) : asSourceError(name, error, secrets)
    }
  }

  async function look(scope: Scope): Promise<readonly ElasticsearchTable[]> {
    return asked(scope, scope.signal, async limits => {
      const resolved = await client.indices.resolveIndex({ name: [...options.indices], expand_wildcards: 'open' }, limits)
      const mappings = await client.indices.getMapping({ index: [...options.indices], expand_wildcards: ['open', 'hidden'], allow_no_indices: true }, limits)
      const tables: ElasticsearchTable[] = []
      for (const table of tablesFrom({ resolved, mappings })) {
        const aggs = countsOf(table)
        const answer = aggs && await client.search({ index: table.name, size: 0, track_total_hits: false, allow_partial_search_results: false, aggs }, limits)
        tables.push(withLists(table, (answer?.aggregations ?? {}) as Parameters<typeof withLists>[1]))
      }
      return tables
    })
  }

  async function tableFor(scope: Scope, table: string): Promise<ElasticsearchTable> {
    known ??= await look(scope)
    const found = known.find(one => one.name === table)
    if (!found) throw noSuchTable(name, table, known.map(one => one.name))
    return found
  }

  /** Rows of one query that the reading answers. */
  async function* rowsOf(scope: Scope, table: ElasticsearchTable, reading: Reading<FieldColumn>, width: number): AsyncGenerator<readonly Row[], void, void> {
    const query = queryFor(reading.filter, table.columns)
    if (!query) return
    let { id } = await asked(scope, scope.signal, limits => client.openPointInTime({ index: table.name, keep_alive: keepAlive }, limits))

    async function* slice(signal: AbortSignal, number: number): AsyncGenerator<Row[], void, void> {
      let after: estypes.SortResults | undefined
      for (;;) {
        const request: estypes.SearchRequest = {
          ...requestOf(reading.columns), query, size: pageRows, pit: { id, keep_alive: keepAlive }, sort: ['_shard_doc'], track_total_hits: false, allow_partial_search_results: false,
          ...(after ? { search_after: after } : {}), ...(width > 1 ? { slice: { id: String(number), max: width } } : {}),
        }
        const answer = await asked(scope, signal, limits => client.search(request, limits))
        id = answer.pit_id ?? id
        const { hits } = answer.hits
        if (hits.length > 0) yield hits.map(hit => rowOf(reading.columns, hit, field => listFound(table.name, field, hit._id ?? '')))
        after = hits.at(-1)?.sort
        if (hits.length < pageRows || !after) return
      }
    }

    try {
      const parts = Array.from({ length: width }, (_, number): Part<Row[]> => signal => slice(signal, number))
      for await (const rows of merged(scope.signal, parts, width)) {
        const answer = reading.answer(rows)
        if (answer.length > 0) yield answer
        scope.signal.throwIfAborted()
        if (reading.done) return
      }
    } finally {
      await giveBack(scope, id)
    }
  }

  /** Also when the caller has left, so under no signal of his. */
  async function giveBack(scope: Scope, id: string): Promise<void> {
    try {
      await client.closePointInTime({ id }, { requestTimeout: 5_000, maxRetries: 0 })
    } catch (error) {
      const { code, message } = asSourceError(name, error, secrets)
      if (!closed) scope.log.warn(`A place of a read of source "${name}" was not given back; the cluster forgets it after ${keepAlive}.`, { source: name, code, reason: message })
    }
  }

  function listFound(table: string, field: string, id: string): HubError {
    known = undefined
    return new HubError('UPSTREAM_REJECTED', `Field "${field}" of document "${id}" of table "${table}" holds several values, and held one when source "${name}" was looked at. Reload the catalog: the column becomes a JSON list.`, { source: name, table, column: field })
  }

  return {
    name,
    type: 'elasticsearch',

    async tables(scope) {
      known = await look(scope)
      return known.map(({ name: table, columns }) => ({
        name: table, key: ['_id'], foreignKeys: [], quarantine: { count: 0, samples: [] },
        columns: columns.map(({ name: column, type, nullable }) => ({ name: column, type, nullable })),
      }))
    },

    async *scan(scope, request) {
      scope.signal.throwIfAborted()
      const table = await tableFor(scope, request.table)
      const reading = scanReading(table.name, table.columns, request)
      if (!reading.done) yield* rowsOf(scope, table, reading, slices)
    },

    async lookup(scope, request) {
      scope.signal.throwIfAborted()
      const table = await tableFor(scope, request.table)
      const keyColumns = pickColumns(table.name, table.columns, request.keyColumns)
      pickColumns(table.name, table.columns, request.columns)
      const keys = request.keys.filter(key => keyColumns.every(({ type }, index) => isPossible(type, key[index] ?? null)))
      const found: Row[] = []
      const distinct = [...new Map(keys.map(key => [JSON.stringify(key.map(String)), key])).values()]
      for (let at = 0; at < distinct.length; at += keysAtOnce) {
        for await (const rows of rowsOf(scope, table, lookupReading(table.name, table.columns, { ...request, keys: distinct.slice(at, at + keysAtOnce) }), 1)) found.push(...rows)
      }
      return found
    },

    /** Reads that are not at their end fail with UPSTREAM_UNAVAILABLE. */
    async close() {
      closed = true
      await client.close()
    },
  }
}
