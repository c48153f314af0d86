import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSpill } from '../../../connectors/pipelines/spill.ts'

let all: string
beforeEach(async () => {
  all = await mkdtemp(join(tmpdir(), 'tributary-spill-'))
})
afterEach(() => rm(all, { recursive: true }))

const folders = async () => (await readdir(all)).filter(name => name !== 'turn')

test('D-95 what a killed process left is removed by the next, and what another still holds is not', async () => {
  const held = await openSpill(all)
  const module = join(import.meta.dirname, '../../../connectors/pipelines/spill.ts')
  const child = spawn(process.execPath, ['--input-type=module', '-e', `const { openSpill } = await import(${JSON.stringify(module)}); await openSpill(process.argv[1]); console.log('open'); setInterval(() => {}, 1000)`, all], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  try {
    await once(child.stdout, 'data')
    expect((await folders()).length).toBe(2)
  } finally {
    child.kill('SIGKILL')
    await ended
  }
  await writeFile(join(held.folder, 'rows'), 'of a run')
  const next = await openSpill(all)
  expect([(await folders()).length, await readdir(held.folder)]).toEqual([2, ['rows']])
  await next.close()
  await held.close()
  expect(await folders()).toEqual([])
})

test('many that open at a time have a folder each', async () => {
  const open = await Promise.all(Array.from({ length: 5 }, () => openSpill(all)))
  expect((await folders()).length).toBe(5)
  await Promise.all(open.map(one => one.close()))
})
