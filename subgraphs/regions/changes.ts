import type { Row } from '../../schema/values.ts'
import { changes, type ChangeArguments, type ChangeRoles } from '../../resolvers/changes.ts'
import type { Context } from '../../resolvers/context.ts'
import type { FieldResolution } from '../../resolvers/subgraph.ts'
import type { WatchEvent } from '../../resolvers/watch.ts'
import { regionNamed } from './entries.ts'

/** `cacheChanges`: the same for a region by its name, with rows as JSON. */
export function genericChanges(roles: ChangeRoles): FieldResolution {
  return {
    subscribe: (source: unknown, { region, ...args }: ChangeArguments & { readonly region: string }, context: Context) =>
      changes(roles, regionNamed(roles.model, region)).subscribe(source, args, context),
    resolve: (event: WatchEvent, { region }: { region: string }) => {
      const { fields } = regionNamed(roles.model, region)
      // The store may keep columns the region no longer declares.
      const declared = (row: Row | null) => row && Object.fromEntries(fields.map(({ name }) => [name, row[name] ?? null]))
      return { ...event, before: declared(event.before), after: declared(event.after) }
    },
  }
}
