import { styleText } from 'node:util'
import { HubError, type Problem } from '../../schema/errors.ts'
import { loadCatalog } from '../catalog/load.ts'
import type { Config, Environment } from '../config.ts'
import type { Call, LoadActions } from './commands.ts'

/** Says every mistake of the configured catalog: those of its files, or, where there are none, those of sources and SQL. Answers the exit code. */
export async function check(config: Config, { terminal, env, asJson, actions }: Call): Promise<number> {
  const { catalog: path } = config
  if (path === undefined) throw new HubError('VALIDATION_ERROR', 'There is no catalog to check. Name a file or a folder: tributary check hub.yaml')
  const { problems, counts } = await mistakes(path, config, env, actions)
  if (asJson) terminal.out(JSON.stringify({ ok: problems.length === 0, catalog: path, ...counts, problems }))
  else if (problems.length === 0) terminal.out(`${path}: ${Object.entries(counts).map(([what, count]) => `${count} ${count === 1 ? what.slice(0, -1) : what}`).join(', ')}. No mistakes.`)
  else for (const problem of problems) terminal.err(problemLine(problem, terminal.color))
  return problems.length === 0 ? 0 : 1
}

async function mistakes(path: string, config: Config, env: Environment, actions: LoadActions): Promise<{ problems: readonly Problem[]; counts: Readonly<Record<string, number>> }> {
  try {
    const loaded = await loadCatalog(path, { env: name => env[name], defaults: { maxEntries: config.defaults.evictionSize, backups: config.defaults.backups } })
    const { sources, regions, views, relations, subgraphs, endpoints } = loaded.catalog
    const counts = { sources: sources.length, regions: regions.length, views: views.length, relations: relations.length, subgraphs: subgraphs.length, endpoints: endpoints.length }
    const deeper = (await actions()).check
    return { problems: deeper ? await deeper(config, loaded) : [], counts }
  } catch (error) {
    const problems = problemsOf(error)
    if (problems.length === 0) throw error
    return { problems, counts: {} }
  }
}

/** The problems an error lists; none where it lists none. */
export function problemsOf(error: unknown): readonly Problem[] {
  return error instanceof HubError && Array.isArray(error.details['problems']) ? (error.details['problems'] as readonly Problem[]) : []
}

/** `hub.yaml:12:5  regions.airports.key: …` */
export function problemLine({ file, line, column, path, message }: Problem, color: boolean): string {
  const place = [file, line, column].filter(part => part !== undefined).join(':')
  const shown = color && place ? styleText('bold', place, { validateStream: false }) : place
  return `${shown}${place ? '  ' : ''}${path && (file !== undefined || !message.includes(path)) ? `${path}: ` : ''}${message}`
}
