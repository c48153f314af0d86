import type { Stage } from './contender.ts'
import { apolloGateway, hiveGateway, hiveRouterOver, tributary } from './gateways.ts'
import { heavyOperation } from './remote-operation.ts'
import { pages, remoteWorld } from './remote-world.ts'

export const remoteStage: Stage = {
  name: 'remote',
  about: 'A federation gateway alone: one heavy operation over four subgraphs behind HTTP, seven fetches as the planner in Rust plans it. First every request asks for other data, so that nothing can be shared; then all ask for the same, which may be joined in flight.',
  cases: [
    { name: 'remote, unique requests', document: heavyOperation, variables: n => ({ from: (n * 7) % pages }), requests: 800, warmUp: 2_000 },
    { name: 'remote, identical requests', document: heavyOperation, variables: () => ({ from: 11 }), requests: 1_500, warmUp: 1_000 },
  ],
  subgraphs: ['remote'],
  world: () => remoteWorld,
  contenders: (supergraph, folder) => [
    // Lists without connections count as fifty rows each: seven of them, one inside the other, are above the default.
    tributary(['gateway', '--supergraph', supergraph, '--limits-max-cost', '100000000']), hiveRouterOver(supergraph, folder), hiveGateway(supergraph), apolloGateway(supergraph),
  ],
}
