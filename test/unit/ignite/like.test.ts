import { igniteDialect } from '../../../connectors/ignite/regions/dialect.ts'

/** How a pattern is asked of Ignite, its arguments in place. */
function asked(pattern: string): string {
  const args: unknown[] = []
  const sql = igniteDialect.like('"NAME"', pattern, value => {
    args.push(value)
    return '?'
  })
  return sql.replaceAll('?', () => JSON.stringify(args.shift()))
}

test('a pattern of more than two wildcards is a regular expression that looks for each piece once: Ignite\'s LIKE tries every way to share the text among them, and no time limit stops it', () => {
  expect(asked('%a%')).toBe('"NAME" LIKE "%a%"')
  expect(asked('a%%b%')).toBe('"NAME" LIKE "a%%b%"')
  expect(asked('%a%b%')).toBe(String.raw`"NAME" REGEXP "(?s)\\A(?>.*?a)(?>.*?b).*\\z"`)
  expect(asked(`${'%a'.repeat(30)}%b`)).toMatch(/^"NAME" REGEXP/)
  expect(asked('a_b')).toBe(String.raw`"NAME" REGEXP "(?s)\\Aa.b\\z"`)
})
