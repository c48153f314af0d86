import { HubError } from '../schema/errors.ts'
import type { Order } from '../schema/filter.ts'
import { keyValues, type EntityModel, type Model } from '../schema/model.ts'
import type { Row, Value } from '../schema/values.ts'
import { allRows, type SqlEngine, type Statement } from '../connectors/ports/sql-engine.ts'
import { keyOf, type Region } from '../connectors/ports/region-store.ts'
import type { Context, Read } from './context.ts'
import { readThrough, type ReadThrough } from './read-through.ts'
import { countStatement, lookupStatement, orderColumn, selectStatement, type Place, type SelectRequest } from './sql.ts'
import { asFilter, isLocal, type Where } from './where.ts'

/** How the rows of one region or view are read. Every method is one read, however many keys or values it is asked for; `path` names the asking field for `extensions.hub.reads`. */
export interface EntityRows {
  readonly entity: EntityModel
  /** One row per key, in order; undefined where there is none. */
  byKeys(context: Context, path: string, keys: readonly string[]): Promise<readonly (Row | undefined)[]>
  /** Rows with the place of each. With `per`, of each value's rows the first `limit` (backwards the last), in the order asked for. */
  select(context: Context, path: string, request: SelectRequest): Promise<readonly PlacedRow[]>
  count(context: Context, path: string, where: Where): Promise<number>
  /** How many rows pass for each value; a value without rows is absent. */
  countPer(context: Context, path: string, where: Where, per: NonNullable<SelectRequest['per']>): Promise<ReadonlyMap<Value, number>>
}

export interface PlacedRow {
  readonly row: Row
  readonly place: Place
}

/** A region whose every row is in memory: key look-ups, filters and orders over its own columns are answered there, those through links by the engine. */
export function completeRows(model: Model, entity: EntityModel, region: Region, engine: SqlEngine, ageMs: (now: number) => number): EntityRows {
  const throughEngine = engineRows(model, entity, engine, entity.kind === 'view' ? 'view' : 'region')
  const note = (context: Context, path: string, rows: number) => context.explain?.({ path, from: 'region', name: entity.name, engine: 'memory', rows, ageMs: ageMs(context.scope.clock.now()) })
  return {
    entity,
    async byKeys(context, path, keys) {
      const entries = await region.getMany(context.scope, keys)
      note(context, path, entries.filter(Boolean).length)
      return entries.map(entry => entry?.row)
    },
    async select(context, path, request) {
      const own = asFilter(request.where)
      if (!own || !isLocal(request.order)) return throughEngine.select(context, path, request)
      const { per, limit } = request
      const filter = per ? { and: [{ column: per.column, op: 'in' as const, value: per.values }, own] } : own
      const order: Order[] = request.order.map(({ column, descending, nullsFirst }) => ({ column, descending, nullsFirst }))
      const found = await region.select(context.scope, { filter, order, after: request.after && placeRow(entity, order, request.after), backwards: request.backwards, limit: per ? undefined : limit })
      const rows = per && limit !== undefined ? fewPer(found, per.column, limit, request.backwards ?? false) : found
      note(context, path, rows.length)
      return rows.map(row => ({ row, place: [...order.map(term => row[term.column] ?? null), ...keyValues(entity, row)] }))
    },
    async count(context, path, where) {
      const own = asFilter(where)
      if (!own) return throughEngine.count(context, path, where)
      return region.count(context.scope, own)
    },
    async countPer(context, path, where, per) {
      const own = asFilter(where)
      if (!own) return throughEngine.countPer(context, path, where, per)
      const counts = new Map<Value, number>()
      for (const row of await region.select(context.scope, { filter: { and: [{ column: per.column, op: 'in', value: per.values }, own] } })) {
        const value = row[per.column] ?? null
        counts.set(value, (counts.get(value) ?? 0) + 1)
      }
      return counts
    },
  }
}

