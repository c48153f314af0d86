import type { Scope } from '../../ports/scope.ts'
import { sqlRows } from '../sql.ts'
import type { Layout } from './layout.ts'
import type { IgniteRegion } from './region.ts'
import type { Reading } from './statement.ts'

/**
 * How Ignite would find the rows of a statement over one table, asked of Ignite itself: by which columns of the region an index finds them; undefined where it would read all a
 * tenant has. Reads no rows.
 */
export async function foundBy(scope: Scope, region: IgniteRegion, reading: (layout: Layout) => Reading<unknown>): Promise<readonly string[] | undefined> {
  return (await region.read(scope, async ({ layout }) => {
    const { sql, args } = reading(layout)
    const [[plan] = []] = await sqlRows(scope, region.home.client, `EXPLAIN ${sql}`, args)
    return { by: indexOf(layout, String(plan)) }
  })).by
}

/**
 * EXPLAIN answers the statement as it runs on the nodes, and behind the table a comment: `PUBLIC.TABLE.__SCAN_`, or the index and the conditions it serves,
 * `PUBLIC.TABLE__STATUS__PLACED: STATUS = ?1 AND PLACED >= ?2`; the key's is called `"_key_PK"` or much like it, and any may have `_proxy` behind its name.
 */
function indexOf({ configuration, definition }: Layout, plan: string): readonly string[] | undefined {
  const [, name = '', conditions = ''] = /\/\*\s*PUBLIC\.("[^"]+"|[^\s:.*]+):(.*?)\*\//s.exec(plan) ?? []
  const bare = name.replaceAll('"', '').replace(/_proxy$/, '')
  const index = configuration.indexes.find(one => one.name === bare)
  const fields = index?.fields ?? definition.key.map(column => column.toUpperCase())
  const served = new Set(conditions.match(/[A-Za-z_][\w$]*/g))
  // Conditions on later columns alone are looked at entry by entry, over the whole index.
  const missing = fields.findIndex(field => !served.has(field))
  const columns = fields.slice(0, missing < 0 ? undefined : missing).flatMap(field => definition.columns.find(column => column.name.toUpperCase() === field)?.name ?? [])
  return columns.length > 0 ? columns : undefined
}
