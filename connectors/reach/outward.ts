import { lookup } from 'node:dns/promises'
import { HubError } from '../../schema/errors.ts'
import type { Scope } from '../ports/scope.ts'
import { untilLeft } from '../signals/until-left.ts'
import { canonical, specialUse } from './address.ts'
import { type Range, rangeOf } from './range.ts'

/** All addresses of a host, at least one; fails where it has none. */
export type Resolve = (host: string) => Promise<readonly string[]>

export interface Outward {
  /**
   * Addresses of a host to connect to, every one of them checked: whoever asks for the host again may be led elsewhere. One that is not of the internet, and not allowed → FORBIDDEN; no address →
   * UPSTREAM_UNAVAILABLE.
   */
  addressesOf(scope: Pick<Scope, 'signal'>, host: string): Promise<readonly string[]>
}

export interface OutwardOptions {
  /** Hosts, addresses and ranges (`10.1.0.0/16`) that may be reached though they are not of the internet. A host has any address, then. */
  readonly allow?: readonly string[]
  /** The setting that holds them, for messages. */
  readonly setting: string
  readonly resolve?: Resolve
}

/** What people name may be reached on the internet, and nothing beside the hub: not its machine, not its network, not what a cloud tells its machines. */
export function openOutward({ allow = [], setting, resolve = system }: OutwardOptions): Outward {
  const { hosts, ranges } = allowed(allow, setting)

  return {
    async addressesOf({ signal }, written) {
      const host = written.replace(/^\[|\]$|\.$/g, '')
      const found = await addresses(signal, host, resolve)
      if (hosts.has(host)) return found
      for (const address of found) {
        const use = specialUse(address)
        if (use === undefined || ranges.some(holds => holds(address))) continue
        throw new HubError('FORBIDDEN', `"${host}" leads to an address that is ${use}, where nothing is sent to. If it may be, the operator adds the host, or a range of addresses, to ${setting}.`, { host }, { cause: new Error(`${host} is at ${address}.`) })
      }
      return found
    },
  }
}

const system: Resolve = async host => (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address)

async function addresses(signal: AbortSignal, host: string, resolve: Resolve): Promise<readonly string[]> {
  const own = canonical(host)
  if (own !== undefined) return [own]
  const nowhere = (cause?: unknown) => new HubError('UPSTREAM_UNAVAILABLE', `No address of "${host}" was found. Check how it is spelled.`, { host }, { cause })
  const found = await untilLeft(signal, resolve(host)).catch((cause: unknown) => {
    signal.throwIfAborted()
    throw nowhere(cause)
  })
  const known = found.map(canonical).filter(address => address !== undefined)
  if (known.length === 0 || known.length < found.length) throw nowhere()
  return known
}

function allowed(entries: readonly string[], setting: string): { readonly hosts: ReadonlySet<string>; readonly ranges: readonly Range[] } {
  const hosts = new Set<string>()
  const ranges: Range[] = []
  for (const entry of entries) {
    const range = rangeOf(entry)
    const name = /^[\p{L}\p{N}_-]+(\.[\p{L}\p{N}_-]+)*$/u.test(entry) && URL.canParse(`http://${entry}`) ? new URL(`http://${entry}`).hostname : undefined
    if (range) ranges.push(range)
    else if (name !== undefined) hosts.add(name)
    else throw new HubError('VALIDATION_ERROR', `"${entry}" in ${setting} is neither a host nor a range of addresses; hooks.internal, 10.1.0.0/16 and 127.0.0.1 would be.`, { setting })
  }
  return { hosts, ranges }
}
