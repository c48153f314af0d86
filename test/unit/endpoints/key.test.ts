import fc from 'fast-check'
import type { EndpointParameter } from '../../../schema/endpoint.ts'
import { parsePattern } from '../../../schema/template.ts'
import { resultKey } from '../../../subgraphs/regions/endpoints/key.ts'

const parameters: readonly EndpointParameter[] = [{ name: 'a', type: 'String', use: 'value' }, { name: 'b', type: 'String', use: 'value' }, { name: 'ids', type: 'String', use: 'list' }]
const keyBy = (pattern: string) => {
  const key = parsePattern(pattern).template
  return (values: Readonly<Record<string, string | readonly string[]>>) => resultKey({ key, parameters }, values)
}

test('H-47 the pattern names the result, with each value escaped', () => {
  const token = { key: parsePattern('session:{token}').template, parameters: [{ name: 'token', type: 'String', use: 'value' }] as const }
  expect(resultKey(token, { token: 'abc123' })).toBe('session:{abc123}')
  expect(resultKey(token, { token: 'abc:{123}' })).toBe('session:{abc%003a%007b123%007d}')
})

test.each(['{a}:{b}', '{a}{b}', 'x{a}1{b}{ids}', 'fixed', '{a}:{ids}:{a}'])('H-47 under the pattern %s no two sets of parameters have one name', pattern => {
  const name = keyBy(pattern)
  const text = fc.string({ unit: fc.constantFrom(':', '{', '}', '[', ']', ',', '%', 'x', '1', 'a', '\u00e9', '\ud800', '"'), maxLength: 4 })
  const values = fc.record({ a: text, b: text, ids: fc.array(text, { maxLength: 3 }) })
  fc.assert(fc.property(values, values, (one, other) => {
    expect(name(one) === name(other)).toBe(JSON.stringify(one) === JSON.stringify(other))
  }), { numRuns: 2_000, seed: 7, examples: [[{ a: 'a:b', b: 'c', ids: [] }, { a: 'a', b: 'b:c', ids: [] }], [{ a: 'x1', b: '', ids: [''] }, { a: 'x', b: '1', ids: [] }], [{ a: '', b: '', ids: ['a,b'] }, { a: '', b: '', ids: ['a', 'b'] }]] })
})
