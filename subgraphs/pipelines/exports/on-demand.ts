import { join } from 'node:path'
import type { EndedState, RunStore, StoredRun } from '../../../connectors/ports/run-store.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import type { ObjectStore } from '../../../connectors/ports/object-store.ts'
import { asHubError } from '../../../schema/errors.ts'
import type { Json } from '../../../schema/values.ts'
import { kept } from '../run/kept.ts'
import type { RunFailure } from '../run/record.ts'
import { readFilter } from './filter.ts'
import { exportFolder } from './places.ts'
import { type Published, published, type PublishedRoles } from './published.ts'
import { type ExportFormat, formats, writeRows } from './write.ts'

/** What an export was asked for with, as its run keeps it: a filter as JSON. */
export interface ExportParameters extends Readonly<Record<string, string>> {
  readonly format: ExportFormat
  readonly filter: string
}

/** What an export did. */
export interface ExportRecord {
  readonly state: EndedState
  readonly version?: string
  readonly rowsRead: number
  readonly rowsWritten: number
  readonly rowsRejected: number
  /** Of the file, below the folder of exports. */
  readonly name?: string
  readonly bytes?: number
  readonly error?: RunFailure
}

/** How long the file of an export can be had, from the end of its run on. */
export const keptMs = 24 * 60 * 60 * 1000
/** Files as old are taken away by the next export of the application. */
const forgottenMs = 2 * keptMs

/** No table of the lake has a name with this sign, nor do the files of pipelines lie in folders whose names begin so. */
const folder = '_on-demand'
const nameShape = new RegExp(`^${folder}/([0-9a-f-]{36})-\\d+-[^/]+$`)

/** Does the work of an export: its file is there, whole, once it has succeeded. A worker that died leaves nothing that can be seen, and the next one begins it again. */
export async function workOnExport(scope: Scope, run: StoredRun, { store, ...roles }: PublishedRoles & { readonly store: RunStore }): Promise<void> {
  await kept<ExportRecord>(scope, run, store, async (own, lease) => {
    try {
      const from = await published(own, roles, run.application, run.subject)
      await clear(own, from.parts.objects)
      return await exported(own, run, from, () => lease.check())
    } catch (error) {
      return { state: own.signal.aborted ? 'CANCELLED' : 'FAILED', rowsRead: 0, rowsWritten: 0, rowsRejected: 0, error: failureOf(own, error) }
    }
  })
}

async function exported(scope: Scope, { runId, attempt, subject, parameters }: StoredRun, from: Published, check: () => Promise<void>): Promise<ExportRecord> {
  const { table, parts: { objects, release } } = from
  const { format, filter } = parameters as ExportParameters
  const name = `${folder}/${runId}-${attempt}-${subject}.${formats[format]}`
  const scratch = await objects.scratch(scope)
  try {
    const { rows, files: [file] } = await writeRows(scope, from, { filter: readFilter(subject, table.columns, JSON.parse(filter) as Json), format }, { folder: scratch.folder, name: 'rows' })
    if (!file) throw new RangeError('An export without a file was written.')
    await check()
    await objects.put(scope, `${exportFolder}/${name}`, join(scratch.folder, file.path))
    return { state: 'SUCCEEDED', version: String(table.version), rowsRead: rows, rowsWritten: rows, rowsRejected: 0, name, bytes: file.bytes }
  } finally {
    await scratch.close()
    await release?.()
  }
}

/** What is not taken away now is by the next. */
async function clear(scope: Scope, objects: ObjectStore): Promise<void> {
  for (const { path, modifiedAtMs } of await objects.find(scope, `${exportFolder}/${folder}/*`)) if (modifiedAtMs < scope.clock.now() - forgottenMs) await objects.remove(scope, path)
}

function failureOf({ log, requestId }: Scope, error: unknown): RunFailure {
  const { code, message } = asHubError(error)
  if (code === 'INTERNAL') log.error('An export ended with a failure that nobody expected.', { run: requestId, reason: error instanceof Error ? error.message : String(error) })
  return { category: ['VALIDATION_ERROR', 'NOT_FOUND', 'BAD_USER_INPUT'].includes(code) ? 'CONFIG' : code === 'UPSTREAM_REJECTED' ? 'SOURCE' : 'SYSTEM', message }
}

/** The file of an export that succeeded, as long as it can be had. */
export function fileOf({ state, endedAtMs, record }: StoredRun, nowMs: number): Pick<Required<ExportRecord>, 'name' | 'bytes'> | undefined {
  const { name, bytes } = (record ?? {}) as Partial<ExportRecord>
  return state === 'SUCCEEDED' && name !== undefined && bytes !== undefined && nowMs < (endedAtMs ?? 0) + keptMs ? { name, bytes } : undefined
}

/** Whether a file of this name can be had of the application: it is that of an export of the caller's tenant. */
export async function isExported(scope: Scope, store: RunStore, app: string, name: string): Promise<boolean> {
  const runId = nameShape.exec(name)?.[1]
  const run = runId === undefined ? undefined : await store.run(scope, runId)
  return run?.kind === 'export' && run.application === app && fileOf(run, scope.clock.now())?.name === name
}
