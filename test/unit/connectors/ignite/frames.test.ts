import fc from 'fast-check'
import { Frames } from '../../../../connectors/ignite/wire/frames.ts'

function framed(body: Uint8Array): Buffer {
  const head = Buffer.alloc(4)
  head.writeInt32LE(body.length)
  return Buffer.concat([head, body])
}

test('bodies come out whole and in order, however the network cuts them', () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), fc.array(fc.integer({ min: 1, max: 17 }), { minLength: 1 }), (bodies, cuts) => {
    const stream = Buffer.concat(bodies.map(framed))
    const found: Buffer[] = []
    const frames = new Frames(body => found.push(Buffer.from(body)))
    for (let at = 0, turn = 0; at < stream.length; turn++) {
      const size = cuts[turn % cuts.length]!
      frames.push(Buffer.from(stream.subarray(at, at + size)))
      at += size
    }
    expect(found).toEqual(bodies.map(body => Buffer.from(body)))
  }))
})

test('a large body in many pieces is copied once: four times the bytes cost no more than about four times the work', () => {
  const cost = (bytes: number) => {
    const stream = framed(new Uint8Array(bytes))
    let copied = 0
    const piece = Buffer.prototype.copy
    const frames = new Frames(body => expect(body.length).toBe(bytes))
    frames.welcomed()
    Buffer.prototype.copy = function counted(this: Buffer, ...args: Parameters<typeof piece>) {
      const size = piece.apply(this, args)
      copied += size
      return size
    }
    try {
      for (let at = 0; at < stream.length; at += 4096) frames.push(stream.subarray(at, at + 4096))
    } finally {
      Buffer.prototype.copy = piece
    }
    return copied
  }
  expect(cost(1 << 20)).toBe(1 << 20)
  expect(cost(1 << 22)).toBe(1 << 22)
})

test('what announces an impossible length is refused: another protocol speaks on that port', () => {
  expect(() => new Frames(() => {}).push(Buffer.from('\xff\xff\xff\xff', 'latin1'))).toThrow('A message announces -1 bytes: this does not look like an Ignite server')
  expect(() => new Frames(() => {}).push(Buffer.from('HTTP/1.1'))).toThrow('A message announces 1347703880 bytes')
})
