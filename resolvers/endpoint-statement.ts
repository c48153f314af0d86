import type { EndpointModel, EndpointParameter } from '../schema/endpoint.ts'
import type { Value } from '../schema/values.ts'
import type { Statement } from '../connectors/ports/sql-engine.ts'
import { bound, boundList, type Sql } from './sql.ts'

/** Values by parameter, in canonical form; a list for each parameter whose use is `list`. */
export type EndpointValues = Readonly<Record<string, Value | readonly Value[]>>

/** The endpoint's statement with every value bound. */
export function endpointStatement({ statement, parameters }: Pick<EndpointModel, 'statement' | 'parameters'>, values: EndpointValues): Statement {
  const [first = '', ...rest] = statement.texts
  const operands = statement.names.map(name => operandOf(parameters.find(one => one.name === name), values[name] ?? null))
  return { sql: first + operands.map((operand, index) => operand.text + rest[index]).join(''), params: operands.flatMap(operand => operand.params) }
}

function operandOf(parameter: EndpointParameter | undefined, value: Value | readonly Value[]): Sql {
  if (!parameter || parameter.use === 'count') return { text: '?', params: [value] }
  return parameter.use === 'list' ? boundList(parameter.type, Array.isArray(value) ? (value as readonly Value[]) : [value as Value]) : bound(parameter.type, value as Value)
}
