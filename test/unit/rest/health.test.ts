import { GraphQLError, type ExecutionResult } from 'graphql'
import type { ComponentHealth, Hub } from '../../../gateway/hub.ts'
import type { Operation } from '../../../gateway/federation/supergraph.ts'
import { healthRoutes } from '../../../gateway/rest/health.ts'
import type { RouteAnswer } from '../../../gateway/http/routes.ts'
import { HubError } from '../../../schema/errors.ts'
import { testScope } from '../../support/scope.ts'

const up: ComponentHealth = { name: 'region-store', state: 'up', required: true }
const node = (id: string, state: 'UP' | 'DOWN') => ({ id, address: `127.0.0.1:${id}`, state, partitionsPrimary: 512, partitionsBackup: 512 })
const cluster = (...states: ('UP' | 'DOWN')[]): ExecutionResult => ({ data: { cacheCluster: { nodes: states.map((state, index) => node(String(index), state)), topologyVersion: 3, pool: { size: 2, idle: 1, waiting: 0 } } } })
const refused = (error: HubError): ExecutionResult => ({ errors: [new GraphQLError(error.message, { originalError: error })] })

/** A hub whose parts and nodes answer so. */
function hubOf(components: Promise<readonly ComponentHealth[]>, nodes: (operation: Operation) => Promise<ExecutionResult>): Hub {
  return { supergraph: { execute: nodes } as unknown as Hub['supergraph'], onSupergraph: () => () => {}, health: () => components }
}

function ask(hub: Hub, scope = testScope()): Promise<RouteAnswer> {
  const [route] = healthRoutes(hub)
  const unread = async () => undefined
  return route?.answer({ url: new URL('http://localhost/api/v1/dih/health'), params: {}, headers: {}, scope, bytes: unread as never, json: unread }) as Promise<RouteAnswer>
}

test.each<[readonly ComponentHealth[], ExecutionResult, number, string]>([
  [[up], cluster('UP', 'UP'), 200, 'UP'],
  [[up], cluster('UP', 'DOWN'), 200, 'UP'],
  [[up, { name: 'source:shop', state: 'down', required: false, message: 'It is away.' }], cluster('UP'), 200, 'DEGRADED'],
  [[up, { ...up, name: 'event-log', state: 'down', message: 'It is away.' }], cluster('UP'), 503, 'DOWN'],
  [[up], cluster('DOWN', 'DOWN'), 503, 'DOWN'],
  [[up], refused(new HubError('UPSTREAM_UNAVAILABLE', 'No node can be reached.')), 503, 'DOWN'],
])('H-04 of parts %j and nodes %j the answer is %i and the status %s', async (components, nodes, status, word) => {
  const answer = await ask(hubOf(Promise.resolve(components), async () => nodes))
  expect(answer).toMatchObject({ status, body: { status: word, components: components.map(({ name, state, message }) => ({ name, status: state.toUpperCase(), ...(message ? { detail: message } : {}) })) } })
})

test('H-04 every node is shown as it is, and why none is known', async () => {
  expect((await ask(hubOf(Promise.resolve([up]), async () => cluster('UP', 'DOWN')))).body).toMatchObject({
    nodes: [{ id: '0', address: '127.0.0.1:0', state: 'UP', partitions_primary: 512, partitions_backup: 512 }, { id: '1', state: 'DOWN' }], topology_version: 3, pool: { size: 2, idle: 1, waiting: 0 },
  })
  expect((await ask(hubOf(Promise.resolve([up]), async () => refused(new HubError('UPSTREAM_UNAVAILABLE', 'No node can be reached.'))))).body).toMatchObject({ nodes: [], reason: 'No node can be reached.' })
})

test('H-04 parts and nodes that hang are DOWN within a second', async () => {
  const scope = testScope()
  const asked = Promise.withResolvers<void>()
  const answer = ask(hubOf(new Promise(() => {}), () => {
    asked.resolve()
    return new Promise(() => {})
  }), scope)
  await asked.promise
  scope.clock.advance(1_000)
  expect(await answer).toMatchObject({ status: 503, body: { status: 'DOWN', nodes: [], reason: expect.stringContaining('900 ms'), components: [{ status: 'DOWN' }] } })
})

test('H-04 a caller who may not see the nodes is refused, not told that they are down', async () => {
  await expect(ask(hubOf(Promise.resolve([up]), async () => refused(new HubError('FORBIDDEN', 'No.'))))).rejects.toThrow('No.')
})
