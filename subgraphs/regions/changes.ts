import { HubError } from '../../schema/errors.ts'
import type { EntityModel, Model } from '../../schema/model.ts'
import type { Row } from '../../schema/values.ts'
import type { ChangeLog } from '../../connectors/ports/change-log.ts'
import type { Region } from '../../connectors/ports/region-store.ts'
import type { Context } from '../../resolvers/context.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'
import { mustHold } from '../../resolvers/guard.ts'
import type { Dispatcher } from '../../resolvers/live/dispatcher.ts'
import type { FieldResolution } from '../../resolvers/subgraph.ts'
import { regionNamed } from './entries.ts'
import { watch, type WatchEvent } from '../../resolvers/watch.ts'
import { asFilter, parseWhere } from '../../resolvers/where.ts'

/** Where changes come from: the store's log and the dispatcher that knows who waits for what. */
export interface Changes {
  readonly log: ChangeLog
  readonly dispatcher: Dispatcher
}

interface Arguments {
  readonly where?: Readonly<Record<string, unknown>> | null
  readonly initial?: boolean | null
  readonly after?: string | null
}

/** `<type>Changed`: snapshot, then changes. A filter through a relation → BAD_USER_INPUT: a change of the other side would go unseen. */
export function changes(roles: { readonly model: Model; readonly changes: Changes; readonly cursors: CursorSealer }, entity: EntityModel, region: Region): FieldResolution {
  return {
    subscribe: async (_: unknown, args: Arguments, { scope }: Context) => {
      mustHold(scope, 'cache:read')
      const filter = asFilter(parseWhere(roles.model, entity, args.where))
      if (!filter) throw new HubError('BAD_USER_INPUT', `${entity.lookupField}Changed filters by ${entity.type}'s own fields; this filter goes through a relation. Filter what arrives, or subscribe to the other type.`, { field: 'where' })
      return watch(scope, {
        region,
        changes: roles.changes.log,
        dispatcher: roles.changes.dispatcher,
        cursors: roles.cursors,
        filter,
        initial: args.initial ?? true,
        after: args.after ?? undefined,
      })
    },
    resolve: (event: WatchEvent) => event,
  }
}

/** `cacheChanges`: the same for a region by its name, with rows as JSON. */
export function genericChanges(roles: { readonly model: Model; readonly region: (name: string) => Region; readonly changes: Changes; readonly cursors: CursorSealer }): FieldResolution {
  return {
    subscribe: (source: unknown, { region, ...args }: Arguments & { readonly region: string }, context: Context, info) => {
      const entity = regionNamed(roles.model, region)
      const typed = changes(roles, entity, roles.region(region))
      if (typeof typed === 'function') throw new RangeError('A change field has a source of events.')
      return typed.subscribe(source as never, args, context, info)
    },
    resolve: (event: WatchEvent, { region }: { region: string }) => {
      const { fields } = regionNamed(roles.model, region)
      // The store may keep columns the region no longer declares.
      const declared = (row: Row | null) => row && Object.fromEntries(fields.map(({ name }) => [name, row[name] ?? null]))
      return { ...event, before: declared(event.before), after: declared(event.after) }
    },
  }
}

/** How an event's fields are answered. */
export const changeFields: Record<string, FieldResolution> = {
  committedAt: ({ committedAtMs }: WatchEvent) => new Date(committedAtMs).toISOString().replace(/\.?0*Z$/, 'Z'),
}
