import { isIPv4, isIPv6 } from 'node:net'
import { type Range, rangeOf } from './range.ts'

/**
 * An address in one spelling: IPv4 with dots, also where it is mapped into IPv6 (`::ffff:10.0.0.1`, RFC 4291); IPv6 compressed, in lower case, without a zone.
 * Undefined where the text is no address.
 */
export function canonical(text: string): string | undefined {
  if (isIPv4(text)) return text
  const [address = ''] = text.split('%')
  if (!isIPv6(address)) return undefined
  return isMapped(address) ? innerIPv4(address) : new URL(`http://[${address}]`).hostname.slice(1, -1)
}

/** What a canonical address is for, where that is something else than hosts of the internet: nothing there is meant for a stranger. Undefined where it is one of those. */
export function specialUse(address: string): string | undefined {
  if (isIPv4(address)) return special4.find(({ holds }) => holds(address))?.use
  if (nat64(address)) return specialUse(innerIPv4(address))
  return special6.find(({ holds }) => holds(address))?.use ?? (isGlobal(address) ? undefined : 'reserved')
}

interface Special {
  readonly holds: Range
  readonly use: string
}

/** The IANA registries of special-purpose addresses, beside them what clouds keep for their own. */
const special4 = specials({
  '0.0.0.0/8': 'unspecified',
  '10.0.0.0/8': 'private',
  '100.64.0.0/10': 'shared by customers of a provider',
  '127.0.0.0/8': 'loopback',
  '169.254.0.0/16': 'link-local',
  '172.16.0.0/12': 'private',
  '192.0.0.0/24': 'for protocols',
  '192.0.2.0/24': 'for documentation',
  '192.88.99.0/24': 'a relay of 6to4',
  '192.168.0.0/16': 'private',
  '198.18.0.0/15': 'for benchmarks',
  '198.51.100.0/24': 'for documentation',
  '203.0.113.0/24': 'for documentation',
  '224.0.0.0/4': 'multicast',
  '240.0.0.0/4': 'reserved',
  // Azure answers every virtual machine there.
  '168.63.129.16/32': 'metadata of a cloud',
})

const special6 = specials({
  '::/128': 'unspecified',
  '::1/128': 'loopback',
  'fc00::/7': 'private',
  'fe80::/10': 'link-local',
  'fec0::/10': 'private',
  'ff00::/8': 'multicast',
  '2001::/23': 'for protocols',
  '2001:db8::/32': 'for documentation',
  '2002::/16': 'a tunnel of 6to4',
  '3fff::/20': 'for documentation',
})

/** All that is given to hosts so far (RFC 4291). What carries an IPv4 address at its end is outside: compatible, translated, NAT64 of a local prefix. */
const isGlobal = known('2000::/3')
const isMapped = known('::ffff:0:0/96')
/** RFC 6052: where only IPv6 is spoken, every IPv4 host has such an address. */
const nat64 = known('64:ff9b::/96')

function specials(uses: Readonly<Record<string, string>>): readonly Special[] {
  return Object.entries(uses).map(([range, use]) => ({ holds: known(range), use }))
}

function known(text: string): Range {
  const range = rangeOf(text)
  if (!range) throw new Error(`"${text}" is no range of addresses.`)
  return range
}

/** Its last 32 bits. */
function innerIPv4(address: string): string {
  const groups = new URL(`http://[${address}]`).hostname.slice(1, -1).split(':').map(group => Number.parseInt(group || '0', 16))
  return groups.slice(-2).flatMap(group => [group >> 8, group & 0xff]).join('.')
}
