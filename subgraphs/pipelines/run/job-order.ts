import type { Scope } from '../../../connectors/ports/scope.ts'
import { HubError, type Problem } from '../../../schema/errors.ts'
import { didYouMean } from '../../../schema/names.ts'
import type { JobDocument } from '../document/job.ts'
import type { PipelineDocument } from '../document/pipeline.ts'
import type { JobRecord, JobStepRecord } from './job-record.ts'
import { bindParameters } from './parameters.ts'
import type { RunRecord } from './record.ts'

/** Which job runs, and with what. */
export interface JobOrder {
  readonly document: JobDocument
  /** The same for a job that is repeated because whoever ran it is gone. */
  readonly runId: string
  readonly application: string
  readonly environment: string
  /** As they were given, by name. */
  readonly parameters: Readonly<Record<string, string>>
  /** Pipelines that run at a time. Default: 2. */
  readonly sideBySide?: number
  /** Before a pipeline is tried again, doubled before each further time, up to five minutes. Default: 5 s. */
  readonly firstDelayMs?: number
  /** What an earlier run left, or this one before whoever ran it was gone: what succeeded is not run again, as long as all it depends on is not either. */
  readonly earlier?: Pick<JobRecord, 'runId' | 'steps'>
  /** This pipeline and all that depend on it run, whatever was earlier. */
  readonly fromStep?: string
  /** Hears of every step that changes. */
  readonly listener?: (steps: readonly JobStepRecord[]) => void
}

/** What a job needs of its application. */
export interface JobParts {
  /** By their ids. */
  readonly pipelines: ReadonlyMap<string, Pick<PipelineDocument, 'parameters'>>
  /**
   * Runs one to its end; a run of that id that was there before is not begun again, and answered as it ended. LOST: it came to nothing, as its worker was gone; it is then run by another id. The same write id again writes nothing twice.
   * What it throws is a failure of the pipeline, as what its record tells.
   */
  runPipeline(scope: Scope, order: PipelineOrder): Promise<PipelineEnding | 'LOST'>
}

export type PipelineEnding = Pick<RunRecord, 'state' | 'error' | 'rowsRead' | 'rowsWritten' | 'rowsRejected'>

export interface PipelineOrder {
  readonly pipelineId: string
  readonly parameters: Readonly<Record<string, string>>
  readonly runId: string
  /** The same for all attempts of a step: what one of them has written the next does not write again. */
  readonly writeId: string
  readonly jobRunId: string
}

/**
 * What each pipeline of the job is given, those that stand in for another too: of the job's parameters the ones it declares, and the date of the run. Pipelines that there are not, parameters nobody declared, values that do not fit the job's or
 * a pipeline's declaration, and a step that is none → VALIDATION_ERROR with all of them.
 */
export function pipelineParameters({ clock }: Pick<Scope, 'clock'>, order: Omit<JobOrder, 'listener'>, pipelines: JobParts['pipelines']): ReadonlyMap<string, Readonly<Record<string, string>>> {
  const { document: { id, refs, parameters: declared }, runId, application, environment, parameters, fromStep } = order
  const own = { runDate: new Date(clock.now()).toISOString(), runId, app: application, env: environment }
  const wanted = new Set(refs.flatMap(({ id, fallback }) => (fallback === undefined ? [id] : [id, fallback])))
  const problems: Problem[] = [...wanted].filter(id => !pipelines.has(id)).map(id => ({ path: id, message: `There is no pipeline "${id}" in "${application}".${didYouMean(id, pipelines.keys())}` }))
  if (fromStep !== undefined && !refs.some(ref => ref.id === fromStep)) problems.push({ path: 'fromStep', message: `"${fromStep}" is no pipeline of job "${id}".${didYouMean(fromStep, refs.map(ref => ref.id)) || ` There are ${refs.map(ref => ref.id).join(', ')}.`}` })
  const bound = bindOr(problems, () => bindParameters(declared, parameters, own))

  const texts = new Map<string, string>([['runDate', String(bound?.get('runDate') ?? own.runDate)]])
  for (const { name, fallback } of declared) {
    const text = parameters[name] ?? fallback
    if (text !== undefined) texts.set(name, text)
  }
  const given = new Map<string, Readonly<Record<string, string>>>()
  for (const one of wanted) {
    const pipeline = pipelines.get(one)
    if (!pipeline) continue
    const known = new Set([...pipeline.parameters.map(({ name }) => name), 'runDate'])
    const some = Object.fromEntries([...texts].filter(([name]) => known.has(name)))
    if (bound) bindOr(problems, () => bindParameters(pipeline.parameters, some, own), one)
    given.set(one, some)
  }
  if (problems.length > 0) throw new HubError('VALIDATION_ERROR', problems.map(({ message }) => message).join(' '), { problems })
  return given
}

function bindOr<T>(problems: Problem[], bind: () => T, pipeline?: string): T | undefined {
  try {
    return bind()
  } catch (error) {
    if (!(error instanceof HubError && error.code === 'VALIDATION_ERROR')) throw error
    const found = error.details['problems'] as readonly Problem[]
    problems.push(...found.map(problem => (pipeline === undefined ? problem : { path: `${pipeline}.${problem.path}`, message: `Pipeline "${pipeline}": ${problem.message}` })))
    return undefined
  }
}
