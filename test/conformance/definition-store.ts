import type { Commit, DefinitionStore } from '../../connectors/ports/definition-store.ts'
import type { Scope } from '../../connectors/ports/scope.ts'
import { must } from '../support/conformance.ts'

/** A definition store under test, over a folder that the test edits as people would. Two handles stand for two hubs. */
export interface DefinitionStoreSubject {
  readonly store: DefinitionStore
  readonly other: DefinitionStore
  scope(subject?: string): Scope
  put(file: string, text: string | undefined): Promise<void>
  text(file: string): Promise<string | undefined>
  /** Every file there is below `applications`. */
  files(): Promise<readonly string[]>
  close(): Promise<void>
}

const orders = 'applications/shop/service/pipelines/orders.xml'
const late = 'applications/shop/staging/pipelines/late.xml'

async function commitsOf(store: DefinitionStore, scope: Scope, known?: string): Promise<Commit[]> {
  const found: Commit[] = []
  for await (const commit of store.commits(scope, known)) found.push(commit)
  return found
}

const change = (store: DefinitionStore, scope: Scope, files: Readonly<Record<string, string | undefined>>, trailers = {}) =>
  store.alone(scope, writer => writer.change(scope, { files: new Map(Object.entries(files)), message: 'a change', author: scope.caller.subject, trailers }))

