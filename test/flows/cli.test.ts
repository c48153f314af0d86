import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { commands, type CommandActions } from '../../gateway/commands/commands.ts'
import { runCommand } from '../../gateway/commands/run.ts'
import { options, type Environment } from '../../gateway/config.ts'
import { HubError } from '../../schema/errors.ts'

const cli = resolve(import.meta.dirname, '../../gateway/cli.ts')
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** The program itself, in a process of its own. */
function program(argv: readonly string[], env: Environment = {}): Promise<Ran> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [cli, ...argv], { cwd: folder, env: { PATH: process.env['PATH'], ...env } })
    let out = ''
    let err = ''
    child.stdout.on('data', chunk => { out += chunk })
    child.stderr.on('data', chunk => { err += chunk })
    child.on('error', failed)
    child.on('close', code => done({ code, out, err }))
  })
}

/** The same command line in this process, with actions of the test's. */
async function run(argv: readonly string[], actions: Partial<CommandActions> = {}, env: Environment = {}): Promise<Ran> {
  let out = ''
  let err = ''
  const terminal = { out: (text: string) => { out += `${text}\n` }, err: (text: string) => { err += `${text}\n` }, color: false, folder }
  const code = await runCommand(argv, terminal, env, async () => actions)
  return { code, out, err }
}

function catalog(text: string): string {
  writeFileSync(join(folder, 'hub.yaml'), text)
  return join(folder, 'hub.yaml')
}

const good = 'regions:\n  notes: { key: id, fields: { id: ID } }\n'
const bad = 'regions:\n  notes: { key: idd, fields: { id: ID } }\nvews: {}\n'

