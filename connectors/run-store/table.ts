import { type Column, instant, type Row } from '../../schema/values.ts'
import type { RunPlace, RunStore, StoredRun } from '../ports/run-store.ts'
import type { Scope } from '../ports/scope.ts'
import type { ScanRequest, SourceConnector } from '../ports/source-connector.ts'
import type { MountedTable } from '../ports/sql-engine.ts'
import { lookupReading, type Reading, scanReading } from '../scan/reading.ts'
import { noSuchTable } from '../sql-text/columns.ts'

const name = 'pipeline_runs'
const batchRows = 500

const columns: readonly (Column & { readonly of: (run: StoredRun) => Row[string] })[] = [
  { name: 'run_id', type: 'String', nullable: false, of: run => run.runId },
  { name: 'kind', type: 'String', nullable: false, of: run => run.kind },
  { name: 'app', type: 'String', nullable: false, of: run => run.application },
  { name: 'pipeline', type: 'String', nullable: false, of: run => run.subject },
  { name: 'version', type: 'String', nullable: false, of: run => run.version },
  { name: 'layer', type: 'String', nullable: true, of: run => run.layer ?? null },
  { name: 'state', type: 'String', nullable: false, of: run => run.state },
  { name: 'attempt', type: 'Int', nullable: false, of: run => run.attempt },
  { name: 'trigger', type: 'String', nullable: false, of: run => run.trigger },
  { name: 'started_by', type: 'String', nullable: false, of: run => run.startedBy },
  { name: 'job_run_id', type: 'String', nullable: true, of: run => run.jobRunId ?? null },
  { name: 'queued_at', type: 'DateTime', nullable: false, of: run => moment(run.queuedAtMs) },
  { name: 'started_at', type: 'DateTime', nullable: true, of: run => moment(run.startedAtMs) },
  { name: 'ended_at', type: 'DateTime', nullable: true, of: run => moment(run.endedAtMs) },
  { name: 'rows_read', type: 'Long', nullable: false, of: run => run.rowsRead },
  { name: 'rows_written', type: 'Long', nullable: false, of: run => run.rowsWritten },
  { name: 'rows_rejected', type: 'Long', nullable: false, of: run => run.rowsRejected },
  { name: 'sla_status', type: 'String', nullable: false, of: run => run.sla },
  { name: 'error_category', type: 'String', nullable: true, of: run => run.category ?? null },
  { name: 'error_message', type: 'String', nullable: true, of: run => run.message ?? null },
  { name: 'params', type: 'JSON', nullable: false, of: run => run.parameters },
]

/** The runs of pipelines and jobs of the reader's tenant as the table `ops.pipeline_runs`, as they stand when a statement reads them. */
export function runsTable(store: RunStore): MountedTable {
  const source = runsSource(store)
  return { catalog: source.name, name, columns: columns.map(({ of: _, ...column }) => column), from: { kind: 'source', source, table: name } }
}

function runsSource(store: RunStore): SourceConnector {
  async function* read(scope: Scope, reading: Reading<(typeof columns)[number]>): AsyncGenerator<readonly Row[], void, void> {
    let after: RunPlace | undefined
    while (!reading.done) {
      const runs = await store.runs(scope, {}, batchRows, after)
      const rows = reading.answer(runs.filter(({ kind }) => kind !== 'export').map(run => Object.fromEntries(reading.columns.map(column => [column.name, column.of(run)]))))
      if (rows.length > 0) yield rows
      const last = runs.at(-1)
      if (!last || runs.length < batchRows) return
      after = { queuedAtMs: last.queuedAtMs, runId: last.runId }
    }
  }
  const known = (table: string) => {
    if (table !== name) throw noSuchTable('ops', table, [name])
  }
  return {
    name: 'ops', type: 'hub',
    tables: async () => [{ name, columns, key: ['run_id'], foreignKeys: [], quarantine: { count: 0, samples: [] } }],
    scan(scope: Scope, request: ScanRequest) {
      known(request.table)
      return read(scope, scanReading(name, columns, request))
    },
    async lookup(scope, request) {
      known(request.table)
      if (request.keys.length === 0) return []
      const rows: Row[] = []
      for await (const batch of read(scope, lookupReading(name, columns, request))) rows.push(...batch)
      return rows
    },
    close: async () => undefined,
  }
}

function moment(atMs: number | undefined): string | null {
  return atMs === undefined ? null : instant(atMs)
}
