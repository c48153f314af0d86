import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { unzipSync, zipSync } from 'fflate'
import { mostBytes, packJob, type Pack, unpackJob } from '../../../gateway/pipelines/pack.ts'

const pipeline = (id: string, more = '') => `<pipeline id="${id}" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources><csv id="c" path="landing/c.csv" ${more}/></sources><targets><csv path="service/${id}" mode="overwrite"/></targets></pipeline>`
const layer = 'config/applications/shop/service'
const job = `${layer}/jobs/nightly.xml`

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'tributary-pack-'))
  put({
    [job]: '<jobPipeline id="nightly" version="2.1"><pipelines><pipelineRef id="load"/><pipelineRef id="export" dependsOn="load" onFailure="fallback" fallback="again"/></pipelines></jobPipeline>',
    [`${layer}/pipelines/load.xml`]: pipeline('load', 'schemaRef="schemas/c.json"'), [`${layer}/pipelines/export.xml`]: pipeline('export'), [`${layer}/pipelines/again.xml`]: pipeline('again'), [`${layer}/pipelines/other.xml`]: pipeline('other'),
    [`${layer}/schemas/c.json`]: '{"type":"object","properties":{"id":{"type":"integer"}}}', [`${layer}/resources/q/all.sql`]: 'SELECT 1', 'config/common/lookups/countries.csv': 'code,name\nDE,Germany\n',
    'config/applications/crm/service/pipelines/secret.xml': pipeline('secret'), 'config/applications/shop/staging/schemas/s.json': '{}',
  })
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

function put(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, name)), { recursive: true })
    writeFileSync(join(home, name), text)
  }
}

const packed = () => packJob(join(home, job))
const written = (bytes: Uint8Array): string => {
  writeFileSync(join(home, 'x.zip'), bytes)
  return join(home, 'x.zip')
}
/** The pack with some of its files changed, or taken out. */
const changed = ({ bytes }: Pack, change: (files: Record<string, Uint8Array>) => void): string => {
  const files = unzipSync(bytes)
  change(files)
  return written(zipSync(files))
}
const text = (value: string) => new TextEncoder().encode(value)

test('D-115: a job is packed with its pipelines and what they may name, and nothing of others', async () => {
  const { name, files, bytes } = await packed()
  expect(name).toBe('shop-nightly-2.1.0.zip')
  expect(files).toEqual([
    'applications/shop/service/jobs/nightly.xml', 'applications/shop/service/pipelines/again.xml', 'applications/shop/service/pipelines/export.xml', 'applications/shop/service/pipelines/load.xml',
    'applications/shop/service/resources/q/all.sql', 'applications/shop/service/schemas/c.json', 'common/lookups/countries.csv',
  ])
  const content = unzipSync(bytes)
  expect(Object.keys(content)).toEqual(['job.json', ...files])
  expect(JSON.parse(new TextDecoder().decode(content['job.json']))).toEqual({
    application: 'shop', job: 'nightly', version: '2.1.0', document: 'applications/shop/service/jobs/nightly.xml',
    files: Object.fromEntries(files.map(path => [path, createHash('sha256').update(readFileSync(join(home, 'config', path))).digest('hex')])),
  })
})

test('D-115: the same files are the same bytes, whenever and wherever they are packed', async () => {
  const first = await packed()
  put({ [job]: readFileSync(join(home, job), 'utf8') })
  const zone = process.env['TZ']
  process.env['TZ'] = 'Asia/Kolkata'
  try {
    expect(Buffer.compare((await packed()).bytes, first.bytes)).toBe(0)
  } finally {
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
  }
})

test('D-115: documents that lie in one folder are packed with the lookups above them', async () => {
  put({ 'loose/jobs/j.xml': '<jobPipeline id="j" version="1.0"><pipelines><pipelineRef id="p"/></pipelines></jobPipeline>', 'loose/jobs/p.xml': pipeline('p'), 'common/lookups/l.csv': 'a\n' })
  const pack = await packJob(join(home, 'loose/jobs/j.xml'))
  expect([pack.name, pack.files]).toEqual(['default-j-1.0.0.zip', ['common/lookups/l.csv', 'loose/jobs/j.xml', 'loose/jobs/p.xml']])
  const { document, remove } = await unpackJob(written(pack.bytes))
  expect(document.endsWith('/config/loose/jobs/j.xml')).toBe(true)
  await remove()
})

