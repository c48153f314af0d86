import { HubError } from '../schema/errors.ts'
import type { Order } from '../schema/filter.ts'
import { fieldOfColumn, keyValues, type EntityModel, type Model } from '../schema/model.ts'
import { parseKeyText } from '../schema/scalars.ts'
import type { Row, Value } from '../schema/values.ts'
import { allRows, type SqlEngine, type Statement } from '../connectors/ports/sql-engine.ts'
import { keyOf, type Entry, type Member, type Region } from '../connectors/ports/region-store.ts'
import { ageOf, type Context, type Read } from './context.ts'
import { noteRows, notingEntries } from './footprint.ts'
import { entriesOf, notBefore } from './consistency.ts'
import { readThrough, type ReadThrough } from './read-through.ts'
import { countStatement, lookupStatement, orderColumn, selectStatement, type Place, type SelectRequest } from './sql.ts'
import { asFilter, isLocal, type Where } from './where.ts'

/** How the rows of one region or view are read. Every method is one read, however many keys or values it is asked for; `path` names the asking field for `extensions.hub.reads`. */
export interface EntityRows {
  readonly entity: EntityModel
  /** One row per key, in order; undefined where there is none. */
  byKeys(context: Context, path: string, keys: readonly string[]): Promise<readonly (Row | undefined)[]>
  /** The same with what the region knows of each row. */
  entries(context: Context, path: string, keys: readonly string[]): Promise<readonly (KeyedRow | undefined)[]>
  /** What `byKeys` answers as a JSON list of objects of these members, null for each row that is not there; undefined or absent where the rows have to be read for that. */
  json?(context: Context, keys: readonly string[], members: readonly Member[]): Promise<string | undefined>
  /** The same of the first rows in the order of their keys. */
  selectJson?(context: Context, where: Where, limit: number, members: readonly Member[]): Promise<string | undefined>
  /** The region that has all these rows, for who follows links to them by itself; undefined or absent where they have to be asked for here. */
  regionNow?(context: Context): Region | undefined
  /** Rows with the place of each. With `per`, of each value's rows the first `limit` (backwards the last), in the order asked for. */
  select(context: Context, path: string, request: SelectRequest): Promise<readonly PlacedRow[]>
  count(context: Context, path: string, where: Where): Promise<number>
  /** How many rows pass for each value; a value without rows is absent. */
  countPer(context: Context, path: string, where: Where, per: NonNullable<SelectRequest['per']>): Promise<ReadonlyMap<Value, number>>
}

/** Version and time are absent for a row that was read from elsewhere just now. */
export type KeyedRow = Pick<Entry, 'key' | 'row'> & Partial<Pick<Entry, 'version' | 'writtenAtMs'>>

export interface PlacedRow {
  readonly row: Row
  readonly place: Place
}

/** A row of a region, whose place is found out when somebody asks for a cursor. */
class RegionRow implements PlacedRow {
  readonly row: Row
  readonly #placeOf: (row: Row) => Place

  constructor(row: Row, placeOf: (row: Row) => Place) {
    this.row = row
    this.#placeOf = placeOf
  }

