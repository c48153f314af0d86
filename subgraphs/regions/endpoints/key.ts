import type { EndpointModel } from '../../../schema/endpoint.ts'
import type { Value } from '../../../schema/values.ts'
import type { EndpointValues } from '../../../resolvers/endpoint-statement.ts'

/**
 * The name a result is kept under: the pattern with each value in braces, `session:{abc123}`, and behind it the values of parameters the pattern leaves out. A value is
 * written so that it holds neither a brace nor any character of the pattern's own between two values, and a list says where each item ends: other values, another name.
 */
export function resultKey({ key, parameters }: Pick<EndpointModel, 'key' | 'parameters'>, values: EndpointValues): string {
  const [first = '', ...rest] = key.texts
  const named = key.names.map((name, index) => `{${written(values[name] ?? null)}}${rest[index]}`)
  const others = parameters.filter(({ name }) => !key.names.includes(name)).map(({ name }) => `{${written(values[name] ?? null)}}`)
  return first + named.join('') + others.join('')
}

function written(value: Value | readonly Value[]): string {
  return Array.isArray(value) ? `[${value.map(item => `${escaped(item as Value)},`).join('')}]` : escaped(value as Value)
}

/** Every UTF-16 code unit but letters, digits, `_`, `.` and `-` as `%` and four hexadecimal digits, lone surrogates too. */
function escaped(value: Value): string {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  return text.replace(/[^A-Za-z0-9_.-]/g, unit => `%${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
