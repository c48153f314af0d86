import { tagsOf } from '../../../ops/images/tags.ts'

test('D-115: an image has its version as a tag, and those of what it can take the place of', () => {
  expect(tagsOf('1.4.2')).toEqual(['1.4.2', '1.4', '1'])
  expect(tagsOf('0.4.2')).toEqual(['0.4.2', '0.4'])
  expect(tagsOf('2.0.0-rc.1')).toEqual(['2.0.0-rc.1'])
})

test('D-115: what is no semantic version has no tags', () => {
  for (const version of ['1.4', 'v1.4.2', '1.4.2.1', '01.4.2', 'latest', '']) expect(() => tagsOf(version)).toThrow(RangeError)
})
