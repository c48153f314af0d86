import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { changed, customerMaster, customerStagingLoad } from '../support/pipelines.ts'
import { startProgram } from '../support/program.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'validate-'))
  mkdirSync(join(folder, 'config'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(name: string, text: string | Buffer): void {
  const file = join(folder, 'config', name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

/** The schemas the sample names, below a folder. */
function writeSchemas(below: string): void {
  const customer = { customer_id: 'long', ssn: ['null', 'string'], email: ['null', 'string'], revenue: 'double', updated_at: { type: 'long', logicalType: 'timestamp-micros' } }
  const avro = (fields: Readonly<Record<string, unknown>>) => JSON.stringify({ type: 'record', name: 'rows', fields: Object.entries(fields).map(([name, type]) => ({ name, type })) })
  const json = (properties: Readonly<Record<string, unknown>>) => JSON.stringify({ type: 'object', properties, required: Object.keys(properties) })
  write(`${below}/schemas/customer_staging.avsc`, avro(customer))
  write(`${below}/schemas/customer_db.json`, json({ customer_id: { type: 'integer' }, status: { type: 'string' }, updated_at: { type: 'string', format: 'date-time' } }))
  write(`${below}/schemas/staging/customer_snapshot.avsc`, avro({ country_name: 'string', customers: 'long', revenue: 'double' }))
  write(`${below}/schemas/service/crm_export.json`, json({ country_name: { type: 'string' } }))
}

const validate = (...argv: readonly string[]) => startProgram(['validate', ...argv], { cwd: folder }).ended

test('D-114, D-92: a folder without mistakes is counted, warnings are said, and the program ends with 0', async () => {
  writeSchemas('staging')
  write('staging/load.xml', changed(customerStagingLoad, ['inferSchema="false"', 'inferSchema="true"']))
  write('job.xml', '<jobPipeline id="all" version="1.0"><pipelines><pipelineRef id="customer_staging_load"/></pipelines></jobPipeline>')
  write('notes.txt', 'no document')
  expect(await validate('config')).toEqual({
    code: 0, out: 'config: 1 pipeline, 1 job. No mistakes.\n',
    err: [
      'config/staging/load.xml:9:91  warning CONTRADICTION  The schema given is taken; "inferSchema" has no effect beside it.',
      'config/staging/load.xml:19:31  warning COLUMN_RENAMED  Both datasets have "customer_id", "updated_at"; of "customer_db" the result has "customer_id_customer_db", "updated_at_customer_db".', '',
    ].join('\n'),
  })
})

test('D-114: every mistake of every document below a folder is said with its place, and the program ends with 1', async () => {
  write('staging/load.xml', changed(customerStagingLoad, ['<mask ', '<msk '], ['PT2H', '2h']))
  write('job.xml', changed(customerMaster, ['dependsOn="customer_staging_load"', 'dependsOn="customer_load"']))
  write('latin.xml', Buffer.from('<pipeline id="Z\u00fcrich"/>', 'latin1'))
  const { code, out, err } = await validate('config')
  expect([code, out]).toEqual([1, ''])
  expect(err.split('\n')).toEqual([
    'config/job.xml:4:48  UNKNOWN_REFERENCE  "customer_load" is no pipeline of this job. There are customer_staging_load, customer_standardization, customer_service_export.',
    'config/latin.xml:1:1  NOT_WELL_FORMED  The document is not text in UTF-8.',
    'config/staging/load.xml:5:10  INVALID_VALUE  The text of <sla> is "2h"; a duration in ISO 8601 above zero, without years and months, such as PT2H or P1D is expected.',
    'config/staging/load.xml:21:5  UNKNOWN_ELEMENT  There is no element <msk>. Did you mean "mask"?',
    '',
  ])
})

test('D-60, D-89, D-90: the fault of the sample is found by the schemas it names, those of its layer before the common ones', async () => {
  const layer = 'applications/crm/staging'
  writeSchemas('common')
  const [from, to] = ['schemas/customer_staging.avsc', JSON.stringify({ type: 'record', name: 'rows', fields: ['customer_id', 'ssn', 'updated_at'].map(name => ({ name, type: name === 'updated_at' ? { type: 'long', logicalType: 'timestamp-millis' } : 'string' })) })]
  write(`${layer}/${from}`, to)
  write(`${layer}/schemas/customer_db.json`, '{"type":"object","properties":{"customer_id":{"type":"text"}}}')
  write(`${layer}/pipelines/load.xml`, changed(customerStagingLoad, ['customer_db.customer_id"', 'customer_db.id"'], ['<lookup source="customer_csv" reference="country_dim" outputFields="country_name"/>', '']))
  const lines = async () => (await validate('config')).err.split('\n').map(line => line.replace(/^config.*load.xml:/, ''))
  const hidden = (name: string) => `There is another schema "${name}", ../../../../common/${name}; that of the layer is taken.`
  expect(await lines()).toEqual([
    `10:7  warning AMBIGUOUS  ${hidden('schemas/customer_staging.avsc')}`,
    `12:103  warning AMBIGUOUS  ${hidden('schemas/customer_db.json')}`,
    '12:103  SCHEMA_INVALID  "schemas/customer_db.json" gives "customer_id" the type "text", which is none of JSON Schema.', '',
  ])
  rmSync(join(folder, 'config', layer, 'schemas/customer_db.json'))
  expect((await lines()).slice(1)).toEqual(['19:63  COLUMN_NOT_FOUND  "customer_db" has no column "id", which the condition names. Did you mean "customer_db.customer_id"?', ''])
  rmSync(join(folder, 'config/common'), { recursive: true })
  expect(await lines()).toEqual([
    '12:103  SCHEMA_NOT_FOUND  There is no schema "schemas/customer_db.json"; it was looked for in ../schemas/customer_db.json.',
    '25:85  SCHEMA_NOT_FOUND  There is no schema "schemas/staging/customer_snapshot.avsc"; it was looked for in ../schemas/staging/customer_snapshot.avsc.',
    '27:106  SCHEMA_NOT_FOUND  There is no schema "schemas/service/crm_export.json"; it was looked for in ../schemas/service/crm_export.json.', '',
  ])
})

test('D-27, D-29, D-79, D-89: documents of an application fit each other and where they lie', async () => {
  const empty = (id: string, layer: string) => `<pipeline id="${id}" version="1.0" layer="${layer}"><metadata><owner>o</owner></metadata><sources><csv id="a" path="a.csv"/></sources><targets><region name="r"/></targets></pipeline>`
  write('applications/crm/staging/pipelines/load.xml', empty('load', 'staging'))
  write('applications/crm/service/pipelines/again.xml', empty('load', 'staging'))
  write('applications/erp/staging/pipelines/load.xml', empty('load', 'staging'))
  write('applications/crm/jobs/all.xml', '<jobPipeline id="all" version="1.0"><pipelines>\n<pipelineRef id="laod" onFailure="fallback" fallback="export"/>\n<pipelineRef id="load"/></pipelines></jobPipeline>')
  expect((await validate('config')).err.split('\n')).toEqual([
    'config/applications/crm/jobs/all.xml:2:14  UNKNOWN_REFERENCE  There is no pipeline "laod" here. Did you mean "load"?',
    'config/applications/crm/jobs/all.xml:2:45  UNKNOWN_REFERENCE  There is no pipeline "export" here.',
    'config/applications/crm/service/pipelines/again.xml:1:35  LAYER_VIOLATION  The pipeline is of layer "staging" and lies in the folder of "service", applications/crm/service/pipelines/again.xml; one of them is wrong.',
    'config/applications/crm/staging/pipelines/load.xml:1:11  DUPLICATE_ID  "load" is the pipeline in applications/crm/service/pipelines/again.xml already; an id is one pipeline\'s in its application.', '',
  ])
})

test('for programs findings are JSON, with what would be right', async () => {
  write('staging/load.xml', changed(customerStagingLoad, ['<mask ', '<msk ']))
  const { code, out } = await validate('config/staging/load.xml', '--json')
  expect([code, JSON.parse(out)]).toEqual([1, {
    ok: false, files: [{ file: 'config/staging/load.xml', kind: 'pipeline', findings: [{ severity: 'ERROR', code: 'UNKNOWN_ELEMENT', line: 21, column: 5, path: '/pipeline/transformations/msk', message: 'There is no element <msk>. Did you mean "mask"?', proposal: 'mask' }] }],
  }])
})

test('what is not there, and what is no document by its size, is said', async () => {
  expect(await validate('config/nothing.xml')).toMatchObject({ code: 1, err: expect.stringContaining('There is no file or folder') })
  expect(await validate('config')).toMatchObject({ code: 1, err: expect.stringContaining('There is no .xml file below') })
  write('large.xml', Buffer.alloc(4 * 1024 * 1024 + 1, 32))
  expect(await validate('config')).toMatchObject({ code: 1, err: 'config/large.xml:1:1  REFUSED_XML  The file has more than 4194304 bytes, which no document has.\n' })
})

test('D-116: overlays of environments are checked with the documents they are about, all mistakes at once with line and column, and the program ends with 1', async () => {
  const pipeline = '<pipeline id="orders" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources><csv id="rows" path="landing/dev.csv"/></sources><targets><csv path="service/orders" mode="overwrite"/></targets></pipeline>'
  write('applications/shop/service/pipelines/orders.xml', pipeline)
  write('environments/qa.yaml', 'shop:\n  orders:\n    rows.path: landing/qa.csv\n')
  write('environments/prod.yaml', 'shop:\n  orders:\n    schedule: "0 5 * * *"\n')
  expect(await validate('config')).toMatchObject({ code: 0, out: 'config: 1 pipeline, 0 jobs. No mistakes.\n' })
  write('environments/qa.yaml', 'shop:\n  orders:\n    rows.pth: landing/qa.csv\n  order: {}\nshp: { orders: { rows.path: x } }\n')
  write('environments/prod.yaml', 'shop:\n  orders:\n    schedule: "at five"\n')
  const { code, err } = await validate('config')
  expect(code).toBe(1)
  expect(String(err)).toContain('config/environments/qa.yaml:3:5  UNKNOWN_REFERENCE  Pipeline "orders" of "shop" has nothing that "rows.pth" addresses. Did you mean "rows.path"')
  expect(String(err)).toContain('config/environments/qa.yaml:5:18  UNKNOWN_REFERENCE  There is no application "shp" with pipelines. Did you mean "shop"?')
  expect(String(err)).toContain('config/environments/prod.yaml:3:5  INVALID_VALUE  As PROD has "orders": ')
})
