import { BinaryType, type CacheField, destroyCache, ensureCache, openCache, openIgnite, rowsOf, valuesOf } from '../../connectors/ignite/index.ts'
import { systemClock, type Scope } from '../../connectors/ports/scope.ts'
import { demoTables } from '../../gateway/demo/tables.ts'
import { serveJson } from './json-server.ts'

/**
 * What a read of a region on Ignite is compared with: the least a server in front of the cluster can do. A request's body is parsed, the person whose id is in its variables is
 * read by key with our client, and the row is written as JSON. `IGNITE_HOST_1` says where Ignite is.
 */
const cacheName = 'bench_people'
const fields: readonly CacheField[] = [
  { name: 'USERID', property: 'userId', type: 'int' }, { name: 'FULLNAME', property: 'fullName', type: 'string' }, { name: 'EMAIL', property: 'email', type: 'string' },
  { name: 'DEPARTMENT', property: 'department', type: 'string' }, { name: 'COUNTRY', property: 'country', type: 'string' }, { name: 'ISACTIVE', property: 'isActive', type: 'boolean' },
]

const host = process.env['IGNITE_HOST_1']
if (!host) throw new Error('IGNITE_HOST_1 says where Ignite is; it is not set.')
const client = openIgnite({ hosts: [host] })
const scope: Scope = {
  requestId: 'bench', tenant: 'bench', caller: { subject: 'bench', scopes: new Set() }, signal: new AbortController().signal, deadlineMs: Number.POSITIVE_INFINITY, clock: systemClock, log: console,
  later() {},
}
await destroyCache(scope, client, cacheName)
await ensureCache(scope, client, {
  name: cacheName, table: 'BENCH_PEOPLE', mode: 'PARTITIONED', atomicity: 'ATOMIC', backups: 0, key: [{ name: 'ID', property: 'id', type: 'string' }], valueType: 'bench.Person_1', fields, indexes: [],
})
const cache = await openCache(scope, client, cacheName, valuesOf('string'), rowsOf(new BinaryType('bench.Person_1', fields)))

const rows = [...demoTables.find(({ file }) => file === 'platform/people.csv')?.rows(1) ?? []].map(({ user_id, full_name, email, department, country, is_active }) => (
  [String(user_id), { userId: Number(user_id), fullName: String(full_name), email: email === null ? null : String(email), department: String(department), country: String(country), isActive: is_active === true }] as const
))
for (let from = 0; from < rows.length; from += 500) await cache.putAll(scope, rows.slice(from, from + 500))

serveJson(async (_, body) => {
  const { variables: { id } } = body as { readonly variables: { readonly id: string } }
  return { data: { person: await cache.get(scope, id) } }
})
process.once('SIGTERM', async () => {
  await destroyCache(scope, client, cacheName)
  client.close()
  process.exit(0)
})
