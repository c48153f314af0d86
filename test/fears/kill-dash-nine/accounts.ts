import type { RegionDefinition } from '../../../connectors/ports/region-store.ts'

/** How many rows a commit of several has. */
export const groupSize = 5

export const accounts: RegionDefinition = {
  name: 'accounts',
  columns: [{ name: 'id', type: 'String', nullable: false }, { name: 'round', type: 'Long', nullable: false }],
  key: ['id'],
  indexes: [['round']],
  atomicity: 'TRANSACTIONAL',
  expiry: {},
  maxEntries: 10_000_000,
  durable: true,
  tenancy: 'SHARED',
}
