import { QueryPlanner } from '@graphql-hive/router-query-planner'
import { graphOf } from '../support/federation.ts'
import { worldSubgraphs } from '../support/federation-world.ts'
const graph = graphOf(...worldSubgraphs(0))
const p = new QueryPlanner(graph.sdl)
for (const q of process.argv.slice(2)) { try { const r = JSON.stringify(p.plan(q, null, new Set(), 0)); console.log('OK ', q, process.env.V ? r : '') } catch (e: any) { console.log('ERR', q, e.message.slice(0, 160)) } }
