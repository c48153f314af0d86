import { createHash } from 'node:crypto'
import { catalogFolder } from '../support/catalog-folder.ts'
import { type RunningHub, startHub } from '../support/hub.ts'

const roles = ['viewer', 'operator', 'editor', 'approver', 'admin'] as const
const keys = [...roles.map(role => ({ id: role, scopes: [`role:${role}@crm`] })), { id: 'root', scopes: ['role:admin'] }, { id: 'author', scopes: ['role:editor'] }, { id: 'nobody', scopes: ['catalog:read'] }, { id: 'runner', scopes: ['pipeline:run@crm'] }]
const as = (id: string) => ({ 'x-api-key': `key of ${id}` })
const pipeline = (id: string, version = '1.0') => `<pipeline id="${id}" version="${version}" layer="service"><metadata><owner>o</owner></metadata><sources><csv id="s" path="landing/${id}.csv"/></sources><targets><csv path="service/${id}" mode="overwrite"/></targets></pipeline>`

describe('who may what with pipelines of which application', () => {
  const folder = catalogFolder({
    'keys.json': JSON.stringify(keys.map(key => ({ tenant: 'acme', ...key, sha256: createHash('sha256').update(`key of ${key.id}`).digest('hex') }))),
    'hub.yaml': 'regions:\n  notes: { type: Note, key: id, fields: { id: ID! } }\n',
    'pipelines/applications/crm/service/pipelines/there.xml': pipeline('there'),
    'pipelines/applications/shop/service/pipelines/there.xml': pipeline('there'),
  })
  let hub: RunningHub
  const runs: Record<string, string> = {}
  let ids = 0
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog, flags: [`--auth-api-keys-file=${folder.folder}/keys.json`, `--pipelines-folder=${folder.folder}/pipelines`, '--pipelines-slots=0', '--pipelines-schedules=false'], headers: as('root') })
    for (const app of ['crm', 'shop']) runs[app] = await started(app)
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  const started = async (app: string) => (await hub.query<{ runPipeline: { runId: string } }>('mutation ($app: String!) { runPipeline(app: $app, id: "there", allowConcurrent: true) { runId } }', { app })).data?.runPipeline.runId ?? ''
  const code = async (query: string, variables: Readonly<Record<string, unknown>>, who: string) => {
    const { data, errors } = await hub.query<Record<string, unknown>>(query, variables, as(who))
    if (errors) return String(errors[0]?.extensions?.['code'])
    return Object.values(data ?? {}).includes(null) ? 'NOTHING' : 'OK'
  }
  const submitted = async (app: string) => {
    const id = `d${++ids}`
    const made = await hub.query<{ createPipelineDraft: { id: string } }>('mutation ($app: String!, $xml: String!) { createPipelineDraft(app: $app, xml: $xml) { id } }', { app, xml: pipeline(id) }, as('author'))
    const draft = made.data?.createPipelineDraft.id ?? ''
    await hub.query('mutation ($id: ID!) { submitPipelineDraft(id: $id) { id } }', { id: draft }, as('author'))
    return draft
  }

  /** What is done to an application, and who may. */
  const actions: Record<string, { readonly may: readonly (typeof roles)[number][]; readonly does: (app: string, who: string) => Promise<string> }> = {
    'looks at a pipeline': { may: roles, does: (app, who) => code('query ($app: String!) { pipeline(app: $app, id: "there") { id versions { commit } } }', { app }, who) },
    'lists pipelines': { may: roles, does: (app, who) => code('query ($app: String!) { pipelines(app: $app) { nodes { id } } }', { app }, who) },
    'lists runs': { may: roles, does: (app, who) => code('query ($app: String!) { runs(filter: { app: $app }) { nodes { runId } } }', { app }, who) },
    'looks at a run': { may: roles, does: (app, who) => code('query ($runId: ID!) { run(runId: $runId) { state } }', { runId: runs[app] }, who) },
    'reads what a run logged': { may: roles, does: (app, who) => code('query ($runId: ID!) { runLogs(runId: $runId) { nodes { message } } }', { runId: runs[app] }, who) },
    'counts runs': { may: roles, does: (app, who) => code('query ($app: String!) { runStats(app: $app) { open } topFailureReasons(app: $app) { count } slaCompliance(app: $app) { met } pipelineStats(app: $app) { runs } }', { app }, who) },
    'lists drafts': { may: roles, does: (app, who) => code('query ($app: String!) { pipelineDrafts(app: $app) { nodes { id } } }', { app }, who) },
    'looks at a draft': { may: roles, does: async (app, who) => code('query ($id: ID!) { pipelineDraft(id: $id) { state } }', { id: await submitted(app) }, who) },
    'runs a pipeline': { may: ['operator', 'admin'], does: (app, who) => code('mutation ($app: String!) { runPipeline(app: $app, id: "there", allowConcurrent: true) { runId } }', { app }, who) },
    'cancels a run': { may: ['operator', 'admin'], does: async (app, who) => code('mutation ($runId: ID!) { cancelRun(runId: $runId) { state } }', { runId: await started(app) }, who) },
    'creates a pipeline': { may: ['editor', 'admin'], does: (app, who) => code('mutation ($app: String!, $xml: String!) { createPipeline(app: $app, xml: $xml) { id } }', { app, xml: pipeline(`c${++ids}`) }, who) },
    'updates a pipeline': { may: ['editor', 'admin'], does: (app, who) => code('mutation ($app: String!, $xml: String!) { updatePipeline(app: $app, id: "there", xml: $xml) { id } }', { app, xml: pipeline('there', `2.${++ids}`) }, who) },
    'deletes a pipeline': {
      may: ['editor', 'admin'],
      does: async (app, who) => {
        const id = `x${++ids}`
        await hub.query('mutation ($app: String!, $xml: String!) { createPipeline(app: $app, xml: $xml) { id } }', { app, xml: pipeline(id) })
        return code('mutation ($app: String!, $id: ID!) { deletePipeline(app: $app, id: $id) }', { app, id }, who)
      },
    },
    'writes a draft': { may: ['editor', 'admin'], does: (app, who) => code('mutation ($app: String!, $xml: String!) { createPipelineDraft(app: $app, xml: $xml) { id } }', { app, xml: pipeline(`w${++ids}`) }, who) },
    'approves a draft': { may: ['approver', 'admin'], does: async (app, who) => code('mutation ($id: ID!) { approvePipelineDraft(id: $id) { state } }', { id: await submitted(app) }, who) },
    'rejects a draft': { may: ['approver', 'admin'], does: async (app, who) => code('mutation ($id: ID!) { rejectPipelineDraft(id: $id) { state } }', { id: await submitted(app) }, who) },
    'promotes a version': {
      may: ['approver', 'admin'],
      does: async (app, who) => {
        const id = `p${++ids}`
        await hub.query('mutation ($app: String!, $xml: String!) { createPipeline(app: $app, xml: $xml) { id } }', { app, xml: pipeline(id) }, as('author'))
        return code('mutation ($app: String!, $id: ID!) { promotePipeline(app: $app, id: $id, version: "1.0", to: QA) { version } }', { app, id }, who)
      },
    },
    'reads the audit log': { may: ['admin'], does: (app, who) => code('query ($app: String!) { auditLog(filter: { app: $app }) { nodes { sequence } } }', { app }, who) },
  }
  const refused = ['FORBIDDEN', 'NOT_FOUND', 'NOTHING']

  test.each(Object.entries(actions))('D-111: who %s of his application, and of no other', async (_, { may, does }) => {
    for (const role of roles) {
      const own = await does('crm', role)
      expect([role, own]).toEqual([role, may.includes(role) ? 'OK' : 'FORBIDDEN'])
      const others = await does('shop', role)
      expect([role, refused.includes(others)]).toEqual([role, true])
    }
    expect([await does('crm', 'root'), await does('shop', 'root')]).toEqual(['OK', 'OK'])
    expect(refused).toContain(await does('crm', 'nobody'))
  }, 120_000)

  test('D-111: lists that name no application show those of the caller\'s own', async () => {
    const lists = '{ pipelines(first: 1000) { nodes { app } totalCount } runs(first: 1000) { nodes { app } } runStats { app } pipelineDrafts(first: 1000) { nodes { app } } }'
    const shown = async (who: string) => {
      const { data } = await hub.query<{ pipelines: { nodes: { app: string }[]; totalCount: number }; runs: { nodes: { app: string }[] }; runStats: { app: string }[]; pipelineDrafts: { nodes: { app: string }[] } }>(lists, {}, as(who))
      return [data?.pipelines.nodes, data?.runs.nodes, data?.runStats, data?.pipelineDrafts.nodes].map(nodes => [...new Set(nodes?.map(({ app }) => app))].sort())
    }
    expect([await shown('viewer'), await shown('root')]).toEqual([[['crm'], ['crm'], ['crm'], ['crm']], [['crm', 'shop'], ['crm', 'shop'], ['crm', 'shop'], ['crm', 'shop']]])
    expect((await hub.query(lists, {}, as('nobody'))).errors?.every(({ extensions }) => extensions?.['code'] === 'FORBIDDEN')).toBe(true)
  })

  test('D-111: a subscription tells of the caller\'s applications alone', async () => {
    const events = hub.subscribe<{ pipelineRunChanged: { app: string } }>('subscription { pipelineRunChanged { app } }', {}, as('viewer'))
    const seen = [(await events.next()).value?.data?.pipelineRunChanged.app]
    await started('shop')
    await started('crm')
    for (let more = 0; more < 3; more++) seen.push((await events.next()).value?.data?.pipelineRunChanged.app)
    await events.return()
    expect(new Set(seen)).toEqual(new Set(['crm']))
    for (const [given, expected] of [[`(app: "shop")`, 'FORBIDDEN'], [`(runId: "${runs['shop'] ?? ''}")`, 'NOT_FOUND']]) {
      await expect(hub.subscribe(`subscription { pipelineRunChanged${given ?? ''} { app } }`, {}, as('viewer')).next()).rejects.toMatchObject([{ extensions: { code: expected } }])
    }
  })

  test('D-111: who may run and not read begins and ends runs, and sees no other', async () => {
    const { data } = await hub.query<{ runPipeline: { runId: string } }>('mutation { runPipeline(app: "crm", id: "there", allowConcurrent: true) { runId } }', {}, as('runner'))
    expect(await code('mutation ($runId: ID!) { cancelRun(runId: $runId) { state } }', { runId: data?.runPipeline.runId }, 'runner')).toBe('OK')
    expect([await code('{ runs { nodes { runId } } }', {}, 'runner'), await code('mutation ($runId: ID!) { cancelRun(runId: $runId) { state } }', { runId: runs['shop'] }, 'runner')]).toEqual(['FORBIDDEN', 'NOT_FOUND'])
  })

  test('D-111: over REST, too', async () => {
    const status = async (method: string, path: string, who: string, body?: unknown) => (await fetch(`${hub.url}/api/v1/datahub${path}`, { method, headers: { ...as(who), 'content-type': 'application/json' }, ...(body !== undefined && { body: JSON.stringify(body) }) })).status
    const matrix = [
      ['GET', '/pipelines/crm/there', undefined, [200, 200, 200, 200, 200]], ['GET', '/pipelines/shop/there', undefined, [403, 403, 403, 403, 403]],
      ['POST', '/pipelines/crm/there/runs', { allow_concurrent: true }, [403, 202, 403, 403, 202]], ['POST', '/pipelines/shop/there/runs', { allow_concurrent: true }, [403, 403, 403, 403, 403]],
      ['DELETE', '/pipelines/shop/there', undefined, [403, 403, 403, 403, 403]], ['GET', '/runs?app=shop', undefined, [403, 403, 403, 403, 403]], ['GET', '/audit?app=crm', undefined, [403, 403, 403, 403, 200]],
      ['GET', '/data/crm/service.there', undefined, [403, 403, 403, 403, 403]], ['POST', '/exports/crm/service.there', {}, [403, 403, 403, 403, 403]],
      ['GET', `/runs/${runs['shop'] ?? ''}`, undefined, [404, 404, 404, 404, 404]],
    ] as const
    for (const [method, path, body, expected] of matrix) expect([path, await Promise.all(roles.map(role => status(method, path, role, body)))]).toEqual([path, expected])
  })
})
