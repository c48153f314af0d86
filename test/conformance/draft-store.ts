import type { DraftContent, DraftStore, NewDraft } from '../../connectors/ports/draft-store.ts'
import { must } from '../support/conformance.ts'
import type { TestScope } from '../support/scope.ts'

/** A draft store under test. Two handles on the same data stand for two hubs. */
export interface DraftStoreSubject {
  readonly store: DraftStore
  readonly other: DraftStore
  scope(tenant?: string, subject?: string): TestScope
  /** The same data in a new handle, as after a restart. */
  reopen(): Promise<DraftStore>
  close(): Promise<void>
}

const content: DraftContent = { pipelineId: 'orders', version: '1.0.0', xml: '<pipeline/>', comment: 'new', baseCommit: 'c0', baseContent: 'h0' }
const draft = (id: string, more: Partial<NewDraft> = {}): NewDraft => ({ id, application: 'shop', ...content, ...more })

export const draftStoreChecks = [
  must<DraftStoreSubject>('DR01', 'a draft that was put in is found as it was given, with who wrote it and when', async ({ store, other, scope }) => {
    const own = scope()
    const added = await store.add(own, draft('d1'))
    expect(added).toEqual({ ...draft('d1'), tenant: 'test', state: 'DRAFT', revision: 1, author: 'tester', createdAtMs: own.clock.now(), changedAtMs: own.clock.now(), approvals: [] })
    expect(await other.draft(scope(), 'd1')).toEqual(added)
    expect(await store.draft(scope(), 'none')).toBeUndefined()
  }),
  must<DraftStoreSubject>('DR02', 'an id that is there is not taken a second time', async ({ store, other, scope }) => {
    await store.add(scope(), draft('d1'))
    await expect(other.add(scope(), draft('d1', { xml: '<other/>' }))).rejects.toMatchObject({ code: 'CONFLICT' })
    expect((await store.draft(scope(), 'd1'))?.xml).toBe('<pipeline/>')
  }),
  must<DraftStoreSubject>('DR03', 'a change is of one revision: of two at the same time one is first', async ({ store, other, scope }) => {
    const added = await store.add(scope(), draft('d1'))
    const tried = await Promise.allSettled([store, other, store, other].map(each => each.change(scope(), added, { state: 'SUBMITTED' })))
    expect(tried.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(tried.flatMap(each => (each.status === 'rejected' ? [(each.reason as { code: string }).code] : []))).toEqual(['CONFLICT', 'CONFLICT', 'CONFLICT'])
    expect(await store.draft(scope(), 'd1')).toMatchObject({ state: 'SUBMITTED', revision: 2 })
    await expect(store.change(scope(), { id: 'none', revision: 1 }, { state: 'DRAFT' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  }),
  must<DraftStoreSubject>('DR04', 'what a change does not name stays, but the reason of a failure, which is over', async ({ store, scope }) => {
    const added = await store.add(scope(), draft('d1'))
    const approval = { reviewer: 'bob', decision: 'APPROVED', comment: 'fine', atMs: 5 } as const
    const failed = await store.change(scope(), added, { state: 'APPROVED', approval, failure: 'no disk' })
    expect(failed).toMatchObject({ ...content, state: 'APPROVED', approvals: [approval], failure: 'no disk' })
    const again = await store.change(scope(), failed, { state: 'APPROVED', approval: { ...approval, reviewer: 'cy' } })
    expect([again.approvals.map(({ reviewer }) => reviewer), again.failure]).toEqual([['bob', 'cy'], undefined])
    const done = await store.change(scope(), again, { state: 'COMMITTED', commit: 'abc' })
    expect(done).toMatchObject({ commit: 'abc', revision: 4 })
  }),
  must<DraftStoreSubject>('DR05', 'content is changed as a whole: what it was based on goes where there is nothing any more', async ({ store, scope }) => {
    const own = scope()
    const added = await store.add(own, draft('d1'))
    own.clock.advance(1_000)
    const changed = await store.change(own, added, { state: 'DRAFT', content: { pipelineId: 'orders', version: '1.1.0', xml: '<other/>', comment: 'better' } })
    expect(changed).toMatchObject({ version: '1.1.0', xml: '<other/>', comment: 'better', createdAtMs: added.createdAtMs, changedAtMs: added.createdAtMs + 1_000 })
    expect([changed.baseCommit, changed.baseContent]).toEqual([undefined, undefined])
  }),
  must<DraftStoreSubject>('DR06', 'drafts come newest first, of the applications and the state asked for, page by page', async ({ store, scope }) => {
    const own = scope()
    for (const [nth, application] of ['shop', 'crm', 'shop', 'hr', 'shop'].entries()) {
      await store.add(own, draft(`d${nth}`, { application }))
      if (nth !== 1) own.clock.advance(1_000)
    }
    const first = await store.draft(own, 'd0')
    if (first) await store.change(own, first, { state: 'SUBMITTED' })
    const ids = async (...given: [filter: Parameters<DraftStore['drafts']>[1], limit: number, after?: Parameters<DraftStore['drafts']>[3]]) => (await store.drafts(own, ...given)).map(({ id }) => id)
    expect(await ids({}, 10)).toEqual(['d4', 'd3', 'd2', 'd1', 'd0'])
    expect(await ids({ applications: ['shop', 'crm'] }, 10)).toEqual(['d4', 'd2', 'd1', 'd0'])
    expect(await ids({ applications: ['shop'], state: 'SUBMITTED' }, 10)).toEqual(['d0'])
    expect([await ids({ applications: [] }, 10), await ids({ applications: ['a\0'] }, 10)]).toEqual([[], []])
    const third = await store.draft(own, 'd2')
    expect(await ids({}, 1, third)).toEqual(['d1'])
  }),
  must<DraftStoreSubject>('DR07', 'drafts are those of a tenant', async ({ store, scope }) => {
    const added = await store.add(scope(), draft('d1'))
    expect([await store.draft(scope('another'), 'd1'), await store.drafts(scope('another'), {}, 10)]).toEqual([undefined, []])
    await expect(store.change(scope('another'), added, { state: 'SUBMITTED' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await store.add(scope('another'), draft('d1', { xml: '<theirs/>' }))
    expect((await store.draft(scope(), 'd1'))?.xml).toBe('<pipeline/>')
  }),
  must<DraftStoreSubject>('DR08', 'what was answered is there after the store was opened again', async ({ store, scope, reopen }) => {
    const added = await store.add(scope(), draft('d1'))
    expect(await (await reopen()).draft(scope(), 'd1')).toEqual(added)
  }),
  must<DraftStoreSubject>('DR09', 'a text that cannot be kept is refused by name, and any text may be asked for', async ({ store, scope }) => {
    for (const [wrong, field] of [[{ comment: 'a\0b' }, 'comment'], [{ xml: '\ud800' }, 'xml'], [{ application: 'x'.repeat(256) }, 'application'], [{ comment: 'x'.repeat(10_001) }, 'comment']] as const) {
      await expect(store.add(scope(), draft('d1', wrong))).rejects.toMatchObject({ code: 'VALIDATION_ERROR', details: { field } })
    }
    expect(await store.draft(scope(), 'a\0')).toBeUndefined()
    const texts = { comment: "'; DROP TABLE pipeline_draft; -- 😀", xml: 'é\n'.repeat(100_000) }
    expect(await store.add(scope('test', 'a\0nn'), draft('d1', texts))).toMatchObject({ ...texts, author: 'a\ufffdnn' })
  }),
  must<DraftStoreSubject>('DR10', 'a caller who has left is told so, and changes nothing', async ({ store, scope }) => {
    const left = { ...scope(), signal: AbortSignal.abort(new Error('the client left')) }
    await expect(store.add(left, draft('d1'))).rejects.toThrow('the client left')
    await expect(store.drafts(left, {}, 1)).rejects.toThrow('the client left')
    expect(await store.drafts(scope(), {}, 1)).toEqual([])
  }),
]
