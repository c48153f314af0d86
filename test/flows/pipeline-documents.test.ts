import { createHash } from 'node:crypto'
import { catalogFolder } from '../support/catalog-folder.ts'
import { type RunningHub, startHub } from '../support/hub.ts'
import { changed, customerMaster, customerStagingLoad } from '../support/pipelines.ts'

const keys = [{ id: 'acme', tenant: 'acme', scopes: ['catalog:read'] }, { id: 'nobody', tenant: 'acme', scopes: [] }]
const as = (id: string) => ({ 'x-api-key': `key of ${id}` })
const faulty = changed(customerStagingLoad, ['PT2H', '2h'], ['<mask ', '<msk '])

describe('documents of pipelines', () => {
  const folder = catalogFolder({
    'keys.json': JSON.stringify(keys.map(key => ({ ...key, sha256: createHash('sha256').update(`key of ${key.id}`).digest('hex') }))),
    'hub.yaml': 'regions:\n  notes: { type: Note, key: id, fields: { id: ID! } }\n',
  })
  let hub: RunningHub
  beforeAll(async () => {
    hub = await startHub({ catalog: folder.catalog, flags: [`--auth-api-keys-file=${folder.folder}/keys.json`], headers: as('acme') })
  }, 120_000)
  afterAll(async () => {
    await hub.close()
    folder.remove()
  })

  const query = 'query ($xml: String!) { validatePipeline(xml: $xml) { valid kind findings { severity code message line column path proposal } plan { steps { id kind type line dependsOn parallelGroup hint } } } }'
  async function validated(xml: string) {
    const { data } = await hub.query<{ validatePipeline: { valid: boolean; kind: string; findings: unknown[]; plan: { steps: { id: string; parallelGroup: number; hint: string | null }[] } | null } }>(query, { xml })
    return data?.validatePipeline
  }

  test('D-09, D-74: validatePipeline says that a document is right, and what a run of it would do', async () => {
    const found = await validated(customerStagingLoad)
    expect(found).toMatchObject({ valid: true, kind: 'PIPELINE', findings: [] })
    expect(found?.plan?.steps.map(({ id, parallelGroup }) => `${parallelGroup} ${id}`)).toEqual(['0 customer_csv', '1 1-deduplicate', '2 2-sort', '0 customer_db', '3 3-join', '4 4-lookup', '5 5-mask', '6 6-aggregate', '7 target-1-hive', '7 target-2-csv', '7 target-3-database'])
    expect(found?.plan?.steps[4]).toEqual({ id: '3-join', kind: 'TRANSFORMATION', type: 'join', line: 19, dependsOn: ['2-sort', 'customer_db'], parallelGroup: 3, hint: null })
    expect(found?.plan?.steps.flatMap(({ id, hint }) => (hint === 'CACHE' ? [id] : []))).toEqual(['4-lookup', '6-aggregate'])
    expect(await validated(customerMaster)).toEqual({ valid: true, kind: 'JOB', findings: [], plan: null })
  })

  test('D-09: it lists everything that is wrong, with line, column and what was meant', async () => {
    expect(await validated(faulty)).toEqual({
      valid: false, kind: 'PIPELINE', plan: null,
      findings: [
        { severity: 'ERROR', code: 'INVALID_VALUE', message: expect.stringContaining('"2h"'), line: 5, column: 10, path: '/pipeline/metadata/sla', proposal: null },
        { severity: 'ERROR', code: 'UNKNOWN_ELEMENT', message: 'There is no element <msk>. Did you mean "mask"?', line: 21, column: 5, path: '/pipeline/transformations/msk', proposal: 'mask' },
      ],
    })
    expect(await validated('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>')).toMatchObject({ valid: false, kind: null, findings: [{ code: 'REFUSED_XML', line: 1, column: 1 }], plan: null })
  })

  test('D-14, D-26, D-73: what a document may say can be asked for', async () => {
    const { data } = await hub.query<{ transformationTypes: { name: string; attributes: { name: string; required: boolean; choices: string[] | null; default: string | null }[] }[]; pipelineXsd: string; jobXsd: string }>('{ transformationTypes { name attributes { name required choices default } } pipelineXsd jobXsd }')
    expect(data?.transformationTypes.map(({ name }) => name)).toEqual(['deduplicate', 'sort', 'join', 'lookup', 'merge', 'aggregate', 'mask', 'validate'])
    expect(data?.transformationTypes[0]?.attributes).toContainEqual({ name: 'keep', required: false, choices: ['first', 'last', 'latest'], default: 'first' })
    expect(data?.pipelineXsd).toContain('<xs:element name="pipeline">')
    expect(data?.jobXsd).toContain('<xs:element name="jobPipeline">')
  })

  test('D-09, D-14, D-73: the same over REST, where a document that may not run is a problem', async () => {
    const post = (xml: string, headers = as('acme')) => fetch(`${hub.url}/api/v1/datahub/pipelines/validate`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ xml }) })
    const right = await post(customerStagingLoad)
    expect([right.status, await right.json()]).toEqual([200, { valid: true, kind: 'pipeline', findings: [], steps: expect.arrayContaining([{ id: '3-join', kind: 'transformation', type: 'join', line: 19, depends_on: ['2-sort', 'customer_db'], parallel_group: 3, hint: null }]) }])
    const wrong = await post(faulty)
    expect([wrong.status, wrong.headers.get('content-type')]).toEqual([422, 'application/problem+json; charset=utf-8'])
    expect(await wrong.json()).toMatchObject({
      code: 'VALIDATION_ERROR', detail: 'The document has 2 mistakes.', errors: [{ loc: ['body', 'xml', 5, 10], type: 'validation_error' }, { loc: ['body', 'xml', 21, 5], msg: 'There is no element <msk>. Did you mean "mask"?' }],
      findings: [{ code: 'INVALID_VALUE' }, { severity: 'error', code: 'UNKNOWN_ELEMENT', line: 21, column: 5, proposal: 'mask' }],
    })
    const xsd = await fetch(`${hub.url}/api/v1/datahub/xsd/pipeline.xsd`, { headers: as('acme') })
    expect([xsd.headers.get('content-type'), (await xsd.text()).slice(0, 19)]).toEqual(['application/xml; charset=utf-8', '<?xml version="1.0"'])
    const types = await fetch(`${hub.url}/api/v1/datahub/transformations`, { headers: as('acme') })
    expect(((await types.json()) as { name: string }[]).map(({ name }) => name)).toContain('merge')
    expect((await post(customerStagingLoad, as('nobody'))).status).toBe(403)
  })

  test('who may not read the catalog may not ask', async () => {
    const response = await fetch(`${hub.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', ...as('nobody') }, body: JSON.stringify({ query: '{ pipelineXsd }' }) })
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] })
  })
})
