import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openGitDefinitions } from '../../connectors/definitions/index.ts'
import { catalogFolder } from '../support/catalog-folder.ts'
import { isEmbedded, type RunningHub, startHub } from '../support/hub.ts'
import { testScope } from '../support/scope.ts'

const keys = [
  { id: 'ann', scopes: ['role:editor'] }, { id: 'eve', scopes: ['role:editor', 'role:approver'] }, { id: 'bob', scopes: ['role:approver'] }, { id: 'reader', scopes: ['role:viewer'] },
  { id: 'auditor', scopes: ['audit:read'] }, { id: 'shop-auditor', scopes: ['audit:read@shop'] }, { id: 'nobody', scopes: [] }, { id: 'other', tenant: 'other', scopes: ['role:admin'] },
]
const as = (id: string) => ({ 'x-api-key': `key of ${id}` })
const pipeline = (id: string, version = '1.0', more = '') => `<pipeline id="${id}" version="${version}" layer="service"><metadata><owner>shop-team</owner></metadata>\n<sources><csv id="s" path="landing/${id}.csv"${more}/></sources>\n<targets><csv path="service/${id}" mode="overwrite"/></targets></pipeline>`

describe('drafts of pipelines and the audit log', () => {
  const folder = catalogFolder({
    'keys.json': JSON.stringify(keys.map(key => ({ tenant: 'acme', ...key, sha256: createHash('sha256').update(`key of ${key.id}`).digest('hex') }))),
    'hub.yaml': 'regions:\n  notes: { type: Note, key: id, fields: { id: ID! } }\n',
    'pipelines/applications/shop/service/pipelines/there.xml': pipeline('there'),
  })
  const pipelines = join(folder.folder, 'pipelines')
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog, flags: [`--auth-api-keys-file=${folder.folder}/keys.json`, `--pipelines-folder=${pipelines}`, '--pipelines-slots=0'], headers: as('ann') })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  interface Draft { id: string; state: string; commit: string | null; failure: string | null; approvals: { reviewer: string; decision: string; comment: string }[]; [member: string]: unknown }
  const members = 'id app pipelineId version state author comment xml baseCommit commit failure createdAt changedAt findings { code } approvals { reviewer decision comment at }'
  const asked = async (field: string, declared: string, given: string, variables: Readonly<Record<string, unknown>>, headers: Readonly<Record<string, string>>) => {
    const { data, errors } = await hub.query<Record<string, Draft>>(`mutation (${declared}) { ${field}(${given}) { ${members} } }`, variables, headers)
    return { draft: data?.[field] as Draft, code: errors?.[0]?.extensions?.['code'], message: errors?.[0]?.message ?? '' }
  }
  const create = (xml: string, headers = as('ann'), app = 'shop') => asked('createPipelineDraft', '$app: String!, $xml: String!', 'app: $app, xml: $xml, comment: "please"', { app, xml }, headers)
  const step = (name: string, id: string, headers: Readonly<Record<string, string>>) => asked(`${name}PipelineDraft`, '$id: ID!', name === 'submit' ? 'id: $id' : 'id: $id, comment: "so be it"', { id }, headers)
  const update = (id: string, xml: string, headers = as('ann')) => asked('updatePipelineDraft', '$id: ID!, $xml: String!', 'id: $id, xml: $xml', { id, xml }, headers)
  const submitted = async (xml: string, author = 'ann') => {
    const { draft, message } = await create(xml, as(author))
    if (!draft) throw new Error(message)
    return (await step('submit', draft.id, as(author))).draft
  }
  const version = async (id: string) => (await hub.query<{ pipeline: { version: string; versions: { author: string; commit: string }[] } | null }>('query ($id: ID!) { pipeline(app: "shop", id: $id) { version versions { version commit author } } }', { id })).data?.pipeline
  interface Entry { sequence: number; action: string; subject: string; actor: string; outcome: string; app: string; detail: Record<string, unknown> }
  const entries = async (filter: Readonly<Record<string, unknown>> = {}, headers = as('auditor')) => (await hub.query<{ auditLog: { nodes: Entry[] } }>('query ($filter: AuditFilter) { auditLog(filter: $filter, first: 1000) { nodes { sequence at actor action app subject outcome detail requestId previousHash hash } } }', { filter }, headers)).data?.auditLog.nodes ?? []
  const verified = async () => (await hub.query<{ verifyAudit: { valid: boolean; checked: number; brokenAt: number | null; reason: string | null } }>('{ verifyAudit { valid checked brokenAt reason } }', {}, as('auditor'))).data?.verifyAudit
  const rest = async (method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = as('ann')) => {
    const answer = await fetch(`${hub.url}/api/v1/datahub${path}`, { method, headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) }, ...(body !== undefined && { body: JSON.stringify(body) }) })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }

  test('D-11: a draft is written by one, let in by another, and then is the pipeline, as a commit of its author', async () => {
    const { draft } = await create(pipeline('orders'))
    expect(draft).toMatchObject({ app: 'shop', pipelineId: 'orders', version: '1.0.0', state: 'DRAFT', author: 'ann', comment: 'please', commit: null, failure: null, findings: [], approvals: [] })
    expect(await version('orders')).toBeNull()
    expect((await step('submit', draft.id, as('ann'))).draft.state).toBe('SUBMITTED')
    const done = (await step('approve', draft.id, as('bob'))).draft
    expect(done).toMatchObject({ state: 'COMMITTED', commit: expect.stringMatching(/^[0-9a-f]{40}$/), approvals: [{ reviewer: 'bob', decision: 'APPROVED', comment: 'so be it', at: expect.any(String) }] })
    expect(await version('orders')).toEqual({ version: '1.0.0', versions: [{ version: '1.0.0', commit: done.commit, author: 'ann' }] })
  })

  test('D-11: nobody approves or rejects a draft of his own, whatever else he may', async () => {
    const draft = await submitted(pipeline('own'), 'eve')
    for (const name of ['approve', 'reject']) expect(await step(name, draft.id, as('eve'))).toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('your own') })
    expect(await step('approve', draft.id, as('reader'))).toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('pipeline:approve') })
    expect(await version('own')).toBeNull()
    expect((await step('approve', draft.id, as('bob'))).draft.state).toBe('COMMITTED')
  })

  test('D-11: somebody else neither changes nor submits a draft, so that he cannot approve what he wrote', async () => {
    const { draft } = await create(pipeline('theirs'))
    expect(await update(draft.id, pipeline('theirs', '1.0', ' header="false"'), as('eve'))).toMatchObject({ code: 'FORBIDDEN' })
    expect(await step('submit', draft.id, as('eve'))).toMatchObject({ code: 'FORBIDDEN' })
  })

  test('D-11: a draft whose pipeline has changed since is not approved, and is once it was updated', async () => {
    const [changing, created] = [await submitted(pipeline('there', '2.0')), await submitted(pipeline('raced'))]
    await hub.query('mutation ($xml: String!) { updatePipeline(app: "shop", id: "there", xml: $xml) { id } }', { xml: pipeline('there', '1.5') })
    await hub.query('mutation ($xml: String!) { createPipeline(app: "shop", xml: $xml) { id } }', { xml: pipeline('raced', '0.5') })
    expect(await step('approve', changing.id, as('bob'))).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('was changed since') })
    expect(await step('approve', created.id, as('bob'))).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('was created since') })
    const again = (await update(changing.id, pipeline('there', '2.0'))).draft
    expect(again).toMatchObject({ state: 'DRAFT', comment: 'please' })
    await step('submit', changing.id, as('ann'))
    expect((await step('approve', changing.id, as('bob'))).draft.state).toBe('COMMITTED')
    expect((await version('there'))?.version).toBe('2.0.0')
  })

  test('D-11: a draft takes the steps of its state alone', async () => {
    const { draft } = await create(pipeline('steps'))
    expect(await step('approve', draft.id, as('bob'))).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('is DRAFT; it cannot be approved. What it takes: update, submit.') })
    await step('submit', draft.id, as('ann'))
    expect(await step('submit', draft.id, as('ann'))).toMatchObject({ code: 'CONFLICT' })
    expect((await step('reject', draft.id, as('bob'))).draft).toMatchObject({ state: 'REJECTED', approvals: [{ reviewer: 'bob', decision: 'REJECTED' }] })
    expect(await step('approve', draft.id, as('bob'))).toMatchObject({ code: 'CONFLICT' })
    expect((await update(draft.id, pipeline('steps', '1.0', ' header="false"'))).draft.state).toBe('DRAFT')
    await step('submit', draft.id, as('ann'))
    expect((await step('approve', draft.id, as('bob'))).draft).toMatchObject({ state: 'COMMITTED', approvals: [{ decision: 'REJECTED' }, { decision: 'APPROVED' }] })
    for (const name of ['approve', 'reject', 'submit']) expect(await step(name, draft.id, as(name === 'submit' ? 'ann' : 'bob'))).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('at its end') })
    expect(await update(draft.id, pipeline('steps', '3.0'))).toMatchObject({ code: 'CONFLICT' })
  })

  test('D-11: what cannot be committed stays APPROVED with the reason, and is committed by the next approval', async () => {
    const draft = await submitted(pipeline('stuck'))
    const lock = join(pipelines, '.git', 'index.lock')
    writeFileSync(lock, 'a git program')
    const { draft: failed } = await step('approve', draft.id, as('bob')).finally(() => rmSync(lock))
    expect(failed).toMatchObject({ state: 'APPROVED', commit: null, failure: expect.stringContaining('index.lock') })
    expect([await version('stuck'), (await entries({ subject: 'stuck' })).map(({ outcome }) => outcome)]).toEqual([null, []])
    expect((await step('approve', draft.id, as('bob'))).draft).toMatchObject({ state: 'COMMITTED', failure: null, approvals: [{}, {}] })
    expect((await version('stuck'))?.versions).toEqual([{ version: '1.0.0', author: 'ann', commit: expect.any(String) }])
  }, 120_000)

  test('D-11: a draft that was rejected by its version alone, as it was there before, says so and can be mended', async () => {
    const draft = await submitted(pipeline('there', '1.5', ' header="false"'))
    const { draft: failed } = await step('approve', draft.id, as('bob'))
    expect(failed).toMatchObject({ state: 'APPROVED', failure: expect.stringContaining('Version 1.5.0') })
    expect((await update(draft.id, pipeline('there', '2.1'))).draft.state).toBe('DRAFT')
  })

  test('D-11: drafts are listed by application and state, with pages, and are those of their tenant', async () => {
    const { draft } = await create(pipeline('listed'))
    const list = async (given: string, headers = as('reader')) => (await hub.query<{ pipelineDrafts: { nodes: { id: string; state: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } }>(`{ pipelineDrafts${given} { nodes { id state } pageInfo { hasNextPage endCursor } } }`, {}, headers)).data?.pipelineDrafts
    const first = await list('(first: 1)')
    expect(first).toMatchObject({ nodes: [{ id: draft.id }], pageInfo: { hasNextPage: true } })
    expect((await list(`(first: 1, after: "${first?.pageInfo.endCursor ?? ''}")`))?.nodes[0]?.id).not.toBe(draft.id)
    expect((await list('(app: "shop", state: COMMITTED)'))?.nodes.every(({ state }) => state === 'COMMITTED')).toBe(true)
    expect((await list('(app: "crm")'))?.nodes).toEqual([])
    expect((await list('', as('other')))?.nodes).toEqual([])
    expect((await hub.query('query ($id: ID!) { pipelineDraft(id: $id) { id } }', { id: draft.id }, as('other'))).data).toEqual({ pipelineDraft: null })
    expect(await step('approve', draft.id, as('other'))).toMatchObject({ code: 'NOT_FOUND' })
    expect((await hub.query('{ pipelineDrafts { nodes { id } } }', {}, as('nobody'))).errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN')
  })

  test('D-11: a document with mistakes, or an application that is none, is no draft, and a password in one is shown to nobody', async () => {
    expect(await create('<pipeline id="x"/>')).toMatchObject({ code: 'VALIDATION_ERROR' })
    expect(await create(pipeline('x'), as('ann'), '../x')).toMatchObject({ code: 'VALIDATION_ERROR' })
    const { draft } = await create(pipeline('leaky').replace(/<csv id="s"[^>]*>/, '<database id="s" jdbcUrl="jdbc:postgresql://ann:s3cret@host/db"><sql>SELECT 1 AS n</sql></database>'))
    expect(JSON.stringify(draft)).not.toContain('s3cret')
    expect(JSON.stringify(await entries())).not.toContain('s3cret')
  })

  test('D-11: over REST, too', async () => {
    const created = await rest('POST', '/drafts', { app: 'shop', xml: pipeline('resty'), comment: 'by rest' })
    const id = String(created.body['id'])
    expect(created).toMatchObject({ status: 201, body: { state: 'draft', pipeline_id: 'resty', comment: 'by rest' } })
    expect(await rest('POST', `/drafts/${id}/update`, {})).toMatchObject({ status: 422 })
    expect(await rest('POST', `/drafts/${id}/update`, { xml: pipeline('resty', '1.1') })).toMatchObject({ status: 200, body: { version: '1.1.0', comment: 'by rest' } })
    expect(await rest('POST', `/drafts/${id}/submit`)).toMatchObject({ status: 200, body: { state: 'submitted' } })
    expect(await rest('POST', `/drafts/${id}/approve`, {})).toMatchObject({ status: 403 })
    expect(await rest('POST', `/drafts/${id}/approve`, { comment: 'yes' }, as('bob'))).toMatchObject({ status: 200, body: { state: 'committed', approvals: [{ decision: 'approved', comment: 'yes' }] } })
    expect([(await rest('POST', `/drafts/${id}/reject`, {}, as('bob'))).status, (await rest('POST', `/drafts/${id}/sign`, {})).status, (await rest('GET', '/drafts/none')).status]).toEqual([409, 400, 404])
    expect((await rest('GET', '/drafts?state=committed&page_size=1')).body).toMatchObject({ drafts: [{ id, state: 'committed' }], next_page_token: expect.any(String) })
    expect(await rest('GET', '/audit?subject=resty', undefined, as('auditor'))).toMatchObject({ status: 200, body: { entries: [{ action: 'pipeline.create', outcome: 'allowed', app: 'shop', actor: 'bob', detail: { author: 'ann', draft: id } }], next_page_token: null } })
    expect(await rest('GET', '/audit?outcome=refused&page_size=1', undefined, as('auditor'))).toMatchObject({ status: 200, body: { entries: [{ outcome: 'refused' }] } })
    expect([(await rest('GET', '/audit?since=soon', undefined, as('auditor'))).status, (await rest('GET', '/audit', undefined, as('ann'))).status]).toEqual([422, 403])
    expect(await rest('GET', '/audit/verify', undefined, as('auditor'))).toMatchObject({ status: 200, body: { valid: true, broken_at: null } })
  })

  test('D-112: every change, every step of a draft and everything refused is an entry, and what fails is one more', async () => {
    const { draft } = await create(pipeline('told'))
    await step('submit', draft.id, as('ann'))
    await step('approve', draft.id, as('reader'))
    await step('approve', draft.id, as('bob'))
    expect((await entries({ subject: draft.id })).map(({ action, actor, outcome }) => [action, actor, outcome])).toEqual([['draft.approve', 'bob', 'ALLOWED'], ['draft.approve', 'reader', 'REFUSED'], ['draft.submit', 'ann', 'ALLOWED'], ['draft.create', 'ann', 'ALLOWED']])
    const remove = (headers: Readonly<Record<string, string>>) => hub.query('mutation { deletePipeline(app: "shop", id: "told") }', {}, headers)
    await remove(as('reader'))
    await remove(as('ann'))
    expect((await entries({ subject: 'told' })).map(({ action, actor, outcome }) => [action, actor, outcome])).toEqual([['pipeline.delete', 'ann', 'ALLOWED'], ['pipeline.delete', 'reader', 'REFUSED'], ['pipeline.create', 'bob', 'ALLOWED']])
    // A folder where the file would have to be: it fails behind the entry.
    mkdirSync(join(pipelines, 'applications/shop/service/pipelines/blocked.xml'), { recursive: true })
    await hub.query('mutation ($xml: String!) { createPipeline(app: "shop", xml: $xml) { id } }', { xml: pipeline('blocked') })
    const [failed, allowed] = await entries({ subject: 'blocked' })
    expect([failed, allowed]).toMatchObject([{ outcome: 'FAILED', detail: { code: 'UPSTREAM_REJECTED', of: allowed?.sequence } }, { outcome: 'ALLOWED', action: 'pipeline.create' }])
    expect(await verified()).toEqual({ valid: true, checked: (await entries()).length, brokenAt: null, reason: null })
  })

  test('D-112: the audit log is read by who may, of his applications alone, and is that of his tenant', async () => {
    await create(pipeline('x'), as('ann'), 'crm')
    expect(new Set((await entries({}, as('auditor'))).map(({ app }) => app))).toEqual(new Set(['shop', 'crm']))
    expect(new Set((await entries({}, as('shop-auditor'))).map(({ app }) => app))).toEqual(new Set(['shop']))
    const code = async (query: string, headers: Readonly<Record<string, string>>) => (await hub.query(query, {}, headers)).errors?.[0]?.extensions?.['code']
    expect([await code('{ auditLog(filter: { app: "crm" }) { nodes { sequence } } }', as('shop-auditor')), await code('{ verifyAudit { valid } }', as('shop-auditor')), await code('{ auditLog { nodes { sequence } } }', as('bob'))]).toEqual(['FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'])
    expect(await entries({}, as('other'))).toEqual([])
  })

  const onSqlite = isEmbedded ? test : test.skip
  onSqlite('D-112: an entry that is changed or deleted is found and named, also where all behind the last commit is rewritten with the head', async () => {
    const count = (await entries()).length
    const attempt = async (...statements: string[]) => {
      const database = new DatabaseSync(join(hub.data, 'metadata.sqlite'))
      try {
        database.exec(`CREATE TABLE kept AS SELECT * FROM audit_entry; CREATE TABLE kept_head AS SELECT * FROM audit_head; ${statements.join('; ')}`)
        const answer = await verified()
        database.exec('DELETE FROM audit_entry; INSERT INTO audit_entry SELECT * FROM kept; DELETE FROM audit_head; INSERT INTO audit_head SELECT * FROM kept_head; DROP TABLE kept; DROP TABLE kept_head')
        return answer
      } finally {
        database.close()
      }
    }
    expect(await attempt("UPDATE audit_entry SET actor = 'mallory' WHERE sequence = 3 AND tenant = 'acme'")).toMatchObject({ valid: false, checked: 2, brokenAt: 3 })
    expect(await attempt("DELETE FROM audit_entry WHERE sequence = 5 AND tenant = 'acme'")).toMatchObject({ valid: false, checked: 4, brokenAt: 5 })
    expect(await attempt(`DELETE FROM audit_entry WHERE sequence = ${count} AND tenant = 'acme'`)).toMatchObject({ valid: false, checked: count - 1, brokenAt: count })
    const cut = "UPDATE audit_head SET sequence = 4, hash = (SELECT hash FROM audit_entry WHERE sequence = 4 AND tenant = 'acme') WHERE tenant = 'acme'"
    expect(await attempt("DELETE FROM audit_entry WHERE sequence > 4 AND tenant = 'acme'", cut)).toMatchObject({ valid: false, checked: 4, brokenAt: 5, reason: expect.stringContaining('a commit of the definitions remembers') })
    expect(await verified()).toMatchObject({ valid: true, checked: count })
  })

  test('D-112: each commit names its entry', async () => {
    const trailers: string[] = []
    for await (const commit of openGitDefinitions(pipelines).commits(testScope())) if (commit.trailers['Audit-Entry'] !== undefined) trailers.push(commit.trailers['Audit-Entry'])
    const known = new Map((await hub.query<{ auditLog: { nodes: { sequence: number; hash: string; action: string }[] } }>('{ auditLog(first: 1000) { nodes { sequence hash action } } }', {}, as('auditor'))).data?.auditLog.nodes.map(({ sequence, hash, action }) => [`${sequence} ${hash} acme`, action]))
    expect(trailers.length).toBeGreaterThan(5)
    expect(trailers.map(text => known.get(text)?.split('.')[0])).toEqual(trailers.map(() => 'pipeline'))
  })

  onSqlite('D-112: without its entry nothing is changed', async () => {
    const database = new DatabaseSync(join(hub.data, 'metadata.sqlite'))
    database.exec("CREATE TRIGGER no_audit BEFORE INSERT ON audit_entry BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
    const { errors } = await hub.query('mutation ($xml: String!) { createPipeline(app: "shop", xml: $xml) { id } }', { xml: pipeline('unseen') })
    expect([errors?.length, existsSync(join(pipelines, 'applications/shop/service/pipelines/unseen.xml'))]).toEqual([1, false])
    expect(await create(pipeline('unseen'))).toMatchObject({ code: 'INTERNAL' })
    database.exec('DROP TRIGGER no_audit')
    database.close()
    expect(await verified()).toMatchObject({ valid: true })
  })
})
