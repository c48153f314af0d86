import type { LinkMember, Member } from '../connectors/ports/region-store.ts'
import { entityOfType, fieldOfColumn, isSoleKey, type EntityModel, type Link, type Model } from '../schema/model.ts'
import type { ColumnType } from '../schema/values.ts'
import { type Asked, type LinkAsked, linkResolver } from './compiled/verbatim.ts'
import { pageSize } from './connection.ts'
import type { Context } from './context.ts'
import type { EntityRows } from './rows.ts'

/** Where a link leads. */
interface Followed {
  readonly link: Link
  /** Of its target. */
  readonly rows: EntityRows
}

const known = new WeakMap<object, Followed>()

/** Types whose values are the same, and name the same key, wherever they stand. */
const sameEverywhere: ReadonlySet<ColumnType> = new Set<ColumnType>(['String', 'UUID', 'Int', 'Long'])

/** Whether values of the link's column are those of its target's as they stand. */
export function isFollowed(model: Model, link: Link, target: EntityModel): boolean {
  const source = entityOfType(model, link.source)
  const { type } = fieldOfColumn(target, link.targetColumn)
  return source !== undefined && fieldOfColumn(source, link.sourceColumn).type === type && sameEverywhere.has(type) && (link.many || isSoleKey(target, link.targetColumn))
}

/** The link's resolver, known to answer what a region finds when it follows the link by itself. */
export function followed<Resolver extends object>(resolve: Resolver, leads: Followed): Resolver {
  known.set(resolve, leads)
  return linkResolver(resolve)
}

interface Made {
  readonly links: readonly (LinkMember | undefined)[]
  readonly members: readonly Member[]
}

/** What was made last of what is asked: a region prepares a list of members once. */
const made = new WeakMap<readonly Asked[], Made>()

/** What is asked of rows, with the regions that its links lead to; undefined where a link has to be asked for by itself just now. */
export function linked(context: Context, asked: readonly Asked[] | undefined, variables: Readonly<Record<string, unknown>>): readonly Member[] | undefined {
  if (!asked?.some(isLink)) return asked as readonly Member[] | undefined
  const last = made.get(asked)
  const links: (LinkMember | undefined)[] = []
  for (const [place, one] of asked.entries()) {
    if (!isLink(one)) continue
    const link = linkMember(context, one, variables)
    if (!link) return undefined
    links[place] = link
  }
  if (last && asked.every((_, place) => isSame(last.links[place], links[place]))) return last.members
  const members = asked.map((one, place) => (isLink(one) ? (links[place] as LinkMember) : one))
  made.set(asked, { links, members })
  return members
}

function isLink(one: Asked): one is LinkAsked {
  return 'resolver' in one
}

function linkMember(context: Context, { name, resolver, args, members: asked, nodes }: LinkAsked, variables: Readonly<Record<string, unknown>>): LinkMember | undefined {
  const { link, rows } = known.get(resolver) ?? {}
  const region = rows?.regionNow?.(context)
  const members = linked(context, asked, variables)
  if (!link || !region || !members) return undefined
  if (!link.many) return { name, column: link.sourceColumn, link: { region, members } }
  const given = args(variables)
  const limit = given && pageSize(given)
  return limit === undefined || nodes === undefined ? undefined : { name, column: link.sourceColumn, link: { region, members, many: { by: link.targetColumn, limit, nodes } } }
}

function isSame(one: LinkMember | undefined, other: LinkMember | undefined): boolean {
  return one?.link.region === other?.link.region && one?.link.members === other?.link.members && one?.link.many?.limit === other?.link.many?.limit
}
