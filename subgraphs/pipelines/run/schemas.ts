import { HubError } from '../../../schema/errors.ts'
import type { Column, ColumnType } from '../../../schema/values.ts'
import { schemaChild } from '../document/sources.ts'
import { type DatasetSchema, readSchema } from '../schema-document.ts'
import { type Checked, childrenOf } from '../xml/check.ts'
import type { RunParts } from './parts.ts'

/** The schema an element names, if it names one. A file that is not there or is none → VALIDATION_ERROR. */
export async function schemaOf(checked: Checked, { schemaText }: Pick<RunParts, 'schemaText'>): Promise<DatasetSchema | undefined> {
  const [child] = childrenOf(checked, schemaChild)
  const path = (checked.values as { readonly schemaRef?: string }).schemaRef ?? child?.text
  if (typeof path !== 'string') return undefined
  const { text, searched } = await schemaText(path)
  if (text === undefined) throw new HubError('VALIDATION_ERROR', `There is no schema "${path}"; it was looked for in ${searched.join(' and ')}.`)
  const read = readSchema(text, path)
  if ('schema' in read) return read.schema
  throw new HubError('VALIDATION_ERROR', read.problems.join(' '))
}

/** Types whose every value is one of another, too. */
const wider: Readonly<Partial<Record<ColumnType, readonly ColumnType[]>>> = { Int: ['Long', 'Decimal', 'Float'], Long: ['Decimal'] }

/** What rows have against what they should be, a sentence each: columns that are missing, not wanted, or of a type that cannot become the one asked for. */
export function drift(found: readonly Column[], wanted: readonly Column[]): readonly string[] {
  const problems: string[] = []
  for (const { name, type } of wanted) {
    const own = found.find(one => one.name === name)
    if (!own) problems.push(`Column "${name}" is missing.`)
    else if (own.type !== type && !wider[own.type]?.includes(type)) problems.push(`Column "${name}" is ${own.type}; ${type} is expected.`)
  }
  for (const { name } of found) if (!wanted.some(one => one.name === name)) problems.push(`Column "${name}" is not expected.`)
  return problems
}