test('D-115: what may not run is not packed', async () => {
  await expect(packJob(join(home, layer, 'pipelines/load.xml'))).rejects.toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR', message: expect.stringContaining('Name a document <jobPipeline>') }))
  await expect(packJob(join(home, 'none.xml'))).rejects.toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
  put({ [`${layer}/pipelines/load.xml`]: pipeline('lod') })
  await expect(packed()).rejects.toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR', message: 'There is no pipeline "load" in "shop", which the job "nightly" runs. Did you mean "lod"?' }))
  put({ [`${layer}/pipelines/load.xml`]: '<pipeline id="load" version="1.0" layer="service"/>' })
  await expect(packed()).rejects.toThrow(expect.objectContaining({ code: 'CATALOG_INVALID' }))
})

test('D-115: a pack has its limit, and says what passed it', async () => {
  put({ 'config/common/lookups/large.csv': '' })
  writeFileSync(join(home, 'config/common/lookups/large.csv'), Buffer.alloc(mostBytes + 1))
  await expect(packed()).rejects.toThrow(expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE', message: expect.stringContaining('"common/lookups/large.csv"') }))
})

test('D-115: what is unpacked is what was packed, in a folder of its own', async () => {
  const { bytes, files } = await packed()
  const { document, remove } = await unpackJob(written(bytes))
  const root = join(document, '../../../../..')
  expect(files.map(file => readFileSync(join(root, file), 'utf8'))).toEqual(files.map(file => readFileSync(join(home, 'config', file), 'utf8')))
  await remove()
  expect(() => readFileSync(document)).toThrow('ENOENT')
})

const faults: readonly (readonly [string, (pack: Pack) => string, string])[] = [
  ['no zip', () => written(text('PK but not really')), 'cannot be read as a zip'],
  ['an end that is missing', ({ bytes }) => written(bytes.subarray(0, bytes.length - 40)), 'cannot be read as a zip'],
  ['no job.json', pack => changed(pack, files => { delete files['job.json'] }), 'it has no job.json'],
  ['a job.json of something else', pack => changed(pack, files => { files['job.json'] = text('{"name":"x"}') }), 'does not say application'],
  ['a file that was changed', pack => changed(pack, files => { files['applications/shop/service/schemas/c.json'] = text('{}') }), '"applications/shop/service/schemas/c.json" is not what job.json says'],
  ['a file that is missing', pack => changed(pack, files => { delete files['common/lookups/countries.csv'] }), '"common/lookups/countries.csv" is not what job.json says'],
  ['a file more', pack => changed(pack, files => { files['applications/shop/service/pipelines/more.xml'] = text('<x/>') }), '"applications/shop/service/pipelines/more.xml" is not what job.json says'],
  ['a name that leads out', pack => changed(pack, files => { files['../../outside'] = text('x') }), '"../../outside" is no name of a file in it'],
  ['a name from the root', pack => changed(pack, files => { files['/etc/x'] = text('x') }), '"/etc/x" is no name of a file in it'],
  ['a name with backslashes', pack => changed(pack, files => { files['..\\x'] = text('x') }), 'is no name of a file in it'],
  ['more than fits', pack => changed(pack, files => { files['bomb'] = new Uint8Array(mostBytes + 1) }), 'unpacked it has more than'],
]
test.each(faults)('D-115: a pack with %s is refused, and nothing of it is written', async (_, make, message) => {
  const file = make(await packed())
  const own = process.env['TMPDIR']
  process.env['TMPDIR'] = home
  const there = readdirSync(home)
  try {
    await expect(unpackJob(file)).rejects.toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR', message: expect.stringContaining(message) }))
    expect(readdirSync(home)).toEqual(there)
  } finally {
    if (own === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = own
  }
})

test('D-115: a size that a zip states falsely is not believed', async () => {
  const { bytes } = await packed()
  const lying = Uint8Array.from(bytes)
  const view = new DataView(lying.buffer)
  // The first entry of the central directory: its signature, and twenty-four bytes on the size unpacked (APPNOTE 4.3.12).
  const at = lying.findIndex((_, place) => place < lying.length - 4 && view.getUint32(place, true) === 0x02014b50)
  view.setUint32(at + 24, 3, true)
  await expect(unpackJob(written(lying))).rejects.toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR' }))
})
