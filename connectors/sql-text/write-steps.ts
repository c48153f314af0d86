import type { Row } from '../../schema/values.ts'
import type { PreparedWrite, TableWrite } from '../ports/database.ts'
import type { Scope } from '../ports/scope.ts'
import { type Ending, prepared, writtenBefore } from './prepared.ts'
import { batchesOf } from './table-write.ts'

/** A write in one transaction, step by step, over a connection of its own. The rollback does not fail, and gives the connection back. */
export interface WriteSteps<T> extends Ending {
  /** Finds the table, and begins the transaction. */
  begin(): Promise<T>
  /** Leaves the mark. Answers how many rows an earlier write left it for; undefined: this one is the first. */
  leaveMark(target: T): Promise<number | undefined>
  /** Writes the rows and answers how many they are. */
  writeBatches(target: T, batches: AsyncIterable<readonly Row[]>): Promise<number>
}

/** Takes the steps up to where the write waits for its end. What fails undoes it; when the signal aborts, its reason is what is told. */
export async function takeSteps<T>(scope: Scope, into: TableWrite, rows: AsyncIterable<readonly Row[]>, { begin, leaveMark, writeBatches, commit, rollback }: WriteSteps<T>): Promise<PreparedWrite> {
  try {
    scope.signal.throwIfAborted()
    const target = await begin()
    const before = await leaveMark(target)
    if (before !== undefined) {
      await rollback()
      return writtenBefore(before)
    }
    const written = await writeBatches(target, batchesOf(scope, into, rows))
    scope.signal.throwIfAborted()
    const ending: Ending = { commit: () => commit().catch((error: unknown) => { throw orReason(error) }), rollback }
    return prepared(scope, into.table, written, ending)
  } catch (error) {
    await rollback()
    throw orReason(error)
  }

  function orReason(error: unknown): unknown {
    return scope.signal.aborted ? scope.signal.reason : error
  }
}
