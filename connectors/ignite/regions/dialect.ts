import type { Value } from '../../../schema/values.ts'
import { type Bind, type Bound, type FilterDialect, numberKind, type Present, type SqlColumn } from '../../sql-text/filter.ts'
import type { Argument } from '../sql.ts'

/** Ignite's SQL compares texts by UTF-16 code unit, as the product does; its LIKE escapes with \, and cannot be told not to. */
export const igniteDialect: FilterDialect = {
  operand: (column, value, bind) => bind(bound(column, value)),
  ordered: column => column.expression,
  among: (column, values, bind) => `${column.expression} IN (${values.map(value => (value === null ? 'NULL' : bind(bound(column, value)))).join(', ')})`,
  like,
  // The bound below is for the index; the comparison of the beginning decides.
  startsWith: (text, prefix, bind) => `${text} >= ${bind(prefix)} AND LEFT(${text}, ${prefix.length}) = ${bind(prefix)}`,
  text: column => column.expression,
}

/** With more, Ignite's LIKE tries every way to share a text among them: thirty keep a thread of the cluster busy for ever, and no time limit stops it. */
const mostWildcards = 2

/**
 * Of Ignite's LIKE, `_` is half of a character beyond U+FFFF, which a regular expression takes whole; and `%` alone is read as IS NOT NULL, so that its negation is true for
 * null where it should be unknown.
 */
function like(text: string, pattern: string, bind: Bind): string {
  if (/^%+$/.test(pattern)) return `LENGTH(${text}) >= 0`
  return pattern.includes('_') || (pattern.match(/%+/g) ?? []).length > mostWildcards ? `${text} REGEXP ${bind(regexpOf(pattern))}` : `${text} LIKE ${bind(pattern.replaceAll('\\', '\\\\'))}`
}

/** The pattern as Java reads it, for the whole text. The pieces between `%` are looked for one behind the other and never again: trying every way to share the text among them takes minutes. */
function regexpOf(like: string): string {
  const pieces = like.split('%').map(piece => [...piece].map(char => (char === '_' ? '.' : /[A-Za-z0-9]/.test(char) || char > '\u007f' ? char : `\\${char}`)).join(''))
  const [first = '', ...rest] = pieces
  const last = rest.pop()
  if (last === undefined) return `(?s)\\A${first}\\z`
  return `(?s)\\A${first}${rest.filter(Boolean).map(piece => `(?>.*?${piece})`).join('')}.*${last}\\z`
}

/** Arguments in the order of their placeholders, and what adds one. */
export class Arguments {
  readonly list: Argument[] = []
  readonly bind: Bind = value => {
    this.list.push(argument(value))
    return '?'
  }

  value(column: SqlColumn, value: Present): string {
    return this.bind(bound(column, value))
  }
}

/** The value as Ignite stores it: a bigint for BIGINT, a number for DOUBLE, a decimal as a list of its one text. */
function bound({ type }: SqlColumn, value: Present): Bound {
  const text = String(value)
  switch (type) {
    case 'Int':
    case 'Long':
      if (numberKind(value) === 'integer') return BigInt(text)
      return /^-?\d+(\.\d+)?$/.test(text) ? [text] : Number(text)
    case 'Decimal':
      return [text.replace(/^\+/, '').replace(/\.$/, '')]
    case 'Float':
      return Number(text)
    case 'Boolean':
      return text === 'true'
    case 'Bytes':
      return Buffer.from(text, 'base64')
    case 'UUID':
      return text.toLowerCase()
    case 'DateTime':
      return text.slice(0, -1).replace('T', ' ')
    case 'LocalDateTime':
      return text.replace('T', ' ')
    case 'JSON':
      return JSON.stringify(value)
    default:
      return text
  }
}

function argument(value: Bound): Argument {
  if (value instanceof Uint8Array) return { type: 'bytes', value: Buffer.from(value).toString('base64') }
  if (typeof value === 'number') return { type: 'double', value }
  if (typeof value === 'object' && value !== null) return { type: 'decimal', value: value[0] ?? null }
  return value
}

/** The canonical value of what SQL answered for a column. */
export function canonical(type: SqlColumn['type'], value: Value): Value {
  if (value === null || typeof value !== 'string') return value
  switch (type) {
    case 'DateTime':
      return `${value.replace(' ', 'T')}Z`
    case 'LocalDateTime':
      return value.replace(' ', 'T')
    case 'JSON':
      return JSON.parse(value) as Value
    default:
      return value
  }
}
