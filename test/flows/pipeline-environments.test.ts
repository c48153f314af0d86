import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { catalogFolder } from '../support/catalog-folder.ts'
import { eventually } from '../support/eventually.ts'
import { type RunningHub, startHub } from '../support/hub.ts'

const keys = [
  { id: 'ann', scopes: ['role:editor'] }, { id: 'eve', scopes: ['role:editor', 'role:approver', 'pipeline:run'] }, { id: 'bob', scopes: ['role:approver@shop'] }, { id: 'auditor', scopes: ['audit:read'] }, { id: 'nobody', scopes: [] }, { id: 'elsewhere', scopes: ['role:approver@crm'] },
]
const as = (id: string) => ({ 'x-api-key': `key of ${id}` })
const pipeline = (version: string, { id = 'orders', column = 'id' } = {}) => `<pipeline id="${id}" version="${version}" layer="service"><metadata><owner>o</owner></metadata>
<sources><csv id="rows" path="landing/dev.csv"/></sources>
<transformations><sort source="rows" orderBy="${column}"/></transformations>
<targets><csv path="service/${id}" mode="overwrite"/></targets></pipeline>`
const overlay = `shop:
  orders:
    rows.path: landing/qa.csv
    target-1-csv.path: service/qa
    schedule: "0 5 * * *"
`

