import { HubError } from '../schema/errors.ts'
import { isKept, subgraphOf, type EntityModel, type Model } from '../schema/model.ts'
import type { ChangeLog } from '../connectors/ports/change-log.ts'
import type { Region } from '../connectors/ports/region-store.ts'
import type { Context } from './context.ts'
import type { CursorSealer } from './cursor.ts'
import { mustHold } from './guard.ts'
import type { Dispatcher } from './live/dispatcher.ts'
import type { FieldResolution, Subgraph } from './subgraph.ts'
import { watch, type WatchEvent } from './watch.ts'
import { asFilter, parseWhere } from './where.ts'

/** Where changes come from: the store's log and the dispatcher that knows who waits for what. */
export interface Changes {
  readonly log: ChangeLog
  readonly dispatcher: Dispatcher
}

export interface ChangeRoles {
  readonly model: Model
  /** The region an entity's rows are kept in, by its name. */
  readonly region: (name: string) => Region
  readonly changes: Changes
  readonly cursors: CursorSealer
}

export interface ChangeArguments {
  readonly where?: Readonly<Record<string, unknown>> | null
  readonly initial?: boolean | null
  readonly after?: string | null
}

/** `<type>Changed` of everything a subgraph keeps, and the fields of its events. */
export function changeFields(roles: ChangeRoles, subgraph: 'regions' | 'views'): Subgraph['fields'] {
  const own = roles.model.entities.filter(entity => subgraphOf(entity) === subgraph && isKept(entity))
  const events = own.map(entity => [`${entity.type}Change`, eventFields])
  return { ...Object.fromEntries(events), Subscription: Object.fromEntries(own.map(entity => [`${entity.lookupField}Changed`, changes(roles, entity)])) }
}

/** Snapshot, then changes. A filter through a relation → BAD_USER_INPUT: a change of the other side would go unseen. */
export function changes(roles: ChangeRoles, entity: EntityModel) {
  const region = roles.region(entity.name)
  return {
    subscribe: async (_: unknown, args: ChangeArguments, { scope, live }: Context) => {
      mustHold(scope, 'cache:read')
      const filter = asFilter(parseWhere(roles.model, entity, args.where))
      if (!filter) throw new HubError('BAD_USER_INPUT', `${entity.lookupField}Changed filters by ${entity.type}'s own fields; this filter goes through a relation. Filter what arrives, or subscribe to the other type.`, { field: 'where' })
      const after = live?.after ?? args.after ?? undefined
      // Another hub may have given it out a moment ago.
      if (after !== undefined) await roles.changes.log.current()
      return watch(scope, {
        ...live,
        after,
        region,
        changes: roles.changes.log,
        dispatcher: roles.changes.dispatcher,
        cursors: roles.cursors,
        filter,
        initial: args.initial ?? true,
      })
    },
    resolve: (event: WatchEvent) => event,
  } satisfies FieldResolution
}

const eventFields: Record<string, FieldResolution> = {
  committedAt: ({ committedAtMs }: WatchEvent) => new Date(committedAtMs).toISOString().replace(/\.?0*Z$/, 'Z'),
}
