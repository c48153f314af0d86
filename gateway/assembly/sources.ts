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
 * The declared sources, opened and introspected; those declared as before keep their connection. A source that cannot be opened is a finding, all at once. Close those of
 * `previous` that are not in the answer once nothing reads them any more.
 */
export async function openSources(scope: Scope, declared: readonly Source[], previous: readonly OpenSource[], open: (source: Source) => Promise<SourceConnector>): Promise<{ sources: readonly OpenSource[]; findings: readonly Finding[] }> {
  const findings: Finding[] = []
  const sources = await Promise.all(
    declared.map(async (source): Promise<OpenSource[]> => {
      const known = previous.find(one => isDeepStrictEqual(one.source, source))
      try {
        const connector = known?.connector ?? (await open(source))
        return [{ source, connector, tables: await connector.tables(scope) }]
      } catch (error) {
        if (!(error instanceof HubError)) throw error
        findings.push({ path: ['sources', source.name], message: error.message })
        return []
      }
    }),
  )
  return { sources: sources.flat(), findings }
}
