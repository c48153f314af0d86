import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { entitySdl, withIdempotencyKeys } from '../../schema/sdl.ts'
import { scalars } from '../../schema/scalars.ts'
import type { Model } from '../../schema/model.ts'
import type { SqlEngine } from '../../connectors/ports/sql-engine.ts'
import { entityResolution } from '../../resolvers/entity.ts'
import type { EntityRows } from '../../resolvers/rows.ts'
import { mergeFields, type Subgraph } from '../../resolvers/subgraph.ts'
import { catalogFields, type CatalogRoles } from './catalog.ts'
import { queryFields, type QueryRoles } from './query.ts'

export interface ViewsRoles extends CatalogRoles, QueryRoles {
  readonly model: Model
  readonly rowsOf: (type: string) => EntityRows
  readonly engine: SqlEngine
}

const management = readFileSync(join(import.meta.dirname, '..', '..', 'schema', 'views.graphql'), 'utf8')

/** Views: their rows as typed lists and look-ups, relations that lead to one, and SQL over everything declared. */
export function viewsSubgraph(roles: ViewsRoles): Subgraph {
  const { fields, entities } = entityResolution({ ...roles, subgraph: 'views' })
  return {
    name: 'views',
    sdl: withIdempotencyKeys(`${entitySdl(roles.model, 'views')}\n${management}`),
    fields: mergeFields(fields, queryFields(roles), catalogFields(roles)),
    scalars,
    entities,
  }
}
