import { parse, print, visit, getOperationAST, Kind } from 'graphql'
import { QueryPlanner } from '@graphql-hive/router-query-planner'
import { canonical } from '../../gateway/federation/canonical.ts'
import { graphOf } from '../support/federation.ts'
import { makeOperation } from '../support/federation-operations.ts'
import { chance, worldSubgraphs } from '../support/federation-world.ts'
import { validate } from 'graphql'
const graph = graphOf(...worldSubgraphs(0))
const p = new QueryPlanner(graph.sdl)
const fails = (t: string) => { try { p.plan(t, null, new Set(), 0); return undefined } catch (e: any) { return e.message as string } }
for (const i of [199, 552, 1754, 1798]) {
  let c = 0
  const { text } = makeOperation(graph.schema, () => chance(i, c++), 1 + (i % 5))
  const doc = parse(text)
  let t = canonical(graph.schema, getOperationAST(doc)!, doc.definitions.filter(d => d.kind === Kind.FRAGMENT_DEFINITION) as any).text
  console.log(i, Array.from({ length: 10 }, () => fails(t) ? 'F' : 'k').join(''))
  const msg = fails(t)!.slice(0, 30)
  for (let changed = true; changed;) {
    changed = false
    const d = parse(t)
    const nodes: any[] = []
    visit(d, { Field(n) { nodes.push(n) }, InlineFragment(n) { nodes.push(n) }, FragmentSpread(n) { nodes.push(n) }, Directive(n) { nodes.push(n) }, FragmentDefinition(n) { nodes.push(n) }, VariableDefinition(n) { nodes.push(n) } })
    for (const n of nodes) {
      let next: string
      try { next = print(visit(d, { enter(m) { return m === n ? null : undefined } })); parse(next) } catch { continue }
      if (validate(graph.schema, parse(next)).length === 0 && fails(next)?.startsWith(msg)) { t = next; changed = true; break }
    }
  }
  console.log(t.replace(/\s+/g, ' '), fails(t))
}
