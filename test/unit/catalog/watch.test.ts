import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { settleMs, watchCatalog } from '../../../gateway/catalog/watch.ts'
import { MovedClock } from '../../support/scope.ts'

/** A clock that also tells when a timer was set: the moment the watcher has seen an event. */
class SeenClock extends MovedClock {
  #waiting: (() => void)[] = []

  override after(delayMs: number, work: () => void): () => void {
    for (const wake of this.#waiting.splice(0)) wake()
    return super.after(delayMs, work)
  }

  seen(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve))
  }
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'watch-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function watched(path: string) {
  const clock = new SeenClock()
  let changes = 0
  const watcher = watchCatalog(path, () => { changes += 1 }, { clock, onError: error => { throw error } })
  return { clock, watcher, changes: () => changes }
}

test('a written file is told once the writing has settled, and again after the next', async () => {
  const path = join(folder, 'hub.yaml')
  writeFileSync(path, 'a: 1')
  const { clock, watcher, changes } = watched(path)
  for (const round of [1, 2]) {
    const seen = clock.seen()
    writeFileSync(path, `a: ${round}`)
    await seen
    clock.advance(settleMs - 1)
    expect(changes()).toBe(round - 1)
    clock.advance(settleMs)
    expect(changes()).toBe(round)
  }
  watcher.close()
})

test('an editor that replaces the file is seen, a neighbour of the file is not', async () => {
  const path = join(folder, 'hub.yaml')
  writeFileSync(path, 'a: 1')
  const { clock, watcher, changes } = watched(path)
  const seen = clock.seen()
  writeFileSync(join(folder, 'neighbour.yaml'), 'b: 1')
  writeFileSync(join(folder, '4913'), '')
  renameSync(join(folder, '4913'), path)
  await seen
  clock.advance(settleMs)
  expect(changes()).toBe(1)
  watcher.close()
})

test('in a folder a new file and a removed one are seen, and nothing once it is closed', async () => {
  const { clock, watcher, changes } = watched(folder)
  let seen = clock.seen()
  writeFileSync(join(folder, 'b.yaml'), 'a: 1')
  await seen
  clock.advance(settleMs)
  const before = changes()
  expect(before).toBe(1)

  seen = clock.seen()
  rmSync(join(folder, 'b.yaml'))
  await seen
  watcher.close()
  clock.advance(settleMs)
  expect(changes()).toBe(1)
})

test('a path that is not there is refused', () => {
  expect(() => watched(join(folder, 'gone.yaml'))).toThrow('ENOENT')
})
