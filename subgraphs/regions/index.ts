import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { entitySdl, withIdempotencyKeys } from '../../schema/sdl.ts'
import { scalars } from '../../schema/scalars.ts'
import { entityResolution } from '../../resolvers/entity.ts'
import { mergeFields, type FieldResolution, type Subgraph } from '../../resolvers/subgraph.ts'
import { regionCatalogFields, type RegionCatalogRoles } from './catalog.ts'
import { changeFields, changes, genericChanges, type Changes } from './changes.ts'
import { entryFields, type EntryRoles } from './entries.ts'
import { sqlFields, type SqlRoles } from './sql.ts'
import { writes } from './writes.ts'

export interface RegionsRoles extends EntryRoles, SqlRoles, RegionCatalogRoles {
  readonly changes: Changes
}

const management = readFileSync(join(import.meta.dirname, '..', '..', 'schema', 'regions.graphql'), 'utf8')

/** Regions: look-ups, lists, writes and changes of every declared region, the relations that lead to one, and regions as things to declare, fill and drop by name. */
export function regionsSubgraph(roles: RegionsRoles): Subgraph {
  const { fields, entities } = entityResolution({ ...roles, subgraph: 'regions' })
  const mutation: Record<string, FieldResolution> = {}
  const subscription: Record<string, FieldResolution> = { cacheChanges: genericChanges(roles) }
  const own = roles.model.entities.filter(entity => entity.kind === 'region')
  const changeTypes = Object.fromEntries(own.map(entity => [`${entity.type}Change`, changeFields]))
  for (const entity of own) {
    const region = roles.region(entity.name)
    if (entity.writable) Object.assign(mutation, writes(entity, region))
    subscription[`${entity.lookupField}Changed`] = changes(roles, entity, region)
  }
  return {
    name: 'regions',
    sdl: withIdempotencyKeys(`${entitySdl(roles.model, 'regions')}\n${management}`),
    fields: mergeFields(fields, changeTypes, { Mutation: mutation, Subscription: subscription }, entryFields(roles), sqlFields(roles), regionCatalogFields(roles)),
    scalars,
    entities,
  }
}
