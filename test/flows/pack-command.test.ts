import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { catalogFolder } from '../support/catalog-folder.ts'
import { runProgram } from '../support/program.ts'

const place = 'config/applications/shop/service'
const pipeline = (id: string, from: string, to: string) => `<pipeline id="${id}" version="1.0" layer="service"><metadata><owner>o</owner></metadata><sources><csv id="c" path="${from}" schemaRef="schemas/c.json"/></sources><transformations><lookup source="c" reference="countries" keys="code" outputFields="name"/></transformations><targets><csv path="${to}" mode="overwrite"/></targets></pipeline>`
const files = {
  [`${place}/jobs/nightly.xml`]: '<jobPipeline id="nightly" version="2.1"><pipelines><pipelineRef id="load"/></pipelines></jobPipeline>',
  [`${place}/pipelines/load.xml`]: pipeline('load', 'landing/c.csv', 'service/load'),
  [`${place}/schemas/c.json`]: '{"type":"object","properties":{"id":{"type":"integer"},"code":{"type":"string"}}}',
  'config/common/lookups/countries.csv': 'code,name\nDE,Germany\nFR,France\n',
  'elsewhere/landing/c.csv': 'id,code\n1,FR\n2,DE\n',
}

test('D-08 D-115: a job is packed, and runs from its pack where nothing else of it is', async () => {
  const { folder, remove } = catalogFolder(files)
  try {
    const packed = await runProgram(['pack', `${place}/jobs/nightly.xml`], { cwd: folder })
    expect(packed).toEqual({ code: 0, out: expect.stringMatching(/^Wrote shop-nightly-2\.1\.0\.zip: 4 files, \d+ bytes\.\n$/), err: '' })
    rmSync(join(folder, 'config'), { recursive: true })
    const ran = await runProgram(['run', 'shop-nightly-2.1.0.zip', '--files', 'elsewhere', '--json'], { cwd: folder })
    expect(JSON.parse(ran.out)).toMatchObject({ ok: true, kind: 'job', jobId: 'nightly', version: '2.1.0', steps: [{ pipelineId: 'load', state: 'SUCCEEDED', rowsWritten: 2 }] })
    expect(readFileSync(join(folder, 'elsewhere/service/load/load.csv'), 'utf8')).toBe('id,code,name\n1,FR,France\n2,DE,Germany\n')
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(['elsewhere', 'shop-nightly-2.1.0.zip']))
  } finally {
    remove()
  }
})

test('D-115: another name and JSON as the answer; a pack needs to be told where its data is, and what is no pack is refused', async () => {
  const { folder, remove } = catalogFolder(files)
  try {
    const packed = await runProgram(['pack', `${place}/jobs/nightly.xml`, '--to', 'jobs.zip', '--json'], { cwd: folder })
    expect(JSON.parse(packed.out)).toMatchObject({ ok: true, file: 'jobs.zip', files: expect.arrayContaining(['applications/shop/service/pipelines/load.xml']) })
    expect(await runProgram(['run', 'jobs.zip'], { cwd: folder })).toMatchObject({ code: 2, err: expect.stringContaining('--files FOLDER') })
    expect(await runProgram(['pack', `${place}/pipelines/load.xml`], { cwd: folder })).toMatchObject({ code: 2, err: expect.stringContaining('jobs are packed') })
    expect(await runProgram(['run', 'config/common/lookups/countries.csv.zip', '--files', '.'], { cwd: folder })).toMatchObject({ code: 1, err: expect.stringContaining('There is no file') })
  } finally {
    remove()
  }
})
