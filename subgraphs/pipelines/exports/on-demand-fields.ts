import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Gate } from '../../../connectors/ports/gate.ts'
import type { RunStore, StoredRun } from '../../../connectors/ports/run-store.ts'
import type { Context } from '../../../resolvers/context.ts'
import type { Subgraph } from '../../../resolvers/subgraph.ts'
import { instant, type Json } from '../../../schema/values.ts'
import { askedOnce } from '../asked-once.ts'
import { chosenApplications, holds, mustHoldIn } from '../permissions.ts'
import { moment } from '../run-fields.ts'
import { readFilter } from './filter.ts'
import { type ExportParameters, fileOf, keptMs } from './on-demand.ts'
import { published, type PublishedRoles } from './published.ts'
import { type ExportFormat, writeRows } from './write.ts'

export interface OnDemandRoles extends PublishedRoles {
  readonly store: RunStore
  /** Something was put into the queue. */
  readonly wake: () => void
}

interface Wanted {
  readonly app: string
  readonly dataset: string
  readonly filter?: Json
  readonly format: ExportFormat
}

/** What is answered at once. */
export const mostRows = 10_000
export const mostBytes = 4 * 1024 * 1024
/** Pulls at a time of one hub: each has an engine of its own, with the memory of a run. */
const mostPulls = 2

/** Rows of what an application publishes, at once or as a file. */
export function onDemandFields(roles: OnDemandRoles): Subgraph['fields'] {
  const { store, wake } = roles
  const pulls = new Gate(mostPulls, 'pulls of datasets are answered by this hub')
  return {
    Query: {
      datasetContent: async (_: unknown, { app, dataset, filter = {}, format }: Wanted, { scope }: Context) => {
        mustHoldIn(scope, 'export:read', app)
        const from = await published(scope, roles, app, dataset)
        const order = { filter: readFilter(dataset, from.table.columns, filter), format, limit: mostRows + 1 }
        return pulls.through(scope, async () => {
          const scratch = await from.parts.objects.scratch(scope)
          try {
            const { rows, files: [file] } = await writeRows(scope, from, order, { folder: scratch.folder, name: 'rows' })
            if (!file || rows > mostRows || file.bytes > mostBytes) return { rows: null, content: null }
            return { rows, content: (await readFile(join(scratch.folder, file.path))).toString('base64') }
          } finally {
            await scratch.close()
            await from.parts.release?.()
          }
        })
      },
      exportJob: async (_: unknown, { id }: { id: string }, { scope }: Context) => {
        chosenApplications(scope, 'export:read', undefined)
        const found = await store.run(scope, id)
        return found?.kind === 'export' && holds(scope, 'export:read', found.application) ? shown(found, scope.clock.now()) : null
      },
    },
    Mutation: {
      requestExport: async (_: unknown, { app, dataset, filter = {}, format, idempotencyKey }: Wanted & { readonly idempotencyKey?: string | null }, { scope }: Context) => {
        mustHoldIn(scope, 'export:read', app)
        const { table } = await published(scope, roles, app, dataset)
        readFilter(dataset, table.columns, filter)
        const parameters: ExportParameters = { format, filter: JSON.stringify(filter ?? {}) }
        const run = await askedOnce(scope, store, { runId: randomUUID(), kind: 'export', application: app, subject: dataset, version: String(table.version), layer: 'service', trigger: 'MANUAL', parameters, allowConcurrent: true }, { key: idempotencyKey, parameters })
        wake()
        return shown(run, scope.clock.now())
      },
    },
  }
}

function shown(run: StoredRun, nowMs: number) {
  const { runId, application, subject, state, startedBy, queuedAtMs, startedAtMs, endedAtMs, rowsWritten, message, category } = run
  const { format, filter } = run.parameters as ExportParameters
  const file = fileOf(run, nowMs)
  return {
    id: runId, app: application, dataset: subject, filter: JSON.parse(filter) as Json, format, state, startedBy, queuedAt: instant(queuedAtMs), startedAt: moment(startedAtMs), endedAt: moment(endedAtMs),
    rows: state === 'SUCCEEDED' ? rowsWritten : null, bytes: file?.bytes ?? null, name: file?.name ?? null, expiresAt: state === 'SUCCEEDED' && endedAtMs !== undefined ? instant(endedAtMs + keptMs) : null,
    error: state === 'FAILED' ? { category: category ?? 'SYSTEM', message: message ?? '' } : null,
  }
}
