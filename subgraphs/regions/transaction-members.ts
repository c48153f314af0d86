import { isDeepStrictEqual } from 'node:util'
import { addDecimals, decimalDigits, decimalText, plainText, sameDecimal } from '../../schema/decimal.ts'
import { HubError, type Problem } from '../../schema/errors.ts'
import { openColumn, type EntityModel, type FieldModel } from '../../schema/model.ts'
import { didYouMean } from '../../schema/names.ts'
import { parseValue } from '../../schema/scalars.ts'
import { compareValues, type ColumnType, type Json, type Row, type Value } from '../../schema/values.ts'

type Given = Readonly<Record<string, unknown>>

/** A part of an entry that a client names: a column, or a member of what an open region keeps beside its columns. */
export interface Member {
  /** As the client wrote it, with where: `operations[1].set.balance`. */
  readonly path: string
  readonly name: string
  /** Undefined for a member no column has. */
  readonly field: FieldModel | undefined
  readonly input: unknown
}

/** The members an object names; those that are none are added to the problems. */
export function membersOf(entity: EntityModel, given: Given, path: string, problems: Problem[]): Member[] {
  const open = openColumn(entity)
  return Object.entries(given).flatMap(([name, input]) => {
    const field = entity.fields.find(one => one.field === name) ?? entity.fields.find(one => one.name === name)
    if (field || open) return [{ path: `${path}.${name}`, name, field, input }]
    problems.push({ path: `${path}.${name}`, message: `${entity.type} has no field "${name}".${didYouMean(name, entity.fields.flatMap(one => [one.field, one.name]))}` })
    return []
  })
}

/** The member's value in the form of its column. What does not fit is added to the problems. */
export function parsed({ field, input, path }: Member, problems: Problem[]): Value {
  if (!field) return (input ?? null) as Json
  try {
    return parseValue(field.type, input)
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    problems.push({ path, message: `${path}: ${error.message}` })
    return null
  }
}

/** What is to be added, as a decimal's text. What cannot be added, and columns nothing can be added to, are added to the problems. */
export function amount({ field, input, path }: Member, problems: Problem[]): string {
  const text = decimalText(input)
  if (text === undefined) {
    const found = JSON.stringify(input)
    const hint = typeof input === 'number' ? ' Numbers of more than 15 digits are exact only as text.' : ''
    problems.push({ path, message: `${path} is ${found.length > 60 ? `${found.slice(0, 60)}…` : found}; a decimal number of at most ${decimalDigits} digits can be added, such as "-100.00".${hint}` })
  } else if (field && !sums[field.type]) {
    problems.push({ path, message: `${path}: "${field.field}" is ${field.type}, and numbers are added to numbers. Put what it is to be under "set".` })
  }
  return text ?? '0'
}

export function read(entity: EntityModel, row: Row, { field, name }: Member): Value {
  if (field) return row[field.name] ?? null
  const document = documentOf(entity, row)
  return document && Object.hasOwn(document, name) ? (document[name] ?? null) : null
}

/** The row with these values of these members. */
export function withMembers(entity: EntityModel, row: Row, values: readonly (readonly [Member, Value])[]): Row {
  const columns = values.flatMap(([{ field }, value]) => (field ? [[field.name, value] as const] : []))
  const others = values.flatMap(([{ field, name }, value]) => (field ? [] : [[name, value as Json] as const]))
  const changed: Row = { ...row, ...Object.fromEntries(columns) }
  const open = openColumn(entity)
  const [first] = values.filter(([{ field }]) => !field)
  if (!open || !first) return changed
  const document = documentOf(entity, changed)
  if (document === undefined) throw unfit(first[0], `the entry's "${open.field}" is no object, so that it has no members.`)
  return { ...changed, [open.name]: { ...document, ...Object.fromEntries(others) } }
}

/** The exact sum of a stored number and an amount. VALIDATION_ERROR where what is stored is no number, or the sum does not fit. */
export function sum(member: Member, stored: Value, text: string): Value {
  if (stored === null) throw unfit(member, 'there is no number yet. Give it one under "set" first.')
  const add = member.field ? sums[member.field.type] : document
  const result = add?.(stored, text)
  if (result !== undefined) return result
  const shown = typeof stored === 'bigint' ? String(stored) : JSON.stringify(stored)
  throw unfit(member, `${text} cannot be added to ${shown.length > 60 ? `${shown.slice(0, 60)}…` : shown}${member.field ? ` as ${member.field.type}` : ''}: that is no number, or the sum cannot be held exactly.`)
}

/** Whether a stored value is the expected one; numbers count by value. */
export function isExpected({ field }: Member, stored: Value, expected: Value): boolean {
  if (stored === null || expected === null) return stored === expected
  return field && field.type !== 'JSON' ? compareValues(field.type, stored, expected) === 0 : isDeepStrictEqual(stored, expected)
}

/** What an open region keeps beside its columns; undefined where that is not an object. */
function documentOf(entity: EntityModel, row: Row): Readonly<Record<string, Json>> | undefined {
  const value = row[openColumn(entity)?.name ?? ''] ?? {}
  return typeof value === 'object' && !Array.isArray(value) ? (value as Readonly<Record<string, Json>>) : undefined
}

type Sum = (stored: Value, text: string) => Value | undefined

/** Per type that has sums: the exact one in its canonical form, or undefined where it does not fit. */
const sums: Partial<Record<ColumnType, Sum>> = {
  Int: (stored, text) => fitting('Int', Number(addDecimals(String(stored), text))),
  Long: (stored, text) => fitting('Long', addDecimals(String(stored), text).replace(/\.0+$/, '')),
  Float: (stored, text) => fitting('Float', Number(addDecimals(plainText(String(stored)), text))),
  Decimal: (stored, text) => fitting('Decimal', addDecimals(String(stored), text)),
}

/** A number in a JSON value is a binary one: the sum must be one that comes back as it was. */
const document: Sum = (stored, text) => {
  const before = typeof stored === 'number' ? decimalText(stored) : undefined
  const exact = before === undefined ? undefined : addDecimals(before, text)
  const held = Number(exact)
  const back = decimalText(held)
  return exact !== undefined && back !== undefined && sameDecimal(back, exact) ? held : undefined
}

function fitting(type: ColumnType, value: unknown): Value | undefined {
  try {
    return parseValue(type, value)
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    return undefined
  }
}

function unfit({ path }: Member, why: string): HubError {
  const message = `${path}: ${why}`
  return new HubError('VALIDATION_ERROR', message, { problems: [{ path, message }] })
}
