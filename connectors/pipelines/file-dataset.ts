import { HubError } from '../../schema/errors.ts'
import type { DatasetColumn, Reading } from '../ports/pipeline-engine.ts'

/** Rows that were left out. */
export interface Rejects extends Omit<Reading, 'rows' | 'leftOut'> {
  /** Those among them that the reader of a csv had made rows of. */
  readonly unfit: number
}

/** Files as DuckDB reads them. */
export interface FileDataset {
  readonly columns: readonly DatasetColumn[]
  /** In DuckDB's words. */
  readonly select: string
  /** Of each csv read within: what the reader calls its first column. */
  readonly marks: readonly string[]
  /** Columns that were. */
  readonly leftOut?: readonly string[]
  /** How many rows there are; absent: whoever reads them counts. */
  readonly rows?: number
  /** What was left out, once statements have read it; `lostRows` tells whether fewer rows came out behind a read than it made. */
  rejects(lostRows: (mark: string) => boolean): Promise<Rejects>
}

/** Refuses a file that has not exactly these columns, in any order; says all that are missing or not wanted. Where others may be left out it answers them. */
export function compareColumns(path: string, found: readonly string[], wanted: readonly string[], leavesOut = false): readonly string[] {
  const missing = wanted.filter(name => !found.includes(name))
  const extra = found.filter(name => !wanted.includes(name))
  if (missing.length === 0 && (extra.length === 0 || leavesOut)) return extra
  const said = [...(missing.length > 0 ? [`lacks ${listed(missing)}`] : []), ...(extra.length > 0 ? [`has ${listed(extra)}, which ${extra.length === 1 ? 'is' : 'are'} not expected`] : [])]
  throw new HubError('UPSTREAM_REJECTED', `"${path.split('/').at(-1)}" ${said.join(' and ')}; its columns are ${found.join(', ')}, expected are ${wanted.join(', ')}.`, { missing, extra })
}

function listed(names: readonly string[]): string {
  return names.map(name => `"${name}"`).join(', ')
}
