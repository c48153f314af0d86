import { HubError } from '../../schema/errors.ts'
import type { PreparedWrite } from '../ports/database.ts'
import type { Scope } from '../ports/scope.ts'

/** How a transaction ends. The rollback does not fail: what is lost is undone. */
export interface Ending {
  commit(): Promise<void>
  rollback(): Promise<void>
}

/** A write that waits for its end: the first commit or rollback is the one that counts, and an abort before it undoes the write. */
export function prepared({ signal }: Scope, table: string, rowsWritten: number, { commit, rollback }: Ending): PreparedWrite {
  let undone = false
  let ending: Promise<void> | undefined
  const end = (work: () => Promise<void>) => {
    signal.removeEventListener('abort', undo)
    ending = work()
    return ending
  }
  const undo = () => {
    undone = true
    void end(rollback)
  }
  signal.addEventListener('abort', undo)
  if (signal.aborted) undo()
  return {
    rowsWritten,
    wasWritten: false,
    async commit() {
      if (undone) {
        signal.throwIfAborted()
        throw new HubError('UPSTREAM_REJECTED', `What was written into table "${table}" was undone before it was committed. Write it again.`, { table })
      }
      await (ending ?? end(commit))
    },
    async rollback() {
      if (!ending) undo()
      await ending?.catch(() => undefined)
    },
  }
}

/** An earlier attempt wrote the rows: there is nothing to commit, and nothing to undo. */
export function writtenBefore(rowsWritten: number): PreparedWrite {
  return { rowsWritten, wasWritten: true, commit: async () => {}, rollback: async () => {} }
}
