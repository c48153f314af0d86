import { HubError, type Problem } from '../../../schema/errors.ts'
import { didYouMean } from '../../../schema/names.ts'
import { toLong, type Value } from '../../../schema/values.ts'
import { type builtIn, isValue, type ParameterDeclaration, type ParameterType } from '../document/parameters.ts'

const convert: Readonly<Record<ParameterType, (text: string) => Value>> = {
  string: text => text, int: text => toLong(BigInt(text)), decimal: text => text, boolean: text => text === 'true', date: text => text, timestamp: text => text,
}

/** What stands for names behind `:` in one run. */
export type Bindings = ReadonlyMap<string, Value>

/** The run's values: those given, else the declared defaults, beside what every run has. One nobody declared, one without a value, or of another type → VALIDATION_ERROR with all of them. */
export function bindParameters(declared: readonly ParameterDeclaration[], given: Readonly<Record<string, string>>, own: Readonly<Record<(typeof builtIn)[number], string>>): Bindings {
  const known = [...declared.map(({ name }) => name), 'runDate']
  const problems: Problem[] = Object.keys(given).filter(name => !known.includes(name)).map(name => ({ path: name, message: `There is no parameter "${name}".${didYouMean(name, known) || ` There are ${known.join(', ')}.`}` }))
  const bound = new Map<string, Value>(Object.entries(own))
  const runDate = given['runDate']
  if (runDate !== undefined && !isValue('date', runDate) && !isValue('timestamp', runDate)) problems.push({ path: 'runDate', message: `"${runDate}" is no value of parameter "runDate"; a date such as 2026-01-31, or with a time, is expected.` })
  else if (runDate !== undefined) bound.set('runDate', runDate)
  for (const { name, type, fallback } of declared) {
    const text = given[name] ?? fallback
    if (text === undefined) problems.push({ path: name, message: `Parameter "${name}" has no value, and no default.` })
    else if (isValue(type, text)) bound.set(name, convert[type](text))
    else problems.push({ path: name, message: `"${text}" is no value of parameter "${name}", which is of type ${type}.` })
  }
  if (problems.length > 0) throw new HubError('VALIDATION_ERROR', problems.map(({ message }) => message).join(' '), { problems })
  return bound
}

/** A path with the parts of the run's date in place: `%Y`, `%m`, `%d`, `%H`, `%M`, `%S`, in UTC. */
export function datedPath(path: string, runDate: string): string {
  const date = new Date(/T\d\d:\d\d(?::[\d.]+)?$/.test(runDate) ? `${runDate}Z` : runDate)
  const two = (value: number) => String(value).padStart(2, '0')
  const parts: Readonly<Record<string, string>> = {
    Y: String(date.getUTCFullYear()).padStart(4, '0'), m: two(date.getUTCMonth() + 1), d: two(date.getUTCDate()), H: two(date.getUTCHours()), M: two(date.getUTCMinutes()), S: two(date.getUTCSeconds()),
  }
  return path.replace(/%([YmdHMS])/g, (_, part: string) => parts[part] ?? '')
}
