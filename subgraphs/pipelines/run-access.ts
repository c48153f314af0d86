import type { RunStore, StoredRun } from '../../connectors/ports/run-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'
import { chosenApplications, holds, mustHoldIn } from './permissions.ts'

/** A run of a pipeline or a job that the caller may read; undefined: there is none, or he may not know of it. Who may read none → FORBIDDEN. */
export async function readableRun(scope: Scope, store: RunStore, runId: string): Promise<StoredRun | undefined> {
  chosenApplications(scope, 'pipeline:read', undefined)
  const found = await store.run(scope, runId)
  return found && found.kind !== 'export' && mayRead(scope, found) ? found : undefined
}

/** A run of a pipeline or a job that the caller may begin and end. One that he may not know of → NOT_FOUND; one he may see and no more → FORBIDDEN. */
export async function ownRun(scope: Scope, store: RunStore, runId: string): Promise<StoredRun> {
  chosenApplications(scope, 'pipeline:run', undefined)
  const found = await store.run(scope, runId)
  if (!found || found.kind === 'export' || !(mayRead(scope, found) || holds(scope, 'pipeline:run', found.application))) throw noRun(runId)
  mustHoldIn(scope, 'pipeline:run', found.application)
  return found
}

export function noRun(runId: string): HubError {
  return new HubError('NOT_FOUND', `There is no run "${runId}".`, { runId })
}

function mayRead(scope: Scope, { application }: StoredRun): boolean {
  return holds(scope, 'pipeline:read', application)
}
