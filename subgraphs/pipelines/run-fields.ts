import { randomUUID } from 'node:crypto'
import type { RunFilter, RunState, RunStore, StoredRun } from '../../connectors/ports/run-store.ts'
import { forwardPage } from '../../resolvers/connection.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { Context } from '../../resolvers/context.ts'
import type { CursorSealer } from '../../resolvers/cursor.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { HubError, type Problem } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import { instant, type Json } from '../../schema/values.ts'
import { chosenApplications, holds, mustHoldIn } from './permissions.ts'
import { type Definition, type Registry, versionText } from './registry.ts'
import { bindParameters } from './run/parameters.ts'
import type { RunRecord, StepRecord } from './run/record.ts'
import { watchRuns } from './watch-runs.ts'

export interface RunRoles {
  readonly registry: Registry
  readonly store: RunStore
  readonly cursors: CursorSealer
  /** Something was put into the queue. */
  readonly wake: () => void
}

interface FilterInput {
  readonly app?: string | null
  readonly pipelineId?: string | null
  readonly states?: readonly RunState[] | null
  readonly since?: string | null
  readonly until?: string | null
}

/** Runs of pipelines: listed, looked at, begun and cancelled. */
export function runFields({ registry, store, cursors, wake }: RunRoles): Subgraph['fields'] {
  return {
    Query: {
      runs: async (_: unknown, { filter, ...page }: { filter?: FilterInput | null; first?: number | null; after?: string | null }, { scope }: Context) => {
        const wanted = filterOf(scope, filter ?? {})
        const list = { identity: JSON.stringify(['runs', scope.tenant, wanted]), cursors }
        const { size, behind } = forwardPage(list, page)
        const found = await store.runs(scope, wanted, size + 1, behind === undefined ? undefined : JSON.parse(behind))
        const shown = found.slice(0, size)
        const cursorOf = (run: StoredRun | undefined) => (run ? cursors.seal(list.identity, JSON.stringify({ queuedAtMs: run.queuedAtMs, runId: run.runId })) : null)
        return {
          edges: shown.map(run => ({ cursor: () => cursorOf(run), node: shownRun(run) })),
          nodes: shown.map(shownRun),
          pageInfo: { hasNextPage: found.length > size, hasPreviousPage: behind !== undefined, startCursor: cursorOf(shown[0]), endCursor: cursorOf(shown.at(-1)) },
        }
      },
      run: async (_: unknown, { runId }: { runId: string }, { scope }: Context) => {
        chosenApplications(scope, 'pipeline:read', undefined)
        const found = await store.run(scope, runId)
        return found?.kind === 'pipeline' && mayRead(scope, found) ? shownRun(found) : null
      },
    },
    Mutation: {
      runPipeline: async (_: unknown, { app, id, params, allowConcurrent }: { app: string; id: string; params?: Json; allowConcurrent: boolean }, { scope }: Context) => {
        mustHoldIn(scope, 'pipeline:run', app)
        const { document, findings } = await definitionOf(registry, app, id)
        if (!document) {
          const problems = findings.filter(({ severity }) => severity === 'ERROR').map(({ line, column, message }): Problem => ({ path: `xml[${line}][${column}]`, message, line, column }))
          throw new HubError('VALIDATION_ERROR', `The pipeline "${id}" does not run as it is written. ${problems.map(({ message }) => message).join(' ')}`, { problems })
        }
        const parameters = textsOf(params ?? {})
        const runId = randomUUID()
        bindParameters(document.parameters, parameters, { runDate: '', runId, app, env: '' })
        const run = await store.enqueue(scope, {
          runId, kind: 'pipeline', application: app, subject: id, version: versionText(document), layer: document.layer, trigger: 'MANUAL', parameters, allowConcurrent,
          ...(document.slaMs !== undefined && { slaAtMs: scope.clock.now() + document.slaMs }),
        })
        wake()
        return shownRun(run)
      },
      cancelRun: async (_: unknown, { runId }: { runId: string }, { scope }: Context) => {
        await mustRun(scope, store, runId)
        return shownRun(await store.cancel(scope, runId))
      },
    },
    Subscription: {
      pipelineRunChanged: {
        subscribe: async (_: unknown, { app, pipelineId, runId }: { app?: string | null; pipelineId?: string | null; runId?: string | null }, { scope }: Context) => {
          const wanted = filterOf(scope, { app, pipelineId })
          if (runId && !mayRead(scope, await store.run(scope, runId))) throw noRun(runId)
          return watchRuns(scope, store, wanted, runId ?? undefined)
        },
        resolve: (run: StoredRun) => shownRun(run),
      },
    },
  }
}

