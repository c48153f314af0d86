import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { catalogFolder } from '../support/catalog-folder.ts'
import { eventually } from '../support/eventually.ts'
import { type RunningHub, startHub } from '../support/hub.ts'

const keys = [{ id: 'worker', tenant: 'acme', scopes: ['pipeline:read', 'pipeline:run'] }, { id: 'auditor', tenant: 'acme', scopes: ['mask:reveal'] }, { id: 'foreign', tenant: 'other', scopes: ['mask:reveal'] }]
const as = (id: string) => ({ 'x-api-key': `key of ${id}` })
const people = `<pipeline id="people" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources><csv id="people" path="landing/people.csv"/></sources>
<transformations><mask source="people" columns="ssn" strategy="tokenize" keepFormat="true"/><mask source="people" columns="name" strategy="encrypt"/></transformations><targets><csv path="service/people" mode="overwrite"/></targets></pipeline>`

describe('D-63 masked values over HTTP', () => {
  const folder = catalogFolder({
    'keys.json': JSON.stringify(keys.map(key => ({ ...key, sha256: createHash('sha256').update(`key of ${key.id}`).digest('hex') }))),
    'secrets/mask': Buffer.alloc(32, 7).toString('base64'),
    'hub.yaml': 'regions:\n  notes: { type: Note, key: id, fields: { id: ID! } }\n',
    'pipelines/applications/shop/service/pipelines/people.xml': people,
    'data/applications/shop/landing/people.csv': 'name,ssn\nada,123-45-6789\nben,987-65-4321\n',
  })
  let hub: RunningHub
  let masked: string[][]
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog, flags: [`--auth-api-keys-file=${folder.folder}/keys.json`, `--pipelines-folder=${folder.folder}/pipelines`, `--pipelines-secrets-folder=${folder.folder}/secrets`], headers: as('worker') })
    await hub.query('mutation { runPipeline(app: "shop", id: "people") { runId } }')
    await eventually('the run ends', async () => (await hub.query<{ runs: { nodes: { state: string }[] } }>('{ runs { nodes { state } } }')).data?.runs.nodes[0]?.state === 'SUCCEEDED', 30_000)
    masked = readFileSync(join(folder.folder, 'data/applications/shop/service/people/people.csv'), 'utf8').trimEnd().split('\n').slice(1).map(line => line.split(','))
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  const detokenize = (tokens: readonly string[], headers = as('auditor')) => hub.query<{ detokenize: unknown }>('mutation ($tokens: [String!]!) { detokenize(app: "shop", tokens: $tokens, reason: "case 7") { token value key } }', { tokens }, headers)
  const kept = async () => (await hub.metadata('SELECT actor, outcome, reason, count, keys FROM reveal ORDER BY at_ms, reveal_id'))

  test('what a run wrote leads back for who may know it, and each attempt is kept without a value', async () => {
    expect(masked).toEqual([[expect.stringMatching(/^e1\.1\./), expect.stringMatching(/^\d{3}-\d\d-\d{4}$/)], [expect.any(String), expect.any(String)]])
    const tokens = masked.flat()
    const { data, errors } = await detokenize(tokens)
    expect(errors).toBeUndefined()
    expect(data?.detokenize).toEqual(['ada', '123-45-6789', 'ben', '987-65-4321'].map((value, place) => ({ token: tokens[place], value, key: 'mask 1' })))
    expect((await detokenize(tokens, as('worker'))).errors?.[0]).toMatchObject({ extensions: { code: 'FORBIDDEN', needs: 'mask:reveal' } })
    expect((await detokenize(tokens.slice(1, 2), as('foreign'))).errors?.[0]).toMatchObject({ message: expect.stringMatching(/^1 of 1 tokens is not known here/), extensions: { code: 'NOT_FOUND' } })
    expect(await kept()).toEqual([
      { actor: 'auditor', outcome: 'REVEALED', reason: 'case 7', count: 4, keys: '["mask 1"]' }, { actor: 'worker', outcome: 'FORBIDDEN', reason: 'case 7', count: 4, keys: '[]' }, { actor: 'foreign', outcome: 'NOT_FOUND', reason: 'case 7', count: 1, keys: '[]' },
    ])
    expect(JSON.stringify(await hub.metadata('SELECT * FROM reveal'))).not.toMatch(/123-45|ada|987/)
  })

  test('no answer of it is kept under a key of the client\'s', async () => {
    const { errors } = await hub.query('mutation { detokenize(app: "shop", tokens: ["x"], reason: "case 7", idempotencyKey: "k") { value } }', {}, as('auditor'))
    expect(errors?.[0]?.message).toContain('Unknown argument "idempotencyKey"')
  })

  test('REST does the same, and says that no cache may keep it', async () => {
    const rest = async (body: unknown, headers = as('auditor')) => {
      const answer = await fetch(`${hub.url}/api/v1/datahub/mask/detokenize`, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) })
      return { status: answer.status, cache: answer.headers.get('cache-control'), body: await answer.json() as Record<string, unknown> }
    }
    const asked = { app: 'shop', tokens: masked[0]?.slice(1), reason: 'case 7' }
    expect(await rest(asked)).toEqual({ status: 200, cache: 'no-store', body: { values: [{ token: masked[0]?.[1], value: '123-45-6789', key: 'mask 1' }] } })
    expect(await rest(asked, as('worker'))).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
    expect(await rest({ ...asked, tokens: ['123-45-6789'] })).toMatchObject({ status: 404, body: { code: 'NOT_FOUND', detail: expect.not.stringContaining('123-45') } })
    expect(await rest({ ...asked, reason: '' })).toMatchObject({ status: 422 })
    expect(await rest({ app: 'shop', tokens: ['x'], reason: 'r', secretref: 'x' })).toMatchObject({ status: 422 })
  })
})
