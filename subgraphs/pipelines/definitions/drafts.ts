import { hash, randomUUID } from 'node:crypto'
import type { Draft, DraftContent, DraftStore } from '../../../connectors/ports/draft-store.ts'
import type { Scope } from '../../../connectors/ports/scope.ts'
import { asHubError, HubError } from '../../../schema/errors.ts'
import { holds, mustHoldIn } from '../permissions.ts'
import { type Definition, versionText } from '../registry.ts'
import type { Audit } from './audit.ts'
import type { Definitions } from './definitions.ts'
import { stateBehind } from './draft-steps.ts'

export interface DraftRoles {
  readonly drafts: DraftStore
  readonly definitions: Definitions
  readonly audit: Audit
}

/** Definitions on their way: written by one, let in by another. Every step is in the audit log, also one that is refused. */
export class Drafts {
  readonly #drafts: DraftStore
  readonly #definitions: Definitions
  readonly #audit: Audit

  constructor({ drafts, definitions, audit }: DraftRoles) {
    this.#drafts = drafts
    this.#definitions = definitions
    this.#audit = audit
  }

  create(scope: Scope, app: string, xml: string, comment: string): Promise<Draft> {
    const id = randomUUID()
    return this.#audit.of(scope, { action: 'draft.create', application: app, subject: id }, async allow => {
      mustHoldIn(scope, 'pipeline:write', app)
      const content = await this.#content(scope, app, xml, comment)
      await allow(about(content))
      return this.#drafts.add(scope, { id, application: app, ...content })
    })
  }

  /** What it says anew, on top of the definition as it is now: it is a DRAFT again. */
  update(scope: Scope, id: string, xml: string, comment: string | undefined): Promise<Draft> {
    return this.#step(scope, id, 'draft.update', async (draft, allow) => {
      mustBeAuthor(scope, draft)
      const state = stateBehind(draft, 'update')
      const content = await this.#content(scope, draft.application, xml, comment ?? draft.comment)
      await allow(about(content))
      return this.#drafts.change(scope, draft, { state, content })
    })
  }

  submit(scope: Scope, id: string): Promise<Draft> {
    return this.#step(scope, id, 'draft.submit', async (draft, allow) => {
      mustBeAuthor(scope, draft)
      const state = stateBehind(draft, 'submit')
      await allow(about(draft))
      return this.#drafts.change(scope, draft, { state })
    })
  }

  reject(scope: Scope, id: string, comment: string): Promise<Draft> {
    return this.#step(scope, id, 'draft.reject', async (draft, allow) => {
      mustReview(scope, draft)
      const state = stateBehind(draft, 'reject')
      await allow(about(draft))
      return this.#drafts.change(scope, draft, { state, approval: { reviewer: scope.caller.subject, decision: 'REJECTED', comment, atMs: scope.clock.now() } })
    })
  }

  /** Lets it in, and commits it with its author as the author. What cannot be committed stays APPROVED with the reason, and may be approved again. */
  async approve(scope: Scope, id: string, comment: string): Promise<Draft> {
    const approved = await this.#step(scope, id, 'draft.approve', async (draft, allow) => {
      mustReview(scope, draft)
      const state = stateBehind(draft, 'approve')
      mustBeCurrent(draft, await this.#definitions.find(draft.application, draft.pipelineId))
      await allow(about(draft))
      return this.#drafts.change(scope, draft, { state, approval: { reviewer: scope.caller.subject, decision: 'APPROVED', comment, atMs: scope.clock.now() } })
    })
    try {
      return await this.#drafts.change(scope, approved, { state: 'COMMITTED', commit: await this.#commit(scope, approved) })
    } catch (error) {
      const { code, message } = asHubError(error)
      if (code === 'INTERNAL') scope.log.error('A draft could not be committed.', { draft: id, reason: (error as Error).message })
      return this.#drafts.change({ ...scope, signal: new AbortController().signal }, approved, { state: 'APPROVED', failure: message })
    }
  }

  /** Undefined where there is none that the caller may know of. */
  async find(scope: Scope, id: string): Promise<Draft | undefined> {
    const draft = await this.#drafts.draft(scope, id)
    return draft && holds(scope, 'pipeline:read', draft.application) ? draft : undefined
  }

  list(...given: Parameters<DraftStore['drafts']>): ReturnType<DraftStore['drafts']> {
    return this.#drafts.drafts(...given)
  }

  async #commit(scope: Scope, draft: Draft): Promise<string> {
    const { application, pipelineId, xml, author } = draft
    const isNew = draft.baseContent === undefined
    return this.#audit.of(scope, { action: isNew ? 'pipeline.create' : 'pipeline.update', application, subject: pipelineId }, async allow => {
      const current = await this.#definitions.find(application, pipelineId)
      const options = { author, announce: () => allow({ ...about(draft), draft: draft.id, author }), guard: (now: Definition | undefined) => mustBeCurrent(draft, now) }
      // Whoever was interrupted behind the commit finds the text in place.
      const { commit } = isNew && current?.xml !== xml ? await this.#definitions.create(scope, application, xml, options) : await this.#definitions.update(scope, application, pipelineId, xml, false, options)
      const [newest] = commit === undefined ? await this.#definitions.versions(scope, application, pipelineId) : []
      return commit ?? newest?.commit ?? ''
    })
  }

  async #step(scope: Scope, id: string, action: string, take: (draft: Draft, allow: Parameters<Parameters<Audit['of']>[2]>[0]) => Promise<Draft>): Promise<Draft> {
    const draft = await this.#drafts.draft(scope, id)
    if (!draft || !mayKnow(scope, draft)) {
      throw new HubError('NOT_FOUND', `There is no draft "${id}".`, { id })
    }
    return this.#audit.of(scope, { action, application: draft.application, subject: id }, allow => take(draft, allow))
  }

  async #content(scope: Scope, app: string, xml: string, comment: string): Promise<DraftContent> {
    const document = this.#definitions.checked(app, xml)
    const [current, head] = [await this.#definitions.find(app, document.id), await this.#definitions.head(scope)]
    return { pipelineId: document.id, version: versionText(document), xml, comment, ...(head !== undefined && { baseCommit: head }), ...(current && { baseContent: contentOf(current) }) }
  }
}

