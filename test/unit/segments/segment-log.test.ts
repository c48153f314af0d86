import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSegmentLog, type SegmentLogOptions } from '../../../connectors/segments/segment-log.ts'
import type { HubError } from '../../../schema/errors.ts'
import { testScope } from '../../support/scope.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'segments-'))
})
afterEach(() => rm(directory, { recursive: true }))

const opened = (changed: Partial<SegmentLogOptions> = {}) => openSegmentLog({ directory, segmentBytes: 1024, preallocate: true, log: testScope().log, ...changed })
const bytes = (text: string) => Buffer.from(text)

test('what is appended in one turn of the event loop becomes durable in one write', async () => {
  const log = await opened({ segmentBytes: 1024 * 1024 })
  let grew = 0
  log.onDurable(() => {
    grew += 1
  })
  await Promise.all(Array.from({ length: 500 }, (_, index) => log.whenDurable(log.append([bytes(`${index}`)]) + 1)))
  expect(grew).toBe(1)
  expect(log.durable).toBe(500)
  await log.close()
})

test('nothing is answered as durable, and nothing is read, before it is', async () => {
  const log = await opened()
  log.append([bytes('a')])
  expect([log.durable, log.end]).toEqual([0, 1])
  expect(await log.read(0, 10)).toEqual([])
  await log.whenDurable(1)
  expect((await log.read(0, 10)).map(String)).toEqual(['a'])
  await expect(log.whenDurable(2)).rejects.toThrow('Nothing was appended at 1')
  await log.close()
})

test('entries are found at their offset over many segments, small and larger than a segment', async () => {
  const log = await opened()
  const all = Array.from({ length: 200 }, (_, index) => `${index}:${'x'.repeat(index % 50 === 0 ? 5000 : index)}`)
  for (const text of all) {
    log.append([bytes(text)])
    if (text.length % 7 === 0) await log.whenDurable(log.end)
  }
  await log.whenDurable(log.end)
  await log.close()
  const again = await opened()
  expect(again.segments.length).toBeGreaterThan(10)
  for (const from of [0, 1, 49, 50, 51, 123, 199]) expect((await again.read(from, 5)).map(String)).toEqual(all.slice(from, from + 5))
  expect((await again.read(0, 1000)).map(String)).toEqual(all)
  expect(await again.read(200, 5)).toEqual([])
  await again.close()
})

test('a read stops near the bytes it may take, but always answers one entry', async () => {
  const log = await opened()
  for (let index = 0; index < 10; index++) log.append([bytes('x'.repeat(300))])
  await log.whenDurable(10)
  expect(await log.read(0, 10, 700)).toHaveLength(3)
  expect(await log.read(0, 10, 1)).toHaveLength(1)
  await log.close()
})

test('trimming deletes whole segments from the start, never the one written to, and reads below it are answered with the start', async () => {
  const log = await opened()
  for (let index = 0; index < 30; index++) {
    log.append([bytes('x'.repeat(200))])
    await log.whenDurable(log.end)
  }
  await log.trim(13)
  expect(log.start).toBeLessThanOrEqual(13)
  expect(log.start).toBeGreaterThan(8)
  await expect(log.read(0, 1)).rejects.toEqual(expect.objectContaining({ code: 'GONE', details: { start: log.start } }))
  await log.trim(1000)
  expect(log.segments).toHaveLength(1)
  const { start, end } = log
  await log.close()
  const again = await opened()
  expect([again.start, again.end]).toEqual([start, end])
  expect((await readdir(directory)).filter(name => name.endsWith('.log'))).toHaveLength(1)
  await again.close()
})

test('a write that fails is told once, and fails everything appended with it or after it', async () => {
  const failures: HubError[] = []
  const log = await opened({ segmentBytes: 256, onFailure: error => failures.push(error) })
  log.append([bytes('fine')])
  await log.whenDurable(1)
  // The next write needs a new segment, and the directory is gone.
  await rm(directory, { recursive: true })
  log.append([bytes('x'.repeat(300))])
  const second = log.whenDurable(2)
  log.append([bytes('y')])
  const third = log.whenDurable(3)
  await expect(second).rejects.toEqual(expect.objectContaining({ code: 'UPSTREAM_UNAVAILABLE' }))
  await expect(third).rejects.toEqual(expect.objectContaining({ code: 'UPSTREAM_UNAVAILABLE' }))
  expect(() => log.append([bytes('z')])).toThrow('nothing more is accepted')
  expect(failures).toHaveLength(1)
  expect(log.durable).toBe(1)
  await log.close()
  directory = await mkdtemp(join(tmpdir(), 'segments-'))
})

test('closing writes what was appended before it', async () => {
  const log = await opened()
  log.append([bytes('a')])
  log.append([bytes('b')])
  await log.close()
  expect(() => log.append([bytes('c')])).toThrow('closed')
  const again = await opened()
  expect((await again.read(0, 10)).map(String)).toEqual(['a', 'b'])
  await again.close()
})
