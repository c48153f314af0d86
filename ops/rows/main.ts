import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { idsIn, type JestResults, type RowTest, testsByRow, verdict } from './rows.ts'

const usage = `npm run rows -- [--of FILE] [--short] [patterns of test files]
  Runs the tests and says, for every row of the requirements that the title of a test begins with, which tests those are and how they ended.
  --of FILE   a file that jest has written with --json, in place of a run
  --short     a line a row, without its tests`

const root = resolve(import.meta.dirname, '../..')
const argv = process.argv.slice(2)
const at = argv.indexOf('--of')
const isShort = argv.includes('--short')
const patterns = argv.filter((word, place) => !word.startsWith('--') && (at < 0 || place !== at + 1))

if (argv.includes('--help')) console.log(usage)
else {
  const results = at < 0 ? await run(patterns) : (JSON.parse(await readFile(resolve(argv[at + 1] ?? ''), 'utf8')) as JestResults)
  const rows = testsByRow(results, root)
  for (const [id, tests] of rows) print(id, tests)
  const verdicts = [...rows.values()].map(verdict)
  const count = (wanted: string) => verdicts.filter(one => one === wanted).length
  console.log(`\n${rows.size} rows with tests: ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped.`)
  for (const [file, missing] of await without(rows)) console.log(`${file}: ${missing.length} rows without a test${missing.length > 0 ? `: ${missing.join(' ')}` : ''}`)
  if (count('failed') > 0) process.exitCode = 1
}

function print(id: string, tests: readonly RowTest[]): void {
  const all = tests.length
  console.log(`${id.padEnd(6)} ${verdict(tests).padEnd(8)} ${all} ${all === 1 ? 'test' : 'tests'}`)
  if (!isShort) for (const { title, file, status } of tests) console.log(`         ${status.padEnd(8)} ${file}: ${title}`)
}

/** Rows nobody tests, by file, where the requirements lie beside the checkout. */
async function without(rows: ReadonlyMap<string, unknown>): Promise<readonly (readonly [string, readonly string[]])[]> {
  const folder = resolve(root, '../shared/requirements')
  if (!existsSync(folder)) return []
  const files = (await readdir(folder)).filter(name => name.endsWith('.md') && name !== 'README.md').sort()
  return Promise.all(files.map(async name => [name, idsIn(await readFile(join(folder, name), 'utf8')).filter(id => !rows.has(id))] as const))
}

async function run(files: readonly string[]): Promise<JestResults> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-rows-'))
  try {
    const output = join(folder, 'results.json')
    const child = spawn(process.execPath, ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', join(root, 'node_modules/jest/bin/jest.js'), '--json', `--outputFile=${output}`, '--forceExit', ...files], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
    await new Promise<void>((done, failed) => {
      child.on('error', failed)
      child.on('close', () => done())
    })
    return JSON.parse(await readFile(output, 'utf8')) as JestResults
  } finally {
    await rm(folder, { recursive: true })
  }
}
