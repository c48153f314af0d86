import { options } from '../config.ts'
import { commands, type Command } from './commands.ts'

export function generalHelp(version: string): string {
  return `Tributary ${version}: one live, federated GraphQL graph over your data.

Usage: tributary <command> [options]

${table(commands.map(({ usage, summary }) => [usage, summary]))}

Options of every command:
${table([['--help', 'Shows the command with all its options.'], ['--version', 'Shows the version.']])}

Exit codes: 0 done, 1 failed or mistakes found, 2 called with wrong options or a wrong configuration.`
}

export function commandHelp(command: Command): string {
  const own = command.flags.length === 0 ? '' : `\nOptions:\n${table(command.flags.map(({ name, takes, description }) => [`${name}${takes === 'value' ? ' VALUE' : ''}`, description]))}\n`
  const shared = command.name === 'help' ? '' : `\nConfiguration, as option or environment variable; in the file under the names of the option (limits: { maxDepth: 15 }):\n${configuration()}\n`
  return `Usage: tributary ${command.usage}\n\n${command.details}\n${own}${shared}`.trimEnd()
}

function configuration(): string {
  const rows = options.filter(option => option.kind !== 'structure').map(option => {
    const fallback = option.default === undefined || (Array.isArray(option.default) && option.default.length === 0) ? '' : ` Default ${String(option.default)}.`
    const choices = option.choices ? ` One of ${option.choices.join(', ')}.` : ''
    return [`${option.flag}${option.kind === 'switch' ? '' : ` ${option.kind.toUpperCase()}`}`, `${option.description}${choices}${fallback}`, option.variable]
  })
  return [['--config FILE', 'Configuration file, YAML. Default tributary.yaml, where there is one.', 'HUB_CONFIG'], ...rows]
    .map(([flag = '', text = '', variable = '']) => `  ${flag}  (${variable})\n      ${text}`)
    .join('\n')
}

function table(rows: readonly (readonly string[])[]): string {
  const width = Math.max(...rows.map(([first = '']) => first.length))
  return rows.map(([first = '', text = '']) => `  ${first.padEnd(width)}  ${text}`).join('\n')
}
