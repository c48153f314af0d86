import type { Clock } from '../../connectors/ports/scope.ts'
import type { Hub } from '../hub.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { RateLimit } from '../limits/rate.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Apollo, Seen } from './apollo.ts'
import type { Groups } from './group.ts'
import type { Operations } from './operations.ts'
import type { Windows } from './outlet.ts'
import type { Reading } from './reading.ts'
import type { FrontSettings } from './settings.ts'
import type { Subscriptions, Transport } from './subscriptions.ts'

/** What answering an operation takes, on every transport. */
export interface GraphQLParts {
  readonly hub: Hub
  readonly settings: FrontSettings
  readonly clock: Clock
  readonly metrics: Metrics
  readonly lifecycle: Lifecycle
  readonly operations: Operations
  readonly apollo: Apollo
  readonly subscriptions: Subscriptions
  readonly groups: Groups
  readonly windows: Windows
  readonly rate: RateLimit
  readonly reading: Reading
}

/** Measures one operation until the answer is called; calling it twice measures once. */
export function observed({ metrics }: GraphQLParts, transport: 'http' | Transport, seen: Seen): () => void {
  const startedMs = performance.now()
  metrics.requestsInFlight.inc()
  let ended = false
  return () => {
    if (ended) return
    ended = true
    metrics.requestsInFlight.dec()
    metrics.took(seen.operationType ?? 'none', transport, (performance.now() - startedMs) / 1000)
  }
}
