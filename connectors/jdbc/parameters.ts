import { HubError } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'

/** The parameters behind the `?` of an address. One that is not among the known, or stands there twice → VALIDATION_ERROR that has no value in it. */
export function parametersOf<N extends string>(driver: string, query: string, known: readonly N[]): ReadonlyMap<N, string> {
  const found = new Map<N, string>()
  for (const [written, value] of new URLSearchParams(query)) {
    const name = known.find(one => one === written)
    const near = didYouMean(written, known)
    // What stands behind a password may be the rest of it.
    if (name === undefined && near === '' && /(^|&)password=/.test(query)) throw new HubError('VALIDATION_ERROR', `The address has a parameter that addresses of "${driver}" do not have here. ${listed(known)} The characters "&", "+", "#" and "%" of a password are written percent-encoded.`)
    if (name === undefined) throw new HubError('VALIDATION_ERROR', `Addresses of "${driver}" have no parameter "${written}" here.${near || ` ${listed(known)}`}`, { parameter: written })
    if (found.has(name)) throw new HubError('VALIDATION_ERROR', `The address has the parameter "${name}" twice. Leave one out.`, { parameter: name })
    found.set(name, value)
  }
  return found
}

function listed(known: readonly string[]): string {
  return known.length > 0 ? `There are ${known.map(name => `"${name}"`).join(', ')}.` : 'There are none.'
}
