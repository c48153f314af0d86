import type { Scope } from '../../../connectors/ports/scope.ts'
import type { Workspace } from '../../../connectors/ports/pipeline-engine.ts'
import { asHubError, HubError } from '../../../schema/errors.ts'
import type { RunLineage } from '../../../schema/lineage.ts'
import type { PipelineDocument } from '../document/pipeline.ts'
import { database as sourceDatabase } from '../document/sources.ts'
import { runLineage } from '../lineage/run-lineage.ts'
import { unmaskedFindings } from '../lineage/unmasked.ts'
import { type Finding, inOrder } from '../finding.ts'
import { type CompiledStep, compilePlan, type Plan } from '../plan/compile.ts'
import { isReadAgain } from '../plan/read-again.ts'
import type { Reference } from '../plan/relation.ts'
import { mask } from '../transforms/mask.ts'
import { isOf } from '../xml/check.ts'
import { bindParameters } from './parameters.ts'
import type { RunContext, RunParts } from './parts.ts'
import { type ConfigVersion, type FailureCategory, RunFailed, type RunRecord } from './record.ts'
import { maskStep } from './mask-step.ts'
import { Progress, type RunListener } from './progress.ts'
import { Places } from './places.ts'
import { openReferences } from './references.ts'
import { Drifted } from './schemas.ts'
import { NoData, type OpenedSource, openSource } from './sources.ts'
import { orderOf, type PreparedTarget, prepareTarget } from './targets/index.ts'
import { type WatermarkParts, Watermarks } from './watermarks.ts'

/** Which pipeline runs, and with what. */
export interface RunOrder {
  readonly document: PipelineDocument
  readonly runId: string
  /** Marks what it writes: runs of one mark write each target once. Absent: the run's own id. */
  readonly writeId?: string
  readonly application: string
  readonly environment: string
  /** As they were given, by name. */
  readonly parameters: Readonly<Record<string, string>>
  /** What the document was read at; absent: it is not known. */
  readonly configVersion?: ConfigVersion
  /** Rows of a source that may be unreadable, as a share of all of them. */
  readonly rejectedShare?: number
  readonly listener?: RunListener
  /** Where its sources go on. Absent: as if no run had been before. */
  readonly watermarks?: WatermarkParts
  /** Runs when everything is ready, before the first target is put in place. A failure ends the run there. */
  readonly beforeCommit?: () => Promise<void>
}

const defaultRejectedShare = 0.05

/**
 * Runs a pipeline: opens its sources, computes what its targets need, makes all of them ready, then puts each in place. What fails before that leaves every target as it was; what fails between two of them says
 * which were written. The same run again writes nothing twice. Parameters that do not fit → VALIDATION_ERROR; everything else that goes wrong is in the record.
 */
export async function runPipeline(scope: Scope, order: RunOrder, parts: RunParts): Promise<RunRecord> {
  const { document, runId, writeId = runId, application, environment, parameters } = order
  const now = new Date(scope.clock.now()).toISOString()
  const bindings = bindParameters(document.parameters, parameters, { runDate: now, runId, app: application, env: environment })
  const progress = new Progress(document.steps, scope.clock, order.listener)
  const run = new Run(order, progress)
  const places = new Places(parts)
  let workspace: Workspace | undefined
  try {
    const watermarks = await run.watermarks()
    workspace = await parts.engine.begin(scope)
    await run.all({ scope, parts, workspace, places, runId, writeId, pipelineId: document.id, bindings, runDate: String(bindings.get('runDate')), watermarks })
    return run.record(parts.engine.name, workspace.peakMemoryBytes)
  } catch (error) {
    return run.record(parts.engine.name, workspace?.peakMemoryBytes ?? 0, failureOf(error, scope, progress))
  } finally {
    try {
      await workspace?.close()
    } finally {
      await places.close()
    }
  }
}