export const definitionStoreChecks = [
  must<DefinitionStoreSubject>('DF01', 'without a change there is nothing: no head, no commits, nothing placed', async ({ store, scope, put }) => {
    await put(orders, '<a/>')
    expect(await store.head(scope())).toBeUndefined()
    expect(await commitsOf(store, scope())).toEqual([])
    expect(await store.placed(scope(), orders, '<a/>')).toBeUndefined()
  }),
  must<DefinitionStoreSubject>('DF02', 'a change is in the file and in a commit, with who asked for it', async ({ store, scope, text }) => {
    const commit = await change(store, scope('ann'), { [orders]: '<a/>' }, { 'Audit-Entry': '7 abc' })
    expect([await text(orders), await store.head(scope())]).toEqual(['<a/>', commit])
    const [newest] = await commitsOf(store, scope())
    expect(newest).toEqual({ commit, atMs: scope().clock.now(), author: 'ann', trailers: { 'Audit-Entry': '7 abc' }, files: new Map([[orders, expect.any(String)]]) })
    expect(await store.text(scope(), newest?.files.get(orders) ?? '')).toBe('<a/>')
  }),
  must<DefinitionStoreSubject>('DF03', 'commits come newest first, each with what it changed, and those known already are left out', async ({ store, scope }) => {
    const first = await change(store, scope(), { [orders]: '<a/>' })
    const second = await change(store, scope(), { [orders]: '<b/>', [late]: '<l/>' })
    const third = await change(store, scope(), { [orders]: undefined })
    expect((await commitsOf(store, scope())).map(({ commit, parent, files }) => [commit, parent, [...files].map(([file, content]) => [file, content !== undefined])])).toEqual([
      [third, second, [[orders, false]]], [second, first, [[orders, true], [late, true]]], [first, undefined, [[orders, true]]],
    ])
    expect((await commitsOf(store, scope(), second)).map(({ commit }) => commit)).toEqual([third])
    expect((await commitsOf(store, scope(), 'f'.repeat(40))).length).toBe(3)
  }),
  must<DefinitionStoreSubject>('DF04', 'what the folder had before the first change is its first commit', async ({ store, scope, put }) => {
    await put(late, '<l/>')
    await change(store, scope('ann'), { [orders]: '<a/>' })
    expect((await commitsOf(store, scope())).map(({ author, files }) => [author, [...files.keys()]])).toEqual([['ann', [orders]], ['tributary', [late]]])
  }),
  must<DefinitionStoreSubject>('DF05', 'what somebody edited without a commit is not lost by the next change', async ({ store, scope, put }) => {
    await change(store, scope('ann'), { [orders]: '<a/>' })
    await put(orders, '<by-hand/>')
    expect(await store.placed(scope(), orders, '<by-hand/>')).toBeUndefined()
    await change(store, scope('bob'), { [orders]: '<b/>' })
    const texts = await Promise.all((await commitsOf(store, scope())).map(async ({ author, files }) => [author, await store.text(scope(), files.get(orders) ?? '')]))
    expect(texts).toEqual([['bob', '<b/>'], ['tributary', '<by-hand/>'], ['ann', '<a/>']])
  }),
  must<DefinitionStoreSubject>('DF06', 'of many who change at the same time through two hubs nobody loses anything', async ({ store, other, scope, files }) => {
    const names = Array.from({ length: 12 }, (_, nth) => `applications/shop/service/pipelines/p${String(nth).padStart(2, '0')}.xml`)
    await Promise.all(names.map((file, nth) => change(nth % 2 === 0 ? store : other, scope(), { [file]: `<p${nth}/>` })))
    expect(await files()).toEqual(names)
    const commits = await commitsOf(other, scope())
    expect([commits.length, commits.flatMap(commit => [...commit.files.keys()]).sort()]).toEqual([12, names])
  }),
  must<DefinitionStoreSubject>('DF07', 'a change that cannot be committed leaves the files as they were', async ({ store, scope, put, text, files }) => {
    await change(store, scope(), { [orders]: '<a/>' })
    // A file where a folder of the second one would have to be: the first is in place by then.
    await put('applications/shop/staging', 'x')
    await expect(change(store, scope(), { [orders]: '<b/>', [late]: '<l/>' })).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED' })
    expect([await text(orders), (await commitsOf(store, scope())).length, await files()]).toEqual(['<a/>', 1, [orders, 'applications/shop/staging']])
  }),
  must<DefinitionStoreSubject>('DF08', 'work that fails has changed nothing, and the next has its turn', async ({ store, scope }) => {
    await expect(store.alone(scope(), async () => { throw new Error('thought better of it') })).rejects.toThrow('thought better of it')
    await change(store, scope(), { [orders]: '<a/>' })
    expect((await commitsOf(store, scope())).length).toBe(1)
  }),
  must<DefinitionStoreSubject>('DF09', 'a text is placed where the newest commit has it', async ({ store, scope }) => {
    const first = await change(store, scope(), { [orders]: '<a/>' })
    expect(await store.placed(scope(), orders, '<a/>')).toEqual({ commit: first })
    const second = await change(store, scope(), { [late]: '<l/>' })
    expect(await store.placed(scope(), orders, '<a/>')).toEqual({ commit: second })
    expect(await store.placed(scope(), orders, '<b/>')).toBeUndefined()
  }),
  must<DefinitionStoreSubject>('DF10', 'a subject of any characters is an author, and none writes lines of its own into a commit', async ({ store, scope }) => {
    for (const subject of ['Ann <ann@x>', 'a\nAudit-Entry: 1 forged', '', '\ud800', 'x\0y', '名前']) await change(store, scope(subject), { [orders]: `<a n="${Buffer.from(subject).toString('hex')}"/>` })
    const commits = await commitsOf(store, scope())
    expect(commits.map(({ author }) => author)).toEqual(['名前', 'x y', '\ufffd', 'unknown', 'a Audit-Entry: 1 forged', 'Ann  ann@x'])
    expect(commits.every(({ trailers }) => Object.keys(trailers).length === 0)).toBe(true)
  }),
  must<DefinitionStoreSubject>('DF11', 'a caller who has left changes nothing', async ({ store, scope }) => {
    await expect(change(store, { ...scope(), signal: AbortSignal.abort(new Error('the client left')) }, { [orders]: '<a/>' })).rejects.toThrow('the client left')
    expect(await store.head(scope())).toBeUndefined()
  }),
]
