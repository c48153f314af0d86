import { entitySdl } from '../../schema/sdl.ts'
import { scalars } from '../../schema/scalars.ts'
import type { Model } from '../../schema/model.ts'
import type { Region } from '../../connectors/ports/region-store.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'
import { entityResolution } from '../../resolvers/entity.ts'
import type { EntityRows } from '../../resolvers/rows.ts'
import { mergeFields, type FieldResolution, type Subgraph } from '../../resolvers/subgraph.ts'
import { changeFields, changes, type Changes } from './changes.ts'
import { writes } from './writes.ts'

export interface RegionsRoles {
  readonly model: Model
  readonly region: (name: string) => Region
  readonly rowsOf: (type: string) => EntityRows
  readonly changes: Changes
  readonly cursors: CursorSealer
  /** Fields beside those of the declared entities, with their SDL. */
  readonly management?: Pick<Subgraph, 'fields' | 'sdl'>
}

/** Regions: look-ups, lists, writes and changes of every declared region, and the relations that lead to one. */
export function regionsSubgraph(roles: RegionsRoles): Subgraph {
  const { fields, entities } = entityResolution({ ...roles, subgraph: 'regions' })
  const mutation: Record<string, FieldResolution> = {}
  const subscription: Record<string, FieldResolution> = {}
  const own = roles.model.entities.filter(entity => entity.kind === 'region')
  const changeTypes = Object.fromEntries(own.map(entity => [`${entity.type}Change`, changeFields]))
  for (const entity of own) {
    const region = roles.region(entity.name)
    if (entity.writable) Object.assign(mutation, writes(entity, region))
    subscription[`${entity.lookupField}Changed`] = changes(roles, entity, region)
  }
  const extra = roles.management?.fields ?? {}
  return {
    name: 'regions',
    sdl: [entitySdl(roles.model, 'regions'), roles.management?.sdl].filter(Boolean).join('\n'),
    fields: mergeFields(fields, changeTypes, { Mutation: mutation, Subscription: subscription }, extra),
    scalars,
    entities,
  }
}