interface OpenedSources {
  readonly get: (id: string) => OpenedSource | undefined
  readonly references: ReadonlyMap<string, Reference>
}

class Run {
  readonly #order: RunOrder
  readonly #progress: Progress
  readonly #masks: boolean
  #findings: readonly Finding[] = []
  #lineage: RunLineage | undefined
  #hasNoData = false

  constructor(order: RunOrder, progress: Progress) {
    this.#order = order
    this.#progress = progress
    this.#masks = order.document.steps.some(({ checked }) => isOf(checked, mask.shape))
  }

  /** Where its sources go on, which nobody is asked for without need. */
  async watermarks(): Promise<Watermarks> {
    const { document: { steps }, watermarks } = this.#order
    const isAsked = steps.some(({ checked }) => isOf(checked, sourceDatabase) && checked.values.watermark !== undefined)
    return this.#step('SYSTEM', undefined, () => Watermarks.open(isAsked ? watermarks : undefined))
  }

  async all(context: RunContext): Promise<void> {
    const { document } = this.#order
    const opened = await this.#open(context)
    if (!opened) {
      this.#hasNoData = true
      return
    }
    const plan = await this.#step('CONFIG', undefined, () => compilePlan(document, { columnsOf: async ({ id }) => opened.get(id)?.columns, references: opened.references, describe: sql => context.workspace.describe(sql) }))
    const sensitive = new Map(document.steps.flatMap(({ id }) => { const own = opened.get(id)?.sensitive; return own ? [[id, own] as const] : [] }))
    const found = [...plan.findings, ...unmaskedFindings(document, plan.steps, { analyse: context.parts.analyse, sensitive, references: opened.references })]
    this.#findings = inOrder([...this.#findings, ...found])
    const wrong = found.filter(({ severity }) => severity === 'ERROR')
    if (wrong.length > 0) throw new RunFailed('CONFIG', new HubError('VALIDATION_ERROR', wrong.map(({ line, column, message }) => `Line ${line}, column ${column}: ${message}`).join(' ')))
    await this.#transform(plan, opened, context)
    await this.#write(plan, context)
    this.#lineage = this.#lineageOf(plan, opened, context)
  }

