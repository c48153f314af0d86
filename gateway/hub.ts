import type { Supergraph } from './federation/supergraph.ts'

/** What the doors of the process stand in front of: the graph that serves now, and how its parts are. */
export interface Hub {
  /** The one new operations run against. Operations under way finish on the one they began with. */
  readonly supergraph: Supergraph
  /** Called, in the same synchronous step, after `supergraph` became another one; who asked for that is answered when what the listener answers has ended, which never fails. The answer removes the listener. */
  onSupergraph(listener: (next: Supergraph) => void | Promise<void>): () => void
  /** Every part that can fail on its own, asked now. Never fails: a part that does not answer is `down`. */
  health(): Promise<readonly ComponentHealth[]>
}

export interface ComponentHealth {
  /** `region-store`, `sql-engine`, `subgraph:reviews`, … */
  readonly name: string
  readonly state: 'up' | 'degraded' | 'down'
  /** Whether the hub cannot serve without it: `/readyz` answers 503 while a required part is down. */
  readonly required: boolean
  /** What is wrong, in a sentence without secrets; absent when nothing is. */
  readonly message?: string
}
