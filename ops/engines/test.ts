import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * `npm run test:engines [-- ARGUMENTS OF JEST]`: fetches and starts every engine, makes an image to build others of, runs the tests that need them, one after the other since they share the engines, and stops what it
 * started. An engine that is missing fails the run. Exit code 0 when all passed, a file that failed first when it was run once more; else 1.
 */
const wanted = ['ignite:2', 'trino', 'kafka', 'postgres', 'mysql', 'redis', 'cassandra', 'elasticsearch', 's3']
const needing = String.raw`test/(integration/|fears/(half-open|redis-restart|shared-log)\.|flows/shared-cursor\.|.*\.(ignite|trino|kafka|mysql|redis|cassandra|elasticsearch|s3)\.test\.ts$)`

/**
 * Flows whose hubs run on the engines instead of embedded ones, the catalog unchanged. Not among them: those that start no hub or a program of their own, that name the embedded log
 * (idle-subscribers, streams), that bring an engine themselves (follow), or whose clock is moved by hand (ages, consistency): an engine's time goes on by itself.
 */
const onThem = String.raw`test/flows/(${[
  'acceptance', 'affinity', 'api-presets', 'bad-input', 'data-files', 'endpoints', 'explain', 'foreign-subgraph', 'idempotency', 'literals', 'management', 'mesh-views', 'openapi', 'operations',
  'recomposition', 'reload', 'rest-regions', 'rest-topics', 'rest-views', 'sql', 'sql-execute', 'stores', 'subgraph-command', 'transactions', 'unique-index',
].join('|')})\.test\.ts$`

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** What a program prints; its own complaints go to ours. */
async function output(program: string, args: readonly string[], fine: readonly number[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code === null || !fine.includes(code)) throw new Error(`${args.slice(1).join(' ')} ended with ${code}.`)
  return Buffer.concat(chunks).toString('utf8')
}

/** Runs the tests of files, by pattern or by path. Answers the files that failed; none, though the run failed: undefined. */
async function jest(which: readonly string[], environment: Readonly<Record<string, string>>): Promise<readonly string[] | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-tests-'))
  const report = join(folder, 'report.json')
  try {
    // A test that failed may leave connections behind, and the run is to end all the same.
    const args = ['--maxWorkers=1', '--forceExit', '--json', `--outputFile=${report}`, ...which, ...process.argv.slice(2)]
    const child = spawn(process.execPath, ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', path('../../node_modules/jest/bin/jest.js'), ...args], {
      stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...environment, REQUIRE_ENGINES: '1' },
    })
    const [code] = (await once(child, 'close')) as [number | null]
    if (code === 0) return []
    const { testResults } = JSON.parse(await readFile(report, 'utf8')) as { readonly testResults: readonly { readonly name: string; readonly status: string }[] }
    const failed = testResults.filter(({ status }) => status === 'failed').map(({ name }) => name)
    return failed.length > 0 ? failed : undefined
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Whether the tests pass. Files that fail are run once more, alone: on few cores nine engines and the tests get into each other's way. What fails then has failed. */
async function passes(pattern: string, environment: Readonly<Record<string, string>>): Promise<boolean> {
  const failed = await jest(['--testPathPatterns', pattern], environment)
  if (!failed || failed.length === 0) return failed !== undefined
  console.error(`\nFailed, and run once more:\n${failed.map(file => `  ${file}`).join('\n')}\n`)
  return (await jest(['--runTestsByPath', ...failed], environment))?.length === 0
}

const engines = (...args: readonly string[]) => output(process.execPath, [path('main.ts'), ...args], [0])

/** What was started and not stopped, whether it answers (0) or not (1). */
async function nodes(): Promise<readonly string[]> {
  const json = await output(process.execPath, [path('main.ts'), 'status', '--json'], [0, 1])
  return (JSON.parse(json) as readonly { readonly node: string }[]).map(({ node }) => node)
}

const before = new Set(await nodes())
try {
  await engines('up', ...wanted)
  const base = (await output(process.execPath, [path('../images/main.ts'), 'base'], [0])).trim()
  const found = { ...(JSON.parse(await engines('env', '--json')) as Record<string, string>), IMAGE_BASE: base }
  const passed = [await passes(needing, found), await passes(onThem, { ...found, TEST_ON_ENGINES: '1' })]
  process.exitCode = passed.every(Boolean) ? 0 : 1
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  const started = (await nodes()).filter(node => !before.has(node))
  if (started.length > 0) await engines('down', ...started)
}
