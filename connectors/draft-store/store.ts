import { type Kysely, Migrator, type Selectable } from 'kysely'
import { HubError } from '../../schema/errors.ts'
import type { Approval, Draft, DraftChange, DraftContent, DraftStore, NewDraft } from '../ports/draft-store.ts'
import { isKept, keptText } from '../run-store/rows.ts'
import { type Database, migrations, migrationTables } from './schema.ts'

type Row = Selectable<Database['pipeline_draft']>

const longest = { id: 64, application: 255, pipelineId: 255, version: 255, baseCommit: 64, baseContent: 64, xml: 1024 * 1024, comment: 10_000 } as const satisfies Partial<Record<keyof NewDraft, number>>

/** The drafts over any engine kysely speaks to, their table brought up to date first. Closing it closes `db`. */
export async function openDrafts(db: Kysely<Database>): Promise<DraftStore> {
  const { error } = await new Migrator({ db, provider: { getMigrations: async () => migrations }, ...migrationTables }).migrateToLatest()
  if (error) throw error
  const find = (tenant: string, id: string) => db.selectFrom('pipeline_draft').selectAll().where('tenant', '=', tenant).where('id', '=', id).executeTakeFirst()

  return {
    async add({ tenant, caller, clock, signal }, draft) {
      signal.throwIfAborted()
      checkTexts(draft)
      const nowMs = clock.now()
      const row = await db.insertInto('pipeline_draft').values({
        tenant, id: draft.id, application: draft.application, ...contentRow(draft), state: 'DRAFT', revision: 1, author: keptText(caller.subject), created_at_ms: nowMs, changed_at_ms: nowMs, approvals: '[]', commit_id: null, failure: null,
      }).onConflict(conflict => conflict.columns(['tenant', 'id']).doNothing()).returningAll().executeTakeFirst()
      if (!row) throw new HubError('CONFLICT', `There is a draft "${draft.id}" already. Give this one an id of its own.`, { id: draft.id })
      return draftOf(row)
    },

    async change({ tenant, clock, signal }, { id, revision }, change) {
      signal.throwIfAborted()
      if (change.content) checkTexts(change.content)
      const before = isKept(id) ? await find(tenant, id) : undefined
      if (!before) throw new HubError('NOT_FOUND', `There is no draft "${id}".`, { id })
      const row = await db.updateTable('pipeline_draft').set(changedRow(before, change, clock.now())).where('tenant', '=', tenant).where('id', '=', id).where('revision', '=', revision).returningAll().executeTakeFirst()
      if (!row) throw new HubError('CONFLICT', `The draft "${id}" was changed by somebody else meanwhile. Look at it again.`, { id })
      return draftOf(row)
    },

    async draft({ tenant, signal }, id) {
      signal.throwIfAborted()
      const row = isKept(id) ? await find(tenant, id) : undefined
      return row && draftOf(row)
    },

    async drafts({ tenant, signal }, { applications, state }, limit, after) {
      signal.throwIfAborted()
      const own = applications?.filter(isKept)
      if (own?.length === 0) return []
      let query = db.selectFrom('pipeline_draft').selectAll().where('tenant', '=', tenant)
      if (own) query = query.where('application', 'in', own)
      if (state) query = query.where('state', '=', state)
      if (after) query = query.where(eb => eb(eb.refTuple('created_at_ms', 'id'), '<', eb.tuple(after.createdAtMs, after.id)))
      return (await query.orderBy('created_at_ms', 'desc').orderBy('id', 'desc').limit(limit).execute()).map(draftOf)
    },

    close: () => db.destroy(),
  }
}

function contentRow({ pipelineId, version, xml, comment, baseCommit, baseContent }: DraftContent) {
  return { pipeline_id: pipelineId, version, xml, comment, base_commit: baseCommit ?? null, base_content: baseContent ?? null }
}

function changedRow(before: Row, { state, content, approval, commit, failure }: DraftChange, nowMs: number): Partial<Row> {
  const kept = approval && { ...approval, reviewer: keptText(approval.reviewer), comment: keptText(approval.comment) }
  return {
    state, revision: before.revision + 1, changed_at_ms: nowMs, failure: failure === undefined ? null : keptText(failure), ...(content && contentRow(content)), ...(commit !== undefined && { commit_id: commit }),
    ...(kept && { approvals: JSON.stringify([...(JSON.parse(before.approvals) as Approval[]), kept]) }),
  }
}

/** PostgreSQL answers long integers as texts. */
function draftOf(row: Row): Draft {
  return {
    tenant: row.tenant, id: row.id, application: row.application, pipelineId: row.pipeline_id, version: row.version, xml: row.xml, comment: row.comment, state: row.state as Draft['state'], revision: row.revision, author: row.author,
    createdAtMs: Number(row.created_at_ms), changedAtMs: Number(row.changed_at_ms), approvals: JSON.parse(row.approvals) as Approval[],
    ...(row.base_commit !== null && { baseCommit: row.base_commit }), ...(row.base_content !== null && { baseContent: row.base_content }), ...(row.commit_id !== null && { commit: row.commit_id }), ...(row.failure !== null && { failure: row.failure }),
  }
}

/** Refuses what could not be found again as it was given. */
function checkTexts(draft: Partial<NewDraft>): void {
  for (const [name, most] of Object.entries(longest) as [keyof typeof longest, number][]) {
    const text = draft[name]
    if (text === undefined) continue
    const found = `The ${name} of a draft begins with ${JSON.stringify(text.slice(0, 40))}`
    if (text.length > most) throw new HubError('VALIDATION_ERROR', `${found} and has ${text.length} characters; it may have ${most}. Choose a shorter one.`, { field: name })
    if (!isKept(text)) throw new HubError('VALIDATION_ERROR', `${found} and has a NUL or half of a character in it, which cannot be stored. Leave it out.`, { field: name })
  }
}