describe('the program', () => {
  test('shows its commands when it is called without any, and its version', async () => {
    const { code, out } = await program([])
    expect(code).toBe(0)
    for (const { usage } of commands) expect(out).toContain(usage)
    const { version } = JSON.parse(readFileSync(resolve(cli, '../../package.json'), 'utf8')) as { version: string }
    expect(await program(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' })
  })

  test('says every mistake of a catalog by file, line and column, and ends with 1', async () => {
    const path = catalog(bad)
    expect(await program(['check'])).toEqual({
      code: 1, out: '',
      err: `${path}:2:17  regions.notes.key: Column "idd" is not among the fields. Did you mean "id"?\n${path}:3:1  vews: Unknown key "vews". Did you mean "views"?\n`,
    })
  })

  test('refuses a misspelled variable with 2 before it does anything', async () => {
    expect(await program(['start'], { HUB_PROT: '1' })).toEqual({ code: 2, out: '', err: 'Unknown variable HUB_PROT. Did you mean "HUB_PORT"?\n' })
  })

  test('takes references to secrets from its environment', async () => {
    catalog(`sources:\n  db: { type: postgresql, url: "\${env:DB_URL}" }\n`)
    const { code, err } = await program(['check'])
    expect(code).toBe(1)
    expect(err).toContain('Environment variable "DB_URL" is not set.')
  })
})

test('an unknown command, option or argument ends with 2 and the nearest name', async () => {
  expect(await run(['chek'])).toEqual({ code: 2, out: '', err: 'Unknown command "chek". Did you mean "check"?\n' })
  expect(await run(['check', '--jsn'])).toEqual({ code: 2, out: '', err: 'Unknown option "--jsn". Did you mean "--json"?\n' })
  expect(await run(['start', 'a', 'b'])).toEqual({ code: 2, out: '', err: '"b" is one argument too many. Usage: tributary start [CATALOG]\n' })
  expect(await run(['subgraph'])).toMatchObject({ code: 2, err: 'An argument is missing. Usage: tributary subgraph NAME [--catalog CATALOG]\n' })
  expect(await run(['start', '--from', 'x'])).toMatchObject({ code: 2, err: 'Option "--from" is none of "start". See tributary start --help.\n' })
  expect(await run(['--port', '1'])).toMatchObject({ code: 2, err: 'A command is missing: one of start, check, init, validate, pack, run, subgraph, gateway, help.\n' })
  expect(await run(['help', 'strat'])).toMatchObject({ code: 2, err: 'Unknown command "strat". Did you mean "start"?\n' })
})

test('the help of a command has every option of the configuration with its variable', async () => {
  const { code, out } = await run(['start', '--help'])
  expect(code).toBe(0)
  for (const option of options.filter(one => one.kind !== 'structure')) {
    expect(out).toContain(`${option.flag} `.trimEnd())
    expect(out).toContain(`(${option.variable})`)
  }
  expect((await run(['help', 'start'])).out).toBe(out)
  expect((await run(['-h'])).out).toBe((await run([])).out)
})

test('a catalog without mistakes is checked in its files, then in sources and SQL', async () => {
  const path = catalog(good)
  expect(await run(['check'])).toEqual({ code: 0, out: `${path}: 0 sources, 1 region, 0 views, 0 relations, 0 subgraphs, 0 endpoints. No mistakes.\n`, err: '' })

  const check: CommandActions['check'] = async (_config, loaded) => [loaded.problem({ path: ['regions', 'notes', 'key'], message: 'The source has no such column.' })]
  expect(await run(['check', path], { check })).toEqual({ code: 1, out: '', err: `${path}:2:17  regions.notes.key: The source has no such column.\n` })
})

test('--json answers the same for programs', async () => {
  const path = catalog(bad)
  const { code, out, err } = await run(['check', '--json'])
  expect({ code, err }).toEqual({ code: 1, err: '' })
  expect(JSON.parse(out)).toEqual({
    ok: false, catalog: path,
    problems: [
      { path: 'regions.notes.key', message: 'Column "idd" is not among the fields. Did you mean "id"?', file: path, line: 2, column: 17 },
      { path: 'vews', message: 'Unknown key "vews". Did you mean "views"?', file: path, line: 3, column: 1 },
    ],
  })
  catalog(good)
  expect(JSON.parse((await run(['check', '--json'])).out)).toEqual({ ok: true, catalog: path, sources: 0, regions: 1, views: 0, relations: 0, subgraphs: 0, endpoints: 0, problems: [] })
  expect(JSON.parse((await run(['check', '--json', '--prot=1'])).out)).toMatchObject({ ok: false, code: 'VALIDATION_ERROR', problems: [{ path: '--prot' }] })
})

test('without a catalog there is nothing to check', async () => {
  expect(await run(['check'])).toMatchObject({ code: 2, err: 'There is no catalog to check. Name a file or a folder: tributary check hub.yaml\n' })
})

test('start and subgraph get the whole configuration, and the process ends with what they answer', async () => {
  const seen: unknown[] = []
  const actions: Partial<CommandActions> = {
    start: async config => { seen.push(config.catalog, config.port); return 0 },
    subgraph: async (name, config) => { seen.push(name, config.port); return 1 },
  }
  expect((await run(['start', 'my.yaml', '--port', '0'], actions)).code).toBe(0)
  expect((await run(['subgraph', 'views'], actions, { HUB_PORT: '9000' })).code).toBe(1)
  expect(seen).toEqual([join(folder, 'my.yaml'), 0, 'views', 9000])
})

test('a failure is a sentence and ends with 1, a wrong configuration with 2', async () => {
  const start = (error: Error) => run(['start'], { start: async () => { throw error } })
  expect(await start(new HubError('UPSTREAM_UNAVAILABLE', 'The source "db" does not answer.'))).toEqual({ code: 1, out: '', err: 'The source "db" does not answer.\n' })
  expect(await start(new HubError('VALIDATION_ERROR', 'The hub would listen on "0.0.0.0".'))).toEqual({ code: 2, out: '', err: 'The hub would listen on "0.0.0.0".\n' })
  const failure = await start(new TypeError('x is undefined'))
  expect(failure.code).toBe(1)
  expect(failure.err).not.toContain('    at ')
})

test('init writes the proposed catalog, which then passes the check, and never over a file', async () => {
  const propose: CommandActions['propose'] = async from => ({ sources: { db: { type: 'postgresql', url: from } }, regions: { notes: { key: 'id', load: { source: 'db', table: 'notes' } } } })
  const url = 'postgresql://me:hunter2@h/d'
  const first = await run(['init', '--from', url], { propose })
  expect(first).toEqual({ code: 0, out: 'Wrote hub.yaml.\nSet DB_PASSWORD to the password as it stands in the URL, percent-encoded; it is not written to the file.\nNext: tributary check hub.yaml, then tributary start hub.yaml\n', err: '' })
  const text = readFileSync(join(folder, 'hub.yaml'), 'utf8')
  expect(text).not.toContain('hunter2')

  expect((await run(['check'], {}, { DB_PASSWORD: 'hunter2' })).code).toBe(0)
  expect(await run(['init', '--from', url], { propose })).toMatchObject({ code: 1, err: expect.stringContaining('The file hub.yaml exists already') })
  expect(readFileSync(join(folder, 'hub.yaml'), 'utf8')).toBe(text)
  expect(await run(['init'], { propose })).toMatchObject({ code: 2, err: expect.stringContaining('Option "--from" is missing.') })
})
