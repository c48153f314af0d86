import type { Column } from '../../../schema/values.ts'
import { childrenOf } from '../xml/check.ts'
import { schemaChild } from '../document/sources.ts'
import type { PipelineDocument } from '../document/pipeline.ts'
import type { Step } from '../document/datasets.ts'
import { type Finding, inOrder } from '../finding.ts'
import { reportOn } from '../rules.ts'
import type { Analyse } from '../lineage/origins.ts'
import { unmaskedFindings } from '../lineage/unmasked.ts'
import { type DatasetSchema, readSchema } from '../schema-document.ts'
import { compilePlan, type PlanParts } from './compile.ts'

export interface DataParts extends Pick<PlanParts, 'describe'> {
  readonly analyse: Analyse
  readonly schemaText: (path: string) => Promise<FoundSchema>
}

/** A schema file: where it was looked for, in order, as people are told. */
export interface FoundSchema {
  /** Of the first that is there; absent: none is. */
  readonly text?: string
  readonly searched: readonly string[]
  /** Another one that is there, and not taken. */
  readonly hides?: string
}

/** What the schemas a document names have against it: those that are not there or are none, and everything its steps say of columns. Sources whose columns no schema tells, and what is made of them, are not looked at; nor are look-ups, whose tables are not known here. */
export async function checkData(document: PipelineDocument, { describe, schemaText, analyse }: DataParts): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const columns = new Map<string, readonly Column[]>()
  const sensitive = new Map<string, readonly string[]>()
  for (const step of document.steps) {
    if (step.kind === 'transformation') continue
    const found = await schemaOf(step, schemaText, finding => void findings.push(finding))
    if (!found || step.kind !== 'source') continue
    columns.set(step.id, found.columns)
    if (found.sensitive) sensitive.set(step.id, found.sensitive)
  }
  const plan = await compilePlan(document, { describe, columnsOf: async ({ id }) => columns.get(id) })
  return inOrder([...findings, ...plan.findings, ...unmaskedFindings(document, plan.steps, { analyse, sensitive })])
}

async function schemaOf(step: Step, schemaText: DataParts['schemaText'], report: (finding: Finding) => void): Promise<DatasetSchema | undefined> {
  const { checked } = step
  const [child] = childrenOf(checked, schemaChild)
  const path = (checked.values as { readonly schemaRef?: string }).schemaRef ?? child?.text
  if (typeof path !== 'string') return undefined
  const tell = (code: Finding['code'], message: string, severity?: Finding['severity']) => reportOn(checked, report)(code, child && !checked.element.attributes.has('schemaRef') ? { of: child } : 'schemaRef', message, severity)
  const { text, searched, hides } = await schemaText(path)
  if (hides !== undefined) tell('AMBIGUOUS', `There is another schema "${path}", ${hides}; that of the layer is taken.`, 'WARNING')
  if (text === undefined) return void tell('SCHEMA_NOT_FOUND', `There is no schema "${path}"; it was looked for in ${searched.join(' and ')}.`)
  const read = readSchema(text, path)
  if ('schema' in read) return read.schema
  for (const problem of read.problems) tell('SCHEMA_INVALID', problem)
  return undefined
}
