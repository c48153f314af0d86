import { type Body, checkMembers, nameOf, unsupported } from '../../statements/ast.ts'
import { macros } from './prelude.ts'
import { quoteIdentifier } from '../../../schema/quote.ts'

const plain: Readonly<Record<string, string>> = {
  big_int: 'BIGINT', int: 'INTEGER', small_int: 'SMALLINT', tiny_int: 'TINYINT', var_char: 'VARCHAR', double: 'DOUBLE', boolean: 'BOOLEAN', date: 'DATE', var_binary: 'BLOB',
  uuid: 'UUID', json: 'JSON',
}
const wholeNumbers = new Set(['BIGINT', 'INTEGER', 'SMALLINT', 'TINYINT'])

/** DuckDB's name of one of Trino's types. */
export function printType(type: Body): string {
  const kind = String(type['data_type'])
  const known = plain[kind]
  if (known !== undefined) {
    checkMembers(`type ${kind}`, type, ['data_type', 'length'])
    return known
  }
  switch (kind) {
    case 'float':
      if (!type['real_spelling']) throw unsupported('the type float', 'Trino calls it real or double.')
      return 'FLOAT'
    case 'decimal':
      return `DECIMAL(${Number(type['precision'] ?? 38)}, ${Number(type['scale'] ?? 0)})`
    case 'timestamp':
      return type['timezone'] ? 'TIMESTAMPTZ' : 'TIMESTAMP'
    case 'time':
      if (type['timezone']) throw unsupported('the type time with time zone')
      return 'TIME'
    case 'array':
      return `${printType(type['element_type'] as Body)}[]`
    case 'map':
      return `MAP(${printType(type['key_type'] as Body)}, ${printType(type['value_type'] as Body)})`
    case 'struct':
      return `STRUCT(${(type['fields'] as readonly Body[]).map(field => `${quoteIdentifier(nameOf(field['name']) ?? '')} ${printType(field['data_type'] as Body)}`).join(', ')})`
    default:
      throw unsupported(`the type ${kind.replaceAll('_', ' ')}`)
  }
}

/** `operand` as the type, by Trino's rules; with `tries` a value that does not fit is null. */
export function printCast(operand: string, type: Body, tries: boolean): string {
  const target = printType(type)
  const cast = tries ? 'TRY_CAST' : 'CAST'
  if (target === 'JSON') return `to_json(${operand})`
  if (wholeNumbers.has(target)) return `${macros}.${tries ? 'try' : 'to'}_${target.toLowerCase()}(${operand})`
  if (target === 'BOOLEAN') return `${macros}.${tries ? 'try' : 'to'}_boolean(${operand})`
  if (target === 'VARCHAR') {
    if (!type['length']) return `${macros}.to_text(${operand})`
    const cut = `${macros}.to_text_of(${operand}, ${Number(type['length'])})`
    return tries ? `try(${cut})` : cut
  }
  if (target === 'TIMESTAMP') {
    const precision = Number(type['precision'] ?? 3)
    if (precision === 6) return `${cast}(${operand} AS TIMESTAMP)`
    if (precision !== 3 && precision !== 0) throw unsupported(`the type timestamp(${precision})`, 'Use timestamp(0), (3) or (6).')
    return `CAST(${cast}(${operand} AS ${precision === 3 ? 'TIMESTAMP_MS' : 'TIMESTAMP_S'}) AS TIMESTAMP)`
  }
  return `${cast}(${operand} AS ${target})`
}
