import { createHash } from 'node:crypto'
import { catalogFolder, type CatalogFolder } from '../../support/catalog-folder.ts'

export type Tenant = 'acme' | 'globex'
export const tenants = ['acme', 'globex'] as const satisfies readonly Tenant[]
export const other = (tenant: Tenant): Tenant => (tenant === 'acme' ? 'globex' : 'acme')

/** Stands in every text of the tenant's rows and nowhere else. */
export const secretOf: Readonly<Record<Tenant, string>> = { acme: 'xAcmeSecretx', globex: 'xGlobexSecretx' }
export const headersOf = (tenant: Tenant): Readonly<Record<string, string>> => ({ 'x-api-key': `key of ${tenant}` })

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

export const cities = [
  { code: 'BER', name: 'Berlin', inhabitants: 3_700 },
  { code: 'OSL', name: 'Oslo', inhabitants: 700 },
  { code: 'ROM', name: 'Rome', inhabitants: 2_800 },
] as const

export interface Account {
  readonly id: string
  readonly city: string
  readonly owner: string
  readonly balance: number
}

/** Both tenants number their accounts from a1; acme has one more. */
export const accountsOf: Readonly<Record<Tenant, readonly Account[]>> = {
  acme: [account('acme', 'a1', 'BER', 11), account('acme', 'a2', 'OSL', 12), account('acme', 'a3', 'OSL', 13)],
  globex: [account('globex', 'a1', 'OSL', 21), account('globex', 'a2', 'ROM', 22)],
}

function account(tenant: Tenant, id: string, city: string, balance: number): Account {
  return { id, city, owner: `${secretOf[tenant]} owner of ${id}`, balance }
}

const accountLines = tenants.flatMap(tenant => accountsOf[tenant].map(({ id, city, owner, balance }) => `${tenant},${id},${city},${owner},${balance}`))

export const worldFiles: Readonly<Record<string, string>> = {
  'hub.yaml': `
sources:
  shop: { type: files, root: ./shop, tables: { cities: cities.csv, accounts: accounts.csv } }
regions:
  notes:
    type: Note
    key: id
    fields: { id: ID!, city: String, account: String, body: String, weight: Int! }
    indexes: [city, account]
  cities: { type: City, key: code, load: { source: shop, table: cities, eager: true } }
  far_cities: { type: FarCity, key: code, load: { source: shop, table: cities } }
  accounts:
    type: Account
    key: id
    tenancy: TENANT
    tenantColumn: tenant
    load: { source: shop, table: accounts, eager: true }
    indexes: [city]
views:
  city_notes: { type: CityLoad, key: city, sql: 'SELECT city, count(*) AS notes, sum(weight) AS weight, max(body) AS top FROM hub.notes WHERE city IS NOT NULL GROUP BY city' }
  balances: { type: Balance, key: city, sql: 'SELECT city, sum(balance) AS total, min(owner) AS first_owner FROM shop.accounts GROUP BY city' }
  heavy: { type: HeavyCity, key: city, sql: 'SELECT city, top FROM hub.city_notes WHERE weight > 10' }
relations:
  - { from: Note.city, to: City.code, as: place, inverse: notes }
  - { from: Note.account, to: Account.id, as: payer, inverse: notes }
  - { from: Account.city, to: City.code, as: place, inverse: accounts }
  - { from: CityLoad.city, to: City.code, as: place, inverse: load }
  - { from: FarCity.code, to: Note.city, as: firstNote }
`,
  'keys.json': JSON.stringify([
    ...tenants.map(tenant => ({ id: tenant, sha256: sha256(`key of ${tenant}`), tenant, scopes: ['*'] })),
    { id: 'null', sha256: sha256('key of null'), tenant: 'null', scopes: ['*'] },
    { id: 'nobody', sha256: sha256('key of nobody'), tenant: 'acme', scopes: [] },
  ]),
  'shop/cities.csv': ['code,name,inhabitants', ...cities.map(({ code, name, inhabitants }) => `${code},${name},${inhabitants}`)].join('\n'),
  // Lines that cannot be read and a row nobody owns are no secret of their neighbours either.
  'shop/accounts.csv': ['tenant,id,city,owner,balance', ...accountLines, `acme,a8,BER,${secretOf.acme} too wide,1,2,3`, `globex,a9,BER,${secretOf.globex} too wide,1,2,3`, ',a7,ROM,nobody,5'].join('\n'),
}

export function worldFolder(files: Readonly<Record<string, string>> = {}): CatalogFolder & { readonly flags: readonly string[] } {
  const folder = catalogFolder({ ...worldFiles, ...files })
  return { ...folder, flags: [`--auth-api-keys-file=${folder.folder}/keys.json`] }
}
