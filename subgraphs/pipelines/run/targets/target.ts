import { HubError } from '../../../../schema/errors.ts'
import { quoteIdentifier } from '../../../../schema/quote.ts'
import type { CompiledStep } from '../../plan/compile.ts'
import { list, names, type Relation, term } from '../../plan/relation.ts'
import type { DatasetSchema } from '../../schema-document.ts'
import type { Checked } from '../../xml/check.ts'
import type { RunContext } from '../parts.ts'
import { drift, schemaOf } from '../schemas.ts'

/** What a run writes to. */
export interface Target<C extends Checked = Checked> {
  /** Computes what is written and brings it where it can be put in place by a step; nobody sees anything of it. */
  prepare(order: TargetOrder<C>, context: RunContext): Promise<PreparedTarget>
}

export interface TargetOrder<C extends Checked = Checked> {
  readonly step: CompiledStep
  readonly checked: C
  /** What is written, with its order. */
  readonly from: Relation
  /** The schema it names. Its columns are those of what is written. */
  readonly schema?: DatasetSchema
  /** The same for every attempt of one run. */
  readonly mark: string
}

export interface PreparedTarget {
  readonly rows: number
  readonly bytes?: number
  /** Where, as people are told. */
  readonly into: string
  /** There is nothing to do: it was written by an attempt before, or is not to be written again. */
  readonly isDone: boolean
  /** Puts it in place, all of it. */
  commit(): Promise<void>
  /** Lets go of what was prepared. After a commit it does nothing that can be seen. */
  rollback(): Promise<void>
}

/** What is written to a target, compared with the schema it names: a difference → VALIDATION_ERROR with all of them. */
export async function orderOf(step: CompiledStep, context: RunContext): Promise<TargetOrder> {
  const schema = await schemaOf(step.checked, context.parts)
  const problems = schema ? drift(step.relation.columns, schema.columns) : []
  if (problems.length > 0) throw new HubError('VALIDATION_ERROR', `What "${step.relation.dataset}" has is not what the schema of <${step.checked.shape.name}> in line ${step.checked.element.at.line} says. ${problems.join(' ')}`)
  return { step, checked: step.checked, from: step.relation, ...(schema && { schema }), mark: `${context.writeId}/${step.id}` }
}

/** Nothing to do. */
export function done(into: string): PreparedTarget {
  return { rows: 0, into, isDone: true, commit: async () => undefined, rollback: async () => undefined }
}

/** Its rows in their order; with `more`, expressions beside its columns. */
export function selectOf({ sql, columns, order = [] }: Relation, more: readonly { readonly name: string; readonly sql: string }[] = []): string {
  const added = more.map(({ name, sql: expression }) => `, ${expression} AS ${quoteIdentifier(name)}`).join('')
  return `SELECT ${list(names(columns))}${added} FROM ${sql}${order.length > 0 ? ` ORDER BY ${order.map(term).join(', ')}` : ''}`
}

/** Every row of a relation has a key that no other has, or → VALIDATION_ERROR. */
export async function refuseRepeated(relation: string, keys: readonly string[], into: string, { workspace }: RunContext): Promise<void> {
  const isMissing = keys.map(key => `${quoteIdentifier(key)} IS NULL`).join(' OR ')
  const { batches } = await workspace.read(`SELECT coalesce(sum(CASE WHEN ${isMissing} THEN m ELSE 0 END), 0) AS missing, count(*) AS repeated FROM (SELECT ${list(keys)}, count(*) AS m FROM ${relation} GROUP BY ${list(keys)} HAVING count(*) > 1 OR ${isMissing}) AS t`)
  for await (const [row] of batches) {
    const [missing, repeated] = [Number(row?.['missing']), Number(row?.['repeated'])]
    if (missing > 0) throw new HubError('VALIDATION_ERROR', `Rows of "${into}" are known by ${keys.join(', ')}: ${missing} of those to write ${missing === 1 ? 'has' : 'have'} no value there.`)
    if (repeated > 0) throw new HubError('VALIDATION_ERROR', `Rows of "${into}" are known by ${keys.join(', ')}: ${repeated} ${repeated === 1 ? 'key is' : 'keys are'} that of several rows to write. Deduplicate them before.`)
  }
}
