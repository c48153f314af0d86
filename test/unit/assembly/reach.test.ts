import { apiSettings, withinReach } from '../../../gateway/assembly/reach.ts'
import type { ApiEntry } from '../../../gateway/assembly/declared.ts'
import type { Json } from '../../../schema/values.ts'

const env: Readonly<Record<string, string>> = { TOKEN: 's3cret', PRIVATE: 'hidden', DB: 'postgresql://me:pw@db.example/x', ELSEWHERE: 'postgresql://me:pw@elsewhere.example/x' }
const reach = { api: apiSettings.parse({ hosts: ['db.example', 'graph.example:8443'], secrets: ['env:TOKEN', 'DB', 'env:ELSEWHERE', 'env:UNSET'] }), env: (name: string) => env[name] }

const used = async (kind: ApiEntry['kind'], definition: Json) => (await withinReach({ kind, name: 'mine', definition }, reach)).definition
const failure = (kind: ApiEntry['kind'], definition: Json) => used(kind, definition).then(() => undefined, (error: unknown) => error as { code: string; message: string })

test('a subgraph is reached at a listed host, with listed secrets in its headers', async () => {
  expect(await used('subgraph', { url: 'https://graph.example:8443/graphql', headers: { authorization: 'Bearer ${env:TOKEN}' } })).toEqual({ url: 'https://graph.example:8443/graphql', headers: { authorization: 'Bearer s3cret' } })
  expect(await used('subgraph', { url: 'http://db.example/graphql' })).toEqual({ url: 'http://db.example/graphql' })
  for (const url of ['https://graph.example/graphql', 'http://graph.example:8443@evil.example/', 'http://169.254.169.254/latest', 'http://localhost:8443/', 'https://GRAPH.example:8444/']) {
    expect([url, await failure('subgraph', { url })]).toEqual([url, expect.objectContaining({ code: 'FORBIDDEN', message: expect.stringContaining('api.hosts') })])
  }
})

test('a reference that is not listed, or stands where its value would be seen, is refused by its name', async () => {
  for (const [kind, definition] of [
    ['subgraph', { url: 'http://db.example/', headers: { a: '${env:PRIVATE}' } }], ['subgraph', { url: 'http://db.example/${env:TOKEN}' }], ['subgraph', { url: 'http://db.example/', description: '${env:TOKEN}' }],
    ['source', { type: 'postgresql', host: 'db.example', database: '${env:TOKEN}' }], ['source', { type: 'postgresql', host: '${env:TOKEN}', database: 'x' }], ['source', { type: 'postgresql', host: 'db.example', database: 'x', password: '${file:/etc/passwd}' }],
  ] as const) {
    const refused = await failure(kind, definition)
    expect(refused).toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('api.secrets') })
    expect(refused?.message).not.toMatch(/s3cret|hidden/)
  }
  expect(await failure('source', { type: 'postgresql', host: 'db.example', database: 'x', password: '${env:UNSET}' })).toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining('UNSET') })
})

test('a URL behind a reference leads to a listed host too, and is not shown when it does not', async () => {
  expect(await used('source', { type: 'postgresql', url: '${env:DB}' })).toEqual({ type: 'postgresql', url: env['DB'] })
  const refused = await failure('source', { type: 'postgresql', url: '${env:ELSEWHERE}' })
  expect(refused).toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('api.hosts') })
  expect(refused?.message).not.toMatch(/elsewhere\.example|pw/)
})

test('stores are reached at listed hosts, every one of them, with listed secrets where nothing shows them', async () => {
  const taken: Json[] = [
    { type: 'cassandra', hosts: 'db.example', keyspace: 'k' }, { type: 'cassandra', hosts: ['db.example:9042', 'graph.example:8443'], keyspace: 'k' }, { type: 'cassandra', url: 'cassandra://u:p@db.example,graph.example:8443/k' },
    { type: 'elasticsearch', url: 'https://db.example' }, { type: 'elasticsearch', url: ['http://db.example:9200', 'https://graph.example:8443'] }, { type: 's3', bucket: 'b', endpoint: 'http://db.example:9000' },
  ]
  for (const definition of taken) expect(await used('source', definition)).toEqual(definition)
  expect(await used('source', { type: 's3', bucket: 'b', endpoint: 'http://db.example', accessKeyId: '${env:TOKEN}', secretAccessKey: '${env:TOKEN}' })).toMatchObject({ accessKeyId: 's3cret', secretAccessKey: 's3cret' })
  const refusedOnes: Json[] = [
    { type: 'cassandra', hosts: ['db.example', 'evil.example'], keyspace: 'k' }, { type: 'cassandra', url: 'cassandra://db.example@evil.example/k' }, { type: 'cassandra', url: 'cassandra://db.example,evil.example/k' }, { type: 'cassandra', url: 'evil.example' },
    { type: 'elasticsearch', url: ['http://db.example', 'http://evil.example'] }, { type: 'elasticsearch', url: ['${env:ELSEWHERE}'] }, { type: 's3', bucket: 'b' }, { type: 's3', bucket: 'b', endpoint: 'http://db.example@evil.example' },
  ]
  for (const definition of refusedOnes) {
    const refused = await failure('source', definition)
    expect([definition, refused]).toEqual([definition, expect.objectContaining({ code: 'FORBIDDEN', message: expect.stringContaining('api.hosts') })])
    expect(refused?.message).not.toMatch(/elsewhere\.example|pw/)
  }
})

test('regions, views and relations reach nothing by themselves', async () => {
  expect(await used('view', { key: 'a', sql: "SELECT '${env:PRIVATE}' AS a" })).toEqual({ key: 'a', sql: "SELECT '${env:PRIVATE}' AS a" })
})

test('D-94 a source given through the API grants its bucket to no application', async () => {
  expect(await failure('source', { type: 's3', bucket: 'b', endpoint: 'http://db.example', applications: { crm: 'write' } })).toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('grants its bucket to applications') })
})

test('a source given through the API names no catalog of Trino, where anything may be', async () => {
  const trino = { catalog: 'payroll', schema: 'public' }
  const definitions: Json[] = [{ type: 'postgresql', host: 'db.example', database: 'x', trino }, { type: 'files', root: '/', trino }]
  for (const definition of definitions) {
    expect(await failure('source', definition)).toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('catalog of Trino') })
  }
})
