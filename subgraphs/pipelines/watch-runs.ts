import type { RunFilter, RunStore, StoredRun } from '../../connectors/ports/run-store.ts'
import { pause, type Scope } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'
import { untilLeft } from './until-left.ts'

/** How often the store is looked at: runs are those of all hubs, and nobody tells of them. */
const lookMs = 500
/** Runs that are looked at; of more the newest. */
const mostRuns = 1_000

/**
 * Runs as they change, each as it stands then: first those that wait or go on, then whatever differs from one look to the next; runs that are put in and end between two looks come as they ended. With `runId` it is that run of the filter's kind alone,
 * and the end of it is the end of the subscription. What a run was between two looks is not told. Ends quietly when the client leaves.
 */
export function watchRuns(scope: Scope, store: RunStore, filter: RunFilter, runId: string | undefined): AsyncGenerator<StoredRun, void> {
  return untilLeft(scope, lasting => (runId === undefined ? changes(lasting, store, filter) : changesOfOne(lasting, store, filter, runId)))
}

async function* changes(scope: Scope, store: RunStore, filter: RunFilter): AsyncGenerator<StoredRun, void> {
  const sinceMs = scope.clock.now()
  const known = new Map<string, string>()
  while (!scope.signal.aborted) {
    const open = await store.runs(scope, { ...filter, states: ['QUEUED', 'RUNNING'] }, mostRuns)
    const young = await store.runs(scope, { ...filter, sinceMs }, mostRuns)
    const missing = [...known.keys()].filter(id => ![...open, ...young].some(run => run.runId === id))
    const ended = (await Promise.all(missing.map(id => store.run(scope, id)))).filter(run => run !== undefined)
    const current = new Map([...open, ...young, ...ended].map(run => [run.runId, run]))
    for (const run of [...current.values()].sort((a, b) => a.queuedAtMs - b.queuedAtMs)) {
      const text = JSON.stringify(run)
      if (known.get(run.runId) === text) continue
      if (hasEnded(run) && run.queuedAtMs < sinceMs) known.delete(run.runId)
      else known.set(run.runId, text)
      yield run
    }
    await pause(scope, lookMs)
  }
}

async function* changesOfOne(scope: Scope, store: RunStore, { kind }: RunFilter, runId: string): AsyncGenerator<StoredRun, void> {
  let known = ''
  while (!scope.signal.aborted) {
    const run = await store.run(scope, runId)
    if (!run || run.kind !== kind) throw new HubError('NOT_FOUND', `There is no run "${runId}".`, { runId })
    const text = JSON.stringify(run)
    if (text !== known) yield run
    if (hasEnded(run)) return
    known = text
    await pause(scope, lookMs)
  }
}

function hasEnded({ state }: StoredRun): boolean {
  return state !== 'QUEUED' && state !== 'RUNNING'
}
