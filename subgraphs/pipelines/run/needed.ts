import { HubError, type Problem } from '../../../schema/errors.ts'
import type { JobDocument } from '../document/job.ts'
import type { PipelineDocument } from '../document/pipeline.ts'
import type { Definition, Registry } from '../registry.ts'

/** A pipeline that may run. */
export type Runnable = Definition & { readonly document: PipelineDocument }

/** The pipelines of the application that a job names, by their ids; those there are not are left out. One that may not run as it is written → VALIDATION_ERROR with what is wrong. */
export async function neededPipelines(registry: Registry, application: string, { refs }: JobDocument): Promise<ReadonlyMap<string, Runnable>> {
  const wanted = new Set(refs.flatMap(({ id, fallback }) => (fallback === undefined ? [id] : [id, fallback])))
  const found = new Map<string, Runnable>()
  const problems: Problem[] = []
  const seen = new Set<string>()
  for (const definition of await registry.pipelines()) {
    const { id, document, findings } = definition
    if (definition.application !== application || !wanted.has(id) || seen.has(id)) continue
    seen.add(id)
    if (document) found.set(id, { ...definition, document })
    else problems.push(...findings.filter(({ severity }) => severity === 'ERROR').map(({ line, message }): Problem => ({ path: id, message: `Pipeline "${id}", line ${line}: ${message}` })))
  }
  if (problems.length > 0) throw new HubError('VALIDATION_ERROR', problems.map(({ message }) => message).join(' '), { problems })
  return found
}