  /** What was written is, whether or not it is found out where it comes from. */
  #lineageOf({ steps }: Plan, opened: OpenedSources, { scope, parts: { analyse, topics }, pipelineId }: RunContext): RunLineage | undefined {
    const { application, runId } = this.#order
    try {
      return runLineage(steps, { application, pipelineId, topicOf: topic => topics?.datasetOf?.(scope.tenant, topic), analyse, queryOf: id => opened.get(id)?.query, references: opened.references })
    } catch (error) {
      scope.log.error('The lineage of a run could not be found.', { run: runId, reason: error instanceof Error ? error.message : String(error) })
      return undefined
    }
  }

  record(engine: string, peakMemoryBytes: number, failed?: { readonly state: 'FAILED' | 'CANCELLED'; readonly error: NonNullable<RunRecord['error']> }): RunRecord {
    const { document: { id, version: { major, minor, patch }, layer }, runId, application } = this.#order
    return {
      runId, pipelineId: id, version: `${major}.${minor}.${patch}`, application, layer, engine, state: failed?.state ?? (this.#hasNoData ? 'SKIPPED_NO_DATA' : 'SUCCEEDED'), ...this.#progress.end(failed !== undefined), peakMemoryBytes, findings: this.#findings, ...(this.#order.configVersion && { configVersion: this.#order.configVersion }), ...(this.#lineage && { lineage: this.#lineage }),
      ...(failed && { error: { ...failed.error, message: ['TRANSFORM', 'TARGET'].includes(failed.error.category) ? this.#told(failed.error.message) : failed.error.message } }),
    }
  }

  /** Opens every source, those of databases side by side. Undefined: one has no data, and the pipeline is to leave it at that. */
  async #open(context: RunContext): Promise<OpenedSources | undefined> {
    const { document: { steps, onNoData } } = this.#order
    const sources = steps.filter(({ kind }) => kind === 'source')
    const found = new Map<string, OpenedSource>()
    const inOrderOf = async (id: string, work: () => Promise<OpenedSource>) => {
      const source = await this.#step('SOURCE', id, work)
      found.set(id, source)
      if (source.drift?.length) this.#progress.set(id, { drift: source.drift })
      if (source.partitionsPruned !== undefined) this.#progress.set(id, { partitionsPruned: source.partitionsPruned })
      if (source.isHeld) this.#progress.set(id, { state: 'SUCCEEDED', rows: source.rows })
    }
    const step = (id: string) => sources.filter(one => one.id === id)
    try {
      const isDatabase = (id: string) => step(id).some(({ checked }) => checked.shape.name === 'database')
      const remote = await Promise.allSettled(sources.filter(({ id }) => isDatabase(id)).map(source => inOrderOf(source.id, () => openSource(source, context))))
      for (const one of remote) if (one.status === 'rejected') throw one.reason
      for (const source of sources.filter(({ id }) => !isDatabase(id))) await inOrderOf(source.id, () => openSource(source, context))
    } catch (error) {
      if (!(error instanceof RunFailed && error.cause instanceof NoData) || onNoData === 'fail') throw error
      this.#progress.skipAll()
      return undefined
    }
    return { get: (id: string) => found.get(id), references: await this.#step('SOURCE', undefined, () => openReferences(steps, context)) }
  }

  async #transform({ steps }: Plan, opened: OpenedSources, context: RunContext): Promise<void> {
    const { workspace } = context
    const byId = new Map(steps.map(step => [step.id, step]))
    for (const step of steps) {
      if (step.kind === 'source') {
        const isHeld = opened.get(step.id)?.isHeld === true
        if (!isHeld && isReadAgain(step, steps)) await this.#step('SOURCE', step.id, () => workspace.keep(step.id))
      }
      if (step.kind !== 'transformation') continue
      await this.#step('TRANSFORM', step.id, async () => {
        const { checked, sql, dependsOn: [first = ''] } = step
        const input = byId.get(first)?.relation
        if (sql !== undefined) await workspace.define(step.id, sql, step.relation.columns)
        else if (isOf(checked, mask.shape) && input) this.#progress.set(step.id, { key: await maskStep(step, checked, input, context) })
        if (isReadAgain(step, steps)) this.#progress.set(step.id, { rows: await workspace.keep(step.id) })
        await this.#rules(step, workspace)
      })
    }
  }

  /** Counts the rows that break rules; those of a rule that is an error end the run. */
  async #rules({ id, rules = [] }: CompiledStep, workspace: Workspace): Promise<void> {
    const broken: { readonly rule: string; readonly severity: 'error' | 'warning'; readonly rows: number }[] = []
    for (const { name, severity, sql } of rules) {
      const { batches } = await workspace.read(sql)
      for await (const [row] of batches) if (Number(row?.['broken']) > 0) broken.push({ rule: name, severity, rows: Number(row?.['broken']) })
    }
    if (rules.length > 0) this.#progress.set(id, { broken })
    const errors = broken.filter(({ severity }) => severity === 'error')
    if (errors.length > 0) throw new HubError('VALIDATION_ERROR', `Rows break the rules: ${errors.map(({ rule, rows }) => `${rule}: ${rows}`).join(', ')}. Nothing is written.`)
  }

  /** Makes every target ready, then puts one after the other in place. */
  async #write({ steps }: Plan, context: RunContext): Promise<void> {
    const ready: { readonly id: string; readonly target: PreparedTarget }[] = []
    try {
      for (const step of steps.filter(({ kind }) => kind === 'target')) {
        const target = await this.#step('SCHEMA', step.id, () => orderOf(step, context), 'RUNNING')
        ready.push({ id: step.id, target: await this.#step('TARGET', step.id, () => prepareTarget(target, context), 'RUNNING') })
      }
      await this.#readings(steps, context)
      await this.#order.beforeCommit?.()
      await context.watermarks.fix()
      for (const { id, target } of ready) {
        await this.#step('TARGET', id, () => target.commit())
        const { rows, bytes, into, isDone } = target
        this.#progress.set(id, { state: isDone ? 'SKIPPED' : 'SUCCEEDED', rows, bytes, into })
      }
    } catch (error) {
      for (const { target } of ready) await target.rollback()
      throw error
    }
  }

  /** Values of columns that are masked are in nothing that is told. */
  #told(text: string): string {
    return this.#masks ? text.replace(/'[^']*'|(?<= is )"[^"]*"|(?<=string )"[^"]*"/g, '…') : text
  }

  /** What was read of each source; too much that could not be ends the run, before anything is in place. */
  async #readings(steps: readonly CompiledStep[], { workspace }: RunContext): Promise<void> {
    const limit = this.#order.rejectedShare ?? defaultRejectedShare
    for (const { id } of steps.filter(({ kind }) => kind === 'source')) {
      await this.#step('SOURCE', id, async () => {
        const { rows, rejected, samples, leftOut } = await workspace.reading(id)
        this.#progress.set(id, { ...(leftOut && { drift: leftOut.map(column => ({ column, change: 'NEW' as const })) }), ...(rows !== undefined && { rows }), ...(rejected > 0 && { rejected, samples: samples.map(one => ({ ...one, reason: this.#told(one.reason) })) }) })
        const all = (rows ?? 0) + rejected
        if (rejected === 0 || rejected <= limit * all) return
        const [first] = samples
        throw new HubError('VALIDATION_ERROR', `${rejected} of ${all} rows of "${id}" cannot be read, more than the share of ${limit} that may be.${first ? ` The first: ${first.place} of "${first.path.split('/').at(-1)}": ${this.#told(first.reason)}.` : ''} Nothing is written.`)
      })
    }
  }

  /** Runs a part of a step; what fails is told with its step and what kind of failure it is. */
  async #step<T>(category: FailureCategory, id: string | undefined, work: () => Promise<T>, afterwards: 'SUCCEEDED' | 'RUNNING' = 'SUCCEEDED'): Promise<T> {
    if (id !== undefined) this.#progress.set(id, { state: 'RUNNING' })
    try {
      const result = await work()
      if (id !== undefined) this.#progress.set(id, { state: afterwards })
      return result
    } catch (error) {
      if (id !== undefined) this.#progress.set(id, { state: 'FAILED', ...(error instanceof Drifted && { drift: error.differences }) })
      throw error instanceof RunFailed ? error : new RunFailed(category, error, id)
    }
  }
}

function failureOf(error: unknown, { signal, log }: Scope, progress: Progress): { readonly state: 'FAILED' | 'CANCELLED'; readonly error: NonNullable<RunRecord['error']> } {
  const failed = error instanceof RunFailed ? error : new RunFailed('SYSTEM', error)
  const { code, message } = asHubError(failed.cause)
  const step = failed.step ?? progress.failedStep
  if (code === 'INTERNAL') log.error('A run ended with a failure that nobody expected.', { step, reason: failed.message })
  const reason: unknown = signal.reason
  if (signal.aborted && !(reason instanceof HubError && reason.code === 'TIMEOUT')) return { state: 'CANCELLED', error: { category: 'SYSTEM', message: reason instanceof HubError ? reason.message : 'The run was cancelled.', ...(step !== undefined && { step }) } }
  const category = code === 'TIMEOUT' ? 'TIMEOUT' : code === 'INTERNAL' ? 'SYSTEM' : failed.category
  return { state: 'FAILED', error: { category, message, ...(step !== undefined && { step }) } }
}
