import type { LakeTable } from '../../../connectors/ports/lake.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { HubError, type Problem } from '../../../schema/errors.ts'
import { didYouMean } from '../../../schema/names.ts'
import type { PipelineDocument } from '../document/pipeline.ts'
import { hive } from '../document/targets.ts'
import type { Finding } from '../finding.ts'
import { applicationPipelines, type Definition, type Registry } from '../registry.ts'
import type { RunParts } from '../run/parts.ts'
import { isOf } from '../xml/check.ts'

export interface PublishedRoles {
  readonly registry: Registry
  /** What schemas and columns have against a pipeline. */
  readonly check: (definition: Definition) => Promise<readonly Finding[]>
}

/** A table that others are given rows of. */
export interface Published {
  readonly table: LakeTable
  readonly parts: RunParts
}

type Written = Definition & { readonly document: PipelineDocument }

/**
 * The newest version of a table of layer service that pipelines of the application write, by its name `service.TABLE`. No such application or table → NOT_FOUND. Columns that schemas call sensitive and that nothing masks do not leave it, as
 * their schemas say now; nor does what a pipeline of another layer has a hand in, where masks are nobody's duty → VALIDATION_ERROR.
 */
export async function published(scope: Scope, { registry, check }: PublishedRoles, app: string, dataset: string): Promise<Published> {
  const [first, ...others] = await applicationPipelines(registry, app)
  const writers = [first, ...others].flatMap((one): readonly Written[] => (one.document ? [{ ...one, document: one.document }] : []))
  const own = writers.filter(({ document }) => tablesOf(document).includes(dataset))
  const parts = await registry.partsOf(first)
  const table = own.length > 0 && dataset.startsWith(layer) ? await parts.lake.table(scope, dataset) : undefined
  if (!table) {
    const known = [...new Set(writers.flatMap(({ document }) => tablesOf(document)))].filter(name => name.startsWith(layer))
    throw new HubError('NOT_FOUND', `There is no dataset "${dataset.slice(0, 200)}" of "${app}"; datasets are tables of layer service that a pipeline writes.${didYouMean(dataset, known)}`, { app })
  }
  for (const writer of own) await refuseUnmasked(dataset, writer, check)
  return { table, parts }
}

const layer = 'service.'

function tablesOf({ steps }: PipelineDocument): readonly string[] {
  return steps.flatMap(({ kind, checked }) => (kind === 'target' && isOf(checked, hive) ? [checked.values.table] : []))
}

async function refuseUnmasked(dataset: string, writer: Written, check: PublishedRoles['check']): Promise<void> {
  const { id, document } = writer
  if (document.layer !== 'service') throw refused(dataset, [{ path: `pipelines.${id}.layer`, message: `Pipeline "${id}", which writes it, is of layer "${document.layer}", where nothing sees to masks; "service" is expected.` }])
  const problems = (await check(writer)).filter(({ code }) => code === 'UNMASKED_SENSITIVE').map(({ line, column, message }): Problem => ({ path: `pipelines.${id}[${line}][${column}]`, message, line, column }))
  if (problems.length > 0) throw refused(dataset, problems)
}

function refused(dataset: string, problems: readonly Problem[]): HubError {
  return new HubError('VALIDATION_ERROR', `UNMASKED_SENSITIVE: "${dataset}" does not leave the hub as it is written. ${problems.map(({ message }) => message).join(' ')}`, { problems })
}
