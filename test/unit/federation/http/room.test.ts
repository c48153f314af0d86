import fc from 'fast-check'
import { Posted } from '../../../../gateway/federation/http/sender.ts'
import { Room } from '../../../../gateway/federation/http/room.ts'

const room = (text: string, expected = 0) => {
  const made = new Room(expected)
  const bytes = Buffer.from(`<${text}>`)
  made.add(bytes, 1, bytes.length - 1)
  return made
}
const copied = (made: { readonly length: number; copyTo(target: Buffer, at: number): void }) => {
  const target = Buffer.alloc(made.length + 2, '.')
  made.copyTo(target, 1)
  return target.toString()
}

describe('the bytes of an answer', () => {
  test('are what was added, whatever was expected and whatever was in their memory before', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom(0, 1, 5_000, 100_000, 3_000_000), fc.array(fc.nat(20_000), { maxLength: 6 })), { minLength: 1, maxLength: 8 }), made => {
      const rooms = made.map(([expected, lengths], nth) => {
        const one = new Room(expected)
        for (const length of lengths) one.add(Buffer.alloc(length + 2, 65 + nth), 1, length + 1)
        return { one, bytes: lengths.reduce((sum, length) => sum + length, 0), nth }
      })
      for (const { one, bytes, nth } of rooms) expect([one.length, one.text === String.fromCharCode(65 + nth).repeat(bytes)]).toEqual([bytes, true])
      for (const { one } of rooms) one.release()
    }), { numRuns: 100 })
  })

  test('may be more than what memory is kept for', () => {
    const large = new Room(1)
    for (let count = 0; count < 40; count++) large.add(Buffer.alloc(100_000, 48 + (count % 10)), 0, 100_000)
    expect([large.length, large.text.slice(3_899_999, 3_900_001)]).toEqual([4_000_000, '89'])
    large.release()
  })

  test('cannot be read once they were given back, by which time the memory is another\'s', () => {
    const mine = room('mine')
    mine.release()
    const theirs = room('theirs')
    for (const read of [() => mine.text, () => copied(mine), () => mine.add(Buffer.from('more'), 0, 4), () => mine.release()]) expect(read).toThrow('were given back')
    expect([theirs.text, copied(theirs)]).toEqual(['theirs', '.theirs.'])
  })

  test('are given back when all who share them have said so', () => {
    const answer = new Posted(200, {}, room('shared'))
    answer.shareBy(3)
    answer.release()
    answer.release()
    expect([copied(answer), answer.length]).toEqual(['.shared.', 6])
    answer.release()
    expect(() => copied(answer)).toThrow('were given back')
    expect(() => answer.text).toThrow('were given back')
  })

  test('of one asker are given back when he says so', () => {
    const answer = new Posted(200, {}, room('alone'))
    expect(answer.text).toBe('alone')
    answer.release()
    expect(() => copied(answer)).toThrow('were given back')
  })
})
