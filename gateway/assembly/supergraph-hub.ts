import { readFile } from 'node:fs/promises'
import { Kind, parse, type ConstDirectiveNode } from 'graphql'
import type { Clock, Log } from '../../connectors/ports/scope.ts'
import { HubError, type Problem } from '../../schema/errors.ts'
import { openSupergraph } from '../federation/execute.ts'
import { remoteService } from '../federation/remote.ts'
import type { SubgraphService, Supergraph } from '../federation/supergraph.ts'
import type { ComponentHealth, Hub } from '../hub.ts'
import type { SubgraphMetrics } from '../telemetry/metrics.ts'
import { serviceHealth } from './foreign.ts'
import { hubScope } from './scope.ts'

export interface SupergraphHubParts {
  readonly clock: Clock
  readonly log: Log
  readonly later: (work: () => Promise<void>) => void
  readonly metrics?: SubgraphMetrics
}

interface Address {
  readonly name: string
  readonly url: string
}

interface Connection extends Address {
  readonly service: SubgraphService
}

interface Serving {
  readonly supergraph: Supergraph
  readonly connections: readonly Connection[]
}

/** How long operations that began on a graph before may still ask its subgraphs. */
const graceMs = 60_000

/** The graph of a file with a composed supergraph, over subgraphs that all run somewhere else: no catalog, no data of its own. */
export class SupergraphHub implements Hub {
  readonly #file: string
  readonly #parts: SupergraphHubParts
  readonly #closing = new AbortController()
  readonly #listeners = new Set<(next: Supergraph) => void>()
  /** Those that no graph uses any more, with what stops the wait before they are closed. */
  readonly #retired = new Map<Connection, () => void>()
  #serving: Serving

  private constructor(file: string, parts: SupergraphHubParts, serving: Serving) {
    this.#file = file
    this.#parts = parts
    this.#serving = serving
  }

  /** A file that cannot be read, or holds no supergraph → CATALOG_INVALID. No subgraph is asked. */
  static async open(file: string, parts: SupergraphHubParts): Promise<SupergraphHub> {
    return new SupergraphHub(file, parts, await serving(file, parts, []))
  }

  get supergraph(): Supergraph {
    return this.#serving.supergraph
  }

  onSupergraph(listener: (next: Supergraph) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Serves what the file holds now. A file that is wrong fails as of `open`, and the graph before it serves on. */
  async reload(): Promise<void> {
    const previous = this.#serving
    const next = await serving(this.#file, this.#parts, previous.connections)
    if (next.supergraph.version === previous.supergraph.version) return
    this.#serving = next
    for (const listener of this.#listeners) listener(next.supergraph)
    for (const old of previous.connections) {
      if (!next.connections.includes(old)) this.#retired.set(old, this.#parts.clock.after(graceMs, () => this.#parts.later(() => this.#letGo(old))))
    }
  }

  async health(): Promise<readonly ComponentHealth[]> {
    const scope = hubScope({ ...this.#parts, signal: this.#closing.signal }, 'health', 1_000)
    return Promise.all(this.#serving.connections.map(({ service }) => serviceHealth(scope, service)))
  }

  async close(): Promise<void> {
    this.#closing.abort(new HubError('SHUTTING_DOWN', 'The gateway is stopping.'))
    for (const old of [...this.#retired.keys()]) await this.#letGo(old)
    await closeAll(this.#serving.connections)
  }

  async #letGo(old: Connection): Promise<void> {
    this.#retired.get(old)?.()
    this.#retired.delete(old)
    await closeAll([old])
  }
}

/** Connections to subgraphs that stay where they are stay too: subscriptions over them outlive the change. */
async function serving(file: string, parts: SupergraphHubParts, known: readonly Connection[]): Promise<Serving> {
  const sdl = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new HubError('CATALOG_INVALID', `The supergraph "${file}" cannot be read (${cause.code ?? cause.message}).`, { file }, { cause })
  })
  const scope = hubScope({ ...parts, signal: AbortSignal.timeout(graceMs) }, 'supergraph', graceMs)
  const connections: Connection[] = []
  try {
    for (const { name, url } of subgraphsIn(sdl, file)) {
      connections.push(known.find(one => one.name === name && one.url === url) ?? { name, url, service: await remoteService({ name, url, sdl: '', took: (outcome, seconds) => parts.metrics?.took(name, outcome, seconds) }, scope) })
    }
    return { supergraph: openSupergraph({ services: connections.map(({ service }) => service), composed: sdl, ran: way => parts.metrics?.ran(way) }), connections }
  } catch (error) {
    await closeAll(connections.filter(one => !known.includes(one)))
    throw error
  }
}

async function closeAll(connections: readonly Connection[]): Promise<void> {
  await Promise.all(connections.map(({ service }) => service.close?.()))
}

/** The subgraphs a supergraph names, with their addresses: values of `join__Graph` (join specification, `@join__graph`). */
function subgraphsIn(sdl: string, file: string): Address[] {
  const graphs = parsed(sdl, file).definitions.flatMap(node => (node.kind === Kind.ENUM_TYPE_DEFINITION && node.name.value === 'join__Graph' ? node.values ?? [] : []))
  if (graphs.length === 0) throw new HubError('CATALOG_INVALID', `"${file}" is no supergraph: it has no enum join__Graph that names subgraphs. Give the composed SDL, not that of a subgraph.`, { file })
  const problems: Problem[] = []
  const found = graphs.map(({ name: value, directives = [] }) => {
    const graph = directives.find(directive => directive.name.value === 'join__graph')
    const [name, url] = [textOf(graph, 'name'), textOf(graph, 'url')]
    if (!name || !url) problems.push({ path: `join__Graph.${value.value}`, message: `Subgraph "${name || value.value}" has no ${name ? 'url' : 'name'} in @join__graph.` })
    return { name, url }
  })
  if (problems.length > 0) throw new HubError('CATALOG_INVALID', `The supergraph "${file}" does not say where its subgraphs are. ${problems.map(({ message }) => message).join(' ')}`, { file, problems })
  return found
}

function parsed(sdl: string, file: string) {
  try {
    return parse(sdl, { noLocation: true })
  } catch (cause) {
    throw new HubError('CATALOG_INVALID', `The supergraph "${file}" is not GraphQL: ${cause instanceof Error ? cause.message : String(cause)}`, { file }, { cause })
  }
}

function textOf(directive: ConstDirectiveNode | undefined, argument: string): string {
  const value = directive?.arguments?.find(({ name }) => name.value === argument)?.value
  return value?.kind === Kind.STRING ? value.value : ''
}
