import { applicationsOf, chosenApplications, holds, mustHoldIn, mustHoldInAll, type PipelineGrant, type roles } from '../../../subgraphs/pipelines/permissions.ts'
import { testScope } from '../../support/scope.ts'

const grants = ['pipeline:read', 'pipeline:run', 'pipeline:write', 'pipeline:approve', 'audit:read'] as const satisfies readonly PipelineGrant[]
const scopeOf = (...scopes: string[]) => testScope({ caller: { subject: 'ann', scopes: new Set(scopes) } })

/** Role by role: what it may, in the order of the grants above. */
const matrix: Record<keyof typeof roles, readonly boolean[]> = {
  VIEWER: [true, false, false, false, false],
  OPERATOR: [true, true, false, false, false],
  EDITOR: [true, false, true, false, false],
  APPROVER: [true, false, false, true, false],
  ADMIN: [true, true, true, true, true],
}

test.each(Object.entries(matrix))('D-111: %s may what its row says, for all applications or for its own', (role, row) => {
  const [everywhere, inCrm] = [scopeOf(`role:${role.toLowerCase()}`), scopeOf(`role:${role.toLowerCase()}@crm`)]
  expect(grants.map(grant => holds(everywhere, grant, 'crm'))).toEqual(row)
  expect(grants.map(grant => holds(everywhere, grant, 'shop'))).toEqual(row)
  expect(grants.map(grant => holds(inCrm, grant, 'crm'))).toEqual(row)
  expect(grants.map(grant => holds(inCrm, grant, 'shop'))).toEqual(grants.map(() => false))
})

test('D-111: a grant is for all applications, or behind @ for one', () => {
  expect([holds(scopeOf('pipeline:run'), 'pipeline:run', 'crm'), holds(scopeOf('pipeline:run@crm'), 'pipeline:run', 'crm'), holds(scopeOf('pipeline:run@crm'), 'pipeline:run', 'shop'), holds(scopeOf('*'), 'audit:read', 'crm')]).toEqual([true, true, false, true])
  for (const scope of ['pipeline:run@', 'pipeline:run@crm ', 'pipeline:run@CRM', 'pipeline:run@crm@shop', 'pipeline:runs@crm', 'pipeline:*', 'role:admins', 'ROLE:ADMIN', '@crm', '']) expect([scope, holds(scopeOf(scope), 'pipeline:run', 'crm')]).toEqual([scope, false])
  expect(holds(scopeOf('pipeline:run@crm'), 'pipeline:run', 'crm@shop')).toBe(false)
})

test('D-111: grants of several applications and roles add up', () => {
  const scope = scopeOf('pipeline:read@hr', 'role:operator@crm', 'role:viewer@shop', 'pipeline:write@shop')
  expect([applicationsOf(scope, 'pipeline:read'), applicationsOf(scope, 'pipeline:run'), applicationsOf(scope, 'pipeline:write')]).toEqual([new Set(['hr', 'crm', 'shop']), new Set(['crm']), new Set(['shop'])])
  expect(applicationsOf(scopeOf('pipeline:read@hr', 'role:viewer'), 'pipeline:read')).toBe('ALL')
  expect([chosenApplications(scope, 'pipeline:read', undefined), chosenApplications(scope, 'pipeline:read', 'crm'), chosenApplications(scopeOf('*'), 'pipeline:read', undefined)]).toEqual([['crm', 'hr', 'shop'], ['crm'], undefined])
})

test('D-111: a refusal names the grant and the application, and who lacks it', () => {
  const refusal = { code: 'FORBIDDEN', message: '"ann" lacks the scope "pipeline:run" for the application "shop". Ask for a token that carries it, or a role that has it.', details: { needs: 'pipeline:run', app: 'shop' } }
  expect(() => mustHoldIn(scopeOf('pipeline:run@crm'), 'pipeline:run', 'shop')).toThrow(expect.objectContaining(refusal))
  expect(() => chosenApplications(scopeOf('pipeline:run@crm'), 'pipeline:run', 'shop')).toThrow(expect.objectContaining(refusal))
  expect(() => applicationsOf(scopeOf('pipeline:read'), 'pipeline:run')).toThrow(expect.objectContaining({ code: 'FORBIDDEN' }))
  expect(() => mustHoldInAll(scopeOf('audit:read@crm'), 'audit:read')).toThrow(expect.objectContaining({ code: 'FORBIDDEN', message: expect.stringContaining('for all applications') }))
  expect(() => mustHoldInAll(scopeOf('role:admin'), 'audit:read')).not.toThrow()
})