  get place(): Place { return this.#placeOf(this.row) }
}

/** A region whose every row is in memory: key look-ups, filters and orders over its own columns are answered there, those through links by the engine. `asOfMs` says when its rows were those of where they come from; undefined where clients write them. */
export function completeRows(model: Model, entity: EntityModel, region: Region, engine: SqlEngine, asOfMs: () => number | undefined): EntityRows {
  const throughEngine = engineRows(model, entity, engine, entity.kind === 'view' ? 'view' : 'region')
  const columns = new Set(entity.fields.map(({ name }) => name))
  const note = (context: Context, path: string, rows: number, found: readonly (Entry | undefined)[] = []) => context.explain?.({ path, from: 'region', name: entity.name, engine: region.engine, rows, ...keptNear(found), ageMs: ageOf(context.scope, asOfMs()) })
  const entries: EntityRows['entries'] = async (context, path, keys) => {
    const noteFound = notingEntries(context.scope, entity.name, region, keys)
    const found = await entriesOf(context.scope, entity.name, region, keys)
    noteFound(found)
    note(context, path, found.filter(Boolean).length, found)
    return found
  }
  return {
    entity,
    entries,
    byKeys: async (context, path, keys) => (await entries(context, path, keys)).map(entry => entry?.row),
    // Whoever notes or explains what was read wants to know of each row.
    regionNow: context => (context.scope.footprint || context.explain ? undefined : region),
    async json(context: Context, keys: readonly string[], members: readonly Member[]) {
      if (context.scope.footprint || context.explain || !members.every(({ column }) => columns.has(column))) return undefined
      return (await region.getJson?.(context.scope, keys, members))?.toString()
    },
    async selectJson(context: Context, where: Where, limit: number, members: readonly Member[]) {
      const filter = asFilter(where)
      if (!filter || context.scope.footprint || context.explain || !members.every(({ column }) => columns.has(column))) return undefined
      return (await region.selectJson?.(context.scope, { filter, limit }, members))?.toString()
    },
    async select(context, path, request) {
      const own = asFilter(request.where)
      if (!own || !isLocal(request.order)) return throughEngine.select(context, path, request)
      const { after, backwards, limit, per } = request
      const order: Order[] = request.order.map(({ column, descending, nullsFirst }) => ({ column, descending, nullsFirst }))
      noteRows(context.scope, entity.name, region)
      const rows = await region.select(context.scope, { filter: own, order, after: after && placeRow(entity, order, after), backwards, limit, per })
      note(context, path, rows.length)
      const placeOf = (row: Row) => [...order.map(term => row[term.column] ?? null), ...keyValues(entity, row)]
      return rows.map(row => new RegionRow(row, placeOf))
    },
    async count(context, path, where) {
      const own = asFilter(where)
      if (!own) return throughEngine.count(context, path, where)
      noteRows(context.scope, entity.name, region)
      return region.count(context.scope, own)
    },
    async countPer(context, path, where, per) {
      const own = asFilter(where)
      if (!own) return throughEngine.countPer(context, path, where, per)
      const counts = new Map<Value, number>()
      noteRows(context.scope, entity.name, region)
      for (const row of await region.select(context.scope, { filter: { and: [{ column: per.column, op: 'in', value: per.values }, own] } })) {
        const value = row[per.column] ?? null
        counts.set(value, (counts.get(value) ?? 0) + 1)
      }
      return counts
    },
  }
}

/** How many of the entries were kept near, for a read's note; nothing where none was. */
function keptNear(entries: readonly (Entry | undefined)[]): Pick<Read, 'near'> {
  const near = entries.filter(entry => entry?.near).length
  return near > 0 ? { near } : {}
}

/** Rows the hub holds for as long as they are young enough for the read, and then those of where they come from. */
export function boundedRows(held: EntityRows, source: EntityRows, asOfMs: () => number | undefined): EntityRows {
  const isYoung = ({ scope }: Context) => {
    const limitMs = notBefore(scope)
    return limitMs === undefined || (asOfMs() ?? limitMs) >= limitMs
  }
  const read = <Rest extends unknown[], T>(of: (rows: EntityRows) => (context: Context, ...rest: Rest) => Promise<T>) => (context: Context, ...rest: Rest): Promise<T> => {
    if (isYoung(context)) return of(held)(context, ...rest)
    const { explain } = context
    return of(source)(explain ? { ...context, explain: one => explain({ ...one, outdated: true }) } : context, ...rest)
  }
  return {
    entity: held.entity,
    regionNow: context => (isYoung(context) ? held.regionNow?.(context) : undefined),
    json: async (context, ...asked) => (isYoung(context) ? held.json?.(context, ...asked) : undefined),
    selectJson: async (context, ...asked) => (isYoung(context) ? held.selectJson?.(context, ...asked) : undefined),
    byKeys: read(rows => rows.byKeys), entries: read(rows => rows.entries), select: read(rows => rows.select), count: read(rows => rows.count), countPer: read(rows => rows.countPer),
  }
}

/** Keys one statement looks up: composite ones take a hundred characters each, and engines bound the length of a statement. */
const keysPerStatement = 1_000

/** Rows read by the SQL engine: views, and lists of regions that hold only a part of their rows. */
export function engineRows(model: Model, entity: EntityModel, engine: SqlEngine, from: Read['from']): EntityRows {
  const run = async (context: Context, path: string, statement: Statement): Promise<Row[]> => {
    const result = await engine.query(context.scope, statement, { notBeforeMs: notBefore(context.scope) })
    const rows = await allRows(result)
    context.explain?.({ path, from, name: entity.name, engine: result.engine, rows: rows.length, ageMs: ageOf(context.scope, result.asOfMs) })
    return rows
  }
  const rows: EntityRows = {
    entity,
    entries: async (context, path, keys) => (await rows.byKeys(context, path, keys)).map((row, index) => row && { key: keys[index] ?? '', row }),
    async byKeys(context, path, keys) {
      const wanted = keys.map(key => keyFromText(entity, key))
      const found = new Map<string, Row>()
      for (let at = 0; at < wanted.length; at += keysPerStatement) {
        for (const row of await run(context, path, lookupStatement(entity, entity.key, wanted.slice(at, at + keysPerStatement)))) found.set(keyOf(entity.key, row), row)
      }
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
  return rows
}

/** The row without what was selected for its place. */
function ownColumns(entity: EntityModel, row: Row): Row {
  return Object.fromEntries(entity.fields.map(({ name }) => [name, row[name] ?? null]))
}

/** The key values an entry's text names; see `keyOf`. A text that cannot name one → BAD_USER_INPUT. */
export function keyFromText(entity: EntityModel, text: string): readonly Value[] {
  const texts = entity.key.length === 1 ? [text] : partsOfKey(entity, text)
  return entity.key.map((column, index) => parseKeyText(fieldOfColumn(entity, column).type, texts[index]))
}

/** The text as `keyOf` writes it: the same entry is named by `7` and `07`. */
export function canonicalKey(entity: EntityModel, text: string): string {
  const values = keyFromText(entity, text)
  return keyOf(entity.key, Object.fromEntries(entity.key.map((column, index) => [column, values[index] ?? null])))
}

function partsOfKey(entity: EntityModel, text: string): readonly string[] {
  let parts: unknown
  try {
    parts = JSON.parse(text)
  } catch {
    parts = undefined // no JSON: said below with what is expected
  }
  if (Array.isArray(parts) && parts.length === entity.key.length && parts.every(part => typeof part === 'string')) return parts
  const shown = text.length > 80 ? `${text.slice(0, 77)}…` : text
  throw new HubError('BAD_USER_INPUT', `${JSON.stringify(shown)} names no entry of "${entity.name}". Its key is written as a JSON list of texts, one each for ${entity.key.join(', ')}: ${JSON.stringify(entity.key.map(() => '…'))}.`, { field: 'key' })
}

function placeRow(entity: EntityModel, order: readonly Order[], place: Place): Row {
  return Object.fromEntries([...order.map(term => term.column), ...entity.key].map((column, index) => [column, place[index] ?? null]))
}

/** The failure of whoever was asked last, with all who were asked. */
function withTried(error: unknown, tried: readonly string[]): unknown {
  if (!(error instanceof HubError) || error.code !== 'UPSTREAM_UNAVAILABLE') return error
  return new HubError(error.code, error.message, { ...error.details, tried }, { cause: error })
}

/** A region that holds the rows asked for so far: keys are read through it, lists come from its source, never from the part that happens to be in memory. */
export function partialRows(model: Model, entity: EntityModel, through: ReadThrough, engine: SqlEngine): EntityRows {
  const lists = engineRows(model, entity, engine, 'source')
  const read = async (context: Context, path: string, keys: readonly string[]) => {
    const { rows, hits, loaded, outdated, hitsAsOfMs, loadedAsOfMs } = await readThrough(context.scope, through, keys).catch((error: unknown) => Promise.reject(withTried(error, [through.region.engine, through.loader])))
    if (hits.length > 0 || loaded + outdated === 0) context.explain?.({ path, from: 'region', name: entity.name, engine: through.region.engine, rows: hits.length, ...keptNear(hits), ageMs: ageOf(context.scope, hitsAsOfMs) })
    if (loaded + outdated > 0) context.explain?.({ path, from: 'source', name: entity.load ? `${entity.load.source}.${entity.load.table}` : entity.name, engine: through.loader, rows: loaded, ageMs: ageOf(context.scope, loadedAsOfMs), ...(outdated > 0 && { outdated: true }) })
    return { rows, hits }
  }
  return {
    ...lists,
    byKeys: async (context, path, keys) => (await read(context, path, keys)).rows,
    async entries(context, path, keys) {
      const { rows, hits } = await read(context, path, keys)
      const known = new Map(hits.map(entry => [entry.key, entry]))
      return keys.map((key, index) => {
        const row = rows[index]
        return known.get(key) ?? (row && { key, row })
      })
    },
  }
}
