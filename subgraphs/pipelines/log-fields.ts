import type { RunStore, StoredLogLine } from '../../connectors/ports/run-store.ts'
import type { Context } from '../../resolvers/context.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { instant } from '../../schema/values.ts'
import { placedPage } from './placed-page.ts'
import { noRun, readableRun } from './run-access.ts'

/** What runs logged. */
export function logFields({ store, cursors }: { readonly store: RunStore; readonly cursors: CursorSealer }): Subgraph['fields'] {
  return {
    Query: {
      runLogs: async (_: unknown, { runId, ...page }: { readonly runId: string; readonly first?: number | null; readonly after?: string | null }, { scope }: Context) => {
        if (!(await readableRun(scope, store, runId))) throw noRun(runId)
        const list = { identity: JSON.stringify(['runLogs', scope.tenant, runId]), cursors, show: shown, placeOf: ({ attempt, line }: StoredLogLine) => ({ attempt, line }) }
        return placedPage(list, page, (limit, after) => store.logged(scope, runId, limit, after))
      },
    },
  }
}

function shown({ atMs, level, message, attempt, fields }: StoredLogLine) {
  return { at: instant(atMs), level: level.toUpperCase(), message, attempt, fields }
}
