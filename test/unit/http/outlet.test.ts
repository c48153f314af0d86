import { Writable } from 'node:stream'
import fc from 'fast-check'
import { Outlet, Windows, type Framing } from '../../../gateway/http/outlet.ts'
import { textFrames } from '../../../gateway/http/text-frames.ts'
import { MovedClock } from '../../support/scope.ts'

/** Texts one after the other, a comma behind each. */
const listed: Framing = {
  size: (head, body) => head.length + body.length + 1,
  put: (into, at, head, body) => at + head.copy(into, at) + body.copy(into, at + head.length) + into.write(',', at + head.length + body.length),
}

/** A connection whose other side takes what was written when the test says so. */
class Held extends Writable {
  readonly writes: Buffer[] = []
  isHeld = false
  #take = () => {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    // What was taken may be written over, as the kernel would not mind.
    this.writes.push(Buffer.from(chunk))
    if (this.isHeld) this.#take = done
    else done()
  }

  take(): void {
    this.isHeld = false
    this.#take()
  }

  get texts(): string[] {
    return this.writes.map(String)
  }
}

const turn = () => new Promise(resolve => setImmediate(resolve))

function opened(widthMs = 5, framing = listed) {
  const clock = new MovedClock()
  const windows = new Windows(widthMs, clock)
  const target = new Held({ highWaterMark: 16 })
  const state = { isOpen: true, taken: 0 }
  const outlet = new Outlet(windows, { framing, target, isOpen: () => state.isOpen, maxBufferedBytes: 100, taken: () => { state.taken += 1 } })
  return { clock, windows, target, state, outlet, put: (text: string, head = '') => outlet.put(Buffer.from(head), Buffer.from(text), true) }
}

test('the first message after a rest leaves at the end of its turn, with those of the same turn', async () => {
  const { target, put } = opened()
  put('a')
  put('b')
  expect(target.texts).toEqual([])
  await turn()
  expect(target.texts).toEqual(['a,b,'])
})

test('what comes within the window behind a write leaves in one write when the window is over, and so on until there is a rest', async () => {
  const { target, clock, put } = opened()
  put('a')
  await turn()
  put('b')
  clock.advance(4)
  put('c')
  await turn()
  expect(target.texts).toEqual(['a,'])
  clock.advance(1)
  expect(target.texts).toEqual(['a,', 'b,c,'])
  put('d')
  clock.advance(5)
  clock.advance(5)
  put('e')
  await turn()
  expect(target.texts).toEqual(['a,', 'b,c,', 'd,', 'e,'])
})

test('without a window each message is written as it comes', () => {
  const { target, put } = opened(0)
  put('a')
  put('b')
  expect(target.texts).toEqual(['a,', 'b,'])
})

test('what waits leaves at once when it is asked to, or when it is much', () => {
  const { target, outlet, put } = opened()
  put('a')
  outlet.flush()
  outlet.flush()
  expect(target.texts).toEqual(['a,'])
  put('b')
  put('x'.repeat(64 * 1024))
  expect(target.writes.map(({ length }) => length)).toEqual([2, 2 + 64 * 1024 + 1])
})

test('there is no room while the connection holds more than its limit, and whoever waits is called once when it took all', async () => {
  const { target, outlet, put, state } = opened(0)
  target.isHeld = true
  put('x'.repeat(50))
  expect([outlet.hasRoom, outlet.isEmpty]).toEqual([true, false])
  put('x'.repeat(50))
  expect([outlet.hasRoom, outlet.put(Buffer.from(''), Buffer.from('no room'), false)]).toEqual([false, false])
  const calls: string[] = []
  const call = () => void calls.push('room')
  outlet.whenRoom(call)
  outlet.whenRoom(call)
  expect(state.taken).toBe(0)
  target.take()
  await turn()
  expect([calls, outlet.hasRoom, outlet.isEmpty, state.taken]).toEqual([['room'], true, true, 1])
})

test('nothing is written to a connection that is closed', async () => {
  const { target, put, state } = opened()
  put('a')
  state.isOpen = false
  await turn()
  expect(target.texts).toEqual([])
})

test('a flush of many connections leaves others their turn, and forgets nobody', async () => {
  const { windows } = opened()
  const targets = Array.from({ length: 400 }, () => new Held())
  const slow: Framing = { ...listed, size: (head, body) => { const until = performance.now() + 0.1; while (performance.now() < until); return listed.size(head, body) } }
  const busy: Framing = { ...slow, put: (into, at, head, body) => { slow.size(head, body); return listed.put(into, at, head, body) } }
  let turns = 0
  for (const target of targets) new Outlet(windows, { framing: busy, target, isOpen: () => true, maxBufferedBytes: 100 }).put(Buffer.alloc(0), Buffer.from('a'), false)
  while (targets.some(({ writes }) => writes.length === 0)) {
    await turn()
    turns += 1
  }
  expect(turns).toBeGreaterThan(2)
  expect(targets.flatMap(({ texts }) => texts)).toEqual(targets.map(() => 'a,'))
})

/** The texts of the frames (RFC 6455, section 5.2), read by the book. */
function textsIn(bytes: Buffer): string[] {
  const texts: string[] = []
  for (let at = 0; at < bytes.length; ) {
    expect(bytes[at]).toBe(0x81)
    const first = bytes[at + 1]!
    const [length, from] = first < 126 ? [first, at + 2] : first === 126 ? [bytes.readUInt16BE(at + 2), at + 4] : [Number(bytes.readBigUInt64BE(at + 2)), at + 10]
    if (first === 126) expect(length).toBeGreaterThan(125)
    if (first === 127) expect(length).toBeGreaterThan(65_535)
    texts.push(bytes.toString('utf8', from, from + length))
    at = from + length
  }
  return texts
}

test('WebSocket messages of any length and script stand in frames of their own', () => {
  const lengths = [0, 1, 110, 124, 125, 126, 127, 65_520, 65_533, 65_534, 65_535, 65_536, 70_000]
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.constantFrom(...lengths).map(length => 'ä€'.repeat(length / 5) + 'x'.repeat(length % 5)))
  fc.assert(fc.property(fc.array(fc.tuple(fc.string({ maxLength: 20 }), text), { minLength: 1, maxLength: 6 }), messages => {
    const { target, outlet, put } = opened(5, textFrames)
    for (const [head, body] of messages) put(body, head)
    outlet.flush()
    expect(textsIn(Buffer.concat(target.writes))).toEqual(messages.map(([head, body]) => `${Buffer.from(head)}${Buffer.from(body)}}`))
  }), { numRuns: 200 })
})
