import { join } from 'node:path'
import { composeSupergraph } from '../../gateway/federation/compose.ts'
import { openSupergraph } from '../../gateway/federation/execute.ts'
import { localService } from '../../gateway/federation/local.ts'
import { remoteService } from '../../gateway/federation/remote.ts'
import type { SubgraphRequest, SubgraphService, Supergraph } from '../../gateway/federation/supergraph.ts'
import { SupergraphHub } from '../../gateway/assembly/supergraph-hub.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { catalogFolder } from './catalog-folder.ts'
import { serve } from './federation.ts'
import { testScope } from './scope.ts'

/** Per subgraph, in order, how many representations each request to it carried: 0 at the root. */
export type Calls = Readonly<Record<string, readonly number[]>>

export interface Opened {
  readonly graph: Supergraph
  /** Calls since they were last asked for. */
  takeCalls(): Calls
  close(): Promise<void>
}

/** How a graph comes about: where its subgraphs run, and who composed it. */
export interface Way {
  readonly title: string
  /** Code of what a resolver throws: what is no HubError is hidden where it happens, and what another server answers without a code is told by us. */
  readonly failed: 'INTERNAL' | 'UPSTREAM_REJECTED'
  open(subgraphs: readonly Subgraph[]): Promise<Opened>
}

export const ways: readonly Way[] = [
  { title: 'in this process, composed here', failed: 'INTERNAL', open: subgraphs => local(subgraphs) },
  { title: 'in this process, of a given supergraph', failed: 'INTERNAL', open: subgraphs => local(subgraphs, composeSupergraph(subgraphs).sdl) },
  { title: 'over HTTP, composed here', failed: 'UPSTREAM_REJECTED', open: subgraphs => remote(subgraphs, connected) },
  { title: 'over HTTP, of a given supergraph', failed: 'UPSTREAM_REJECTED', open: subgraphs => remote(subgraphs, fromFile) },
]

async function local(subgraphs: readonly Subgraph[], composed?: string): Promise<Opened> {
  const noted: Noted[] = []
  const services = subgraphs.map(localService).map((service): SubgraphService => {
    const note = ({ variables }: SubgraphRequest) => void noted.push([service.name, representations(variables)])
    return {
      ...service,
      execute(request) {
        note(request)
        return service.execute(request)
      },
      write(request) {
        note(request)
        return service.write(request)
      },
    }
  })
  return { graph: openSupergraph({ services, composed }), takeCalls: () => callsOf(noted.splice(0)), close: async () => {} }
}

interface Address {
  readonly name: string
  readonly url: string
  readonly sdl: string
}

async function remote(subgraphs: readonly Subgraph[], open: (addresses: readonly Address[]) => Promise<{ supergraph: Supergraph; close(): Promise<void> }>): Promise<Opened> {
  const served = await Promise.all(subgraphs.map(async ({ name, sdl }, index) => ({ name, sdl, ...(await serve(subgraphs[index]!)) })))
  const { supergraph, close } = await open(served)
  const seen = new Map(served.map(({ name, requests }) => [name, requests.length]))
  return {
    graph: supergraph,
    takeCalls: () => callsOf(served.flatMap(({ name, requests }) => {
      const fresh = requests.slice(seen.get(name))
      seen.set(name, requests.length)
      return fresh.map(({ variables }): Noted => [name, representations(variables ?? {})])
    })),
    async close() {
      await close()
      for (const one of served) await one.close()
    },
  }
}

/** Asks each subgraph for its SDL and composes them. */
async function connected(addresses: readonly Address[]) {
  const services = await Promise.all(addresses.map(({ name, url }) => remoteService({ name, url }, testScope())))
  return { supergraph: openSupergraph({ services }), close: async () => { for (const service of services) await service.close?.() } }
}

/** As `tributary gateway --supergraph FILE` reads it. */
async function fromFile(addresses: readonly Address[]) {
  const folder = catalogFolder({ 'supergraph.graphql': composeSupergraph(addresses).sdl })
  const { clock, log, later } = testScope()
  const hub = await SupergraphHub.open(join(folder.folder, 'supergraph.graphql'), { clock, log, later }).finally(folder.remove)
  return { supergraph: hub.supergraph, close: () => hub.close() }
}

type Noted = readonly [subgraph: string, representations: number]

function representations(variables: object): number {
  return Object.entries(variables).reduce((sum, [name, value]) => sum + (Array.isArray(value) && /^(representations|__batch_reps_\d+)$/.test(name) ? value.length : 0), 0)
}

function callsOf(noted: readonly Noted[]): Calls {
  const names = new Set(noted.map(([name]) => name))
  return Object.fromEntries([...names].map(name => [name, noted.filter(([other]) => other === name).map(([, count]) => count)]))
}
