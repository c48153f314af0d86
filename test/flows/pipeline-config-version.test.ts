import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { catalogFolder } from '../support/catalog-folder.ts'
import { eventually } from '../support/eventually.ts'
import { type RunningHub, startHub } from '../support/hub.ts'

const pipeline = (version: string) => `<pipeline id="orders" version="${version}" layer="service"><metadata><owner>o</owner></metadata><sources><csv id="s" path="landing/orders.csv"/></sources><targets><csv path="service/orders" mode="overwrite"/></targets></pipeline>`

describe('the commit a run was read at', () => {
  const folder = catalogFolder({
    'hub.yaml': 'regions:\n  notes: { type: Note, key: id, fields: { id: ID! } }\n',
    'pipelines/applications/shop/service/pipelines/orders.xml': pipeline('1.0'),
    'data/applications/shop/landing/orders.csv': 'id,total\n1,5\n',
  })
  const home = join(folder.folder, 'pipelines')
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog, flags: [`--pipelines-folder=${home}`] })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  interface Run { runId: string; state: string; configVersion: { commit: string; tag: string | null } | null }
  const ran = async () => {
    const { data } = await hub.query<{ runPipeline: Run }>('mutation { runPipeline(app: "shop", id: "orders") { runId } }')
    const look = async () => (await hub.query<{ run: Run }>('query ($runId: ID!) { run(runId: $runId) { runId state configVersion { commit tag } } }', { runId: data?.runPipeline.runId })).data?.run
    await eventually('the run ends', async () => (await look())?.state === 'SUCCEEDED')
    return look()
  }

  test('D-93: a run has the commit its pipeline was read at, with its tag, and none where that was not committed', async () => {
    expect((await ran())?.configVersion).toBeNull()
    const { data } = await hub.query<{ updatePipeline: { versions: { commit: string }[] } }>('mutation ($xml: String!) { updatePipeline(app: "shop", id: "orders", xml: $xml) { versions { commit } } }', { xml: pipeline('1.1') })
    const commit = data?.updatePipeline.versions[0]?.commit
    expect((await ran())?.configVersion).toEqual({ commit, tag: null })
    execFileSync('git', ['tag', 'release-7'], { cwd: home })
    const tagged = await ran()
    expect(tagged?.configVersion).toEqual({ commit, tag: 'release-7' })
    const rest = await fetch(`${hub.url}/api/v1/datahub/runs/${tagged?.runId ?? ''}`)
    expect(await rest.json()).toMatchObject({ config_version: { commit, tag: 'release-7' } })
    writeFileSync(join(home, 'applications/shop/service/pipelines/orders.xml'), pipeline('1.2'))
    expect((await ran())?.configVersion).toBeNull()
  })

  test('D-93: a repository that cannot be read keeps no run from its work', async () => {
    writeFileSync(join(home, '.git', 'HEAD'), 'ref: refs/heads/main')
    writeFileSync(join(home, '.git', 'refs', 'heads', 'main'), 'f'.repeat(40))
    expect(await ran()).toMatchObject({ state: 'SUCCEEDED', configVersion: null })
  })
})
