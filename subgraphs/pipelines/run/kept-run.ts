import type { HeldRun, RunEnding, RunStore } from '../../../connectors/ports/run-store.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { asHubError, HubError } from '../../../schema/errors.ts'
import { mask } from '../transforms/mask.ts'
import { isOf } from '../xml/check.ts'
import { kept } from './kept.ts'
import type { RunParts } from './parts.ts'
import type { RunRecord, StepRecord } from './record.ts'
import { type RunOrder, runPipeline } from './run.ts'
import { RunLog } from './run-log.ts'

/** Hears of one run. */
export interface RunHearer {
  started(): void
  /** Of the end that was stored; not where the run goes on elsewhere. */
  ended(ending: RunEnding): void
}

/** Runs a pipeline as a run of the store, with what it logs. One that was asked to stop is cancelled; one that is another worker's by now stops before anything of it is in place, or says that it came too late. */
export async function keptRun(scope: Scope, held: HeldRun, order: RunOrder, parts: RunParts, store: RunStore, hearer?: RunHearer): Promise<RunRecord> {
  const { document: { id: pipeline, steps: declared }, application: app } = order
  const log = new RunLog(scope, held, store, { masks: declared.some(({ checked }) => isOf(checked, mask.shape)) })
  const told = new Set<string>()
  hearer?.started()
  log.keep('info', 'The run begins.', { app, pipeline, attempt: held.attempt })
  try {
    return await kept({ ...scope, log }, held, store, async (own, lease) => {
      const record = await runPipeline(own, {
        ...order,
        listener(steps) {
          lease.tell({ steps })
          for (const step of steps) keepStep(log, step, told)
          order.listener?.(steps)
        },
        async beforeCommit() {
          await lease.check()
        },
        watermarks: {
          async stored() {
            const { application, document: { id } } = order
            return { watermarks: await store.watermarks(own, application, id), spans: await store.spans(own, markOf(order)) }
          },
          async fix(spans) {
            if (!(await store.fix(own, held, markOf(order), spans))) throw new HubError('CANCELLED', `The run "${held.runId}" is not this worker's any more, and nothing of it was put in place.`)
            lease.mark(markOf(order))
          },
        },
      }, { ...parts, secrets: log.hiding(parts.secrets) }).catch((error: unknown) => {
        log.keep('error', 'The run does not begin.', { reason: asHubError(error).message })
        throw error
      })
      const { state, rowsRead, rowsWritten, rowsRejected, error } = record
      log.keep(state === 'FAILED' ? 'error' : 'info', 'The run ends.', { state, rowsRead, rowsWritten, rowsRejected, ...error })
      await log.flush()
      return record
    }, ending => hearer?.ended(ending))
  } finally {
    await log.flush()
  }
}

/** Each state of a step once, though a source is looked at again when all is ready. */
function keepStep(log: RunLog, { id, kind, type, state, rows, rejected }: StepRecord, told: Set<string>): void {
  const name = `${state} ${id}`
  if (state === 'PENDING' || told.has(name)) return
  told.add(name)
  log.keep(state === 'FAILED' ? 'error' : 'info', `A step is ${state}.`, { step: id, kind, type, rows, rejected })
}

/** What all attempts of a run have in common. */
function markOf({ runId, writeId = runId }: RunOrder): string {
  return writeId
}
