import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { sealer } from '../../../resolvers/cursor.ts'

const old = { kid: 'old', secret: 'the secret of last year' }
const current = { kid: 'new', secret: 'the secret of this year' }
const refused = expect.objectContaining({ code: 'BAD_CURSOR', message: expect.stringContaining('Start again without it') })

test('a cursor opens to what was sealed, for the scope it was sealed for', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (scope, payload) => {
      const { seal, open } = sealer([current])
      const token = seal(scope, payload)
      expect(token).toMatch(/^[A-Za-z0-9_-]+$/)
      expect(open(scope, token)).toBe(payload.toWellFormed())
    }),
  )
})

test('H-55 a cursor of another scope, an altered one and garbage are refused with BAD_CURSOR and a way out', () => {
  const { seal, open } = sealer([current])
  const token = seal('tenant red', '42')
  const altered = [...token].map((char, at) => token.slice(0, at) + (char === 'A' ? 'B' : 'A') + token.slice(at + 1))
  for (const wrong of [...altered, `${token}A`, `${token}=`, ` ${token}`, `${token}\n`, token.slice(0, -1), '', 'A', 'garbage', '🦊', 'A'.repeat(100_000)]) {
    expect(() => open('tenant red', wrong)).toThrow(refused)
  }
  expect(() => open('tenant blue', token)).toThrow(refused)
})

test('the boundary between scope and payload is part of the seal', () => {
  const { seal, open } = sealer([current])
  const token = Buffer.from(seal('ab', 'c'), 'base64url')
  const moved = Buffer.concat([token.subarray(0, 5), Buffer.from('bc'), token.subarray(-12)]).toString('base64url')
  expect(() => open('a', moved)).toThrow(refused)
})

test('a new secret is put in front: old cursors stay good until their secret is dropped', () => {
  const token = sealer([old]).seal('list', 'page 2')
  expect(sealer([current, old]).open('list', token)).toBe('page 2')
  expect(sealer([old]).seal('list', 'x')).not.toBe(sealer([current, old]).seal('list', 'x'))
  expect(() => sealer([current]).open('list', token)).toThrow(refused)
})

test('the seal is the front of an HMAC-SHA-256, whatever the length of the secret', () => {
  for (const length of [16, 63, 64, 65, 200]) {
    const secret = 's'.repeat(length)
    const token = Buffer.from(sealer([{ kid: 'k', secret }]).seal('scope', 'payload'), 'base64url')
    const expected = createHmac('sha256', secret).update(Buffer.concat([Buffer.from([1, 1]), Buffer.from('k'), Buffer.from([0, 0, 0, 5]), Buffer.from('scopepayload')])).digest().subarray(0, 12)
    expect(token.subarray(-12).equals(expected)).toBe(true)
  }
})

test('weak, unnamed and repeated secrets are refused, all at once', () => {
  expect(() => sealer([])).toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR' }))
  expect(() => sealer([{ kid: 'a b', secret: 'short' }, old, old])).toThrow(
    expect.objectContaining({ code: 'VALIDATION_ERROR', message: expect.stringMatching(/"a b" needs a kid.*has 5 characters.*"old" is given twice/) }),
  )
})
