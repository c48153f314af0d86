import { buildSchema, type OperationDefinitionNode, parse } from 'graphql'
import { groupKey } from '../../../gateway/http/group-key.ts'
import { SessionToken } from '../../../gateway/http/session.ts'
import { plainSupergraph } from '../../support/plain-supergraph.ts'
import { testScope } from '../../support/scope.ts'

const supergraph = plainSupergraph(buildSchema('type Query { a: Int } scalar JSON input Range { from: Int = 1, to: Int } type Subscription { counted(range: Range, any: JSON): Int }'))
const usual = 'subscription ($range: Range = { to: 5 }, $any: JSON) { counted(range: $range, any: $any) }'

interface Caller {
  readonly text?: string
  readonly variables?: Readonly<Record<string, unknown>>
  readonly tenant?: string
  readonly subject?: string
  readonly scopes?: readonly string[]
  readonly level?: 'STRONG' | 'EVENTUAL'
  readonly wrote?: string
}

function keyOf({ text = usual, variables = {}, tenant, subject, scopes = ['cache:read', 'topic:read'], level = 'STRONG', wrote }: Caller): string {
  const session = new SessionToken('hub')
  if (wrote) session.wrote(wrote, 1)
  const node = parse(text).definitions[0] as OperationDefinitionNode
  const scope = testScope({ tenant, caller: { subject, scopes: new Set(scopes) } })
  return groupKey({ supergraph, text, node, params: { query: text, variables } }, { ...scope, session, consistency: { level, from: 'header' } })
}

test.each<[string, Caller]>([
  ['another request, with an id, a deadline and a signal of its own', {}],
  ['another subject of the tenant', { subject: 'somebody else' }],
  ['scopes in another order', { scopes: ['topic:read', 'cache:read'] }],
  ['variables that say what is so by default', { variables: { range: { to: 5, from: 1 } } }],
])('%s may share', (_what, caller) => {
  expect(keyOf(caller)).toBe(keyOf({}))
})

test.each<[string, Caller]>([
  ['another tenant', { tenant: 'another' }],
  ['fewer scopes', { scopes: ['cache:read'] }],
  ['no scopes', { scopes: [] }],
  ['one scope that reads like two', { scopes: ['cache:read,topic:read'] }],
  ['all scopes', { scopes: ['*'] }],
  ['a tenant and scopes that read alike together', { tenant: 'test,["cache:read"]', scopes: [] }],
  ['another variable', { variables: { range: { to: 6 } } }],
  ['a null where there is a default', { variables: { range: null } }],
  ['a number where there is a text', { variables: { any: '1' } }],
  ['another text for the same', { text: `${usual} ` }],
  ['another consistency', { level: 'EVENTUAL' }],
  ['writes of the caller that reads must show', { wrote: 'notes' }],
])('%s never shares', (_what, caller) => {
  expect(keyOf(caller)).not.toBe(keyOf({ variables: caller.variables && 'any' in caller.variables ? { any: 1 } : {} }))
})
