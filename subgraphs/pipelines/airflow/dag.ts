import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { HubError } from '../../../schema/errors.ts'
import { didYouMean } from '../../../schema/names.ts'
import type { JobDocument, PipelineRef } from '../document/job.ts'
import type { ParameterDeclaration } from '../document/parameters.ts'
import { type JobDefinition, versionText } from '../registry.ts'
import { usualSideBySide } from '../run/job.ts'
import type { Runnable } from '../run/needed.ts'

const operators = readFileSync(join(import.meta.dirname, 'operators.py'), 'utf8')

const about = `"""A job of a Tributary hub as a DAG of Airflow 3.

Each pipeline is one task, which begins a run by the hub's REST API and waits for its end. It needs the provider
apache-airflow-providers-http and a connection "tributary": the hub's address, and in its extra the headers that carry its
token or key. A pipeline that halts the job keeps what depends on it from running; what does not depend on it goes on here.
"""
`

/**
 * A job as a Python module for Airflow 3: a task for each pipeline, with its retries and what runs in its place. What depends on a pipeline that is to be followed by others though it failed (`continue`, `skip`) stands behind a task with the trigger
 * rule `one_done`; all else runs by `all_success`. A pipeline that there is not → VALIDATION_ERROR.
 */
export function airflowDag({ application, id }: Pick<JobDefinition, 'application' | 'id'>, document: JobDocument, pipelines: ReadonlyMap<string, Runnable>): string {
  const { refs, parameters } = document
  const passed = (pipeline: string): readonly string[] => {
    const found = pipelines.get(pipeline)
    if (!found) throw new HubError('VALIDATION_ERROR', `There is no pipeline "${pipeline}" in "${application}".${didYouMean(pipeline, pipelines.keys())} Add it, or take it out of the job "${id}".`, { pipeline })
    const known = new Set(found.document.parameters.map(({ name }) => name))
    return parameters.map(({ name }) => name).filter(name => known.has(name))
  }
  const isFollowed = new Set(refs.flatMap(({ dependsOn }) => dependsOn))
  const gated = refs.filter(ref => isFollowed.has(ref.id) && isGated(ref))
  const gates = new Set(gated.map(ref => ref.id))
  const body = [
    `with DAG(${dagArguments(application, id, document)}):`,
    '    tasks = {}', '    gates = {}',
    ...refs.map(ref => `    tasks[${py(ref.id)}] = RunPipeline(${runArguments(application, ref, passed)})`),
    ...gated.map(ref => `    gates[${py(ref.id)}] = AfterFailure(task_id=${py(`0-after-${ref.id}`)}, of=${py(ref.id)}, skips=${ref.onFailure === 'skip' ? 'True' : 'False'})`),
    ...gated.map(ref => `    tasks[${py(ref.id)}] >> gates[${py(ref.id)}]`),
    ...refs.flatMap(ref => ref.dependsOn.map(other => `    ${gates.has(other) ? 'gates' : 'tasks'}[${py(other)}] >> tasks[${py(ref.id)}]`)),
    // Names of pipelines begin with no digit.
    '    list(tasks.values()) >> AnyFailed(task_id="0-any-failed")',
  ]
  return `${about}\n${operators}\n\n${body.join('\n')}\n`
}

function isGated({ onFailure }: PipelineRef): boolean {
  return onFailure === 'continue' || onFailure === 'skip'
}

function dagArguments(application: string, id: string, document: JobDocument): string {
  const params = [...document.parameters.map(parameter => `${py(parameter.name)}: ${paramOf(parameter)}`), '"runDate": Param(None, type=["null", "string"])']
  return [
    `dag_id=${py(`${application}.${id}`.replace(/[^A-Za-z0-9_.-]/g, '_'))}`, `dag_display_name=${py(`${application}: ${id} ${versionText(document)}`)}`, 'schedule=None', 'catchup=False', 'max_active_runs=1', `max_active_tasks=${usualSideBySide}`,
    'tags=["tributary"]', `params={${params.join(', ')}}`,
  ].join(', ')
}

/** As texts, which the hub reads by their types. */
function paramOf({ type, fallback }: ParameterDeclaration): string {
  return `Param(${[...(fallback === undefined ? [] : [py(fallback)]), 'type="string"', ...(type === 'date' ? ['format="date"'] : [])].join(', ')})`
}

function runArguments(application: string, { id, onFailure, maxRetries, fallback }: PipelineRef, passed: (pipeline: string) => readonly string[]): string {
  const retries = onFailure === 'retry' ? [`retries=${maxRetries}`, 'retry_delay=timedelta(seconds=5)', 'retry_exponential_backoff=True', 'max_retry_delay=timedelta(minutes=5)'] : ['retries=0']
  const instead = onFailure === 'fallback' && fallback !== undefined ? [`fallback=${py(fallback)}`, `fallback_parameters=${py(passed(fallback))}`] : []
  return [`task_id=${py(id)}`, `app=${py(application)}`, `pipeline=${py(id)}`, `parameters=${py(passed(id))}`, ...instead, ...retries].join(', ')
}

/** As Python writes it. Texts and lists of JSON are those of Python. */
function py(value: string | readonly string[]): string {
  return JSON.stringify(value)
}
