import type { Scope } from '../connectors/ports/scope.ts'

/** What resolvers are given: the scope of the request, and where to note what was read. */
export interface Context {
  readonly scope: Scope
  /** Notes one read for `extensions.hub.reads`; absent unless the client asked for it. */
  readonly explain?: (read: Read) => void
  /** Response path of the entities a fetch was made for: `airports.nodes`; empty at the root. */
  readonly at: string
  /** Values kept for the length of one fetch, as the loaders that batch its reads. */
  readonly perFetch: Map<object, unknown>
}

/** One read behind an answer. */
export interface Read {
  /** Response path, without list positions: `airports.nodes.departures`. */
  readonly path: string
  readonly from: 'region' | 'view' | 'source'
  /** Region, view or table. */
  readonly name: string
  /** `memory`, `duckdb`, `files`, … */
  readonly engine: string
  readonly rows: number
  /** Age of the oldest row answered; 0 for what was read just now. */
  readonly ageMs: number
}
