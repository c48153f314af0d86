import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { watch } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openMemoryRegions } from '../../connectors/memory/index.ts'
import { systemClock, type Scope } from '../../connectors/ports/scope.ts'
import { testScope } from '../support/scope.ts'
import { openBank, readSum, total, unsound } from './bank/bank.ts'
import { stress } from './bank/stress.ts'

/** Up to 200,000 where somebody has the time. */
const transfers = Number(process.env['BANK_TRANSFERS'] ?? 4_000)
const scope: Scope = { ...testScope(), clock: systemClock }

test('H-31 money moved over two regions by many at once, with conflicts and timeouts, is never more or less, nor seen half moved', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'bank-'))
  const store = await openMemoryRegions({ directory, clock: systemClock, log: scope.log })
  try {
    await openBank(store, scope)
    const { sums, uneven, outcomes, again, committed } = await stress(store, scope, { transfers, clients: 32 })
    expect(sums).toEqual(new Set([total]))
    expect((await readSum(store, scope)).result).toBe(total)
    expect(await unsound(store, scope)).toEqual([])
    expect(uneven).toEqual([])
    expect((await store.region('receipts').select(scope, {})).map(row => String(row['id'])).sort()).toEqual(committed.toSorted())
    // All of it happened: attempts that were lost and begun again, transactions that were lost for good, and others whose time ran out.
    expect(Object.fromEntries(outcomes)).toEqual({ TX_CONFLICT: expect.any(Number), TX_TIMEOUT: expect.any(Number) })
    expect(again).toBeGreaterThan(0)
    expect(committed.length + [...outcomes.values()].reduce((sum, count) => sum + count, 0)).toBe(transfers)
  } finally {
    await store.close()
    await rm(directory, { recursive: true, force: true })
  }
}, 60_000 + transfers * 5)

test('H-29 a bank killed at any moment has lost no transfer it answered, and holds no half of one', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'robbed-'))
  const file = join(directory, 'answered')
  const data = join(directory, 'data')
  await writeFile(file, '')
  const answered = async () => (await readFile(file, 'utf8')).split('\n').slice(0, -1)
  try {
    for (let round = 0; round < 8; round++) {
      const before = (await answered()).length
      const teller = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'bank/teller.ts'), data, file, `r${round}`], { stdio: ['ignore', 'ignore', 'pipe'] })
      const ended = once(teller, 'close')
      let complaint = ''
      teller.stderr.on('data', chunk => {
        complaint += String(chunk)
      })
      const wanted = before + 1 + Math.floor(Math.random() * 500)
      const grown = async () => {
        const changes = watch(file)
        try {
          while ((await answered()).length < wanted) await once(changes, 'change')
        } finally {
          changes.close()
        }
      }
      await Promise.race([grown(), ended])
      teller.kill('SIGKILL')
      await ended
      expect(complaint).toBe('')

      const store = await openMemoryRegions({ directory: data, clock: systemClock, log: scope.log, segmentBytes: 256 * 1024, retainBytes: 512 * 1024 })
      const kept = new Set((await store.region('receipts').select(scope, {})).map(row => String(row['id'])))
      expect((await answered()).filter(id => !kept.has(id))).toEqual([])
      expect((await readSum(store, scope)).result).toBe(total)
      expect(await unsound(store, scope)).toEqual([])
      await store.close()
    }
    expect((await answered()).length).toBeGreaterThan(8)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}, 120_000)
