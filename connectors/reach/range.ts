import { BlockList, isIP } from 'node:net'

/** Whether an address, in canonical form and of the same family, is one of the range. */
export type Range = (address: string) => boolean

/** `10.0.0.0/8`, `fc00::/7`, or one address; undefined where the text is neither. */
export function rangeOf(text: string): Range | undefined {
  const [, first = '', length] = /^([0-9A-Fa-f.:]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const version = isIP(first)
  if (version === 0) return undefined
  const bits = version === 4 ? 32 : 128
  const prefix = Number(length ?? bits)
  if (prefix > bits) return undefined
  const list = new BlockList()
  list.addSubnet(first, prefix, familyOf(first))
  // BlockList finds an IPv4 address within IPv6 ones: that is asked for by no one here.
  return address => isIP(address) === version && list.check(address, familyOf(address))
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}
