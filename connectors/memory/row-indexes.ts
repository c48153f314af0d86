import type { Row } from '../../schema/values.ts'
import type { Clock } from '../ports/scope.ts'
import type { RowIndexes } from '../ports/sql-engine.ts'
import { candidates, constraintsOf } from './candidates.ts'
import type { Rows } from './rows.ts'

/** A region's key and indexes for SQL. `rowsOf` answers a tenant's rows; undefined where it has none. */
export function rowIndexes(rowsOf: (tenant: string) => Rows | undefined, clock: Clock): RowIndexes {
  return {
    among(tenant, filter) {
      const rows = rowsOf(tenant)
      if (!rows) return undefined
      const { ids, by } = candidates(rows, constraintsOf(filter))
      return by && { rows: liveRows(rows, ids, clock), by }
    },
    scale: (tenant, column) => rowsOf(tenant)?.scale(column) ?? 0,
  }
}

/** Rows that are approached together: the waits for memory of so many overlap. */
const together = 32

function* liveRows(rows: Rows, ids: () => Iterable<number>, clock: Clock): Generator<Row> {
  const now = clock.now()
  let next: number[] = []
  for (const id of ids()) {
    if (next.push(id) < together) continue
    yield* rowsAt(rows, next, now)
    next = []
  }
  yield* rowsAt(rows, next, now)
}

function* rowsAt(rows: Rows, ids: readonly number[], now: number): Generator<Row> {
  rows.approachRows(ids)
  for (const id of ids) if (rows.isLive(id, now)) yield rows.rowOnce(id)
}