describe('pipelines on their way from environment to environment', () => {
  const folder = catalogFolder({
    'keys.json': JSON.stringify(keys.map(key => ({ tenant: 'acme', ...key, sha256: createHash('sha256').update(`key of ${key.id}`).digest('hex') }))),
    'hub.yaml': 'regions:\n  notes: { type: Note, key: id, fields: { id: ID! } }\n',
    'pipelines/environments/qa.yaml': overlay,
    'data/applications/shop/landing/dev.csv': 'id,total\n1,5\n',
    'data/applications/shop/landing/qa.csv': 'id,total\n1,5\n2,6\n',
  })
  const home = join(folder.folder, 'pipelines')
  let dev: RunningHub
  let qa: RunningHub
  beforeAll(async () => {
    const flags = [`--auth-api-keys-file=${folder.folder}/keys.json`, `--pipelines-folder=${home}`, '--pipelines-schedules=false']
    dev = await startHub({ catalog: folder.catalog, flags, headers: as('ann') })
    qa = await startHub({ catalog: folder.catalog, flags: [...flags, '--pipelines-environment=QA'], headers: as('eve') })
  }, 120_000)
  afterAll(async () => {
    await dev.close()
    await qa.close()
    folder.remove()
  })

  const put = async (xml: string, who = 'ann', field = 'createPipeline') => {
    const { errors } = await dev.query(field === 'createPipeline' ? 'mutation ($xml: String!) { createPipeline(app: "shop", xml: $xml) { id } }' : 'mutation ($xml: String!) { updatePipeline(app: "shop", id: "orders", xml: $xml) { id } }', { xml }, as(who))
    expect(errors).toBeUndefined()
  }
  const promote = async (version: string, to: string, who: string, id = 'orders', app = 'shop') => {
    const answer = await fetch(`${dev.url}/api/v1/datahub/pipelines/${app}/${id}/promotions`, { method: 'POST', headers: { ...as(who), 'content-type': 'application/json' }, body: JSON.stringify({ version, to }) })
    return { status: answer.status, body: await answer.json() as Record<string, unknown> }
  }
  const shown = async (hub: RunningHub, id = 'orders') => (await hub.query<{ pipeline: Record<string, unknown> | null }>('query ($id: ID!) { pipeline(app: "shop", id: $id) { version schedule findings { severity message } promoted { environment version } } }', { id }, as('eve'))).data?.pipeline
  const ran = async (hub: RunningHub, id = 'orders') => {
    const { data, errors } = await hub.query<{ runPipeline: { runId: string } }>('mutation ($id: ID!) { runPipeline(app: "shop", id: $id) { runId } }', { id }, as('eve'))
    if (errors) return { code: errors[0]?.extensions?.['code'], message: errors[0]?.message }
    const look = async () => (await hub.query<{ run: { state: string; [member: string]: unknown } }>('query ($runId: ID!) { run(runId: $runId) { state version rowsRead configVersion { commit environment } steps { into } } }', data?.runPipeline, as('eve'))).data?.run
    await eventually('the run ends', async () => !['QUEUED', 'RUNNING'].includes(String((await look())?.state)), 30_000)
    return { ...(await look()) }
  }
  const commits = () => execFileSync('git', ['log', '--format=%an: %s'], { cwd: home }).toString().trim().split('\n')

  test('D-116: a hub says which environment it is, and its overlay holds in plans, schedules and runs of it alone', async () => {
    await put(pipeline('1.0'))
    expect(await Promise.all([dev, qa].map(async hub => [(await hub.query<{ environment: string }>('{ environment }')).data?.environment, await (await fetch(`${hub.url}/api/v1/datahub/environment`, { headers: as('ann') })).json()]))).toEqual([['DEV', { environment: 'dev' }], ['QA', { environment: 'qa' }]])
    expect((await dev.query('{ environment }', {}, as('nobody'))).errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN')
    expect([await shown(dev), await shown(qa)]).toMatchObject([{ schedule: null, findings: [], promoted: [] }, { schedule: '0 5 * * *', findings: [] }])
    expect(await ran(dev)).toMatchObject({ state: 'SUCCEEDED', rowsRead: 1, configVersion: { environment: 'DEV' }, steps: expect.arrayContaining([{ into: 'service/orders/orders.csv' }]) })
    expect(await ran(qa)).toMatchObject({ state: 'SUCCEEDED', rowsRead: 2, configVersion: { environment: 'QA', commit: expect.stringMatching(/^[0-9a-f]{40}$/) }, steps: expect.arrayContaining([{ into: 'service/qa/orders.csv' }]) })
  })

  test('D-116 D-111: nobody promotes who may not approve, nor what he wrote himself and nobody else approved', async () => {
    for (const who of ['ann', 'nobody', 'elsewhere', 'auditor']) expect([who, (await promote('1.0', 'qa', who)).status]).toEqual([who, 403])
    expect((await promote('1.0', 'qa', 'nobody', 'none')).status).toBe(403)
    await put(pipeline('1.1'), 'eve', 'updatePipeline')
    expect(await promote('1.1', 'qa', 'eve')).toMatchObject({ status: 403, body: { detail: expect.stringContaining('is "eve"\'s own, and nobody else has approved it') } })
    expect(commits().filter(line => line.includes(' in QA'))).toEqual([])
    const { data } = await dev.query<{ auditLog: { nodes: unknown[] } }>('{ auditLog(filter: { action: "pipeline.promote" }) { nodes { actor outcome subject } } }', {}, as('auditor'))
    expect(data?.auditLog.nodes[0]).toEqual({ actor: 'eve', outcome: 'REFUSED', subject: 'orders' })
  })

  test('D-116: versions go step by step, each a commit and an entry of the audit log, and QA runs what was promoted whatever lies in the folder', async () => {
    expect([(await promote('1.0', 'dev', 'bob')).status, (await promote('9.9', 'qa', 'bob')).status, (await promote('x', 'qa', 'bob')).status, (await promote('1.0', 'qa', 'bob', 'none')).status, (await promote('1.0', '../prod', 'bob')).status]).toEqual([400, 404, 422, 404, 400])
    expect(await promote('1.0', 'prod', 'bob')).toMatchObject({ status: 409, body: { detail: expect.stringContaining('QA runs no version of "orders"') } })

    await put(pipeline('1.0', { id: 'other' }))
    expect(await shown(qa, 'other')).not.toBeNull()
    expect(await promote('1.0', 'qa', 'bob')).toEqual({ status: 200, body: { environment: 'qa', version: '1.0.0', previous: null, commit: expect.stringMatching(/^[0-9a-f]{40}$/) } })
    expect(commits()[0]).toBe('bob: shop: pipeline orders is 1.0.0 in QA')
    expect(await promote('1.0.0', 'qa', 'bob')).toMatchObject({ status: 200, body: { previous: '1.0.0', commit: null } })
    expect([(await shown(dev))?.['version'], (await shown(qa))?.['version'], await shown(qa, 'other')]).toEqual(['1.1.0', '1.0.0', null])
    expect((await shown(dev))?.['promoted']).toEqual([{ environment: 'QA', version: '1.0.0' }])
    const run = await ran(qa)
    expect(run).toMatchObject({ state: 'SUCCEEDED', version: '1.0.0', rowsRead: 2, configVersion: { environment: 'QA' } })
    expect(execFileSync('git', ['show', `${(run as { configVersion: { commit: string } }).configVersion.commit}:applications/shop/service/pipelines/orders.xml`], { cwd: home }).toString()).toBe(pipeline('1.0'))
    expect(await ran(qa, 'other')).toMatchObject({ code: 'NOT_FOUND' })

    expect(await promote('1.1', 'prod', 'bob')).toMatchObject({ status: 409, body: { detail: expect.stringContaining('QA runs version 1.0.0') } })
    expect(await promote('1.0', 'prod', 'bob')).toMatchObject({ status: 200, body: { environment: 'prod' } })
    expect((await shown(dev))?.['promoted']).toEqual([{ environment: 'QA', version: '1.0.0' }, { environment: 'PROD', version: '1.0.0' }])
    const { data } = await dev.query<{ auditLog: { nodes: { detail: unknown }[] }; verifyAudit: { valid: boolean } }>('{ auditLog(filter: { action: "pipeline.promote", outcome: ALLOWED }) { nodes { actor app subject detail } } verifyAudit { valid } }', {}, as('auditor'))
    expect([data?.auditLog.nodes[0], data?.auditLog.nodes.length, data?.verifyAudit.valid]).toEqual([{ actor: 'bob', app: 'shop', subject: 'orders', detail: { version: '1.0.0', to: 'PROD', content: createHash('sha256').update(pipeline('1.0')).digest('hex') } }, 2, true])
  })

  test('D-116: who wrote a version promotes it once somebody else has approved its draft', async () => {
    const xml = pipeline('1.2')
    const step = async (field: string, given: string, variables: Readonly<Record<string, unknown>>, who: string) => {
      const { data, errors } = await dev.query<Record<string, { id: string; state: string }>>(`mutation (${'xml' in variables ? '$xml: String!' : '$id: ID!'}) { ${field}(${given}) { id state } }`, variables, as(who))
      expect(errors).toBeUndefined()
      return data?.[field]
    }
    const draft = await step('createPipelineDraft', 'app: "shop", xml: $xml', { xml }, 'eve')
    await step('submitPipelineDraft', 'id: $id', { id: draft?.id }, 'eve')
    expect(await step('approvePipelineDraft', 'id: $id', { id: draft?.id }, 'bob')).toMatchObject({ state: 'COMMITTED' })
    expect(await promote('1.2', 'qa', 'eve')).toMatchObject({ status: 200, body: { version: '1.2.0', previous: '1.0.0' } })
    expect((await shown(qa))?.['version']).toBe('1.2.0')
  })

  test('D-116: a key of an overlay that addresses nothing is told with the nearest, all of them at once, and nothing runs or is promoted with it', async () => {
    folder.write({ 'pipelines/environments/qa.yaml': `${overlay}    rows.pth: landing/qa.csv\n    1-sort.orderBy: total\n    rows.id: other\n    rows.header: [1]\n  ordrs:\n    rows.path: x\nshp: { orders: { rows.path: x } }\n` })
    await put(pipeline('1.3'), 'ann', 'updatePipeline')
    expect(await promote('1.3', 'qa', 'bob')).toMatchObject({ status: 422, body: { detail: expect.stringContaining('environments/qa.yaml:6:5: Pipeline "orders" of "shop" has nothing that "rows.pth" addresses.') } })
    const { errors } = await dev.query('mutation { promotePipeline(app: "shop", id: "orders", version: "1.3", to: QA) { version } }', {}, as('bob'))
    const problems = errors?.[0]?.extensions?.['problems'] as readonly { line: number; column: number; message: string }[]
    expect(problems.map(({ line, message }) => [line, message]).toSorted(([a], [b]) => Number(a) - Number(b))).toEqual([
      [6, expect.stringContaining('has nothing that "rows.pth" addresses. Did you mean "rows.path"')], [7, expect.stringContaining('"1-sort.orderBy"')], [8, expect.stringContaining('"rows.id"')], [9, expect.stringContaining('"rows.header" is a list')],
      [11, 'There is no pipeline "ordrs" in "shop". Did you mean "orders"?'], [12, 'There is no application "shp" with pipelines. Did you mean "shop"?'],
    ])
    expect(await ran(qa)).toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining('environments/qa.yaml:9:5: "rows.header" is a list') })
    expect(await ran(dev)).toMatchObject({ state: 'SUCCEEDED' })
    folder.write({ 'pipelines/environments/qa.yaml': overlay.replace('landing/qa.csv', '../out.csv') })
    expect(await promote('1.3', 'qa', 'bob')).toMatchObject({ status: 422 })
    expect(await ran(qa)).toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining('../out.csv') })
    folder.write({ 'pipelines/environments/qa.yaml': 'shop: { orders: { schedule: ~ ' })
    expect(await ran(qa)).toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining('environments/qa.yaml:1:') })
    folder.write({ 'pipelines/environments/qa.yaml': overlay })
    expect(await promote('1.3', 'qa', 'bob')).toMatchObject({ status: 200 })
    expect(await ran(qa)).toMatchObject({ state: 'SUCCEEDED', version: '1.3.0' })
  })

  test('D-116: another text of a promoted version, put into the folder by hand, is not what runs; a version that no commit has any more is told', async () => {
    const file = join(home, 'applications/shop/service/pipelines/orders.xml')
    folder.write({ 'pipelines/applications/shop/service/pipelines/orders.xml': pipeline('1.3', { column: 'total' }) })
    expect((await shown(qa))?.['findings']).toEqual([])
    expect(await ran(qa)).toMatchObject({ state: 'SUCCEEDED', version: '1.3.0', configVersion: { commit: expect.any(String) } })
    rmSync(file)
    expect(await ran(qa)).toMatchObject({ state: 'SUCCEEDED', version: '1.3.0' })
    const pins = readFileSync(join(home, 'environments/qa.promoted.json'), 'utf8')
    folder.write({ 'pipelines/environments/qa.promoted.json': pins.replace(/[0-9a-f]{64}/, 'f'.repeat(64)) })
    expect(await ran(qa)).toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining('Version 1.3.0 of "orders", which QA is to run, is in no commit any more') })
  })
})
