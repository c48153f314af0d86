import { HubError } from '../../schema/errors.ts'
import type { Value } from '../../schema/values.ts'
import { quoteText } from '../../schema/quote.ts'

/** Whether Trino must be asked which type the parameter's place has: texts stand for many types, fractions for two. */
export function needsType(value: Value): boolean {
  return typeof value === 'string' || (typeof value === 'number' && !Number.isInteger(value))
}

/** The value as a literal of Trino, exact; `type` is the place's, as Trino names it. A text that is no value of the type → VALIDATION_ERROR, `place` is the parameter's number. */
export function literal(value: Value, type: string, place: number): string {
  if (value === null) return 'NULL'
  switch (typeof value) {
    case 'boolean':
      return value ? 'TRUE' : 'FALSE'
    case 'bigint':
      return BigInt.asIntN(64, value) === value ? `BIGINT '${value}'` : wide(value, place)
    case 'number':
      if (value === (value | 0)) return `INTEGER '${value}'`
      if (Number.isSafeInteger(value)) return `BIGINT '${value}'`
      return type.startsWith('decimal') && /^-?\d+\.\d+$/.test(String(value)) ? `DECIMAL '${value}'` : `DOUBLE '${value}'`
    case 'string':
      return textAs(value, type, place)
    default:
      return `JSON ${quoteText(JSON.stringify(value))}`
  }
}

function wide(value: bigint, place: number): string {
  if (String(value).replace('-', '').length > 38) throw new HubError('VALIDATION_ERROR', `Parameter ${place} has more than 38 digits.`, { parameter: place })
  return `DECIMAL '${value}'`
}

interface TextForm {
  readonly valid: RegExp
  readonly print: (text: string) => string
}

const whole: TextForm = { valid: /^[+-]?\d{1,19}$/, print: text => `BIGINT '${text}'` }
const inexact: TextForm = { valid: /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^NaN$|^[+-]?Infinity$/, print: text => `DOUBLE '${text}'` }
const clock = '([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d(\\.\\d{1,12})?)?'
const date = '[+-]?\\d{4,}-\\d{2}-\\d{2}'
const spaced = (text: string) => text.replace('T', ' ')

/** Texts by the type of their place, without its arguments; other types take the text itself, cast. */
const forms: Readonly<Record<string, TextForm>> = {
  tinyint: whole,
  smallint: whole,
  integer: whole,
  bigint: whole,
  real: inexact,
  double: inexact,
  decimal: { valid: /^[+-]?(\d+\.?\d*|\.\d+)$/, print: text => `DECIMAL '${text}'` },
  boolean: { valid: /^(true|false)$/i, print: text => text.toUpperCase() },
  date: { valid: new RegExp(`^${date}$`), print: text => `DATE '${text}'` },
  time: { valid: new RegExp(`^${clock}$`), print: text => `TIME '${text}'` },
  timestamp: { valid: new RegExp(`^${date}([T ]${clock})?$`), print: text => `TIMESTAMP '${spaced(text)}'` },
  'timestamp with time zone': {
    valid: new RegExp(`^${date}[T ]${clock}(Z|[+-]\\d{2}:\\d{2})?$`),
    print: text => `TIMESTAMP '${spaced(text).replace(/Z?$/, ending => (/[+-]\d{2}:\d{2}$/.test(text) ? ending : ' UTC')).replace(/(?<! )(?=[+-]\d{2}:\d{2}$)/, ' ')}'`,
  },
  uuid: { valid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, print: text => `UUID '${text}'` },
  varbinary: { valid: /^[A-Za-z0-9+/]*={0,2}$/, print: text => `X'${Buffer.from(text, 'base64').toString('hex')}'` },
}

function textAs(text: string, type: string, place: number): string {
  const kind = type.replace(/\(\d+(, ?\d+)?\)/, '')
  if (['varchar', 'char', 'unknown', ''].includes(kind)) return quoteText(text)
  const form = Object.hasOwn(forms, kind) ? forms[kind] : undefined
  if (form === undefined) return `CAST(${quoteText(text)} AS ${type})`
  if (!form.valid.test(text)) throw new HubError('VALIDATION_ERROR', `Parameter ${place} is ${JSON.stringify(text.slice(0, 100))}, but its place in the statement takes a ${type}.`, { parameter: place, type })
  return form.print(text)
}
