import type { Scope } from '../ports/scope.ts'
import type { MountedTable } from '../ports/sql-engine.ts'

/** Notes what a statement is about to read: the rows of its tables that the process holds. Views are among the tables beside those they read. */
export function noteTables({ footprint, tenant }: Scope, { tables, isVolatile }: { readonly tables: readonly MountedTable[]; readonly isVolatile: boolean }): void {
  if (!footprint) return
  if (isVolatile) return void footprint.unknown('A statement asks for the time, or for something drawn at random.')
  for (const { catalog, name, from } of tables) {
    if (from.kind === 'view') continue
    const versions = from.kind === 'live' ? from.versions?.() : undefined
    if (versions) footprint.rows(versions, tenant)
    else footprint.unknown(`Table "${catalog}.${name}" does not tell the hub of its changes.`)
  }
}
