import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Problem } from '../../../schema/errors.ts'
import { loadCatalog } from '../../../gateway/catalog/load.ts'

const folder = join(import.meta.dirname, 'bad')
const cases = readdirSync(folder).filter(name => name.endsWith('.yaml')).map(name => name.replace('.yaml', ''))

/** As `line:column  path: message`, one a line: the fixture's expectation lies beside it. */
async function problemsOf(path: string): Promise<string> {
  const error = await loadCatalog(path, { env: name => (name === 'SET' ? 'me' : undefined) }).then(() => undefined, (thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'CATALOG_INVALID' })
  const { problems } = (error as { details: { problems: readonly Problem[] } }).details
  for (const problem of problems) expect(problem.file).toBe(path)
  return problems.map(({ line, column, path: member, message }) => `${line}:${column}  ${member}: ${message}\n`).join('')
}

test.each(cases)('every mistake of %s.yaml is said at once, each with its place, what was found and a way out', async name => {
  expect(await problemsOf(join(folder, `${name}.yaml`))).toBe(readFileSync(join(folder, `${name}.problems`), 'utf8'))
})

test('no message repeats a password that a catalog holds in clear', async () => {
  expect(await problemsOf(join(folder, 'form.yaml'))).not.toMatch(/hunter2|12345/)
})
