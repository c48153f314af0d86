import fc from 'fast-check'
import { pathProblem } from '../../../schema/endpoint.ts'
import { parsePattern, parseStatementTemplate } from '../../../schema/template.ts'

const statement = (text: string) => {
  const { template, mistakes } = parseStatementTemplate(text)
  return { sql: template.texts.join('?'), names: template.names, mistakes }
}

test('H-46 a placeholder becomes one mark, its quotes go, and every other word stays where it was written', () => {
  const written = "SELECT * FROM user_sessions WHERE session_token = '{token}' AND day > {day}"
  const { sql, names, mistakes } = statement(written)
  expect({ names, mistakes }).toEqual({ names: ['token', 'day'], mistakes: [] })
  expect(sql).toBe("SELECT * FROM user_sessions WHERE session_token = ?         AND day > ?    ")
  expect(sql).toHaveLength(written.length)
})

test('H-46 one name may stand several times, texts and comments are left alone, doubled braces are braces', () => {
  expect(statement("SELECT a FROM t WHERE b = {x} OR c = '{x}'")).toMatchObject({ names: ['x', 'x'], mistakes: [] })
  expect(statement("SELECT 'it''s ?', \"odd ? name\" FROM t -- {no} ?\n/* {nor} */")).toEqual({ sql: "SELECT 'it''s ?', \"odd ? name\" FROM t -- {no} ?\n/* {nor} */", names: [], mistakes: [] })
  expect(statement("SELECT '{{\"a\": 1}}' AS j, b FROM t").sql).toBe("SELECT '{\"a\": 1}'   AS j, b FROM t")
})

test.each([
  ["SELECT a FROM t WHERE b = '{token'", 1, 28, 'not closed'],
  ["SELECT a\nFROM t WHERE b = {token", 2, 18, 'not closed'],
  ['SELECT a FROM t WHERE b = token}', 1, 32, 'not opened'],
  ["SELECT a FROM t WHERE b LIKE '{q}%'", 1, 31, "'text' || {q}"],
  ['SELECT a FROM "{table}"', 1, 15, 'cannot name a table or column'],
  ['SELECT a FROM hub.{table}', 1, 19, 'cannot name one'],
  ['SELECT {alias}.a FROM t', 1, 8, 'cannot name one'],
  ['SELECT a FROM t WHERE b = ?', 1, 27, 'write a parameter as {name}'],
  ['SELECT a FROM t WHERE b = { token }', 1, 27, 'not a placeholder'],
  ['SELECT a FROM t WHERE b = {}', 1, 27, 'not a placeholder'],
  ['SELECT a FROM t WHERE b = {__proto__}', 1, 27, 'not a placeholder'],
  ["SELECT a FROM t WHERE b = 'open", 1, 27, 'no closing quote'],
])('H-46 %j is refused with the place of its mistake', (text, line, column, words) => {
  expect(statement(text).mistakes).toEqual([{ line, column, message: expect.stringContaining(words) }])
  expect(statement(text).mistakes[0]?.message).toContain(`(line ${line}, column ${column})`)
})

test('H-46 every mistake of one statement is said', () => {
  expect(statement("SELECT '{a' , \"{b}\", {1}, ? FROM t").mistakes.map(mistake => mistake.column)).toEqual([9, 15, 22, 27])
})

test('H-46 a statement without braces and marks stays as it is', () => {
  const text = fc.string({ unit: fc.constantFrom("'", '"', 'a', '-', '/', '*', ' ', '\n', '.', '\u00e9') })
  fc.assert(fc.property(text, written => {
    const { sql, names, mistakes } = statement(written)
    if (mistakes.length === 0) expect({ sql, names }).toEqual({ sql: written, names: [] })
  }), { numRuns: 500, seed: 7 })
})

test('H-47 a pattern has placeholders of its own', () => {
  expect(parsePattern('session:{token}')).toEqual({ template: { texts: ['session:', ''], names: ['token'] }, mistakes: [] })
  expect(parsePattern('{{{a}}}:{b}').template).toEqual({ texts: ['{', '}:', ''], names: ['a', 'b'] })
  expect(parsePattern('session:{token').mistakes).toEqual([{ line: 1, column: 9, message: expect.stringContaining('not closed') }])
})

test.each(['session/validate', 'a', 'features/online.v2', 'A-b_c/0'])('H-45 the path "%s" is taken', path => {
  expect(pathProblem(path)).toBeUndefined()
})

test.each(['', '/session', 'session/', 'a//b', '../a', 'a/../b', 'a/.', '1a', 'a b', 'a/b?c', 'a%2fb', 'x'.repeat(201)])('H-45 the path "%s" is refused', path => {
  expect(pathProblem(path)).toMatch(/\.$/)
})
