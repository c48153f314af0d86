import type { Model } from '../../schema/model.ts'
import type { Context } from '../../resolvers/context.ts'
import { mustHold } from '../../resolvers/guard.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { analyse } from './analyse.ts'
import { buildGraph, findTable, type Graph, type Tables } from './graph.ts'
import { lineageSdl } from './sdl.ts'
import { walk, type Direction } from './walk.ts'

/** What lineage is found from. */
export interface LineageRoles {
  /** The catalog of now; another object after every change. */
  readonly model: () => Model
  /** Columns of a source's table; undefined where there is none. */
  readonly tables: Tables
}

/** Answers what feeds what, from the model and the views' statements alone: no source and no engine is asked. Each model is analysed once, when first asked about. */
export function lineageSubgraph(roles: LineageRoles): Subgraph {
  const graphs = new WeakMap<Model, Graph>()

  function graphNow(): Graph {
    const model = roles.model()
    const graph = graphs.get(model) ?? buildGraph(model, roles.tables)
    graphs.set(model, graph)
    return graph
  }

  return {
    name: 'lineage',
    sdl: lineageSdl,
    fields: {
      Query: {
        lineage(_parent: unknown, { of, direction, depth }: { of: string; direction: Direction | null; depth: number | null }, { scope }: Context) {
          mustHold(scope, 'catalog:read')
          const graph = graphNow()
          const walked = walk(graph, of, direction ?? 'UPSTREAM', depth ?? 3)
          const unresolved = walked.nodes.flatMap(({ id }) => (graph.unresolved.get(id) ?? []).map(column => `${id}: ${column}`))
          return { ...walked, unresolved }
        },
        queryLineage(_parent: unknown, { sql }: { sql: string }, { scope }: Context) {
          mustHold(scope, 'catalog:read')
          const { inputs, columns, unresolved } = analyse(sql, name => findTable(roles.model(), roles.tables, name))
          return { inputs, outputs: columns.map(({ output }) => output), columns, unresolved }
        },
      },
    },
    scalars: [],
    entities: {},
  }
}
