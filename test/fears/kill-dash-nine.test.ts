import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { watch } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openMemoryRegions } from '../../connectors/memory/index.ts'
import { systemClock } from '../../connectors/ports/scope.ts'
import { testScope } from '../support/scope.ts'
import { accounts, groupSize } from './kill-dash-nine/accounts.ts'

const rounds = 20

/** Lines acknowledged so far, all of them whole: the last may have been cut by the kill. */
async function acknowledged(file: string): Promise<string[]> {
  const lines = (await readFile(file, 'utf8')).split('\n')
  lines.pop()
  return lines.filter(line => line !== 'ready')
}

/** Ends once the file has grown by so many lines. */
async function grown(file: string, lines: number): Promise<void> {
  const changes = watch(file)
  try {
    while ((await readFile(file, 'utf8')).split('\n').length <= lines) await once(changes, 'change')
  } finally {
    changes.close()
  }
}

test('a process killed at any moment loses no acknowledged write and keeps no half of a commit', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'killed-'))
  const file = join(directory, 'acknowledged')
  const data = join(directory, 'data')
  const scope = testScope()
  let first = 0
  let told = 0
  await writeFile(file, '')
  try {
    for (let round = 0; round < rounds; round++) {
      const before = (await readFile(file, 'utf8')).split('\n').length - 1
      const writer = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'kill-dash-nine/writer.ts'), data, file, String(first)], { stdio: ['ignore', 'ignore', 'pipe'] })
      const ended = once(writer, 'close')
      let complaint = ''
      writer.stderr.on('data', chunk => {
        complaint += String(chunk)
      })
      // A moment nobody chose: after some number of acknowledgements, wherever the next write stands by then.
      await Promise.race([grown(file, before + 1 + Math.floor(Math.random() * 200)), ended])
      writer.kill('SIGKILL')
      await ended
      expect(complaint).toBe('')

      const lines = await acknowledged(file)
      const store = await openMemoryRegions({ directory: data, clock: systemClock, log: scope.log, segmentBytes: 128 * 1024, retainBytes: 256 * 1024 })
      const region = await store.define(accounts)
      const ids = new Set((await region.select(scope, {})).map(row => String(row['id'])))
      const lost = lines.filter(line => {
        const [kind, number] = line.split(' ')
        return kind === 's' ? !ids.has(`s${number}`) : !ids.has(`g${number}-0`)
      })
      const members = new Map<string, number>()
      for (const id of ids) {
        const group = id.startsWith('g') ? id.slice(0, id.indexOf('-')) : undefined
        if (group) members.set(group, (members.get(group) ?? 0) + 1)
      }
      expect(lost).toEqual([])
      expect([...members].filter(([, count]) => count !== groupSize)).toEqual([])
      const [latest] = await region.getMany(scope, ['latest'])
      const newest = Math.max(...[...ids].filter(id => id !== 'latest').map(id => Number(id.slice(1).split('-')[0])), 0)
      expect(Number(latest?.row['round'] ?? 0)).toBe(newest)
      first = newest + 1
      told = lines.length
      await store.close()
    }
    expect(told).toBeGreaterThan(rounds * 10)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}, 120_000)
