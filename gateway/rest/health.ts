import { HubError } from '../../schema/errors.ts'
import type { Hub } from '../hub.ts'
import { hubErrorIn } from '../http/errors.ts'
import { readiness } from '../http/health.ts'
import type { Route, RouteRequest } from '../http/routes.ts'
import { snakeMembers } from './forms.ts'
import { operation } from './operation.ts'
import { route } from './route.ts'

interface Cluster {
  readonly nodes: readonly { readonly id: string; readonly address: string | null; readonly state: 'UP' | 'DOWN'; readonly partitionsPrimary: number | null; readonly partitionsBackup: number | null }[]
  readonly topologyVersion: number | string | null
  readonly pool: { readonly size: number; readonly idle: number; readonly waiting: number } | null
}

const cluster = operation<{ cacheCluster: Cluster }>('{ cacheCluster { nodes { id address state partitionsPrimary partitionsBackup } topologyVersion pool { size idle waiting } } }')

/** An answer comes within a second, whatever hangs. */
const limitMs = 900

const statuses = { ready: 'UP', degraded: 'DEGRADED', unready: 'DOWN', draining: 'DOWN' } as const

/** How the hub and the nodes of its regions are. */
export function healthRoutes(hub: Hub): readonly Route[] {
  return [
    route({
      method: 'GET', path: '/api/v1/dih/health', summary: 'How the hub is: its parts, and the nodes that hold the regions.', answers: { 200: 'It is UP, or DEGRADED: a part it can do without is not. 503 when it is DOWN.' },
      answer: async request => {
        const [parts, nodes] = await Promise.all([readiness(hub, { draining: false, timeoutMs: limitMs, clock: request.scope.clock }), nodesOf(hub, request)])
        const status = 'reason' in nodes || nodes.nodes.every(node => node.state === 'DOWN') ? 'DOWN' : statuses[parts.status]
        const components = parts.components.map(({ name, state, message }) => ({ name, status: state.toUpperCase(), ...(message === undefined ? {} : { detail: message }) }))
        return { status: status === 'DOWN' ? 503 : 200, body: { status, ...nodes, components } }
      },
    }),
  ]
}

/** The nodes, or why nobody knows them. A caller who may not see them is refused. */
async function nodesOf(hub: Hub, { scope, headers }: RouteRequest) {
  const late = new AbortController()
  const cancel = scope.clock.after(limitMs, () => late.abort(new HubError('TIMEOUT', `The nodes did not say how they are within ${limitMs} ms.`)))
  try {
    const own = { ...scope, signal: AbortSignal.any([scope.signal, late.signal]), deadlineMs: Math.min(scope.deadlineMs, scope.clock.now() + limitMs) }
    const { nodes, topologyVersion, pool } = (await cluster(hub, { scope: own, headers }, {})).cacheCluster
    return { nodes: nodes.map(snakeMembers), topology_version: topologyVersion, pool }
  } catch (error) {
    const failure = hubErrorIn(error)
    if (!failure || failure.info.http < 500) throw error
    return { nodes: [], reason: failure.message }
  } finally {
    cancel()
  }
}
