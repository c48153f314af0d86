import type { EndpointModel, EndpointParameter } from '../../../schema/endpoint.ts'
import { HubError, type Problem } from '../../../schema/errors.ts'
import { didYouMean } from '../../../schema/names.ts'
import { parseKeyText } from '../../../schema/scalars.ts'
import type { Value } from '../../../schema/values.ts'
import type { EndpointValues } from '../../../resolvers/endpoint-statement.ts'

const longestList = 10_000

/** A client's parameters as the endpoint's values, and what was left aside. Missing, wrong and, for a strict endpoint, unknown ones → VALIDATION_ERROR with all of them. */
export function endpointValues({ path, parameters, strict }: EndpointModel, given: unknown): { values: EndpointValues; warnings: readonly string[] } {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new HubError('VALIDATION_ERROR', `The parameters of "${path}" are no object; write them as {"name": value}.`, { problems: [{ path: 'params', message: 'an object' }] })
  const known = parameters.map(parameter => parameter.name)
  const unknown = Object.keys(given).filter(name => !known.includes(name)).map(name => ({
    path: name, message: `"${path}" has no parameter "${name.slice(0, 80)}".${didYouMean(name, known) || (known.length === 0 ? ' It takes none.' : ` It takes: ${known.join(', ')}.`)}`,
  }))
  const problems: Problem[] = strict ? unknown : []
  const values = Object.fromEntries(parameters.map(parameter => [parameter.name, parameterValue(path, parameter, Object.hasOwn(given, parameter.name) ? (given as Record<string, unknown>)[parameter.name] : undefined, problems)]))
  if (problems.length > 0) throw new HubError('VALIDATION_ERROR', problems.map(problem => problem.message).join(' '), { problems })
  return { values, warnings: unknown.map(one => one.message) }
}

function parameterValue(path: string, { name, type, use }: EndpointParameter, given: unknown, problems: Problem[]): Value | readonly Value[] {
  const refuse = (message: string) => {
    problems.push({ path: name, message })
    return null
  }
  if (given === undefined) return refuse(`Parameter "${name}" of "${path}" is missing.`)
  if (given === null) return refuse(`Parameter "${name}" of "${path}" is null; it takes a value.`)
  try {
    if (use !== 'list') return checked(use, name, parseKeyText(type, given))
    const items: readonly unknown[] = Array.isArray(given) ? given : [given]
    if (items.length > longestList) throw new HubError('PAYLOAD_TOO_LARGE', `Parameter "${name}" is a list of ${items.length} values; one list takes ${longestList}. Ask in parts.`, { field: name })
    return items.map(item => parseKeyText(type, item))
  } catch (error) {
    if (!(error instanceof HubError) || error.code !== 'BAD_USER_INPUT') throw error
    return refuse(`Parameter "${name}": ${error.message}`)
  }
}

function checked(use: EndpointParameter['use'], name: string, value: Value): Value {
  if (use === 'count' && Number(value) < 0) throw new HubError('BAD_USER_INPUT', `${String(value)} is no count of rows; it takes 0 and above.`, { field: name })
  return value
}
