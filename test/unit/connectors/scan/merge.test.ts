import { merged, type Part, unlessAborted } from '../../../../connectors/scan/merge.ts'

const { signal: never } = new AbortController()

/** Parts that count up, and what became of them. */
function counting(parts: number, items: number) {
  const told = { running: 0, most: 0, made: 0, ended: 0 }
  const part = (first: number): Part<number> => async function* () {
    told.running++
    told.most = Math.max(told.most, told.running)
    try {
      for (let item = 0; item < items; item++) {
        told.made++
        yield first + item
      }
    } finally {
      told.running--
      told.ended++
    }
  }
  return { told, parts: Array.from({ length: parts }, (_, index) => part(index * items)) }
}

test('every item of every part comes once, and no more parts run at a time than asked for', async () => {
  const { told, parts } = counting(20, 7)
  const seen: number[] = []
  for await (const item of merged(never, parts, 3)) seen.push(item)
  expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 140 }, (_, index) => index))
  expect(told).toEqual({ running: 0, most: 3, made: 140, ended: 20 })
  for await (const item of merged(never, [], 3)) throw new Error(`${String(item)} of nothing`)
})

test('parts are at most one item ahead of the reader, and end before a reader who leaves goes on', async () => {
  const { told, parts } = counting(4, 1000)
  let read = 0
  for await (const _ of merged(never, parts, 4)) {
    read++
    expect(told.made).toBeLessThanOrEqual(read + 4)
    if (read === 10) break
  }
  expect(told.running).toBe(0)
})

test('a failure of one part is told at once to the reader and to the others, whatever they say', async () => {
  let told: unknown
  const waits: Part<number> = async function* (signal) {
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    yield 1
  }
  const fails: Part<number> = async function* () {
    yield await Promise.reject(new Error('disk full'))
  }
  const watched: Part<number> = async function* (signal) {
    try {
      yield* waits(signal)
    } catch (error) {
      told = error
      throw error
    }
  }
  await expect((async () => { for await (const _ of merged(never, [watched, fails], 2)); })()).rejects.toThrow('disk full')
  expect(told).toMatchObject({ name: 'AbortError' })
})

test('an abort reaches the parts with its reason', async () => {
  const controller = new AbortController()
  const reason = new Error('the client left')
  const waits: Part<number> = async function* (signal) {
    yield 1
    await unlessAborted(signal, new Promise(() => undefined))
  }
  const reading = merged(controller.signal, [waits, waits], 2)
  await reading.next()
  await reading.next()
  controller.abort(reason)
  await expect(reading.next()).rejects.toBe(reason)
  await expect(merged(controller.signal, [waits], 2).next()).rejects.toBe(reason)
  await expect(unlessAborted(controller.signal, Promise.reject(new Error('unheard')))).rejects.toBe(reason)
})
