import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { HubError, type Problem } from '../../schema/errors.ts'
import { didYouMean } from '../../schema/names.ts'
import { configFlags, readConfig, type Config, type Environment } from '../config.ts'
import { parseArguments, type Arguments } from './arguments.ts'
import { check, problemLine, problemsOf } from './check.ts'
import { commands, type Call, type Command, type LoadActions, type Terminal } from './commands.ts'
import { commandHelp, generalHelp } from './help.ts'
import { occupied, writeCatalog } from './init.ts'
import { runPipeline } from './run-pipeline.ts'
import { validate } from './validate.ts'

/** Runs one command line. Answers the exit code: 0 done, 1 failed or mistakes found, 2 called wrongly, or with a port that is taken. Never throws. */
export async function runCommand(argv: readonly string[], terminal: Terminal, env: Environment, actions: LoadActions): Promise<number> {
  const own = commands.flatMap(command => command.flags)
  const line = parseArguments(argv, [...configFlags, ...own, { name: '--help', takes: 'nothing' }, { name: '--version', takes: 'nothing' }])
  const asJson = line.flags.has('--json')
  try {
    const [word, ...rest] = line.positionals
    const command = commands.find(one => one.name === word)
    if (line.flags.has('--version')) return say(terminal, version(), 0)
    if (word === undefined && (line.flags.has('--help') || argv.length === 0)) return say(terminal, generalHelp(version()), 0)
    if (!command) throw usage([...line.problems, unknownCommand(word)])
    if (line.flags.has('--help')) return say(terminal, commandHelp(command), 0)
    const misused = misuse(command, rest, line)
    if (command.name === 'help') return help(terminal, rest[0], [...line.problems, ...misused])
    return await run(command, rest, configured(command, rest, line, misused, env, terminal), line, { terminal, env, asJson, actions })
  } catch (error) {
    return failed(error, terminal, asJson)
  }
}

async function run(command: Command, [first = '']: readonly string[], config: Config, line: Arguments, call: Call): Promise<number> {
  if (command.name === 'check') return check(config, call)
  if (command.name === 'validate') return validate(first, call)
  if (command.name === 'pack') return pack(first, line.flags.get('--to'), call)
  if (command.name === 'run') return runPipeline({ file: first, given: line.values.get('--param') ?? [], files: line.flags.get('--files'), config }, call)
  if (command.name === 'init') return init(line.flags.get('--from') ?? '', line.flags.get('--to') ?? 'hub.yaml', config, call)
  const { start, subgraph, gateway } = await call.actions()
  if (command.name === 'start' && start) return start(config)
  if (command.name === 'subgraph' && subgraph) return subgraph(first, config)
  if (command.name === 'gateway' && gateway) return gateway(resolve(call.terminal.folder, line.flags.get('--supergraph') ?? ''), config)
  throw new HubError('INTERNAL', `The command "${command.name}" is not part of this build.`)
}

async function pack(job: string, to: string | undefined, { terminal, asJson, actions }: Call): Promise<number> {
  const { pack: packed } = await actions()
  if (!packed) throw new HubError('INTERNAL', 'The command "pack" is not part of this build.')
  const { file, bytes, files } = await packed(resolve(terminal.folder, job), { folder: terminal.folder, file: to })
  return say(terminal, asJson ? JSON.stringify({ ok: true, file, bytes, files }) : `Wrote ${file}: ${files.length} files, ${bytes} bytes.`, 0)
}

async function init(from: string, to: string, config: Config, { terminal, asJson, actions }: Call): Promise<number> {
  const file = resolve(terminal.folder, to)
  if (existsSync(file)) throw occupied(to)
  const { propose } = await actions()
  if (!propose) throw new HubError('INTERNAL', 'The command "init" is not part of this build.')
  const { hints } = writeCatalog(await propose(from, config), from, file)
  if (asJson) return say(terminal, JSON.stringify({ ok: true, file: to, hints }), 0)
  return say(terminal, [`Wrote ${to}.`, ...hints, `Next: tributary check ${to}, then tributary start ${to}`].join('\n'), 0)
}

/** The configuration, with the catalog a positional argument names; mistakes of the command line and of the configuration at once. */
function configured(command: Command, rest: readonly string[], line: Arguments, misused: readonly Problem[], env: Environment, terminal: Terminal): Config {
  const flags = new Map([...line.flags].filter(([name]) => configFlags.some(flag => flag.name === name)))
  const [catalog] = rest
  if (catalog !== undefined && ['start', 'check'].includes(command.name)) flags.set('--catalog', catalog)
  const found = [...line.problems, ...misused]
  try {
    const config = readConfig([...flags].map(([name, value]) => `${name}=${value}`), env, terminal.folder)
    if (found.length === 0) return config
  } catch (error) {
    const problems = problemsOf(error)
    if (problems.length === 0) throw error
    found.push(...problems)
  }
  throw usage(found)
}

/** Too few or too many arguments, and flags of other commands. */
function misuse(command: Command, rest: readonly string[], line: Arguments): Problem[] {
  const problems: Problem[] = []
  const [least, most] = command.takes
  if (rest.length < least || rest.length > most) {
    const extra = rest.slice(most)[0]
    problems.push({ path: extra ?? '', message: `${extra === undefined ? 'An argument is missing' : `"${extra}" is one argument too many`}. Usage: tributary ${command.usage}` })
  }
  for (const other of commands.flatMap(one => one.flags)) {
    if (line.flags.has(other.name) && !command.flags.some(flag => flag.name === other.name)) problems.push({ path: other.name, message: `Option "${other.name}" is none of "${command.name}". See tributary ${command.name} --help.` })
  }
  for (const [name, needed] of [['init', '--from'], ['gateway', '--supergraph']] as const) {
    if (command.name === name && !line.flags.has(needed)) problems.push({ path: needed, message: `Option "${needed}" is missing. Usage: tributary ${command.usage}` })
  }
  return problems
}

function help(terminal: Terminal, name: string | undefined, problems: readonly Problem[]): number {
  const command = commands.find(one => one.name === name)
  const found = name !== undefined && !command ? [...problems, unknownCommand(name)] : problems
  if (found.length > 0) throw usage(found)
  return say(terminal, command ? commandHelp(command) : generalHelp(version()), 0)
}

function unknownCommand(word: string | undefined): Problem {
  const names = commands.map(command => command.name)
  if (word === undefined) return { path: '', message: `A command is missing: one of ${names.join(', ')}.` }
  return { path: word, message: `Unknown command "${word}".${didYouMean(word, names) || ` There are: ${names.join(', ')}.`}` }
}

function usage(problems: readonly Problem[]): HubError {
  return new HubError('VALIDATION_ERROR', problems.map(problem => problem.message).join(' '), { problems, usage: true })
}

function failed(error: unknown, terminal: Terminal, asJson: boolean): number {
  const problems = problemsOf(error)
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof HubError ? error.code : 'INTERNAL'
  if (asJson) terminal.out(JSON.stringify({ ok: false, code, message, problems }))
  else if (problems.length > 0) for (const problem of problems) terminal.err(problemLine(problem, terminal.color))
  else terminal.err(message)
  // A port another program has is a setting to change, like a wrong one.
  return code === 'VALIDATION_ERROR' || code === 'IN_USE' ? 2 : 1
}

function say(terminal: Terminal, text: string, code: number): number {
  terminal.out(text)
  return code
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  return version
}
