import { type Code, HubError } from '../../../schema/errors.ts'
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

/** A column that is not as a schema says. */
export interface Difference {
  readonly column: string
  readonly change: 'NEW' | 'MISSING' | 'RETYPED'
  /** Of the schema; absent: it has no such column, or the type is not known. */
  readonly expected?: ColumnType
  /** As it was found. */
  readonly found?: ColumnType
}

/** What rows have against what they should be: columns that are missing, not wanted, or of a type that cannot become the one asked for. */
export function differences(found: readonly Column[], wanted: readonly Column[]): readonly Difference[] {
  const known = wanted.flatMap(({ name, type }): Difference[] => {
    const own = found.find(one => one.name === name)
    if (!own) return [{ column: name, change: 'MISSING', expected: type }]
    return own.type === type || wider[own.type]?.includes(type) ? [] : [{ column: name, change: 'RETYPED', expected: type, found: own.type }]
  })
  return [...known, ...found.filter(({ name }) => !wanted.some(one => one.name === name)).map(({ name, type }): Difference => ({ column: name, change: 'NEW', found: type }))]
}

const sentences: Readonly<Record<Difference['change'], (difference: Difference) => string>> = {
  MISSING: ({ column }) => `Column "${column}" is missing.`,
  RETYPED: ({ column, found, expected }) => `Column "${column}" is ${found}; ${expected} is expected.`,
  NEW: ({ column }) => `Column "${column}" is not expected.`,
}

/** The same, a sentence each. */
export function drift(found: readonly Column[], wanted: readonly Column[]): readonly string[] {
  return differences(found, wanted).map(one => sentences[one.change](one))
}

/** A source is not as its schema says, and is not read. */
export class Drifted extends HubError {
  readonly differences: readonly Difference[]

  constructor(code: Code, message: string, found: readonly Difference[], options?: { cause?: unknown }) {
    super(code, message, {}, options)
    this.differences = found
  }
}

/** What is read of a source that has these columns: those of its schema. New ones are left out and answered, unless the source says that they end the run; others end it → Drifted. */
export function withoutNew(called: string, checked: Checked, found: readonly Column[], wanted: readonly Column[]): readonly Difference[] {
  const { newColumns } = checked.values as { readonly newColumns?: 'fail' | 'warn' }
  const all = differences(found, wanted)
  if (all.some(({ change }) => change !== 'NEW' || newColumns === 'fail')) throw new Drifted('VALIDATION_ERROR', `${called} is not as its schema says. ${all.map(one => sentences[one.change](one)).join(' ')}`, all)
  return all
}
