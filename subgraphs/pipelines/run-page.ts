import type { RunFilter, RunStore, StoredRun } from '../../connectors/ports/run-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import { forwardPage } from '../../resolvers/connection.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'

interface RunList<Shown> {
  readonly store: RunStore
  readonly cursors: CursorSealer
  /** Tells its cursors from those of other lists. */
  readonly name: string
  readonly show: (run: StoredRun) => Shown
}

/** A page of the runs a filter lets through, the newest first. */
export async function runPage<Shown>(scope: Scope, { store, cursors, name, show }: RunList<Shown>, wanted: RunFilter, page: { readonly first?: number | null; readonly after?: string | null }) {
  const list = { identity: JSON.stringify([name, scope.tenant, wanted]), cursors }
  const { size, behind } = forwardPage(list, page)
  const found = await store.runs(scope, wanted, size + 1, behind === undefined ? undefined : JSON.parse(behind))
  const shown = found.slice(0, size)
  const cursorOf = (run: StoredRun | undefined) => (run ? cursors.seal(list.identity, JSON.stringify({ queuedAtMs: run.queuedAtMs, runId: run.runId })) : null)
  return {
    edges: shown.map(run => ({ cursor: () => cursorOf(run), node: show(run) })),
    nodes: shown.map(show),
    pageInfo: { hasNextPage: found.length > size, hasPreviousPage: behind !== undefined, startCursor: cursorOf(shown[0]), endCursor: cursorOf(shown.at(-1)) },
  }
}
