import type { RunFilter, RunStore, StoredRun } from '../../connectors/ports/run-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'
import { placedPage } from './placed-page.ts'

interface RunList<Shown> {
  readonly store: RunStore
  readonly cursors: CursorSealer
  /** Tells its cursors from those of other lists. */
  readonly name: string
  readonly show: (run: StoredRun) => Shown
}

/** A page of the runs a filter lets through, the newest first. */
export async function runPage<Shown>(scope: Scope, { store, cursors, name, show }: RunList<Shown>, wanted: RunFilter, page: { readonly first?: number | null; readonly after?: string | null }) {
  const list = { identity: JSON.stringify([name, scope.tenant, wanted]), cursors, show, placeOf: ({ queuedAtMs, runId }: StoredRun) => ({ queuedAtMs, runId }) }
  return placedPage(list, page, (limit, after) => store.runs(scope, wanted, limit, after))
}
