import { HubError } from '../../schema/errors.ts'
import { nearest } from '../../schema/names.ts'
import type { Graph, LineageEdge, LineageNode } from './graph.ts'

export type Direction = 'UPSTREAM' | 'DOWNSTREAM' | 'BOTH'

export const maxDepth = 20
/** Most nodes one answer holds. */
export const maxNodes = 5_000

export interface Walked {
  readonly root: LineageNode
  /** The root first, then by distance; each once, however many ways lead to it. */
  readonly nodes: readonly LineageNode[]
  readonly edges: readonly LineageEdge[]
  /** Whether nodes beyond the limit were left out. */
  readonly truncated: boolean
}

/**
 * The part of the graph around one node: what it is made from, what is made from it, or both, at most `depth` edges away. Around a type, view or region its
 * fields or columns count as the node itself. `depth` outside 1…20 → BAD_USER_INPUT; an unknown name → NOT_FOUND with the nearest ones.
 */
export function walk(graph: Graph, of: string, direction: Direction, depth: number): Walked {
  if (!Number.isInteger(depth) || depth < 1 || depth > maxDepth) {
    throw new HubError('BAD_USER_INPUT', `The depth is ${depth}; it may be 1 to ${maxDepth}.`, { field: 'depth', maximum: maxDepth })
  }
  const root = find(graph, of)
  const seeds = [root.id, ...(root.kind === 'TYPE' || root.kind === 'VIEW' || root.kind === 'REGION' ? partsOf(graph, root) : [])]

  const reached = new Set(seeds.slice(0, maxNodes))
  const edges = new Set<LineageEdge>()
  let truncated = reached.size < seeds.length
  for (const [way, by, end] of [['UPSTREAM', graph.upstream, 'from'], ['DOWNSTREAM', graph.downstream, 'to']] as const) {
    if (direction !== way && direction !== 'BOTH') continue
    const seen = new Set(seeds)
    let front = seeds
    for (let distance = 0; distance < depth && front.length > 0; distance++) {
      const next: string[] = []
      for (const edge of front.flatMap(id => by.get(id) ?? [])) {
        const id = edge[end]
        if (!reached.has(id) && reached.size >= maxNodes) {
          truncated = true
          continue
        }
        edges.add(edge)
        reached.add(id)
        if (!seen.has(id)) next.push(id)
        seen.add(id)
      }
      front = next
    }
  }
  return { root, nodes: [...reached].map(id => nodeOf(graph, id)), edges: [...edges], truncated }
}

/** A field as `Type.field`, a type, a source, a table or column with its catalog; regions and views also without `hub.`, and letter case aside where that is clear. */
function find(graph: Graph, of: string): LineageNode {
  if (!graph.nodes.has(of)) graph.discover(of)
  const exact = graph.nodes.get(of) ?? graph.nodes.get(`hub.${of}`)
  if (exact) return exact
  const folded = [...graph.nodes.values()].filter(({ id }) => id.toLowerCase() === of.toLowerCase() || id.toLowerCase() === `hub.${of}`.toLowerCase())
  const [only] = folded
  if (only && folded.length === 1) return only

  const near = folded.length > 0 ? folded.slice(0, 3).map(({ id }) => id) : nearest(of, graph.nodes.keys())
  const hint = near.length > 0 ? `Did you mean ${near.map(name => `"${name}"`).join(' or ')}?` : 'Give a type, "Type.field", "catalog.table" or "catalog.table.column".'
  throw new HubError('NOT_FOUND', `Nothing is known of "${of.slice(0, 200)}". ${hint}`, { name: of.slice(0, 200), nearest: near })
}

function partsOf(graph: Graph, root: LineageNode): readonly string[] {
  return [...graph.nodes.values()].filter(({ parent }) => parent === root.id).map(({ id }) => id)
}

function nodeOf(graph: Graph, id: string): LineageNode {
  const node = graph.nodes.get(id)
  if (!node) throw new HubError('INTERNAL', `The lineage graph has an edge to "${id}" but no such node.`)
  return node
}
