import { hash } from 'node:crypto'
import type { AuditEntry } from '../ports/audit-log.ts'
import type { Json } from '../../schema/values.ts'

/** What stands in the place of the hash before the first entry. */
export const noHash = '0'.repeat(64)

/** The hash of an entry, as its port defines it. */
export function hashOf(tenant: string, { hash: _, previousHash, ...entry }: Omit<AuditEntry, 'hash'> & { readonly hash?: string }): string {
  return hash('sha256', `${previousHash}\n${canonical({ ...entry, tenant })}`)
}

/** JSON that is the same for the same value: names in the order of their UTF-16 code units, no white space. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).filter((member): member is [string, Json] => member[1] !== undefined).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, own]) => `${JSON.stringify(name)}:${canonical(own)}`).join(',')}}`
}