async function definitionOf(registry: Registry, app: string, id: string): Promise<Definition> {
  const all = await registry.pipelines()
  const own = all.filter(({ application }) => application === app)
  const found = own.find(one => one.id === id)
  if (found) return found
  if (own.length === 0) throw new HubError('NOT_FOUND', `There is no application "${app}" with pipelines.${didYouMean(app, new Set(all.map(({ application }) => application)))}`, { app })
  throw new HubError('NOT_FOUND', `There is no pipeline "${id}" in "${app}".${didYouMean(id, own.map(one => one.id))}`, { app, id })
}

/** Parameters as a command line would have them. */
function textsOf(params: Json): Readonly<Record<string, string>> {
  if (typeof params !== 'object' || params === null || Array.isArray(params)) throw new HubError('BAD_USER_INPUT', 'params is to be an object of values by name.', { field: 'params' })
  const nested = Object.entries(params).filter(([, value]) => typeof value === 'object')
  if (nested.length > 0) throw new HubError('BAD_USER_INPUT', `A parameter is a text, a number or a boolean; ${nested.map(([name]) => `"${name}"`).join(', ')} is none.`, { field: 'params' })
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)]))
}

/** A run that the caller may not know of is none; one he may see and not end → FORBIDDEN. */
async function mustRun(scope: Scope, store: RunStore, runId: string): Promise<void> {
  chosenApplications(scope, 'pipeline:run', undefined)
  const run = await store.run(scope, runId)
  if (!run || !(mayRead(scope, run) || holds(scope, 'pipeline:run', run.application))) throw noRun(runId)
  mustHoldIn(scope, 'pipeline:run', run.application)
}

function mayRead(scope: Scope, run: StoredRun | undefined): boolean {
  return run !== undefined && holds(scope, 'pipeline:read', run.application)
}

function noRun(runId: string): HubError {
  return new HubError('NOT_FOUND', `There is no run "${runId}".`, { runId })
}

/** Of applications the caller may read. */
function filterOf(scope: Scope, { app, pipelineId, states, since, until }: FilterInput): RunFilter {
  const applications = chosenApplications(scope, 'pipeline:read', app)
  return {
    kind: 'pipeline', ...(applications && { applications }), ...(pipelineId && { subject: pipelineId }), ...(states && { states }), ...(since && { sinceMs: Date.parse(since) }), ...(until && { untilMs: Date.parse(until) }),
  }
}

/** A run as the graph shows it. */
export function shownRun(run: StoredRun) {
  const record = (run.record ?? {}) as Partial<RunRecord>
  return {
    ...run, app: run.application, pipelineId: run.subject, layer: run.layer?.toUpperCase() ?? null, params: run.parameters, engine: record.engine ?? null, configVersion: record.configVersion ?? null, peakMemoryBytes: record.peakMemoryBytes ?? null,
    queuedAt: moment(run.queuedAtMs), startedAt: moment(run.startedAtMs), endedAt: moment(run.endedAtMs), slaStatus: run.sla,
    error: run.state === 'FAILED' ? { category: run.category ?? 'SYSTEM', message: run.message ?? '' } : null,
    steps: (record.steps ?? []).map((step: StepRecord) => ({ ...step, kind: step.kind.toUpperCase(), startedAt: moment(step.startedAtMs), endedAt: moment(step.endedAtMs) })),
  }
}

function moment(atMs: number | undefined): string | null {
  return atMs === undefined ? null : instant(atMs)
}

