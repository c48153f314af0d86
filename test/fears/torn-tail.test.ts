import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSegmentLog, type SegmentLog } from '../../connectors/segments/segment-log.ts'
import { testScope } from '../support/scope.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'torn-'))
})
afterEach(() => rm(directory, { recursive: true }))

const segmentBytes = 4096

function opened(preallocate: boolean): Promise<SegmentLog> {
  return openSegmentLog({ directory, segmentBytes, preallocate, log: testScope().log })
}

async function append(log: SegmentLog, ...groups: readonly (readonly string[])[]): Promise<void> {
  for (const group of groups) log.append(group.map(text => Buffer.from(text)))
  await log.whenDurable(log.end)
}

async function texts(log: SegmentLog): Promise<string[]> {
  return (await log.read(log.start, 1000)).map(payload => payload.toString())
}

async function newest(): Promise<string> {
  const names = (await readdir(directory)).filter(name => name.endsWith('.log')).sort()
  return join(directory, names.at(-1) ?? '')
}

describe.each([true, false])('with space taken ahead: %s', preallocate => {
  test('whatever byte a crash stopped at, the log holds the whole groups before it and goes on from there', async () => {
    const log = await opened(preallocate)
    await append(log, ['one'], ['two a', 'two b', 'two c'], ['three'])
    const used = log.segments.at(-1)?.bytes ?? 0
    await log.close()
    const file = await newest()
    const whole = await readFile(file)
    const ends = [0, 11, 11 + 3 * 13, 11 + 3 * 13 + 13]
    expect(used).toBe(ends[3])
    const held = [[], ['one'], ['one', 'two a', 'two b', 'two c'], ['one', 'two a', 'two b', 'two c', 'three']]

    for (let stop = 0; stop <= used; stop++) {
      // Bytes from `stop` on never reached the disk: the file's end, or the zeros it had.
      await writeFile(file, preallocate ? Buffer.concat([whole.subarray(0, stop), Buffer.alloc(segmentBytes - stop)]) : whole.subarray(0, stop))
      const again = await opened(preallocate)
      const expected = held[ends.findLastIndex(end => end <= stop)] ?? []
      expect(await texts(again)).toEqual(expected)
      await append(again, ['next'])
      expect(await texts(again)).toEqual([...expected, 'next'])
      await again.close()
      const third = await opened(preallocate)
      expect(await texts(third)).toEqual([...expected, 'next'])
      await third.close()
    }
  })

  test('what stood behind a torn frame never comes back, even when the next write has its length', async () => {
    const log = await opened(preallocate)
    await append(log, ['first'], ['torn!'], ['ghost'])
    await log.close()
    const handle = await open(await newest(), 'r+')
    await handle.write('X', 13 + 8)
    await handle.close()

    const again = await opened(preallocate)
    expect(await texts(again)).toEqual(['first'])
    await append(again, ['equal'])
    await again.close()
    const third = await opened(preallocate)
    expect(await texts(third)).toEqual(['first', 'equal'])
    expect(third.end).toBe(2)
    await third.close()
  })

  test('a crash between making a segment and writing to it leaves a log that goes on', async () => {
    const log = await opened(preallocate)
    await append(log, ['a'])
    await log.roll()
    await log.close()
    const again = await opened(preallocate)
    expect([again.start, again.end, await texts(again)]).toEqual([0, 1, ['a']])
    await append(again, ['b'])
    expect(await texts(again)).toEqual(['a', 'b'])
    await again.close()
  })

  test('damage in a segment that was closed long ago is told, never skipped', async () => {
    const log = await opened(preallocate)
    await append(log, ['a'], ['b'], ['c'])
    await log.roll()
    await append(log, ['d'])
    await log.close()
    const handle = await open(join(directory, `${'0'.repeat(20)}.log`), 'r+')
    await handle.write('X', 9 + 8)
    await handle.close()
    const again = await opened(preallocate)
    await expect(again.read(0, 10)).rejects.toEqual(expect.objectContaining({ code: 'INTERNAL', details: { file: `${'0'.repeat(20)}.log`, offset: 1 } }))
    expect((await again.read(3, 10)).map(String)).toEqual(['d'])
    await again.close()
  })
})

test('a segment with its space taken keeps its size until it is closed, then gives back what it did not need', async () => {
  const log = await opened(true)
  await append(log, ['a'])
  expect((await stat(await newest())).size).toBe(segmentBytes)
  const first = await newest()
  await log.roll()
  expect((await stat(first)).size).toBe(9)
  await log.close()
})
