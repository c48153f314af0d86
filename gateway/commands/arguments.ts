import type { Problem } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'

/** A flag a command line may hold. `takes: 'nothing'` flags stand alone; a switch may: `--explorer`, `--no-explorer`, `--explorer=false`. */
export interface Flag {
  readonly name: string
  readonly takes: 'value' | 'switch' | 'nothing'
}

export interface Arguments {
  readonly positionals: readonly string[]
  /** By flag, with its dashes; `true` for flags without a value. Of a flag given twice the last. */
  readonly flags: ReadonlyMap<string, string>
  /** Every value of each flag that takes one, in order. */
  readonly values: ReadonlyMap<string, readonly string[]>
  readonly problems: readonly Problem[]
}

const short: Readonly<Record<string, string>> = { '-h': '--help', '-v': '--version' }

/** Takes a command line apart: `--flag value`, `--flag=value`, `--no-switch`; behind `--` everything is positional. Unknown flags are problems with the nearest name. */
export function parseArguments(argv: readonly string[], known: readonly Flag[]): Arguments {
  const byName = new Map(known.map(flag => [flag.name, flag]))
  const positionals: string[] = []
  const flags = new Map<string, string>()
  const values = new Map<string, readonly string[]>()
  const problems: Problem[] = []
  const rest = [...argv]
  for (let token = rest.shift(); token !== undefined; token = rest.shift()) {
    if (token === '--') {
      positionals.push(...rest.splice(0))
      break
    }
    if (!/^-./.test(token) || /^-\d/.test(token)) {
      positionals.push(token)
      continue
    }
    const equals = token.indexOf('=')
    const written = equals < 0 ? token : token.slice(0, equals)
    const given = equals < 0 ? undefined : token.slice(equals + 1)
    const name = short[written] ?? written
    const negated = byName.get(name.replace(/^--no-/, '--'))
    const flag = byName.get(name) ?? (negated?.takes === 'switch' ? negated : undefined)
    if (!flag) {
      problems.push({ path: written, message: `Unknown option "${written}".${didYouMean(written, byName.keys()) || ' See --help.'}` })
      continue
    }
    if (flag.takes === 'value') {
      const value = given ?? rest.shift()
      if (value === undefined || (given === undefined && value.startsWith('--'))) {
        problems.push({ path: flag.name, message: `Option "${flag.name}" needs a value.` })
        if (value !== undefined) rest.unshift(value)
      } else {
        flags.set(flag.name, value)
        values.set(flag.name, [...(values.get(flag.name) ?? []), value])
      }
    } else if (given !== undefined && (flag.takes === 'nothing' || name !== flag.name)) problems.push({ path: written, message: `Option "${written}" takes no value.` })
    else flags.set(flag.name, given ?? (name === flag.name ? 'true' : 'false'))
  }
  return { positionals, flags, values, problems }
}
