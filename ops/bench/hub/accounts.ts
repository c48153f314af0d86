import type { RegionDefinition } from '../../../connectors/ports/region-store.ts'
import type { Row } from '../../../schema/values.ts'
import { spread } from '../scenarios.ts'

/** The region all of it is measured on: accounts, each with an address of its own, ten in a team, the members of a team far from each other. */
export const region = 'accounts'

export const accountId = (n: number): string => `a${String(n).padStart(8, '0')}`
export const emailOf = (n: number): string => `owner.${n}@example.org`
export const nameOf = (n: number): string => `Owner number ${n}`
const teams = (records: number): number => Math.floor(records / 10)
export const teamOf = (n: number, records: number): string => `t${String(n % teams(records)).padStart(7, '0')}`
/** Of every account at first. Transactions move it about; the sum stays. */
export const startBalance = 1_000

export const account = (n: number, records: number): Row => ({ id: accountId(n), email: emailOf(n), team: teamOf(n, records), name: nameOf(n), country: `C${n % 200}`, balance: startBalance })

/** As the hub makes it of the catalog. */
export const definitionOf = (records: number): RegionDefinition => ({
  name: region,
  columns: [
    { name: 'id', type: 'String', nullable: false }, { name: 'email', type: 'String', nullable: false }, { name: 'team', type: 'String', nullable: false },
    { name: 'name', type: 'String', nullable: false }, { name: 'country', type: 'String', nullable: true }, { name: 'balance', type: 'Int', nullable: false },
  ],
  key: ['id'], indexes: [['email'], ['team']], atomicity: 'TRANSACTIONAL', expiry: {}, maxEntries: records, durable: true, tenancy: 'TENANT',
})

export const catalogOf = (records: number): string => `
regions:
  ${region}:
    type: Account
    key: id
    fields: { id: ID!, email: String!, team: String!, name: String!, country: String, balance: Int! }
    indexes: [email, team]
    maxEntries: ${records}
`

/** Statements by the value of their one parameter, and the rows each answers. */
export const statements = {
  one: { sql: `SELECT id, name, balance FROM hub.${region} WHERE email = ?`, value: (n: number, records: number): string => emailOf(spread(n, records)), rows: 1 },
  ten: { sql: `SELECT id, name, balance FROM hub.${region} WHERE team = ?`, value: (n: number, records: number): string => teamOf(spread(n, records), records), rows: 10 },
  scan: { sql: `SELECT id, name, balance FROM hub.${region} WHERE name = ?`, value: (n: number, records: number): string => nameOf(spread(n, records)), rows: 1 },
} as const
export type Statement = (typeof statements)[keyof typeof statements]

/** Accounts that many transactions want at once; the last ones. */
export const hotAccounts = 100
/** The accounts the nth transaction moves money from and to. */
export type Transfer = (n: number) => readonly [from: number, to: number]

/** Of each hundred transactions `share` move between the same two accounts, the others each between two that no other does meanwhile. */
export function conflicting(share: number, records: number): Transfer {
  const pairs = Math.floor((records - hotAccounts) / 2)
  return n => {
    if ((n * 37) % 100 < share) return [records - 1, records - 2]
    const pair = spread(n, pairs)
    return [2 * pair, 2 * pair + 1]
  }
}

/** All of them between two of the hot accounts. */
export const hot = (records: number): Transfer => n => {
  const from = spread(n, hotAccounts)
  const to = (from + 1 + (n % (hotAccounts - 1))) % hotAccounts
  return [records - 1 - from, records - 1 - to]
}

export const hotIds = (records: number): readonly string[] => Array.from({ length: hotAccounts }, (_, n) => accountId(records - 1 - n))
