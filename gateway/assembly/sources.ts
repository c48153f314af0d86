import { isDeepStrictEqual } from 'node:util'
import type { Source } from '../../schema/catalog.ts'
import { HubError } from '../../schema/errors.ts'
import type { Finding } from '../../schema/findings.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { SourceConnector, SourceTable } from '../../connectors/ports/source-connector.ts'

/** A declared source with its connection, and what was found in it. */
export interface OpenSource {
  readonly source: Source
  readonly connector: SourceConnector
  readonly tables: readonly SourceTable[]
}

/**
 * The declared sources, opened and introspected; those declared as before keep their connection, and what was found in them where they do not answer now. A source that cannot be opened is a finding, all at once. Close those of
 * `previous` that are not in the answer once nothing reads them any more.
 */
export async function openSources(scope: Scope, declared: readonly Source[], previous: readonly OpenSource[], open: (source: Source) => Promise<SourceConnector>): Promise<{ sources: readonly OpenSource[]; findings: readonly Finding[] }> {
  const findings: Finding[] = []
  const sources = await Promise.all(
    declared.map(async (source): Promise<OpenSource[]> => {
      const known = previous.find(one => isDeepStrictEqual(one.source, source))
      try {
        const connector = known?.connector ?? (await open(source))
        return [{ source, connector, tables: await tablesOf(scope, source, connector, known) }]
      } catch (error) {
        if (!(error instanceof HubError)) throw error
        findings.push({ path: ['sources', source.name], message: error.message })
        return []
      }
    }),
  )
  return { sources: sources.flat(), findings }
}

/** A source that is down holds up nothing that does without it. */
async function tablesOf(scope: Scope, source: Source, connector: SourceConnector, known: OpenSource | undefined): Promise<readonly SourceTable[]> {
  try {
    return await connector.tables(scope)
  } catch (error) {
    if (!known || !(error instanceof HubError) || !error.info.retry || scope.signal.aborted) throw error
    scope.log.warn(`Source "${source.name}" does not answer; its tables count as they were.`, { source: source.name, code: error.code, reason: error.message })
    return known.tables
  }
}
