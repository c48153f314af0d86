import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { PlanWay } from '../federation/supergraph.ts'

/** What the front counts. Other parts add their own to `registry`: names end in `_total`, `_seconds` or `_bytes`. */
export interface Metrics {
  readonly registry: Registry
  /** What /metrics shows: those of the registry, or of more than this process, as whoever has workers says. */
  shown: () => Promise<string>
  /** Labels: operation_type (query, mutation, subscription, none), transport (http, sse, websocket). */
  took(operationType: string, transport: string, seconds: number): void
  readonly requestsInFlight: Gauge
  /** One per error of an answer. Label: code. */
  readonly errors: Counter<'code'>
  readonly subscriptionsOpen: Gauge<'transport'>
  /** Executions behind them. */
  readonly subscriptionGroups: Gauge
  readonly events: Counter<'transport'>
  /** One per operation that asked for its answer to be kept. Label: outcome (hit, miss, bypass). */
  readonly responseCache: Counter<'outcome'>
  /** What is kept of them now, as whoever keeps them says; 0 until somebody does. */
  keptAnswers: () => { readonly entries: number; readonly sizeBytes: number }
  responded(route: string, status: number): void
  readonly subgraphs: SubgraphMetrics
}

/** What is counted of subgraphs behind URLs. */
export interface SubgraphMetrics {
  /** One request to the subgraph of the name. Outcome: ok, or the code of its failure. */
  took(subgraph: string, outcome: string, seconds: number): void
  /** One run of a plan that asks no others. */
  ran(way: PlanWay): void
}

/** `process: false` leaves out the figures of the Node process. */
export function createMetrics(options: { process?: boolean } = {}): Metrics {
  const registry = new Registry()
  const registers = [registry]
  if (options.process !== false) collectDefaultMetrics({ register: registry })
  const requestSeconds = new Histogram({
    registers, name: 'graphql_request_duration_seconds', help: 'Time from the first byte of an operation to the last of its answer; of a subscription, to its end.',
    labelNames: ['operation_type', 'transport'], buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  })
  const httpResponses = new Counter({ registers, name: 'http_responses_total', help: 'Answers, by route and status.', labelNames: ['route', 'status'] })
  const subgraphSeconds = new Histogram({
    registers, name: 'subgraph_request_duration_seconds', help: 'Time a subgraph behind a URL took for a request, by how it ended.',
    labelNames: ['subgraph', 'outcome'], buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  })
  const planRuns = new Counter({ registers, name: 'subgraph_plan_runs_total', help: 'Runs of plans whose subgraphs are all behind URLs: by the core, in the general way, or there after the core had given it up.', labelNames: ['way'] })
  const asked = children((subgraph, outcome) => subgraphSeconds.labels({ subgraph, outcome }))
  const ways = { core: planRuns.labels('core'), general: planRuns.labels('general'), given_up: planRuns.labels('given_up') }
  const timed = children((operationType, transport) => requestSeconds.labels({ transport, operation_type: operationType }))
  const answered = children((route, status) => httpResponses.labels({ route, status }))
  const metrics: Metrics = {
    registry,
    shown: () => registry.metrics(),
    took: (operationType, transport, seconds) => timed(operationType, transport).observe(seconds),
    requestsInFlight: new Gauge({ registers, name: 'graphql_requests_in_flight', help: 'Operations under way, subscriptions aside.' }),
    errors: new Counter({ registers, name: 'graphql_errors_total', help: 'Errors answered, by code.', labelNames: ['code'] }),
    subscriptionsOpen: new Gauge({ registers, name: 'graphql_subscriptions_open', help: 'Subscriptions open now.', labelNames: ['transport'] }),
    subscriptionGroups: new Gauge({ registers, name: 'graphql_subscription_groups', help: 'Executions behind the open subscriptions: equal ones share one.' }),
    events: new Counter({ registers, name: 'graphql_subscription_events_total', help: 'Events sent to subscribers.', labelNames: ['transport'] }),
    responseCache: new Counter({ registers, name: 'response_cache_answers_total', help: 'Answers to operations that say @cached: kept ones, ones kept from then on, ones that are not kept.', labelNames: ['outcome'] }),
    keptAnswers: () => ({ entries: 0, sizeBytes: 0 }),
    responded: (route, status) => answered(route, String(status)).inc(),
    subgraphs: { took: (subgraph, outcome, seconds) => asked(subgraph, outcome).observe(seconds), ran: way => ways[way].inc() },
  }
  new Gauge({ registers, name: 'response_cache_entries', help: 'Answers that are kept.', collect() { this.set(metrics.keptAnswers().entries) } })
  new Gauge({ registers, name: 'response_cache_bytes', help: 'Memory they take, about.', collect() { this.set(metrics.keptAnswers().sizeBytes) } })
  return metrics
}

/** The child of a metric for two labels, of few values each, found by look-ups instead of by hashing its labels each time. */
function children<Child>(make: (first: string, second: string) => Child): (first: string, second: string) => Child {
  const known = new Map<string, Map<string, Child>>()
  return (first, second) => {
    const ofFirst = known.get(first) ?? new Map<string, Child>()
    const child = ofFirst.get(second)
    if (child) return child
    const made = make(first, second)
    known.set(first, ofFirst.set(second, made))
    return made
  }
}
