import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { entitySdl, withIdempotencyKeys } from '../../schema/sdl.ts'
import { scalars } from '../../schema/scalars.ts'
import type { Model } from '../../schema/model.ts'
import type { SqlEngine } from '../../connectors/ports/sql-engine.ts'
import { changeFields, type ChangeRoles } from '../../resolvers/changes.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'
import { entityResolution } from '../../resolvers/entity.ts'
import type { EntityRows } from '../../resolvers/rows.ts'
import { mergeFields, type Subgraph } from '../../resolvers/subgraph.ts'
import { catalogFields, type CatalogRoles } from './catalog.ts'
import { queryFields, type QueryRoles } from './query.ts'

export interface ViewsRoles extends CatalogRoles, QueryRoles, ChangeRoles {
  readonly model: Model
  readonly rowsOf: (type: string) => EntityRows
  readonly engine: SqlEngine
  readonly cursors: CursorSealer
  readonly tablesOf: QueryRoles['tablesOf']
}

const management = readFileSync(join(import.meta.dirname, '..', '..', 'schema', 'views.graphql'), 'utf8')

/** Views: their rows as typed lists and look-ups, changes of those whose rows are kept, relations that lead to one, and SQL over everything declared. */
export function viewsSubgraph(roles: ViewsRoles): Subgraph {
  const { fields, entities } = entityResolution({ ...roles, subgraph: 'views' })
  return {
    name: 'views',
    sdl: withIdempotencyKeys(`${entitySdl(roles.model, 'views')}\n${management}`),
    fields: mergeFields(fields, changeFields(roles, 'views'), queryFields(roles), catalogFields(roles)),
    scalars,
    entities,
  }
}
