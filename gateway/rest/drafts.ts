import { z } from 'zod'
import { HubError } from '../../schema/errors.ts'
import { closed } from '../../schema/findings.ts'
import type { Hub } from '../hub.ts'
import type { Route } from '../http/routes.ts'
import { pageQuery, snakeMembers, word } from './forms.ts'
import { operation } from './operation.ts'
import { lowered, type Page, pageOf } from './runs.ts'
import { route } from './route.ts'

type Members = Readonly<Record<string, unknown>>
type Draft = Members & { readonly id: string; readonly approvals: readonly Members[] }

const members = 'id app pipelineId version state author comment xml baseCommit commit failure createdAt changedAt approvals { reviewer decision comment at }'
const mutation = <Name extends string>(field: Name, taken: Readonly<Record<string, string>>) => {
  const declared = Object.entries({ ...taken, idempotencyKey: 'String' }).map(([name, type]) => `$${name}: ${type}`).join(', ')
  const given = [...Object.keys(taken), 'idempotencyKey'].map(name => `${name}: $${name}`).join(', ')
  return operation<Record<Name, Draft>>(`mutation RestDraft(${declared}) { ${field}(${given}) { ${members} } }`)
}
const create = mutation('createPipelineDraft', { app: 'String!', xml: 'String!', comment: 'String!' })
const update = mutation('updatePipelineDraft', { id: 'ID!', xml: 'String!', comment: 'String' })
const submit = mutation('submitPipelineDraft', { id: 'ID!' })
const approve = mutation('approvePipelineDraft', { id: 'ID!', comment: 'String!' })
const reject = mutation('rejectPipelineDraft', { id: 'ID!', comment: 'String!' })
const list = operation<{ pipelineDrafts: Page<Draft> }>(`query RestDrafts($app: String, $state: DraftState, $first: Int, $after: String) { pipelineDrafts(app: $app, state: $state, first: $first, after: $after) { nodes { ${members} } pageInfo { hasNextPage endCursor } } }`)
const one = operation<{ pipelineDraft: Draft | null }>(`query RestDraftOf($id: ID!) { pipelineDraft(id: $id) { ${members} } }`)
const audit = operation<{ auditLog: Page<Members> }>('query RestAudit($filter: AuditFilter, $first: Int, $after: String) { auditLog(filter: $filter, first: $first, after: $after) { nodes { sequence at actor action app subject outcome detail requestId previousHash hash } pageInfo { hasNextPage endCursor } } }')
const verify = operation<{ verifyAudit: Members }>('query RestVerifyAudit { verifyAudit { valid checked brokenAt reason } }')

const states = ['draft', 'submitted', 'approved', 'rejected', 'committed'] as const
const actions = ['update', 'submit', 'approve', 'reject'] as const
const outcomes = ['allowed', 'refused', 'failed'] as const
const comment = z.string().default('').describe('What is to be said of it.')

