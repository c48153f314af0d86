import type { Problem } from '../schema/errors.ts'
import { systemClock } from '../connectors/ports/scope.ts'
import { CatalogMistakes } from './assembly/mistakes.ts'
import type { LoadedCatalog } from './catalog/load.ts'
import { problemsOf } from './commands/check.ts'
import { environment, type Config } from './config.ts'
import { Lifecycle } from './lifecycle.ts'
import { openLog } from './telemetry/log.ts'
import { openHub } from './wiring.ts'

/** What a start would find wrong in sources, SQL and data: the hub is composed and loaded in memory, and closed again. */
export async function checkCatalog(config: Config, loaded: LoadedCatalog): Promise<readonly Problem[]> {
  const log = openLog({ level: 'silent' })
  const lifecycle = new Lifecycle(systemClock)
  try {
    const { close } = await openHub({
      clock: systemClock, log, maxEntries: config.defaults.evictionSize, backups: config.defaults.backups, onFatal: () => undefined,
      later: work => lifecycle.later(work, log),
      reach: { api: config.api, env: name => environment[name] },
      pipelines: { settings: { ...config.pipelines, folder: undefined }, env: environment, ended: () => undefined, raised: () => undefined },
      follow: false,
      files: async () => ({ catalog: loaded.catalog, written: loaded.written }),
    })
    await close()
    return []
  } catch (error) {
    const problems = placedProblems(loaded, error)
    if (problems.length === 0) throw error
    return problems
  }
}

/** The problems an error of a composition lists, with their places in the files; none where it lists none. */
export function placedProblems(loaded: LoadedCatalog, error: unknown): readonly Problem[] {
  return error instanceof CatalogMistakes ? error.findings.map(finding => loaded.problem(finding)) : problemsOf(error)
}
