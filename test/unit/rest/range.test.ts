import { rangeOf } from '../../../gateway/rest/range.ts'

test.each([
  ['bytes=0-4', { first: 0, last: 4 }], ['bytes=4-', { first: 4, last: 9 }], ['bytes=-3', { first: 7, last: 9 }], ['bytes=-99', { first: 0, last: 9 }], ['bytes=8-99', { first: 8, last: 9 }],
  [undefined, undefined], ['bytes=0-1,3-4', undefined], ['lines=0-4', undefined], ['bytes=5-4', undefined], ['bytes=-', undefined], ['bytes=x-1', undefined], [`bytes=0-${'9'.repeat(400)}`, undefined],
])('D-21 of ten bytes "%s" asks for %j', (header, expected) => {
  expect(rangeOf(header, 10)).toEqual(expected)
})

test.each([['bytes=10-', 10], ['bytes=-0', 10], ['bytes=0-', 0], ['bytes=-5', 0]])('D-21 "%s" of %i bytes is none of them', (header, bytes) => {
  expect(() => rangeOf(header, bytes)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT', details: { status: 416 } }))
})
