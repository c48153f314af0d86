import type { Scope } from '../connectors/ports/scope.ts'
import type { Consistency } from '../schema/consistency.ts'
import type { Place } from './live/place.ts'

/** What resolvers are given: the scope of the request, and where to note what was read. */
export interface Context {
  readonly scope: Scope
  /** Notes one read for `extensions.hub.reads`; absent unless the client asked for it. */
  readonly explain?: (read: Read) => void
  /** Response path of the entities a fetch was made for: `airports.nodes`; empty at the root. */
  readonly at: string
  /** Values kept for the length of one fetch, as the loaders that batch its reads. */
  readonly perFetch: Map<object, unknown>
  /** How the transport of a subscription keeps its client's place; absent: it does not. */
  readonly live?: Live
}

export interface Live {
  /** Cursor the client came back with beside the operation: newer than one inside it. */
  readonly after?: string
  /** It was going on until it fell behind: the limit of how far it may be behind counts from `after` on. */
  readonly fellBehind?: true
  readonly progress?: Progress
  /** Where the event leads that is handed over next. Must not throw and must not wait, as the next one. */
  readonly leads?: (to: Reached) => void
  /** Where it is when nothing is being handed over: at the start, before each word of progress, and whenever it `hasAll` there is and waits for more. */
  readonly rests?: (at: Reached, hasAll: boolean) => void
}

/** How far a subscription has come in the log it follows. */
export interface Reached {
  readonly cursor: string
  /** Absent inside a snapshot. Comparable among subscriptions to the same rows of the same log. */
  readonly place?: Place
}

/** Tells a subscriber a newer cursor while nothing concerns it, so that its place does not leave what the log holds. */
export interface Progress {
  /** Not more often while the log is slow; sooner where it would let go of the place. */
  readonly everyMs: number
  /** The subscriber has everything up to this cursor. Must not throw and must not wait. */
  readonly tell: (cursor: string) => void
}

/** Age of rows known to be those of where they come from at that moment; 0 for those read just now. */
export function ageOf({ clock }: Scope, asOfMs: number | undefined): number {
  return asOfMs === undefined ? 0 : Math.max(0, clock.now() - asOfMs)
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
  /** Age of the oldest data the rows were made from; 0 for what was read just now. */
  readonly ageMs: number
  /** How many of the rows were kept near; absent: none. */
  readonly near?: number
  /** What the hub holds was too old for the read. */
  readonly outdated?: true
  /** What the read was bound by, where its field said so; absent: what the operation was. */
  readonly consistency?: Consistency
}
