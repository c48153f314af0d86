import { createHash } from 'node:crypto'
import { z } from 'zod'
import { restRoutes } from '../../gateway/rest/table.ts'
import { catalogFolder } from '../support/catalog-folder.ts'
import { startHub, type RunningHub } from '../support/hub.ts'

interface Operation {
  readonly summary?: string
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean; readonly schema: Readonly<Record<string, unknown>> }[]
  readonly requestBody?: { readonly required: boolean; readonly content: { readonly 'application/json': { readonly schema: Readonly<Record<string, unknown>> } } }
  readonly responses: Readonly<Record<string, unknown>>
}

interface Document {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: { readonly Problem: object } }
}

const keys = [{ id: 'all', tenant: 'acme', scopes: ['*'] }, { id: 'reader', tenant: 'acme', scopes: ['cache:read'] }]
const files = {
  'keys.json': JSON.stringify(keys.map(key => ({ ...key, sha256: createHash('sha256').update(`key of ${key.id}`).digest('hex') }))),
  'hub.yaml': `
regions:
  notes: { key: id, fields: { id: ID!, note: String, size: Long } }
endpoints:
  notes/by-id: { description: One note., cacheRegions: [notes], query: 'SELECT note FROM notes WHERE id = {id} AND size IN ({sizes})', cacheKeyPattern: 'n:{id}', ttlSeconds: 1, strict: true }
`,
}

/** Whether a schema of the document takes a value. */
function taken(schema: object): (value: unknown) => boolean {
  const read = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0])
  return value => read.safeParse(value).success
}

describe('the document of the routes', () => {
  const folder = catalogFolder(files)
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog, flags: [`--auth-api-keys-file=${folder.folder}/keys.json`], headers: { 'x-api-key': 'key of all' } })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  const read = async (id: string) => {
    const response = await fetch(`${hub.url}/openapi.json`, { headers: { 'x-api-key': `key of ${id}` } })
    expect(response.status).toBe(200)
    return (await response.json()) as Document
  }
  const schemaOf = (document: Document, path: string, method: string) => document.paths[path]?.[method]?.requestBody?.content['application/json'].schema ?? {}

  test('H-51 every route is in it, with the parameters of its path, and every operation names its answers', async () => {
    const document = await read('all')
    expect(document.openapi).toBe('3.1.0')
    for (const { method, path } of restRoutes(hub.hub)) {
      const operation = document.paths[path.replace('*}', '}')]?.[method.toLowerCase()]
      const named = operation?.parameters.filter(parameter => parameter.in === 'path').map(parameter => parameter.name)
      expect([method, path, named]).toEqual([method, path, [...path.matchAll(/\{(\w+)/g)].map(match => match[1])])
      expect(Object.keys(operation?.responses ?? {})).toContain('default')
    }
  })

  test('every route wants to know who calls', async () => {
    for (const { method, path } of restRoutes(hub.hub)) {
      const { status } = await fetch(hub.url + path.replace(/[{}*]/g, ''), { method })
      expect([method, path, status]).toEqual([method, path, 401])
    }
  })

  test('H-51 every registered endpoint is a path with its parameters, also one registered a moment ago, for who may list them', async () => {
    const body = { path: 'notes/any', cache_regions: ['notes'], query_template: 'SELECT id FROM notes WHERE size = {size}', cache_key_pattern: 'any', ttl_seconds: 0 }
    const made = await fetch(`${hub.url}/api/v1/dih/api-endpoints`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-api-key': 'key of all' }, body: JSON.stringify(body) })
    expect(made.status).toBe(201)
    const document = await read('all')
    expect(document.paths['/api/v1/dih/query/notes/by-id']?.['post']).toMatchObject({ summary: 'One note.', requestBody: { required: true } })
    const byId = taken(schemaOf(document, '/api/v1/dih/query/notes/by-id', 'post'))
    expect([{ id: 'a', sizes: [1, '2'] }, { id: 'a', sizes: 3 }, { id: 'a' }, { id: 'a', sizes: [], more: 1 }].map(value => byId(value))).toEqual([true, true, false, false])
    expect(schemaOf(document, '/api/v1/dih/query/notes/any', 'post')).toMatchObject({ required: ['size'] })
    expect(Object.keys((await read('reader')).paths).filter(path => path.includes('/notes/'))).toEqual([])
    expect((await fetch(`${hub.url}/openapi.json`)).status).toBe(401)
  })

  test('H-07 M-19 what the document says of bodies and queries is what the routes take', async () => {
    const document = await read('all')
    const region = taken(schemaOf(document, '/api/v1/dih/cache-regions', 'post'))
    const sample = { name: 'user_sessions', cache_mode: 'REPLICATED', backups: 1, atomicity_mode: 'TRANSACTIONAL', cache_strategy: 'WRITE_THROUGH', expiry_policy: { create: 3600, access: 3600 }, indexes: [['user_id', 'STRING'], ['tenant_id', 'STRING']] }
    expect(region(sample)).toBe(true)
    for (const change of [{ name: undefined }, { cache_mode: 'LOCAL' }, { backups: -1 }, { expiry_policy: { create: 0 } }, { indexes: [['a']] }, { indexes: [['a', 'TEXT']] }, { cach_mode: 'x' }]) expect([change, region(JSON.parse(JSON.stringify({ ...sample, ...change })))]).toEqual([change, false])
    const query = taken(schemaOf(document, '/api/v1/query', 'post'))
    expect([{ query: 'SELECT 1', params: [1, [2]], limit: 5 }, { query: 'SELECT 1', limit: 0 }, { sql: 'SELECT 1' }].map(value => query(value))).toEqual([true, false, false])
    expect(document.paths['/api/v1/dih/cache-regions']?.['get']?.parameters).toMatchObject([{ name: 'page_size', in: 'query', required: false, schema: { type: 'integer', minimum: 1, maximum: 1000 } }, { name: 'page_token', in: 'query' }, ...['name', 'type', 'cache_mode', 'atomicity_mode', 'has_source'].map(name => ({ name, in: 'query', required: false }))])
    const refused = await fetch(`${hub.url}/api/v1/query`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-api-key': 'key of all' }, body: '{}' })
    expect(taken(document.components.schemas.Problem)(await refused.json())).toBe(true)
  })
})
