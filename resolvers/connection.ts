import { HubError } from '../schema/errors.ts'
import { fieldOfColumn, entityOfType, type EntityModel, type Model } from '../schema/model.ts'
import { parseValue } from '../schema/scalars.ts'
import type { Row } from '../schema/values.ts'
import { parseArguments } from './arguments.ts'
import type { CursorSealer } from './cursor.ts'
import type { PlacedRow } from './rows.ts'
import type { Place, SelectRequest } from './sql.ts'
import { parseOrder, parseWhere, type OrderTerm } from './where.ts'

/** Those every list has, and the declared ones of this list. */
export interface ListArguments extends Readonly<Record<string, unknown>> {
  readonly where?: Readonly<Record<string, unknown>> | null
  readonly orderBy?: readonly Readonly<Record<string, unknown>>[] | null
  readonly first?: number | null
  readonly after?: string | null
  readonly last?: number | null
  readonly before?: string | null
}

/** A Relay connection as graphql-js completes it: what costs something is a function, called only when asked for. */
export interface Connection {
  readonly edges: () => readonly { readonly cursor: () => string; readonly node: Row }[]
  readonly nodes: readonly Row[]
  readonly pageInfo: {
    readonly hasNextPage: boolean
    readonly hasPreviousPage: boolean
    readonly startCursor: () => string | null
    readonly endCursor: () => string | null
  }
  readonly totalCount: () => Promise<number>
}

/** A list's arguments understood: what to read, and how its answer becomes a connection. */
export interface ListPage {
  /** Reads one row more than the page has, to know whether there is another. */
  readonly request: SelectRequest
  readonly size: number
  connection(found: readonly PlacedRow[], count: () => Promise<number>): Connection
}

const defaultSize = 50
const largestSize = 1000

/** Parses the arguments of a list of the entity's rows. Sizes outside 0–1000, `first` with `last`, and cursors of another list, order or tenant → BAD_USER_INPUT, BAD_CURSOR. */
export function listPage(model: Model, entity: EntityModel, tenant: string, args: ListArguments, cursors: CursorSealer): ListPage {
  const order = parseOrder(model, entity, args.orderBy)
  const filter = parseWhere(model, entity, args.where)
  const declared = parseArguments(entity, args)
  const where = declared.length === 0 ? filter : { and: [...declared, filter] }
  const { size, backwards, cursor } = pageOf(args)
  const identity = cursorScope(entity, tenant, order)
  const after = cursor === undefined ? undefined : placeFrom(model, entity, order, cursors.open(identity, cursor))
  const sealed = (place: Place) => cursors.seal(identity, JSON.stringify(place, (_, value) => (typeof value === 'bigint' ? String(value) : value)))

  return {
    request: { where, order, after, backwards, limit: size + 1 }, size,
    connection(found, count) {
      const more = found.length > size
      const page = !more ? found : backwards ? found.slice(found.length - size) : found.slice(0, size)
      const cursorAt = (row: PlacedRow | undefined) => () => (row ? sealed(row.place) : null)
      return {
        edges: () => page.map(({ row, place }) => ({ cursor: () => sealed(place), node: row })),
        nodes: page.map(({ row }) => row),
        pageInfo: {
          hasNextPage: backwards ? after !== undefined : more,
          hasPreviousPage: backwards ? more : after !== undefined,
          startCursor: cursorAt(page[0]),
          endCursor: cursorAt(page.at(-1)),
        },
        totalCount: count,
      }
    },
  }
}

/** Rows of a first page that is asked for with nothing but its size; undefined for any other, and for a size that is to be refused. */
export function pageSize({ first = null, ...others }: ListArguments): number | undefined {
  const size = first ?? defaultSize
  return Object.values(others).every(value => value === null || value === undefined) && size >= 0 && size <= largestSize ? size : undefined
}

function pageOf({ first, after, last, before }: ListArguments): { size: number; backwards: boolean; cursor: string | undefined } {
  const backwards = (last ?? undefined) !== undefined
  if (backwards && (first ?? undefined) !== undefined) throw new HubError('BAD_USER_INPUT', 'first and last stand together. Ask for the first rows behind "after", or for the last ones before "before".', { field: 'last' })
  if (backwards && after) throw new HubError('BAD_USER_INPUT', 'last goes with before, not with after.', { field: 'after' })
  if (!backwards && before) throw new HubError('BAD_USER_INPUT', 'before goes with last. Ask for last: N to read the rows before a cursor.', { field: 'before' })
  const name = backwards ? 'last' : 'first'
  const size = (backwards ? last : first) ?? defaultSize
  if (size < 0 || size > largestSize) throw new HubError('BAD_USER_INPUT', `${name} is ${size}; it takes 0 to ${largestSize}. Page on with the cursor for more.`, { field: name })
  return { size, backwards, cursor: (backwards ? before : after) ?? undefined }
}

/** What a cursor is bound to: a place means nothing in another list, order or tenant. */
function cursorScope(entity: EntityModel, tenant: string, order: readonly OrderTerm[]): string {
  const terms = order.map(({ path, column, descending, nullsFirst }) => [...path.map(link => link.field), column, descending ? 'desc' : 'asc', nullsFirst ? 'first' : 'last'].join(' '))
  return JSON.stringify(['list', tenant, entity.type, entity.key, terms])
}

function placeFrom(model: Model, entity: EntityModel, order: readonly OrderTerm[], payload: string): Place {
  const values = JSON.parse(payload) as readonly unknown[]
  const types = [...order.map(term => columnType(model, entity, term)), ...entity.key.map(column => fieldOfColumn(entity, column).type)]
  return types.map((type, index) => parseValue(type, values[index]))
}

function columnType(model: Model, entity: EntityModel, term: OrderTerm) {
  const target = term.path.at(-1)?.target
  const at = target === undefined ? entity : entityOfType(model, target)
  return fieldOfColumn(at ?? entity, term.column).type
}

/** A page of things that are few and in memory, in their order; the cursor is each one's name. */
export function simplePage<Item, Shown>(
  items: readonly Item[],
  list: { readonly name: (item: Item) => string; readonly show: (item: Item) => Shown; readonly identity: string; readonly cursors: CursorSealer },
  args: Pick<ListArguments, 'first' | 'after'>,
) {
  const { size, behind } = forwardPage(list, args)
  const rest = behind === undefined ? items : items.filter(item => list.name(item) > behind)
  const page = rest.slice(0, size)
  const cursorOf = (item: Item | undefined) => (item === undefined ? null : list.cursors.seal(list.identity, list.name(item)))
  return {
    edges: page.map(item => ({ cursor: () => cursorOf(item), node: list.show(item) })),
    nodes: page.map(list.show),
    pageInfo: { hasNextPage: rest.length > page.length, hasPreviousPage: behind !== undefined, startCursor: cursorOf(page[0]), endCursor: cursorOf(page.at(-1)) },
    totalCount: items.length,
  }
}

/** How many are asked for, and what the cursor was made of, behind which they lie. Sizes outside 0–1000 → BAD_USER_INPUT; a cursor of another list → BAD_CURSOR. */
export function forwardPage({ identity, cursors }: { readonly identity: string; readonly cursors: CursorSealer }, args: Pick<ListArguments, 'first' | 'after'>): { readonly size: number; readonly behind: string | undefined } {
  const { size, cursor } = pageOf(args)
  return { size, behind: cursor === undefined ? undefined : cursors.open(identity, cursor) }
}
