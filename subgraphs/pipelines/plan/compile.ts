import { HubError } from '../../../schema/errors.ts'
import { didYouMean } from '../../../schema/names.ts'
import { quoteIdentifier } from '../../../schema/quote.ts'
import type { Column } from '../../../schema/values.ts'
import type { Step } from '../document/datasets.ts'
import type { PipelineDocument } from '../document/pipeline.ts'
import { type Finding, inOrder } from '../finding.ts'
import { reportOn } from '../rules.ts'
import { transforms } from '../transforms/index.ts'
import type { Transform } from '../transforms/transform.ts'
import { proposed } from '../xml/read.ts'
import { names, type OrderTerm, type Reference, type Relation, type Rule } from './relation.ts'
import { sqlType } from './types.ts'

/** A step with what it makes. */
export interface CompiledStep extends Step {
  /** How others read it: its columns, and the name it has in their statements. A target has what it writes. */
  readonly relation: Relation
  /** The statement that makes it of what it depends on, in Trino's dialect; absent: a source, a target, or a transformation no statement can do. */
  readonly sql?: string
  readonly rules?: readonly Rule[]
}

export interface Plan {
  /** Each behind those it depends on. Without those that something stands against, and those behind them. */
  readonly steps: readonly CompiledStep[]
  readonly findings: readonly Finding[]
}

export interface PlanParts {
  /** Columns of a source; undefined where they are not known, of which its own check tells. */
  readonly columnsOf: (source: Step) => Promise<readonly Column[] | undefined>
  /** Tables to look things up in, by name. Absent: nobody knows them here, and steps that need one are left out. */
  readonly references?: ReadonlyMap<string, Reference>
  /** Columns of a statement, without running it; SQL_ERROR where it is none, SQL_UNSUPPORTED where the engine cannot run it. */
  readonly describe: (sql: string) => Promise<readonly Column[]>
}

/** Compiles every transformation to a statement, and finds what the columns have against the document. Nothing is run. */
export async function compilePlan({ steps }: PipelineDocument, parts: PlanParts): Promise<Plan> {
  const findings: Finding[] = []
  const report = (finding: Finding) => void findings.push(finding)
  const made = new Map<string, CompiledStep>()
  for (const step of steps) {
    const inputs = step.dependsOn.map(id => made.get(id)?.relation)
    if (!isWhole(inputs)) continue
    const compiled = step.kind === 'source' ? await source(step, parts) : step.kind === 'target' ? target(step, inputs) : await transformation(step, named(inputs, step), parts, report)
    if (compiled) made.set(step.id, compiled)
  }
  return { steps: [...made.values()], findings: inOrder(findings) }
}

async function source(step: Step, { columnsOf }: PlanParts): Promise<CompiledStep | undefined> {
  const columns = await columnsOf(step)
  return columns && { ...step, relation: relationOf(step, columns) }
}

function target(step: Step, [input]: readonly Relation[]): CompiledStep | undefined {
  return input && { ...step, relation: input }
}

async function transformation(step: Step, inputs: readonly Relation[], parts: PlanParts, report: (finding: Finding) => void): Promise<CompiledStep | undefined> {
  const { checked } = step
  const transform = transforms.find(({ shape }) => shape === checked.shape)
  const [input] = inputs
  if (!transform || !input || !hasColumns(transform, step, input, report)) return undefined
  if (!transform.compile) return { ...step, relation: relationOf(step, transform.result?.(checked, input.columns) ?? input.columns, orderBefore(input, columnsNamed(transform, step))) }
  const compiled = transform.compile(checked, inputs, { report: reportOn(checked, report), ...(parts.references && { references: parts.references }) })
  if (!compiled) return undefined
  try {
    const columns = await parts.describe(withColumns(inputs, compiled.sql))
    return { ...step, relation: relationOf(step, columns, compiled.order), sql: compiled.sql, ...(compiled.rules && { rules: compiled.rules }) }
  } catch (error) {
    if (!(error instanceof HubError) || (error.code !== 'SQL_ERROR' && error.code !== 'SQL_UNSUPPORTED')) throw error
    const attribute = 'condition' in checked.values ? 'condition' : ''
    reportOn(checked, report)(error.code === 'SQL_ERROR' ? 'INVALID_VALUE' : 'UNSUPPORTED', attribute, attribute ? `The condition cannot be computed: ${error.message}` : `<${checked.shape.name}> cannot be computed: ${error.message}`)
    return undefined
  }
}

/** Whether the columns its attributes name are the first dataset's. */
function hasColumns(transform: Transform, step: Step, input: Relation, report: (finding: Finding) => void): boolean {
  const known = names(input.columns)
  const missing = columnsNamed(transform, step).filter(({ column }) => !known.includes(column))
  for (const { attribute, column } of missing) reportOn(step.checked, report)('COLUMN_NOT_FOUND', attribute, `"${input.dataset}" has no column "${column}".${didYouMean(column, known) || ` It has ${known.join(', ')}.`}`, 'ERROR', proposed(column, known))
  return missing.length === 0
}

function columnsNamed({ columns }: Transform, { checked }: Step): readonly { readonly attribute: string; readonly column: string }[] {
  return columns.flatMap(attribute => ((checked.values as Readonly<Record<string, readonly string[] | undefined>>)[attribute] ?? []).map(column => ({ attribute, column })))
}

/** As much of the order as stands before the first of these columns: their values are others now. */
function orderBefore({ order = [] }: Relation, changed: readonly { readonly column: string }[]): readonly OrderTerm[] | undefined {
  const end = order.findIndex(({ column }) => changed.some(one => one.column === column))
  const left = end < 0 ? order : order.slice(0, end)
  return left.length > 0 ? left : undefined
}

/** Inputs as the step calls them: a dataset whose step has another name was put into the place of it. */
function named(inputs: readonly Relation[], { checked }: Step): readonly Relation[] {
  const { reads = [] } = transforms.find(({ shape }) => shape === checked.shape) ?? {}
  const called = reads.flatMap(attribute => (checked.values as Readonly<Record<string, string | readonly string[]>>)[attribute] ?? [])
  return inputs.map((input, place) => ({ ...input, dataset: called[place] ?? input.dataset }))
}

function relationOf({ id, dataset = id }: Step, columns: readonly Column[], order?: readonly OrderTerm[]): Relation {
  return { dataset, sql: quoteIdentifier(id), columns, ...(order && { order }) }
}

/** The statement over relations that have the columns and no rows. */
function withColumns(inputs: readonly Relation[], sql: string): string {
  const empty = new Map(inputs.map(one => [one.sql, `${one.sql} AS (SELECT ${one.columns.map(({ name, type }) => `CAST(NULL AS ${sqlType[type]}) AS ${quoteIdentifier(name)}`).join(', ')} WHERE 1 = 0)`]))
  return `WITH ${[...empty.values()].join(', ')} ${sql}`
}

function isWhole<T>(values: readonly (T | undefined)[]): values is readonly T[] {
  return values.every(value => value !== undefined)
}
