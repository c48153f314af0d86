import type { PipelineLineage } from '../../connectors/ports/run-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import type { Model } from '../../schema/model.ts'
import type { Context } from '../../resolvers/context.ts'
import { mustHold } from '../../resolvers/guard.ts'
import type { Subgraph } from '../../resolvers/subgraph.ts'
import { analyse } from './analyse.ts'
import { buildGraph, findTable, type Graph, type Tables } from './graph.ts'
import type { RunLineages } from './runs.ts'
import { lineageSdl } from './sdl.ts'
import { walk, type Direction } from './walk.ts'

/** What lineage is found from. */
export interface LineageRoles {
  /** The catalog of now; another object after every change. */
  readonly model: () => Model
  /** Columns of a source's table; undefined where there is none. */
  readonly tables: Tables
  /** What pipelines of the scope's tenant read and wrote, of applications that its caller may read. */
  readonly runs: (scope: Scope) => Promise<readonly PipelineLineage[]>
  readonly tableOf: RunLineages['tableOf']
}

/** Graphs of one model that are kept: one for each tenant with pipelines of its own. */
const mostGraphs = 100

/** Answers what feeds what, from the model, the views' statements and what runs of pipelines told: no source and no engine is asked. Each model is analysed when first asked about, and again for a tenant whose pipelines have come to do something else. */
export function lineageSubgraph(roles: LineageRoles): Subgraph {
  const graphs = new WeakMap<Model, Map<string, Graph>>()

  async function graphNow(scope: Scope): Promise<Graph> {
    const model = roles.model()
    const pipelines = await roles.runs(scope)
    const ofModel = graphs.get(model) ?? new Map<string, Graph>()
    graphs.set(model, ofModel)
    const key = pipelines.map(({ id }) => id).join(' ')
    const graph = ofModel.get(key) ?? buildGraph(model, roles.tables, { pipelines, tableOf: roles.tableOf })
    ofModel.delete(key)
    ofModel.set(key, graph)
    const [oldest] = ofModel.keys()
    if (ofModel.size > mostGraphs && oldest !== undefined) ofModel.delete(oldest)
    return graph
  }

  return {
    name: 'lineage',
    sdl: lineageSdl,
    fields: {
      Query: {
        async lineage(_parent: unknown, { of, direction, depth }: { of: string; direction: Direction | null; depth: number | null }, { scope }: Context) {
          mustHold(scope, 'catalog:read')
          const graph = await graphNow(scope)
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
