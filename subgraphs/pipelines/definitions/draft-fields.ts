import type { Draft, DraftPlace, DraftState } from '../../../connectors/ports/draft-store.ts'
import type { Context } from '../../../resolvers/context.ts'
import type { CursorSealer } from '../../../resolvers/cursor.ts'
import type { Subgraph } from '../../../resolvers/subgraph.ts'
import { instant } from '../../../schema/values.ts'
import { withoutPasswords } from '../definition-fields.ts'
import { readDocument } from '../document/read.ts'
import { chosenApplications } from '../permissions.ts'
import type { Drafts } from './drafts.ts'
import { placedPage } from '../placed-page.ts'

interface ListArguments {
  readonly app?: string | null
  readonly state?: DraftState | null
  readonly first?: number | null
  readonly after?: string | null
}

/** Drafts: listed, looked at, and taken from one state to the next. */
export function draftFields({ drafts, cursors }: { readonly drafts: Drafts; readonly cursors: CursorSealer }): Subgraph['fields'] {
  return {
    Query: {
      pipelineDrafts: (_: unknown, { app, state, ...page }: ListArguments, { scope }: Context) => {
        const applications = chosenApplications(scope, 'pipeline:read', app)
        const list = { identity: JSON.stringify(['pipelineDrafts', scope.tenant, applications ?? null, state ?? null]), cursors, show: shownDraft, placeOf: ({ createdAtMs, id }: Draft): DraftPlace => ({ createdAtMs, id }) }
        return placedPage(list, page, (limit, after) => drafts.list(scope, { ...(applications && { applications }), ...(state && { state }) }, limit, after))
      },
      pipelineDraft: async (_: unknown, { id }: { id: string }, { scope }: Context) => {
        chosenApplications(scope, 'pipeline:read', undefined)
        const found = await drafts.find(scope, id)
        return found ? shownDraft(found) : null
      },
    },
    Mutation: {
      createPipelineDraft: async (_: unknown, { app, xml, comment }: { app: string; xml: string; comment: string }, { scope }: Context) => shownDraft(await drafts.create(scope, app, xml, comment)),
      updatePipelineDraft: async (_: unknown, { id, xml, comment }: { id: string; xml: string; comment?: string | null }, { scope }: Context) => shownDraft(await drafts.update(scope, id, xml, comment ?? undefined)),
      submitPipelineDraft: async (_: unknown, { id }: { id: string }, { scope }: Context) => shownDraft(await drafts.submit(scope, id)),
      approvePipelineDraft: async (_: unknown, { id, comment }: { id: string; comment: string }, { scope }: Context) => shownDraft(await drafts.approve(scope, id, comment)),
      rejectPipelineDraft: async (_: unknown, { id, comment }: { id: string; comment: string }, { scope }: Context) => shownDraft(await drafts.reject(scope, id, comment)),
    },
  }
}

function shownDraft({ application, xml, createdAtMs, changedAtMs, approvals, ...draft }: Draft) {
  return {
    ...draft, app: application, xml: withoutPasswords(xml), baseCommit: draft.baseCommit ?? null, commit: draft.commit ?? null, failure: draft.failure ?? null, createdAt: instant(createdAtMs), changedAt: instant(changedAtMs),
    approvals: approvals.map(({ atMs, ...approval }) => ({ ...approval, at: instant(atMs) })), findings: () => readDocument(xml).findings,
  }
}
