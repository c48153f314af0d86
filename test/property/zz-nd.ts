import { QueryPlanner } from '@graphql-hive/router-query-planner'
import { graphOf } from '../support/federation.ts'
import { worldSubgraphs } from '../support/federation-world.ts'
const sdl = graphOf(...worldSubgraphs(0)).sdl
const q = '{ grid { related { ... on Item { ship } } } }'
let s = '', plans = new Set<string>()
for (let i = 0; i < 60; i++) { const p = new QueryPlanner(sdl); try { plans.add(JSON.stringify(p.plan(q, null, new Set(), 0))); s += 'k' } catch { s += 'F' } }
console.log(s, plans.size)
const p = new QueryPlanner(sdl); s = ''
for (let i = 0; i < 40; i++) { try { p.plan(q + ' '.repeat(i), null, new Set(), 0); s += 'k' } catch { s += 'F' } }
console.log(s); for (const x of plans) console.log(x)
