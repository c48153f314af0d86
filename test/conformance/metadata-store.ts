import type { MetadataStore, NewEntry } from '../../connectors/ports/metadata-store.ts'
import { must } from '../support/conformance.ts'
import { type MovedClock, testScope } from '../support/scope.ts'

export interface MetadataSubject {
  readonly store: MetadataStore
  readonly clock: MovedClock
  /** Closes the store and opens it again over the same data. */
  reopen(): Promise<MetadataStore>
  /** A second store over the same data, as another process has it. Closed with the subject. */
  another(): Promise<MetadataStore>
  close(): Promise<void>
}

const airports: NewEntry = { kind: 'region', name: 'airports', definition: { type: 'Airport', key: 'id', indexes: ['iata'] } }
const changed: NewEntry = { ...airports, definition: { type: 'Airport', key: 'id', indexes: [] } }

export const metadataStoreChecks = [
  must<MetadataSubject>('MS01', 'a new store has no entries, no history and no audit trail', async ({ store }) => {
    const scope = testScope()
    expect(await store.entries(scope)).toEqual([])
    expect(await store.history(scope, 'region', 'airports')).toEqual([])
    expect(await store.auditTrail(scope, 10)).toEqual([])
  }),

  must<MetadataSubject>('MS02', 'an entry is stored as version 1 with its time and who stored it', async ({ store, clock }) => {
    const scope = testScope({ caller: { subject: 'ada' } })
    const stored = await store.putEntry(scope, airports)
    expect(stored).toEqual({ ...airports, version: 1, createdAtMs: clock.now(), createdBy: 'ada' })
    expect(await store.entries(scope)).toEqual([stored])
  }),

  must<MetadataSubject>('MS03', 'each change is the next version, and the history keeps all, newest first', async ({ store, clock }) => {
    const scope = testScope()
    const first = await store.putEntry(scope, airports)
    clock.advance(1000)
    const second = await store.putEntry(scope, changed)
    expect(second).toMatchObject({ version: 2, createdAtMs: first.createdAtMs + 1000 })
    expect(await store.entries(scope)).toEqual([second])
    expect(await store.history(scope, 'region', 'airports')).toEqual([second, first])
  }),

  must<MetadataSubject>('MS04', 'an equal definition answers the version there is and writes nothing, in whatever order its members stand', async ({ store, clock }) => {
    const scope = testScope()
    const first = await store.putEntry(scope, airports)
    clock.advance(1000)
    expect(await store.putEntry(scope, { ...airports, definition: { indexes: ['iata'], key: 'id', type: 'Airport' } })).toEqual(first)
    expect(await store.history(scope, 'region', 'airports')).toHaveLength(1)
    expect(await store.auditTrail(scope, 10)).toHaveLength(1)
  }),

  must<MetadataSubject>('MS05', 'a dropped entry is gone, its history stays, and its versions go on', async ({ store }) => {
    const scope = testScope()
    await store.putEntry(scope, airports)
    expect(await store.dropEntry(scope, 'region', 'airports')).toBe(true)
    expect(await store.entries(scope)).toEqual([])
    expect(await store.history(scope, 'region', 'airports')).toHaveLength(1)
    expect(await store.putEntry(scope, airports)).toMatchObject({ version: 2 })
    expect(await store.entries(scope)).toHaveLength(1)
  }),

  must<MetadataSubject>('MS06', 'dropping what is not there answers false and writes nothing', async ({ store }) => {
    const scope = testScope()
    expect(await store.dropEntry(scope, 'view', 'airports')).toBe(false)
    await store.putEntry(scope, airports)
    await store.dropEntry(scope, 'region', 'airports')
    expect(await store.dropEntry(scope, 'region', 'airports')).toBe(false)
    expect(await store.auditTrail(scope, 10)).toHaveLength(2)
  }),

  must<MetadataSubject>('MS07', 'an expected version that is not there is a conflict and writes nothing', async ({ store }) => {
    const scope = testScope()
    await expect(store.putEntry(scope, airports, 1)).rejects.toMatchObject({ code: 'CONFLICT' })
    await store.putEntry(scope, airports, 0)
    await expect(store.putEntry(scope, changed, 0)).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('version 1') })
    await expect(store.putEntry(scope, changed, 2)).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await store.putEntry(scope, changed, 1)).toMatchObject({ version: 2 })
    await store.dropEntry(scope, 'region', 'airports')
    await expect(store.putEntry(scope, changed, 2)).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await store.putEntry(scope, changed, 0)).toMatchObject({ version: 3 })
    expect(await store.auditTrail(scope, 10)).toHaveLength(4)
  }),

  must<MetadataSubject>('MS08', 'of many writers that expect the same version one succeeds', async ({ store, another }) => {
    const scope = testScope()
    await store.putEntry(scope, airports)
    const other = await another()
    const writes = Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? store : other).putEntry(scope, { ...airports, definition: { n } }, 1))
    const results = await Promise.allSettled(writes)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'CONFLICT' })
    expect(await store.history(scope, 'region', 'airports')).toHaveLength(2)
  }),

  must<MetadataSubject>('MS09', 'writers at the same time lose no version', async ({ store, another }) => {
    const scope = testScope()
    const other = await another()
    const written = await Promise.all(Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? store : other).putEntry(scope, { ...airports, definition: { n } })))
    expect(written.map(({ version }) => version).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1))
    expect((await store.auditTrail(scope, 100)).map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, n) => 20 - n))
  }),

  must<MetadataSubject>('MS10', 'every change leaves an audit event that says who, when and what', async ({ store, clock }) => {
    const scope = testScope({ caller: { subject: 'ada' }, tenant: 'acme' })
    await store.putEntry(scope, airports)
    await store.putEntry(scope, changed)
    await store.dropEntry(scope, 'region', 'airports')
    const trail = await store.auditTrail(scope, 10)
    expect(trail.map(({ number, action, subject, detail }) => ({ number, action, subject, detail }))).toEqual([
      { number: 3, action: 'region.drop', subject: 'airports', detail: { version: 2 } },
      { number: 2, action: 'region.update', subject: 'airports', detail: { version: 2 } },
      { number: 1, action: 'region.create', subject: 'airports', detail: { version: 1 } },
    ])
    for (const event of trail) expect(event).toMatchObject({ actor: 'ada', tenant: 'acme', requestId: scope.requestId, atMs: clock.now() })
  }),

  must<MetadataSubject>('MS11', 'a definition that cannot be written leaves neither a version nor an audit event', async ({ store }) => {
    const scope = testScope()
    const circular: Record<string, never> = {}
    Object.assign(circular, { self: circular })
    await expect(store.putEntry(scope, { ...airports, definition: circular })).rejects.toThrow()
    await expect(store.audit(scope, { action: 'x', subject: 'y', detail: circular })).rejects.toThrow()
    expect(await store.entries(scope)).toEqual([])
    expect(await store.auditTrail(scope, 10)).toEqual([])
    expect(await store.putEntry(scope, airports)).toMatchObject({ version: 1 })
  }),

  must<MetadataSubject>('MS12', 'the audit trail is paged from its newest event back', async ({ store }) => {
    const scope = testScope()
    for (let n = 1; n <= 5; n++) expect(await store.audit(scope, { action: 'token.create', subject: `t${n}`, detail: { n } })).toMatchObject({ number: n })
    const first = await store.auditTrail(scope, 2)
    expect(first.map(({ subject }) => subject)).toEqual(['t5', 't4'])
    expect((await store.auditTrail(scope, 2, first[1]?.number)).map(({ subject }) => subject)).toEqual(['t3', 't2'])
    expect((await store.auditTrail(scope, 2, 1))).toEqual([])
  }),

  must<MetadataSubject>('MS13', 'kinds have names of their own', async ({ store }) => {
    const scope = testScope()
    await store.putEntry(scope, airports)
    await store.putEntry(scope, { ...airports, kind: 'view' })
    expect((await store.entries(scope)).map(({ kind, version }) => ({ kind, version }))).toEqual([{ kind: 'region', version: 1 }, { kind: 'view', version: 1 }])
    await store.dropEntry(scope, 'view', 'airports')
    expect(await store.entries(scope)).toHaveLength(1)
  }),

  must<MetadataSubject>('MS14', 'names and definitions are data, whatever they hold', async ({ store }) => {
    const scope = testScope()
    const name = `'; DROP TABLE setting; -- "\u{1F5FC}`
    const definition = { sql: `SELECT '\\' || "a" FROM b WHERE c = ?`, nested: [null, true, 1.5, { '': [] }] }
    await store.putEntry(scope, { kind: 'view', name, definition })
    expect(await store.history(scope, 'view', name)).toMatchObject([{ name, definition }])
  }),

  must<MetadataSubject>('MS15', 'a setting is made once, whoever asks at the same time', async ({ store, another }) => {
    const other = await another()
    let made = 0
    const ask = (from: MetadataStore) => from.setting('cursor.key', () => `secret-${++made}`)
    expect(new Set(await Promise.all(Array.from({ length: 10 }, (_, n) => ask(n % 2 === 0 ? store : other)))).size).toBe(1)
    expect(made).toBe(1)
    expect(await store.setting('hub.writer', () => 'mine')).toBe('mine')
  }),

  must<MetadataSubject>('MS16', 'what was answered is there after the store was opened again', async ({ store, reopen }) => {
    const scope = testScope()
    const stored = await store.putEntry(scope, airports)
    const event = await store.audit(scope, { action: 'hub.start', subject: 'hub', detail: null })
    await store.setting('key', () => 'value')
    const again = await reopen()
    expect(await again.entries(scope)).toEqual([stored])
    expect((await again.auditTrail(scope, 1))[0]).toEqual(event)
    expect(await again.setting('key', () => 'other')).toBe('value')
    expect(await again.putEntry(scope, changed, 1)).toMatchObject({ version: 2 })
  }),

  must<MetadataSubject>('MS17', 'an aborted scope writes nothing', async ({ store }) => {
    const scope = testScope()
    const reason = new Error('the client left')
    scope.abort(reason)
    await expect(store.putEntry(scope, airports)).rejects.toBe(reason)
    expect(await store.entries(testScope())).toEqual([])
  }),

  must<MetadataSubject>('MS18', 'an answer is kept for a day under its tenant and key, the first one of a key', async ({ store, clock, reopen }) => {
    const acme = testScope({ tenant: 'acme', clock })
    const first = { request: 'a', answer: { put: [1, null] } }
    expect(await store.keptAnswer(acme, 'k')).toBeUndefined()
    await store.keepAnswer(acme, 'k', first)
    await store.keepAnswer(acme, 'k', { request: 'b', answer: 2 })
    expect(await store.keptAnswer(acme, 'k')).toEqual(first)
    expect(await store.keptAnswer(testScope({ tenant: 'globex', clock }), 'k')).toBeUndefined()
    const again = await reopen()
    expect(await again.keptAnswer(acme, 'k')).toEqual(first)
    clock.advance(24 * 60 * 60 * 1000)
    expect(await again.keptAnswer(acme, 'k')).toBeUndefined()
    await again.keepAnswer(acme, 'k', { request: 'b', answer: 2 })
    expect(await again.keptAnswer(acme, 'k')).toEqual({ request: 'b', answer: 2 })
  }),
]
