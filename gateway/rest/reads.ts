import type { OutgoingHttpHeaders } from 'node:http'
import type { Read } from '../../resolvers/context.ts'
import { consistencyHeader, windowHeader } from '../http/reading.ts'
import type { RouteRequest } from '../http/routes.ts'

/** What an answer was read from, as headers of it: `X-Query-Engine`, who was asked, in that order; `X-Cache`; `X-Consistency` and its window. */
export class Reads {
  readonly #reads: Read[] = []
  readonly #scope: RouteRequest['scope']

  constructor({ scope }: Pick<RouteRequest, 'scope'>) {
    this.#scope = scope
  }

  readonly note = (read: Read): void => {
    this.#reads.push(read)
  }

  headers(): OutgoingHttpHeaders {
    const engines = new Set(this.#reads.map(({ engine }) => engine))
    const { consistency } = this.#scope
    return {
      ...(engines.size > 0 && { 'x-query-engine': [...engines].join(', '), 'x-cache': cacheOf(this.#reads) }),
      ...(consistency && { [consistencyHeader.toLowerCase()]: consistency.level }),
      ...(consistency?.maxStalenessMs !== undefined && { [windowHeader.toLowerCase()]: String(consistency.maxStalenessMs) }),
    }
  }
}

/** NEAR: all of it was kept in this process. HIT: it was in the region, or is in none. MISS: some was read where it comes from. */
function cacheOf(reads: readonly Read[]): 'NEAR' | 'HIT' | 'MISS' {
  if (reads.some(({ from }) => from !== 'region')) return 'MISS'
  const rows = reads.reduce((sum, read) => sum + read.rows, 0)
  return rows > 0 && rows === reads.reduce((sum, read) => sum + (read.near ?? 0), 0) ? 'NEAR' : 'HIT'
}
