import type { RunStore, StoredLogLine } from '../../connectors/ports/run-store.ts'
import { forwardPage } from '../../resolvers/connection.ts'
import type { Context } from '../../resolvers/context.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { instant } from '../../schema/values.ts'
import { noRun, readableRun } from './run-access.ts'

/** What runs logged. */
export function logFields({ store, cursors }: { readonly store: RunStore; readonly cursors: CursorSealer }): Subgraph['fields'] {
  return {
    Query: {
      runLogs: async (_: unknown, { runId, ...page }: { readonly runId: string; readonly first?: number | null; readonly after?: string | null }, { scope }: Context) => {
        if (!(await readableRun(scope, store, runId))) throw noRun(runId)
        const list = { identity: JSON.stringify(['runLogs', scope.tenant, runId]), cursors }
        const { size, behind } = forwardPage(list, page)
        const found = await store.logged(scope, runId, size + 1, behind === undefined ? undefined : JSON.parse(behind))
        const lines = found.slice(0, size)
        const cursorOf = (line: StoredLogLine | undefined) => (line ? cursors.seal(list.identity, JSON.stringify({ attempt: line.attempt, line: line.line })) : null)
        return {
          edges: lines.map(line => ({ cursor: () => cursorOf(line), node: shown(line) })),
          nodes: lines.map(shown),
          pageInfo: { hasNextPage: found.length > size, hasPreviousPage: behind !== undefined, startCursor: cursorOf(lines[0]), endCursor: cursorOf(lines.at(-1)) },
        }
      },
    },
  }
}

function shown({ atMs, level, message, attempt, fields }: StoredLogLine) {
  return { at: instant(atMs), level: level.toUpperCase(), message, attempt, fields }
}
