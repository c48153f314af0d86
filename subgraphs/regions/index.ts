import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { entitySdl, withIdempotencyKeys } from '../../schema/sdl.ts'
import { scalars } from '../../schema/scalars.ts'
import { endpointFields, type EndpointRoles } from './endpoints/fields.ts'
import { endpointSdl } from './endpoints/sdl.ts'
import { changeFields, type Changes } from '../../resolvers/changes.ts'
import { entityResolution } from '../../resolvers/entity.ts'
import { mergeFields, type FieldResolution, type Subgraph } from '../../resolvers/subgraph.ts'
import { regionCatalogFields, type RegionCatalogRoles } from './catalog.ts'
import { genericChanges } from './changes.ts'
import { entryFields, type EntryRoles } from './entries.ts'
import { sqlFields, type SqlRoles } from './sql.ts'
import { sqlWriteFields, type SqlWriteRoles } from './sql-write.ts'
import { transactionFields, type TransactionRoles } from './transactions.ts'
import { writes } from './writes.ts'

export interface RegionsRoles extends EntryRoles, Omit<SqlRoles, 'current'>, EndpointRoles, TransactionRoles, SqlWriteRoles, Omit<RegionCatalogRoles, 'current'> {
  readonly changes: Changes
}

const management = readFileSync(join(import.meta.dirname, '..', '..', 'schema', 'regions.graphql'), 'utf8')

/** Regions: look-ups, lists, writes and changes of every declared region, the relations that lead to one, and regions as things to declare, fill and drop by name. */
export function regionsSubgraph(roles: RegionsRoles): Subgraph {
  const { fields, entities } = entityResolution({ ...roles, subgraph: 'regions' })
  const mutation: Record<string, FieldResolution> = {}
  for (const entity of roles.model.entities.filter(one => one.writable)) Object.assign(mutation, writes(entity, roles.region(entity.name)))
  return {
    name: 'regions',
    sdl: withIdempotencyKeys(`${entitySdl(roles.model, 'regions')}\n${management}\n${endpointSdl(roles.endpoints)}`),
    fields: mergeFields(fields, changeFields(roles, 'regions'), { Mutation: mutation, Subscription: { cacheChanges: genericChanges(roles) } }, entryFields(roles), transactionFields(roles), sqlFields(roles), sqlWriteFields(roles), regionCatalogFields(roles), endpointFields(roles)),
    scalars,
    entities,
  }
}
