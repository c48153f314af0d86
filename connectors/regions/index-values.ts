import { type Column, type ColumnType, type Row, toLong, type Value } from '../../schema/values.ts'

/** The values rows have in the columns of an index. */
export class IndexValues {
  readonly columns: readonly string[]
  protected readonly types: readonly ColumnType[]

  constructor(columns: readonly string[], definitions: readonly Column[]) {
    this.columns = columns
    this.types = columns.map(name => definitions.find(column => column.name === name)?.type ?? 'String')
  }

  /** One text for all rows that have the same values in all columns; undefined where one of the values is null. */
  nameOf(row: Row): string | undefined {
    const values = this.columns.map((column, index) => indexed(this.types[index] as ColumnType, row[column] ?? null))
    return values.includes(null) ? undefined : JSON.stringify(values.map(String))
  }
}

/** One value for all that `compareValues` calls equal. */
export function indexed(type: ColumnType, value: Value): Value {
  if (typeof value === 'bigint') return toLong(value)
  if (value === null || (type !== 'Decimal' && type !== 'JSON')) return value
  if (type === 'JSON') return JSON.stringify(value)
  const match = /^([+-]?)0*(\d+?)(?:\.(\d*?)0*)?$/.exec(String(value))
  if (!match) return value
  const [, sign, whole, fraction] = match
  const digits = fraction ? `${whole}.${fraction}` : `${whole}`
  return sign === '-' && /[1-9]/.test(digits) ? `-${digits}` : digits
}
