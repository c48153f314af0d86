import { z } from 'zod'
import type { Problem } from './errors.ts'
import { didYouMean } from './names.ts'

export type Path = readonly (string | number)[]

/** A mistake in a structured input, before it is known where in which file that input stands. */
export interface Finding {
  readonly path: Path
  readonly message: string
  /** What is wrong is the name of the member, not its value. */
  readonly at?: 'key'
  /** Where inside of a statement that stands at the path, 1-based; both or none. */
  readonly sqlLine?: number
  readonly sqlColumn?: number
}

/** `regions.airports.indexes[1]`; a name with other characters than letters, digits, `_` and `-` is quoted: `regions["a b"]`. */
export function pathText(path: Path): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : /^[A-Za-z0-9_-]+$/.test(part) ? `${index === 0 ? '' : '.'}${part}` : `[${JSON.stringify(part)}]`)).join('')
}

export function asProblem(finding: Finding): Problem {
  return { path: pathText(finding.path), message: finding.message }
}

/** An object schema that refuses every other key; its issue carries the known ones, for the hint. */
export function closed<Shape extends z.core.$ZodLooseShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape, { error: issue => (issue.code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : undefined) })
}

/**
 * Every mistake of the input, in the schema's order; none when it fits. An `error` given to a schema says what is expected (`a duration such as PT10M`); the message is
 * built from it and quotes what `written` has at the place: the input as its author wrote it, with references in place of secrets.
 */
export function findings(schema: z.ZodType, input: unknown, base: Path = [], written: unknown = input): Finding[] {
  const result = schema.safeParse(input, { error: issue => expectation(issue) })
  return result.success ? [] : result.error.issues.flatMap(issue => explain(issue, [], base, written))
}

type Issue = z.core.$ZodIssue

function explain(issue: Issue, above: Path, base: Path, written: unknown): Finding[] {
  const path = [...above, ...issue.path.map(part => (typeof part === 'number' ? part : String(part)))]
  if (issue.code === 'unrecognized_keys') return issue.keys.map(key => unknownKey(key, issue.message.split(' '), [...base, ...path]))
  if (issue.code === 'invalid_union') {
    const deep = issue.errors.filter(errors => !errors.some(one => one.path.length === 0 && one.code === 'invalid_type')).sort((a, b) => a.length - b.length)[0]
    if (deep) return deep.flatMap(one => explain(one, path, base, written))
  }
  if (issue.code === 'invalid_key') return [{ path: [...base, ...path], at: 'key', message: `"${String(path.at(-1))}" is not ${issue.issues[0]?.message ?? 'a name taken here'}.` }]
  const found = valueAt(written, path)
  if (found === undefined) return [{ path: [...base, ...path], message: `"${String(path.at(-1) ?? base.at(-1) ?? 'The whole')}" is missing; expected ${issue.message}.` }]
  return [{ path: [...base, ...path], message: `${quoted(found, [...base, ...path])} is not ${issue.message}.${typeof found === 'string' ? didYouMean(found, choices(issue)) : ''}` }]
}

export function unknownKey(key: string, known: readonly string[], path: Path): Finding {
  return { path: [...path, key], at: 'key', message: `Unknown key "${key}".${didYouMean(key, known) || ` Known keys: ${known.join(', ')}.`}` }
}

/** What would have been right, as words that continue `… is not`. */
function expectation(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeNames[issue.expected] ?? issue.expected
    case 'invalid_value':
      return oneOf(issue.values)
    case 'too_small':
      return issue.origin === 'string' ? 'text of at least one character' : issue.origin === 'array' ? 'a list of at least one' : `${issue.inclusive ? 'at least' : 'above'} ${issue.minimum}`
    case 'too_big':
      return issue.origin === 'string' ? `text of at most ${issue.maximum} characters` : `at most ${issue.maximum}`
    case 'invalid_union':
      return 'discriminator' in issue ? oneOf(choices(issue)) : [...new Set((issue.errors ?? []).map(([first]) => first?.message))].join(' or ')
    case 'invalid_format':
      return `text of the form ${issue.format}`
    default:
      return 'taken here'
  }
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text', number: 'a number', int: 'a whole number', boolean: 'true or false', array: 'a list', object: 'a map', record: 'a map',
}

function choices(issue: Issue | z.core.$ZodRawIssue): string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String)
  return 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : []
}

function oneOf(values: readonly unknown[]): string {
  const names = values.map(value => JSON.stringify(value))
  return names.length === 1 ? String(names[0]) : `one of ${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
}

export function valueAt(input: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, part) => (typeof value === 'object' && value !== null && Object.hasOwn(value, part) ? (value as Record<string | number, unknown>)[part] : undefined), input)
}

/** What was found, short; values where people write secrets are not repeated. */
function quoted(found: unknown, path: Path): string {
  if (path.some(part => typeof part === 'string' && /password|secret|token|url|headers|keys/i.test(part))) return 'The value given'
  if (typeof found === 'string') return found.length > 60 ? `${JSON.stringify(found.slice(0, 60))}…` : JSON.stringify(found)
  if (found === null) return 'Nothing (null)'
  if (Array.isArray(found)) return found.length === 0 ? 'An empty list' : 'A list'
  return typeof found === 'object' ? 'A map' : String(found)
}
