import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { changed, customerMaster, customerStagingLoad } from '../support/pipelines.ts'

const cli = resolve(import.meta.dirname, '../../gateway/cli.ts')
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'validate-'))
  mkdirSync(join(folder, 'config/staging'), { recursive: true })
})
afterEach(() => rmSync(folder, { recursive: true }))

const write = (name: string, text: string | Buffer) => writeFileSync(join(folder, 'config', name), text)

function validate(...argv: readonly string[]): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [cli, 'validate', ...argv], { cwd: folder, env: { PATH: process.env['PATH'] } })
    let out = ''
    let err = ''
    child.stdout.on('data', chunk => { out += chunk })
    child.stderr.on('data', chunk => { err += chunk })
    child.on('error', failed)
    child.on('close', code => done({ code, out, err }))
  })
}

test('D-114, D-92: a folder without mistakes is counted, warnings are said, and the program ends with 0', async () => {
  write('staging/load.xml', changed(customerStagingLoad, ['inferSchema="false"', 'inferSchema="true"']))
  write('job.xml', customerMaster)
  write('notes.txt', 'no document')
  expect(await validate('config')).toEqual({
    code: 0, out: 'config: 1 pipeline, 1 job. No mistakes.\n', err: 'config/staging/load.xml:9:91  warning CONTRADICTION  The schema given is taken; "inferSchema" has no effect beside it.\n',
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
