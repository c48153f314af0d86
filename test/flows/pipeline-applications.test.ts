import { createHash } from 'node:crypto'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { catalogFolder } from '../support/catalog-folder.ts'
import { type RunningHub, startHub } from '../support/hub.ts'
import { customerMaster } from '../support/pipelines.ts'

const keys = [{ id: 'all', scopes: ['role:viewer'] }, { id: 'crm', scopes: ['role:viewer@crm'] }, { id: 'nobody', scopes: ['catalog:read'] }]
const as = (id: string) => ({ 'x-api-key': `key of ${id}` })
const pipeline = (id: string) => `<pipeline id="${id}" version="1.0" layer="staging"><metadata><owner>o</owner></metadata><sources><csv id="s" path="x.csv"/></sources><targets><csv path="staging/x" mode="overwrite"/></targets></pipeline>`

describe('applications of a hub', () => {
  const folder = catalogFolder({
    'keys.json': JSON.stringify(keys.map(key => ({ tenant: 'acme', ...key, sha256: createHash('sha256').update(`key of ${key.id}`).digest('hex') }))),
    'hub.yaml': 'regions:\n  notes: { type: Note, key: id, fields: { id: ID! } }\n',
    'config/applications/crm/staging/pipelines/load-file.xml': pipeline('load'),
    'config/applications/crm/staging/pipelines/broken.xml': pipeline('broken').replace('<targets>', '<targts>').replace('</targets>', '</targts>'),
    'config/applications/crm/staging/pipelines/notes.txt': 'none',
    'config/applications/crm/staging/schemas/deep/customer.avsc': '{}',
    'config/applications/crm/staging/resources/endpoints.yaml': '{}',
    'config/applications/crm/service/jobs/master.xml': customerMaster,
    'config/applications/shop/service/pipelines/p.xml': pipeline('p').replaceAll('staging', 'service'),
    'config/common/schemas/country.avsc': '{}',
    'config/common/schemas/README.md': 'none',
    'config/common/lookups/country_dim.csv': 'code,name\n',
  })
  let hub: RunningHub
  beforeAll(async () => {
    symlinkSync('/etc', join(folder.folder, 'config/applications/crm/staging/resources/etc'))
    symlinkSync('/etc', join(folder.folder, 'config/applications/linked'))
    hub = await startHub({ catalog: folder.catalog, flags: [`--auth-api-keys-file=${folder.folder}/keys.json`, `--pipelines-folder=${folder.folder}/config`, '--pipelines-slots=0'], headers: as('all') })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  const query = '{ applications { name layers { layer pipelines jobs schemas resources } } commonSchemas commonLookups }'
  const none = { pipelines: [], jobs: [], schemas: [], resources: [] }
  const crm = {
    name: 'crm',
    layers: [
      { layer: 'STAGING', pipelines: ['broken', 'load'], jobs: [], schemas: ['schemas/deep/customer.avsc'], resources: ['endpoints.yaml'] },
      { layer: 'STANDARDIZATION', ...none }, { layer: 'SERVICE', ...none, jobs: ['customer_master'] },
    ],
  }

  test('D-89 D-90: applications have their layers with pipelines, jobs, schemas and resources, and share schemas and lookups', async () => {
    expect((await hub.query(query)).data).toEqual({
      applications: [crm, { name: 'shop', layers: [{ layer: 'STAGING', ...none }, { layer: 'STANDARDIZATION', ...none }, { layer: 'SERVICE', ...none, pipelines: ['p'] }] }],
      commonSchemas: ['schemas/country.avsc'], commonLookups: ['country_dim'],
    })
  })

  test('D-111: applications are those the caller may read', async () => {
    expect((await hub.query('{ applications { name } }', {}, as('crm'))).data).toEqual({ applications: [{ name: 'crm' }] })
    for (const field of ['applications { name }', 'commonSchemas', 'commonLookups']) expect((await hub.query(`{ ${field} }`, {}, as('nobody'))).errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN')
  })

  test('D-89: over REST, too', async () => {
    const answer = await fetch(`${hub.url}/api/v1/datahub/applications`, { headers: as('crm') })
    expect([answer.status, await answer.json()]).toEqual([200, { applications: [{ ...crm, layers: crm.layers.map(layer => ({ ...layer, layer: layer.layer.toLowerCase() })) }], common_schemas: ['schemas/country.avsc'], common_lookups: ['country_dim'] }])
  })

  test('D-89: a hub without a folder of pipelines has none', async () => {
    const bare = await startHub({ catalog: folder.catalog })
    expect((await bare.query('{ applications { name } commonSchemas commonLookups }')).data).toEqual({ applications: [], commonSchemas: [], commonLookups: [] })
    await bare.close()
  })
})
