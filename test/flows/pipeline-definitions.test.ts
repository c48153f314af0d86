import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { catalogFolder } from '../support/catalog-folder.ts'
import { customerMaster, customerStagingLoad } from '../support/pipelines.ts'
import { type RunningHub, startHub } from '../support/hub.ts'

const scopes = ['pipeline:read', 'pipeline:write', 'pipeline:run']
const keys = [{ id: 'ann', scopes }, { id: 'bob', scopes }, { id: 'reader', scopes: ['pipeline:read'] }]
const as = (id: string) => ({ 'x-api-key': `key of ${id}` })
const pipeline = (id: string, version = '1.0', layer = 'service', more = '') => `<pipeline id="${id}" version="${version}" layer="${layer}"><metadata><owner>shop-team</owner></metadata>\n<sources><csv id="s" path="landing/${id}.csv"${more}/></sources>\n<targets><csv path="${layer}/${id}" mode="overwrite"/></targets></pipeline>`

describe('definitions of pipelines', () => {
  const folder = catalogFolder({
    'keys.json': JSON.stringify(keys.map(key => ({ ...key, tenant: 'acme', sha256: createHash('sha256').update(`key of ${key.id}`).digest('hex') }))),
    'hub.yaml': 'regions:\n  notes: { type: Note, key: id, fields: { id: ID! } }\n',
    'pipelines/applications/shop/service/pipelines/there.xml': pipeline('there'),
  })
  const pipelines = join(folder.folder, 'pipelines')
  const file = (path: string) => join(pipelines, 'applications', path)
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog, flags: [`--auth-api-keys-file=${folder.folder}/keys.json`, `--pipelines-folder=${pipelines}`, '--pipelines-slots=0'], headers: as('ann') })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  interface Shown { id: string; version: string | null; layer: string; file: string; versions: { version: string; commit: string; author: string; at: string }[] }
  const members = 'id app version layer file findings { code } versions { version commit author at }'
  const create = (xml: string, app = 'shop', headers = as('ann')) => hub.query<{ createPipeline: Shown }>(`mutation ($app: String!, $xml: String!) { createPipeline(app: $app, xml: $xml) { ${members} } }`, { app, xml }, headers)
  const update = (id: string, xml: string, variables = {}, headers = as('ann')) => hub.query<{ updatePipeline: Shown }>(`mutation ($app: String! = "shop", $id: ID!, $xml: String!, $allowOlder: Boolean! = false) { updatePipeline(app: $app, id: $id, xml: $xml, allowOlder: $allowOlder) { ${members} } }`, { id, xml, ...variables }, headers)
  const remove = (id: string) => hub.query<{ deletePipeline: boolean }>('mutation ($id: ID!) { deletePipeline(app: "shop", id: $id) }', { id })
  const at = async (id: string, version?: string) => (await hub.query<{ pipeline: { version: string; xml: string } | null }>('query ($id: ID!, $version: String) { pipeline(app: "shop", id: $id, version: $version) { version xml } }', { id, version })).data?.pipeline
  const refusal = ({ errors }: { errors?: readonly { message: string; extensions?: Record<string, unknown> }[] }) => [errors?.[0]?.extensions?.['code'], errors?.[0]?.message]
  const rest = async (method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = as('ann')) => {
    const answer = await fetch(`${hub.url}/api/v1/datahub${path}`, { method, headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) }, ...(body !== undefined && { body: JSON.stringify(body) }) })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, body: (text === '' ? undefined : JSON.parse(text)) as Record<string, unknown> | undefined }
  }

  test('D-09: a pipeline that is created lies where its application and layer say, and is a commit of the caller', async () => {
    const { data, errors } = await create(pipeline('orders'))
    expect(errors).toBeUndefined()
    expect(data?.createPipeline).toMatchObject({ id: 'orders', app: 'shop', version: '1.0.0', layer: 'SERVICE', file: 'applications/shop/service/pipelines/orders.xml', findings: [], versions: [{ version: '1.0.0', author: 'ann', commit: expect.stringMatching(/^[0-9a-f]{40}$/), at: expect.stringMatching(/Z$/) }] })
    expect(readFileSync(file('shop/service/pipelines/orders.xml'), 'utf8')).toBe(pipeline('orders'))
    expect((await hub.query('{ pipeline(app: "shop", id: "there") { versions { author } } }')).data).toEqual({ pipeline: { versions: [{ author: 'tributary' }] } })
  })

  test('D-27: an id that is there is not created once more', async () => {
    await create(pipeline('twice'))
    expect(refusal(await create(pipeline('twice', '2.0')))).toEqual(['CONFLICT', expect.stringContaining('There is a pipeline "twice" in "shop" already')])
    expect(refusal(await create(pipeline('twice', '2.0'), 'other'))).toEqual([undefined, undefined])
  })

  test('D-09: what is wrong with the form of a document is told all at once, with line and column, and nothing is stored', async () => {
    const { errors } = await create('<pipeline id="bad" version="v1" layer="servce"><metadata><owner>o</owner></metadata>\n<sources><csv id="s" pth="x"/></sources><targets><csv path="service/x" mode="overwrite"/></targets></pipeline>')
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'VALIDATION_ERROR', problems: expect.arrayContaining([expect.objectContaining({ line: 1, column: 20 }), expect.objectContaining({ line: 1, column: 33 }), expect.objectContaining({ path: 'xml[2][22]', line: 2, column: 22 })]) })
    expect(refusal(await create('<pipeline'))).toEqual(['VALIDATION_ERROR', expect.any(String)])
    expect(refusal(await create('<!DOCTYPE pipeline [<!ENTITY x SYSTEM "file:///etc/passwd">]><pipeline>&x;</pipeline>'))).toEqual(['VALIDATION_ERROR', expect.any(String)])
    expect(refusal(await create(customerMaster))).toEqual(['VALIDATION_ERROR', 'The document is a job; a <pipeline> is expected.'])
    expect(await at('bad')).toBeNull()
  })

  test('D-60: a document whose form is right is stored with what schemas and columns have against it', async () => {
    const place = join(pipelines, 'applications/shop/staging/schemas')
    mkdirSync(place, { recursive: true })
    writeFileSync(join(place, 'left.avsc'), '{"type":"record","name":"l","fields":[{"name":"customer_id","type":"long"}]}')
    const xml = pipeline('faulty', '1.0', 'staging').replace(/<csv id="s"[^>]*>/, '<csv id="s" path="l.csv" schemaRef="schemas/left.avsc"/><csv id="r" path="r.csv" schemaRef="schemas/left.avsc"/>').replace('</sources>', '</sources>\n<transformations><join left="s" right="r" type="left" condition="s.customer_id = r.id"/></transformations>')
    const { data, errors } = await hub.query<{ createPipeline: unknown }>('mutation ($xml: String!) { createPipeline(app: "shop", xml: $xml) { id version findings { severity code line proposal } } }', { xml })
    expect(errors).toBeUndefined()
    expect(data?.createPipeline).toEqual({ id: 'faulty', version: '1.0.0', findings: [{ severity: 'ERROR', code: 'COLUMN_NOT_FOUND', line: 3, proposal: expect.stringContaining('customer_id') }] })
    expect((await hub.query('{ pipeline(app: "shop", id: "faulty") { findings { code } } }')).data).toEqual({ pipeline: { findings: [{ code: 'COLUMN_NOT_FOUND' }] } })
    expect((await create(customerStagingLoad.replace('customer_db.customer_id"', 'customer_db.id"'))).errors).toBeUndefined()
  })

  test('D-09: a version is one text for ever, older ones can be read, and the text that is there changes nothing', async () => {
    await create(pipeline('moving'))
    expect((await update('moving', pipeline('moving', '1.1'), {}, as('bob'))).data?.updatePipeline.versions.map(({ version, author }) => [version, author])).toEqual([['1.1.0', 'bob'], ['1.0.0', 'ann']])
    expect((await update('moving', pipeline('moving', '1.1'))).data?.updatePipeline.versions.length).toBe(2)
    expect(refusal(await update('moving', pipeline('moving', '1.1', 'service', ' header="false"')))).toEqual(['CONFLICT', 'Version 1.1.0 of the pipeline "moving" of "shop" is there with another text. Give this one another version.'])
    expect(refusal(await update('moving', pipeline('moving', '1.0.0', 'service', ' header="false"'), { allowOlder: true }))).toEqual(['CONFLICT', expect.stringContaining('1.0.0')])
    expect([(await at('moving', '1.0'))?.xml, (await at('moving', '1.1.0'))?.xml, await at('moving', '3.0.0')]).toEqual([pipeline('moving'), pipeline('moving', '1.1'), null])
    expect(refusal(await hub.query('{ pipeline(app: "shop", id: "moving", version: "v1") { id } }'))).toEqual(['VALIDATION_ERROR', '"v1" is not a version such as 1.0.0, or 1.0.'])
  })

  test('D-28: a version below the newest there was is refused, unless older ones are allowed', async () => {
    await create(pipeline('aging', '2.10'))
    expect(refusal(await update('aging', pipeline('aging', '2.9')))).toEqual(['CONFLICT', 'Version 2.9.0 is older than 2.10.0, which the pipeline "aging" of "shop" had. Give it a newer version, or allow an older one.'])
    expect((await update('aging', pipeline('aging', '2.9'), { allowOlder: true })).data?.updatePipeline.version).toBe('2.9.0')
    expect(refusal(await update('aging', pipeline('aging', '2.9.5')))).toEqual(['CONFLICT', expect.stringContaining('2.10.0')])
    expect((await update('aging', pipeline('aging', '2.11'))).data?.updatePipeline.version).toBe('2.11.0')
  })

  test('D-29: a pipeline of another layer moves to its folder, with its versions', async () => {
    await create(pipeline('mover'))
    const { data } = await update('mover', pipeline('mover', '1.1', 'staging'))
    expect(data?.updatePipeline).toMatchObject({ layer: 'STAGING', file: 'applications/shop/staging/pipelines/mover.xml', findings: [], versions: [{ version: '1.1.0' }, { version: '1.0.0' }] })
    expect(existsSync(file('shop/service/pipelines/mover.xml'))).toBe(false)
  })

  test('D-09: a pipeline that is deleted is gone from the folder, and its versions can be read', async () => {
    await create(pipeline('passing'))
    expect((await remove('passing')).data).toEqual({ deletePipeline: true })
    expect([existsSync(file('shop/service/pipelines/passing.xml')), await at('passing'), (await at('passing', '1.0.0'))?.version]).toEqual([false, null, '1.0.0'])
    expect(refusal(await remove('passing'))).toEqual(['NOT_FOUND', 'There is no pipeline "passing" in "shop".'])
    expect(refusal(await update('pasing', pipeline('pasing')))).toEqual(['NOT_FOUND', expect.any(String)])
    expect(refusal(await create(pipeline('passing', '1.0', 'service', ' header="false"')))).toEqual(['CONFLICT', expect.stringContaining('Version 1.0.0')])
    expect((await create(pipeline('passing'))).errors).toBeUndefined()
    expect(refusal(await update('passing', pipeline('other', '2.0')))).toEqual(['VALIDATION_ERROR', expect.stringContaining('"other"')])
  })

  test('D-91: no name of an application leads out of the folder, or into the repository', async () => {
    const outside = () => readdirSync(folder.folder).sort()
    const before = outside()
    for (const app of ['../x', '..', '.', '/etc', 'a/b', 'a\\b', '.git', 'a\0b', '', ' ', '-rf', 'x'.repeat(65), 'ａ', 'a\n', 'applications/../..', '%2e%2e']) {
      expect([app, refusal(await create(pipeline('attack'), app))[0]]).toEqual([app, 'VALIDATION_ERROR'])
      expect([app, refusal(await update('attack', pipeline('attack'), { app }))[0]]).toEqual([app, 'VALIDATION_ERROR'])
    }
    for (const id of ['../x', '.git', 'a/b', 'a\\b', '']) expect([id, refusal(await create(pipeline(id)))[0]]).toEqual([id, 'VALIDATION_ERROR'])
    expect(refusal(await create(pipeline(`x${'y'.repeat(200)}`)))).toEqual(['VALIDATION_ERROR', expect.stringContaining('200 are the most')])
    expect(outside()).toEqual(before)
  })

  test('D-45: a password that was hidden from a reader is not written back as the sign that hid it', async () => {
    const xml = (password: string, version: string) => pipeline('leaky', version).replace(/<csv id="s"[^>]*>/, `<database id="s" jdbcUrl="jdbc:postgresql://ann:${password}@host/db"><sql>SELECT 1 AS n</sql></database>`)
    expect((await create(xml('s3cret', '1.0'))).errors).toBeUndefined()
    const shown = (await at('leaky'))?.xml ?? ''
    expect([shown.includes('s3cret'), shown.includes('***')]).toEqual([false, true])
    const { errors } = await update('leaky', shown.replace('1.0', '1.1'))
    expect([errors?.[0]?.extensions?.['code'], errors?.[0]?.extensions?.['problems']]).toEqual(['VALIDATION_ERROR', [expect.objectContaining({ line: 2, column: 36 })]])
    expect(JSON.stringify((await update('leaky', xml('s3cret', '1.0').replace('SELECT 1', 'SELECT 2'))).errors)).not.toContain('s3cret')
  })

  test('D-09: what was edited by hand is a version too, once something is stored on top of it', async () => {
    await create(pipeline('hand'))
    writeFileSync(file('shop/service/pipelines/hand.xml'), pipeline('hand', '1.1'))
    expect(refusal(await update('hand', pipeline('hand', '1.1', 'service', ' header="false"')))).toEqual(['CONFLICT', expect.stringContaining('1.1.0')])
    expect((await update('hand', pipeline('hand', '1.2'))).data?.updatePipeline.versions.map(({ version, author }) => [version, author])).toEqual([['1.2.0', 'ann'], ['1.1.0', 'tributary'], ['1.0.0', 'ann']])
  })

  test('D-27: a file that has another pipeline is not written over', async () => {
    const path = file('shop/service/pipelines/taken.xml')
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, pipeline('squatter'))
    expect(refusal(await create(pipeline('taken')))).toEqual(['CONFLICT', expect.stringContaining('"squatter"')])
  })

  test('D-09: many who write at the same time lose nothing, and of two of one version one is first', async () => {
    const ids = Array.from({ length: 8 }, (_, nth) => `many${nth}`)
    const answers = await Promise.all(ids.flatMap(id => [create(pipeline(id)), create(pipeline(id, '1.0', 'service', ' header="false"'))]))
    expect(answers.map(answer => refusal(answer)[0]).sort()).toEqual([...Array.from({ length: 8 }, () => 'CONFLICT'), ...Array.from({ length: 8 }, () => undefined)])
    const { data } = await hub.query<{ pipelines: { nodes: Shown[] } }>(`{ pipelines(app: "shop", first: 1000) { nodes { ${members} } } }`)
    expect(data?.pipelines.nodes.filter(({ id }) => ids.includes(id)).map(({ versions }) => versions.length)).toEqual(ids.map(() => 1))
  })

  test('D-111: who may not write is told so, and changes nothing', async () => {
    for (const answer of [await create(pipeline('mine'), 'shop', as('reader')), await update('there', pipeline('there', '2.0'), {}, as('reader'))]) expect(refusal(answer)).toEqual(['FORBIDDEN', expect.stringContaining('pipeline:write')])
    expect(await at('mine')).toBeNull()
  })

  test('D-09: over REST, too: created, changed, read as it was and taken away', async () => {
    const created = await rest('POST', '/pipelines', { app: 'shop', xml: pipeline('resty') })
    expect([created.status, created.headers.get('location'), created.body]).toMatchObject([201, '/api/v1/datahub/pipelines/shop/resty', { id: 'resty', version: '1.0.0', layer: 'service', versions: [{ version: '1.0.0', author: 'ann' }] }])
    expect((await rest('POST', '/pipelines', { app: 'shop', xml: pipeline('resty') })).body).toMatchObject({ status: 409, code: 'CONFLICT' })
    expect(await rest('POST', '/pipelines', { app: 'shop', xml: '<pipeline/>' })).toMatchObject({ status: 422, body: { errors: expect.arrayContaining([expect.objectContaining({ loc: ['body', 'xml', 1, expect.any(Number)] })]) } })
    expect((await rest('PUT', '/pipelines/shop/resty', { xml: pipeline('resty', '0.9') })).status).toBe(409)
    expect(await rest('PUT', '/pipelines/shop/resty', { xml: pipeline('resty', '0.9'), allow_older: true })).toMatchObject({ status: 200, body: { version: '0.9.0' } })
    expect((await rest('PUT', '/pipelines/shop/resty', { xml: pipeline('resty', '1.2'), allow_newer: true })).status).toBe(422)
    expect((await rest('GET', '/pipelines/shop/resty?version=1.0')).body).toMatchObject({ version: '1.0.0', versions: [{ version: '0.9.0' }, { version: '1.0.0' }] })
    expect((await rest('PUT', '/pipelines/..%2fx/resty', { xml: pipeline('resty', '2.0') })).status).toBe(422)
    expect((await rest('DELETE', '/pipelines/shop/resty', undefined, as('reader'))).status).toBe(403)
    expect((await rest('DELETE', '/pipelines/shop/resty')).status).toBe(204)
    expect([(await rest('DELETE', '/pipelines/shop/resty')).status, (await rest('GET', '/pipelines/shop/resty')).status, (await rest('GET', '/pipelines/shop/resty?version=0.9')).status]).toEqual([404, 404, 200])
  })

  test('D-09: a hub without a folder of pipelines says so', async () => {
    const bare = await startHub({ catalog: folder.catalog })
    expect(refusal(await bare.query('mutation ($xml: String!) { createPipeline(app: "shop", xml: $xml) { id } }', { xml: pipeline('x') }))).toEqual(['NOT_FOUND', expect.stringContaining('pipelines.folder')])
    await bare.close()
  })
})
