import { randomUUID } from 'node:crypto'
import type { NewRun, RunStore, StoredRun } from '../../connectors/ports/run-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import { HubError, type Problem } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import { instant, type Json } from '../../schema/values.ts'
import { askedOnce } from './asked-once.ts'
import type { Finding } from './finding.ts'
import { type Definition, type JobDefinition, type Registry, versionText } from './registry.ts'
import { type JobOrder, pipelineParameters } from './run/job-order.ts'
import { JobProgress } from './run/job-progress.ts'
import { neededPipelines } from './run/needed.ts'
import { bindParameters } from './run/parameters.ts'

export interface BeginRoles {
  readonly registry: Registry
  readonly store: RunStore
  /** What schemas and columns have against a pipeline that has nothing wrong by itself. */
  readonly check: (definition: Definition) => Promise<readonly Finding[]>
  /** Something was put into the queue. */
  readonly wake: () => void
}

/** What is to run, and why. */
interface Wanted extends Pick<NewRun, 'trigger' | 'rerunOf' | 'allowConcurrent'> {
  readonly app: string
  readonly id: string
  /** As a command line would have them. */
  readonly parameters: Readonly<Record<string, string>>
  /** As the request gave it. */
  readonly idempotencyKey?: string | null | undefined
}

/** Puts a run of a pipeline into the queue. No such pipeline → NOT_FOUND; mistakes in its document, columns and schemas among them, or parameters that do not fit → VALIDATION_ERROR. */
export async function beginPipeline(scope: Scope, { registry, store, check, wake }: BeginRoles, { app, id, parameters, idempotencyKey, ...by }: Wanted): Promise<StoredRun> {
  const definition = found('pipeline', await registry.pipelines(), app, id)
  const { document } = definition
  if (!document) throw refusal('pipeline', id, definition.findings)
  const findings = await check(definition)
  if (findings.some(({ severity }) => severity === 'ERROR')) throw refusal('pipeline', id, findings)
  const runId = randomUUID()
  bindParameters(document.parameters, parameters, { runDate: '', runId, app, env: '' })
  const run = await askedOnce(scope, store, {
    runId, kind: 'pipeline', application: app, subject: id, version: versionText(document), layer: document.layer, parameters, ...by, ...(document.slaMs !== undefined && { slaAtMs: scope.clock.now() + document.slaMs }),
  }, { key: idempotencyKey, parameters })
  wake()
  return run
}

/** The same of a job, whose pipelines may have no mistakes either. Its run has a date from the beginning, so that all attempts and reruns are of one. With an earlier run it takes over what succeeded there; nothing left to run → CONFLICT. */
export async function beginJob(scope: Scope, { registry, store, wake }: BeginRoles, { app, id, parameters, earlier, fromStep, idempotencyKey, ...by }: Wanted & Pick<JobOrder, 'earlier' | 'fromStep'>): Promise<StoredRun> {
  const definition = found('job', await registry.jobs(), app, id)
  const { document } = definition
  if (!document) throw refusal('job', id, definition.findings)
  const needed = await neededPipelines(registry, app, document)
  const runId = randomUUID()
  const dated = { runDate: instant(scope.clock.now()), ...parameters }
  const order: JobOrder = { document, runId, application: app, environment: '', parameters: dated, ...(earlier && { earlier }), ...(fromStep !== undefined && { fromStep }) }
  pipelineParameters(scope, order, new Map([...needed].map(([pipelineId, one]) => [pipelineId, one.document])))
  const { steps } = new JobProgress(scope.clock, order)
  if (steps.every(({ state }) => state !== 'PENDING')) throw new HubError('CONFLICT', `Every pipeline of the run "${earlier?.runId}" succeeded, and none is left to run. Name one in fromStep to run it and those that depend on it again, or begin a new run.`, { runId: earlier?.runId })
  const run = await askedOnce(scope, store, { runId, kind: 'job', application: app, subject: id, version: versionText(document), parameters: dated, ...by, ...(earlier && { record: JSON.parse(JSON.stringify({ steps })) as Json }) }, { key: idempotencyKey, parameters })
  wake()
  return run
}

/** Parameters as a command line would have them. */
export function textsOf(params: Json): Readonly<Record<string, string>> {
  if (typeof params !== 'object' || params === null || Array.isArray(params)) throw new HubError('BAD_USER_INPUT', 'params is to be an object of values by name.', { field: 'params' })
  const nested = Object.entries(params).filter(([, value]) => typeof value === 'object')
  if (nested.length > 0) throw new HubError('BAD_USER_INPUT', `A parameter is a text, a number or a boolean; ${nested.map(([name]) => `"${name}"`).join(', ')} is none.`, { field: 'params' })
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)]))
}

function found<One extends Definition | JobDefinition>(kind: 'pipeline' | 'job', all: readonly One[], app: string, id: string): One {
  const own = all.filter(({ application }) => application === app)
  const wanted = own.find(one => one.id === id)
  if (wanted) return wanted
  if (own.length === 0) throw new HubError('NOT_FOUND', `There is no application "${app}" with ${kind}s.${didYouMean(app, new Set(all.map(({ application }) => application)))}`, { app })
  throw new HubError('NOT_FOUND', `There is no ${kind} "${id}" in "${app}".${didYouMean(id, own.map(one => one.id))}`, { app, id })
}

function refusal(kind: 'pipeline' | 'job', id: string, findings: readonly Finding[]): HubError {
  const problems = findings.filter(({ severity }) => severity === 'ERROR').map(({ line, column, message }): Problem => ({ path: `xml[${line}][${column}]`, message, line, column }))
  return new HubError('VALIDATION_ERROR', `The ${kind} "${id}" does not run as it is written. ${problems.map(({ message }) => message).join(' ')}`, { problems })
}