function about({ pipelineId, version, xml }: Pick<DraftContent, 'pipelineId' | 'version' | 'xml'>) {
  return { pipeline: pipelineId, version, content: hash('sha256', xml) }
}

function contentOf({ xml }: Definition): string {
  return hash('sha256', xml)
}

function mayKnow(scope: Scope, { application }: Draft): boolean {
  return (['pipeline:read', 'pipeline:write', 'pipeline:approve'] as const).some(grant => holds(scope, grant, application))
}

function mustBeAuthor(scope: Scope, { id, application, author }: Draft): void {
  mustHoldIn(scope, 'pipeline:write', application)
  if (scope.caller.subject !== author) throw new HubError('FORBIDDEN', `The draft "${id}" is "${author}"'s, who alone changes and submits it. Make a draft of your own.`, { id })
}

function mustReview(scope: Scope, { id, application, author }: Draft): void {
  mustHoldIn(scope, 'pipeline:approve', application)
  if (scope.caller.subject === author) throw new HubError('FORBIDDEN', `The draft "${id}" is your own, and is approved or rejected by somebody else.`, { id })
}

/** The definition is what the draft was written on top of, or what it says. */
function mustBeCurrent({ id, application, pipelineId, xml, baseContent }: Draft, current: Definition | undefined): void {
  if (current?.xml === xml || (current && contentOf(current)) === baseContent) return
  const what = current ? (baseContent === undefined ? 'was created' : 'was changed') : 'was deleted'
  throw new HubError('CONFLICT', `The pipeline "${pipelineId}" of "${application}" ${what} since the draft "${id}" was written. Update the draft, so that it stands on what is there now.`, { id, app: application, pipelineId })
}