/** Drafts of pipelines, and the audit log of what was done to definitions. */
export function draftRoutes(hub: Hub): readonly Route[] {
  return [
    route({
      method: 'POST', path: '/api/v1/datahub/drafts', summary: 'Puts a draft of a pipeline in.', answers: { 201: 'The draft.' },
      body: closed({ app: z.string().describe('Its application.'), xml: z.string().describe('The document.'), comment }),
      answer: async (request, { body }) => {
        const { createPipelineDraft } = await create(hub, request, body)
        return { status: 201, headers: { location: `/api/v1/datahub/drafts/${createPipelineDraft.id}` }, body: shownDraft(createPipelineDraft) }
      },
    }),
    route({
      method: 'GET', path: '/api/v1/datahub/drafts', summary: 'Drafts, the newest first.', answers: { 200: 'A page of them.' },
      query: pageQuery.extend({ app: z.string().optional().describe('Of one application.'), state: word(states).optional().describe('In one state.') }),
      answer: async (request, { query: { app, state, page_size, page_token } }) => ({ status: 200, body: pageOf('drafts', (await list(hub, request, { app, state: state?.toUpperCase(), first: page_size, after: page_token })).pipelineDrafts, shownDraft) }),
    }),
    route({
      method: 'GET', path: '/api/v1/datahub/drafts/{id}', summary: 'One draft.', answers: { 200: 'The draft as it stands.' },
      answer: async request => {
        const id = request.params['id'] ?? ''
        const { pipelineDraft } = await one(hub, request, { id })
        if (!pipelineDraft) throw new HubError('NOT_FOUND', `There is no draft "${id}".`, { id })
        return { status: 200, body: shownDraft(pipelineDraft) }
      },
    }),
    route({
      method: 'POST', path: '/api/v1/datahub/drafts/{id}/{action}', summary: 'Takes a draft on: update, submit, approve or reject.', answers: { 200: 'The draft as it stands then.' },
      body: closed({ xml: z.string().optional().describe('The document anew; for update, which needs it.'), comment: z.string().optional().describe('What is to be said of it; submit takes none.') }).optional(),
      answer: async (request, { body = {} }) => {
        const { id = '', action = '' } = request.params
        return { status: 200, body: shownDraft(await taken(hub, request, id, action, body)) }
      },
    }),
    route({
      method: 'GET', path: '/api/v1/datahub/audit', summary: 'What was done to definitions, the newest first.', answers: { 200: 'A page of entries.' },
      query: pageQuery.extend({
        app: z.string().optional().describe('Of one application.'), action: z.string().optional().describe('As `pipeline.create`.'), actor: z.string().optional().describe('By one caller.'), subject: z.string().optional().describe('Of one pipeline or draft.'),
        outcome: word(outcomes).optional().describe('That ended so.'), since: z.iso.datetime().optional().describe('At this moment or later.'), until: z.iso.datetime().optional().describe('Before this.'),
      }),
      answer: async (request, { query: { outcome, page_size, page_token, ...filter } }) => ({ status: 200, body: pageOf('entries', (await audit(hub, request, { filter: { ...filter, outcome: outcome?.toUpperCase() }, first: page_size, after: page_token })).auditLog, entry => snakeMembers(lowered(entry, 'outcome'))) }),
    }),
    route({
      method: 'GET', path: '/api/v1/datahub/audit/verify', summary: 'Whether the audit log is as it was written.', answers: { 200: 'How many entries are, and the first that is not.' },
      answer: async request => ({ status: 200, body: snakeMembers((await verify(hub, request, {})).verifyAudit) }),
    }),
  ]
}

async function taken(hub: Hub, request: Parameters<typeof update>[1], id: string, action: string, { xml, comment: said }: { readonly xml?: string | undefined; readonly comment?: string | undefined }): Promise<Draft> {
  switch (actions.find(one => one === action.toLowerCase())) {
    case 'update':
      if (xml === undefined) throw new HubError('VALIDATION_ERROR', 'xml is missing: the document is expected, to update the draft with.', { problems: [{ path: 'xml', message: 'xml is missing: the document is expected, to update the draft with.' }] })
      return (await update(hub, request, { id, xml, comment: said })).updatePipelineDraft
    case 'submit': return (await submit(hub, request, { id })).submitPipelineDraft
    case 'approve': return (await approve(hub, request, { id, comment: said ?? '' })).approvePipelineDraft
    case 'reject': return (await reject(hub, request, { id, comment: said ?? '' })).rejectPipelineDraft
    case undefined: throw new HubError('BAD_USER_INPUT', `"${action}" is nothing a draft takes: ${actions.join(', ')} are.`, { field: 'action' })
  }
}

function shownDraft(draft: Draft) {
  return { ...snakeMembers(lowered(draft, 'state')), approvals: draft.approvals.map(approval => lowered(approval, 'decision')) }
}
