import { execute, parse, validate } from 'graphql'
import { graphOf, operation } from '../support/federation.ts'
import { makeOperation } from '../support/federation-operations.ts'
import { bigNumber, chance, worldOf, worldSubgraphs } from '../support/federation-world.ts'
const [from = '0', to = '1000', show='3'] = process.argv.slice(2)
const graphs = Array.from({ length: 8 }, (_, s) => graphOf(...worldSubgraphs(s)))
function paths({ data, errors = [] }: any): string[] {
  return [...new Set(errors.map(({ path = [] }: any) => { let v: any = data; const seen: any[] = []; for (const p of path) { if (v === null || v === undefined) break; seen.push(p); v = v[p] } return seen.join('.') }))].sort() as string[]
}
const stats = { n: 0, invalid: 0, bad: 0, planFail: 0, errs: 0, len: 0 }
const planMsgs = new Map<string, number>()
let shown = 0
for (let i = Number(from); i < Number(to); i++) {
  const w = i % 8, graph = graphs[w]!
  let c = 0
  const { text, variables } = makeOperation(graph.schema, () => chance(i, c++), 1 + (i % 5))
  if (text.length > 4000 || validate(graph.schema, parse(text)).length) { stats.invalid++; continue }
  stats.n++; stats.len += text.length
  const { resolvers } = worldOf(w)
  ;(graph.schema.getType('Big') as any).serialize = bigNumber.serialize
  const expected = await execute({ schema: graph.schema, document: parse(text), variableValues: variables, fieldResolver: (p: any, a: any, _c: any, info: any) => { const own = resolvers[info.parentType.name]?.[info.fieldName]; return own ? own(p, a) : p[info.fieldName] } })
  const found = await graph.execute(operation(graph, text, { variables }))
  stats.errs += found.errors?.length ?? 0
  if (found.data === undefined && expected.data !== undefined) { stats.planFail++; const m = String((found.errors?.[0] as any)?.originalError?.cause?.message ?? found.errors?.[0]?.originalError?.message ?? found.errors?.[0]?.message); planMsgs.set(m, (planMsgs.get(m) ?? 0) + 1); if (shown++ < Number(show)) console.log("PLAN", i, m, '\n', text, variables); continue }
  const a = JSON.stringify(found.data), b = JSON.stringify(expected.data), pa = paths(found).join(), pb = paths(expected).join()
  if (a !== b || pa !== pb) { stats.bad++; if (shown++ < Number(show)) { console.log('BAD', i, text, JSON.stringify(variables), '\n got ', a, pa, '\n want', b, pb); console.log(found.errors?.map(e => [e.message, (e as any).originalError?.message, e.path])) } }
}
console.log(stats, planMsgs)
