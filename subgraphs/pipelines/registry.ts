import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import type { JobDocument } from './document/job.ts'
import type { PipelineDocument } from './document/pipeline.ts'
import type { Finding } from './finding.ts'
import type { RunParts } from './run/parts.ts'

/** The pipelines and jobs a hub has. */
export interface Registry {
  /** By application and id. Read anew where it has changed. */
  pipelines(): Promise<readonly Definition[]>
  /** The same of jobs. */
  jobs(): Promise<readonly JobDefinition[]>
  /** What its runs have to do with. */
  partsOf(definition: Definition): Promise<RunParts>
}

export interface Definition {
  readonly application: string
  readonly id: string
  /** Below the folder that is looked at, with `/` between. */
  readonly file: string
  readonly xml: string
  /** Absent: an ERROR is among the findings. */
  readonly document?: PipelineDocument
  readonly findings: readonly Finding[]
  /** Of a version that does not lie in the folder: the newest commit that had it. */
  readonly commit?: string
}

export interface JobDefinition extends Omit<Definition, 'document'> {
  readonly document?: JobDocument
}

export function versionText({ version }: Pick<PipelineDocument, 'version'>): string {
  return textOfVersion(version)
}

export function textOfVersion({ major, minor, patch }: PipelineDocument['version']): string {
  return `${major}.${minor}.${patch}`
}

/** The pipelines of an application, one at least. No such application → NOT_FOUND. */
export async function applicationPipelines(registry: Registry, app: string): Promise<readonly [Definition, ...Definition[]]> {
  const all = await registry.pipelines()
  const [first, ...others] = all.filter(({ application }) => application === app)
  if (!first) throw new HubError('NOT_FOUND', `There is no application "${app}" with pipelines.${didYouMean(app, new Set(all.map(({ application }) => application)))}`, { app })
  return [first, ...others]
}

/** What runs of an application have to do with, by the first of its pipelines. No such application → NOT_FOUND. */
export async function applicationParts(registry: Registry, app: string): Promise<RunParts> {
  const [first] = await applicationPipelines(registry, app)
  return registry.partsOf(first)
}