/** Rows read by the SQL engine: views, and lists of regions that hold only a part of their rows. */
export function engineRows(model: Model, entity: EntityModel, engine: SqlEngine, from: Read['from']): EntityRows {
  const run = async (context: Context, path: string, statement: Statement): Promise<Row[]> => {
    const rows = await allRows(await engine.query(context.scope, statement))
    context.explain?.({ path, from, name: entity.name, engine: engine.name, rows: rows.length, ageMs: 0 })
    return rows
  }
  return {
    entity,
    async byKeys(context, path, keys) {
      const wanted = keys.map(key => keyFromText(entity, key))
      const found = new Map((await run(context, path, lookupStatement(entity, entity.key, wanted))).map(row => [keyOf(entity.key, row), row]))
      return keys.map(key => found.get(key))
    },
    async select(context, path, request) {
      const rows = await run(context, path, selectStatement(model, entity, request))
      return (request.backwards ? rows.reverse() : rows).map(row => ({ row: ownColumns(entity, row), place: [...request.order.map((_, index) => row[orderColumn(index)] ?? null), ...keyValues(entity, row)] }))
    },
    async count(context, path, where) {
      const [row] = await run(context, path, countStatement(model, entity, where))
      return Number(row?.['$count'] ?? 0)
    },
    async countPer(context, path, where, per) {
      const rows = await run(context, path, countStatement(model, entity, where, per))
      return new Map(rows.map(row => [row[per.column] ?? null, Number(row['$count'])]))
    },
  }
}

/** The row without what was selected for its place. */
function ownColumns(entity: EntityModel, row: Row): Row {
  return Object.fromEntries(entity.fields.map(({ name }) => [name, row[name] ?? null]))
}

/** The key values an entry's text names; see `keyOf`. */
export function keyFromText(entity: EntityModel, text: string): readonly Value[] {
  const texts = entity.key.length === 1 ? [text] : (JSON.parse(text) as string[])
  return entity.key.map((column, index) => {
    const field = entity.fields.find(one => one.name === column)
    if (!field) throw new HubError('INTERNAL', `${entity.name} has no column "${column}".`)
    return fromText(field.type, texts[index] ?? '')
  })
}

function fromText(type: EntityModel['fields'][number]['type'], text: string): Value {
  switch (type) {
    case 'Int':
    case 'Float':
      return Number(text)
    case 'Long': {
      const value = BigInt(text)
      return Number.isSafeInteger(Number(value)) ? Number(value) : value
    }
    case 'Boolean':
      return text === 'true'
    default:
      return text
  }
}

function placeRow(entity: EntityModel, order: readonly Order[], place: Place): Row {
  return Object.fromEntries([...order.map(term => term.column), ...entity.key].map((column, index) => [column, place[index] ?? null]))
}

/** Of each value's rows the first few, or backwards the last few, in the order given. */
function fewPer(rows: readonly Row[], column: string, limit: number, backwards: boolean): readonly Row[] {
  const groups = Map.groupBy(rows, row => row[column] ?? null)
  return [...groups.values()].flatMap(group => (backwards ? group.slice(Math.max(0, group.length - limit)) : group.slice(0, limit)))
}

/** A region that holds the rows asked for so far: keys are read through it, lists come from its source, never from the part that happens to be in memory. */
export function partialRows(model: Model, entity: EntityModel, through: ReadThrough, engine: SqlEngine): EntityRows {
  const lists = engineRows(model, entity, engine, 'source')
  return {
    ...lists,
    async byKeys(context, path, keys) {
      const { rows, hits, loaded } = await readThrough(context.scope, through, keys)
      if (hits.length > 0 || loaded === 0) {
        const oldest = Math.min(...hits.map(entry => entry.writtenAtMs), context.scope.clock.now())
        context.explain?.({ path, from: 'region', name: entity.name, engine: 'memory', rows: hits.length, ageMs: context.scope.clock.now() - oldest })
      }
      if (loaded > 0) context.explain?.({ path, from: 'source', name: entity.load ? `${entity.load.source}.${entity.load.table}` : entity.name, engine: engine.name, rows: loaded, ageMs: 0 })
      return rows
    },
  }
}
