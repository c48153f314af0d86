import mysql, { type ExecuteValues, type FieldPacket } from 'mysql2'
import { type Column, type ColumnType, type Json, toLong, type Value } from '../../schema/values.ts'

const { TypedParameter, Types } = mysql

/** As mysql2 reads it with this adapter's options: big and exact numbers, dates and documents are texts. */
export type Cell = null | string | number | Buffer | readonly number[]
type Present = Exclude<Cell, null>

/** A column of an answer, and how its cells are read. */
export interface MysqlColumn extends Column {
  readonly read: (cell: Present) => Value
}

interface TypeMapping {
  readonly type: ColumnType
  readonly read: (cell: Present) => Value
}

const binaryCharacters = 63
const unsignedFlag = 32

const as = (type: ColumnType, read: TypeMapping['read']): TypeMapping => ({ type, read })
const text = as('String', String)
const int = as('Int', Number)
const long = as('Long', cell => toLong(BigInt(String(cell))))
const exact = as('Decimal', String)
const flag = as('Boolean', cell => Number(cell) !== 0)
const bytes = as('Bytes', cell => (Buffer.isBuffer(cell) ? cell : Buffer.from(String(cell))).toString('base64'))
const document = as('JSON', cell => (typeof cell === 'string' ? (JSON.parse(cell) as Json) : (cell as readonly number[])))

/** Zero dates, which stand for none, and times beyond a day have no canonical form. */
const timed = (type: ColumnType, pattern: RegExp, shape = (written: string) => written): TypeMapping => as(type, cell => (pattern.test(String(cell)) ? shape(trimmed(String(cell))) : null))
const trimmed = (written: string) => (written.includes('.') ? written.replace(/\.?0+$/, '') : written)
const day = /^(?!0000)\d{4}-(?!00)\d\d-(?!00)\d\d/

type Field = Pick<FieldPacket, 'columnType' | 'columnLength' | 'characterSet' | 'flags' | 'extendedFormat' | 'extendedTypeName'>
const isUnsigned = ({ flags }: Field) => (Number(flags) & unsignedFlag) !== 0

/** By the type that the protocol has; what is not here is text, or bytes. BIGINT UNSIGNED goes beyond a Long, and so does a BIT of 64. */
const mappings: Readonly<Record<number, TypeMapping | ((field: Field) => TypeMapping)>> = {
  [Types.TINY]: field => (field.columnLength === 1 && !isUnsigned(field) ? flag : int),
  [Types.SHORT]: int, [Types.INT24]: int, [Types.YEAR]: int,
  [Types.LONG]: field => (isUnsigned(field) ? long : int),
  [Types.LONGLONG]: field => (isUnsigned(field) ? exact : long),
  [Types.DECIMAL]: exact, [Types.NEWDECIMAL]: exact,
  [Types.DOUBLE]: as('Float', Number), [Types.FLOAT]: as('Float', cell => shortest(Number(cell))),
  [Types.BIT]: ({ columnLength = 1 }) => (columnLength === 1 ? as('Boolean', cell => bitsOf(cell) !== 0n) : columnLength < 64 ? as('Long', cell => toLong(bitsOf(cell))) : as('Decimal', cell => String(bitsOf(cell)))),
  [Types.DATE]: timed('Date', day), [Types.NEWDATE]: timed('Date', day), [Types.TIME]: timed('Time', /^([01]\d|2[0-3]):/),
  [Types.DATETIME]: timed('LocalDateTime', day, written => written.replace(' ', 'T')), [Types.TIMESTAMP]: timed('DateTime', day, written => `${written.replace(' ', 'T')}Z`),
  [Types.JSON]: document, [Types.VECTOR]: document, [Types.GEOMETRY]: bytes,
}

export function columnOf(field: FieldPacket): MysqlColumn {
  return { name: field.name, nullable: true, ...mappingOf(field) }
}

function mappingOf(field: Field): TypeMapping {
  // MariaDB has documents as texts, and ids of its own.
  if (field.extendedFormat === 'json') return document
  if (field.extendedTypeName === 'uuid') return as('UUID', String)
  const found = mappings[field.columnType ?? Types.VAR_STRING]
  if (typeof found === 'function') return found(field)
  return found ?? (field.characterSet === binaryCharacters ? bytes : text)
}

/** The number that a 4 byte float is written as, not the double it is nearest to. */
function shortest(float: number): number {
  for (let digits = 6; digits < 9; digits++) if (Math.fround(Number(float.toPrecision(digits))) === float) return Number(float.toPrecision(digits))
  return Number(float.toPrecision(9))
}

function bitsOf(cell: Present): bigint {
  return Buffer.isBuffer(cell) && cell.length > 0 ? BigInt(`0x${cell.toString('hex')}`) : 0n
}

const isLong = (value: bigint) => BigInt.asIntN(64, value) === value
const instant = /^(\d{4,}-\d\d-\d\d)T(\d\d:\d\d:\d\d(?:\.\d+)?)Z$/

/** The value as MySQL takes a parameter. An instant is one of the session's zone, which is UTC: MySQL knows no `Z`. */
export function parameterOf(value: Value): ExecuteValues {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'string') return value.replace(instant, '$1 $2')
  if (typeof value === 'object') return JSON.stringify(value)
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return value
  return isLong(BigInt(value)) ? TypedParameter.LONGLONG(value) : String(value)
}
