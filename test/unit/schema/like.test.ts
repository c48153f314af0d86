import fc from 'fast-check'
import { matcher } from '../../../schema/filter.ts'

test('like finds what a regular expression of the whole pattern finds', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '\n', '😀', '\\'), maxLength: 8 })
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '%', '_', '😀', '\\'), maxLength: 7 })
  const columns = [{ name: 'x', type: 'String', nullable: false }] as const
  fc.assert(
    fc.property(text, pattern, (x, like) => {
      const whole = new RegExp(`^${[...like].map(char => ({ '%': '[^]*', _: '[^]' })[char] ?? char.replace(/[.\\]/, '\\$&')).join('')}$`, 'u')
      expect(matcher({ column: 'x', op: 'like', value: like }, columns)({ x })).toBe(whole.test(x))
    }),
    { numRuns: 5_000 },
  )
})
