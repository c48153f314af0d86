import { isDeepStrictEqual } from 'node:util'
import { type Kysely, Migrator, type Selectable, type Transaction } from 'kysely'
import { HubError } from '../../schema/errors.ts'
import type { Json } from '../../schema/values.ts'
import type { AuditEvent, CatalogEntry, EntryKind, MetadataStore, NewAuditEvent } from '../ports/metadata-store.ts'
import type { Clock, Scope } from '../ports/scope.ts'
import { type Database, migrations, writerLock } from './schema.ts'

/** How long an answer is kept under its client's key. */
const keptMs = 24 * 60 * 60 * 1000

type VersionRow = Selectable<Database['catalog_version']>

/** The store over any engine kysely speaks to, its tables brought up to date first. Closing it closes `db`. */
export async function openMetadata(db: Kysely<Database>, clock: Clock): Promise<MetadataStore> {
  const { error } = await new Migrator({ db, provider: { getMigrations: async () => migrations } }).migrateToLatest()
  if (error) throw error

  /** Runs alone among all writers of this store, wherever they are. */
  const write = <T>(work: (tx: Transaction<Database>) => Promise<T>): Promise<T> =>
    db.transaction().execute(async tx => {
      await tx.updateTable('setting').set({ value: '' }).where('name', '=', writerLock).execute()
      return work(tx)
    })

  async function record(tx: Transaction<Database>, scope: Scope, event: NewAuditEvent): Promise<AuditEvent> {
    const { last } = await tx.selectFrom('audit_event').select(eb => eb.fn.max('number').as('last')).executeTakeFirstOrThrow()
    const stored: AuditEvent = { ...event, number: Number(last ?? 0) + 1, atMs: clock.now(), actor: scope.caller.subject, tenant: scope.tenant, requestId: scope.requestId }
    const { atMs, requestId, detail, ...same } = stored
    await tx.insertInto('audit_event').values({ ...same, at_ms: atMs, request_id: requestId, detail: JSON.stringify(detail) }).execute()
    return stored
  }

  const standing = (tx: Transaction<Database>, kind: EntryKind, name: string) =>
    tx.selectFrom('catalog_entry').select(['version', 'dropped']).where('kind', '=', kind).where('name', '=', name).executeTakeFirst()

  return {
    async entries(scope) {
      scope.signal.throwIfAborted()
      const rows = await db.selectFrom('catalog_entry')
        .innerJoin('catalog_version', join => join.onRef('catalog_version.kind', '=', 'catalog_entry.kind').onRef('catalog_version.name', '=', 'catalog_entry.name').onRef('catalog_version.version', '=', 'catalog_entry.version'))
        .selectAll('catalog_version').where('dropped', '=', 0).orderBy('catalog_version.kind').orderBy('catalog_version.name').execute()
      return rows.map(entryOf)
    },

    async history(scope, kind, name) {
      scope.signal.throwIfAborted()
      const rows = await db.selectFrom('catalog_version').selectAll().where('kind', '=', kind).where('name', '=', name).orderBy('version', 'desc').execute()
      return rows.map(entryOf)
    },

    async putEntry(scope, { kind, name, definition }, expectVersion) {
      scope.signal.throwIfAborted()
      return write(async tx => {
        const there = await standing(tx, kind, name)
        const live = there && there.dropped === 0 ? there.version : 0
        if (expectVersion !== undefined && expectVersion !== live) throw notExpected(kind, name, expectVersion, live)
        if (live > 0) {
          const newest = await tx.selectFrom('catalog_version').selectAll().where('kind', '=', kind).where('name', '=', name).where('version', '=', live).executeTakeFirstOrThrow()
          if (isDeepStrictEqual(JSON.parse(newest.definition), JSON.parse(JSON.stringify(definition)))) return entryOf(newest)
        }
        const version = (there?.version ?? 0) + 1
        const row = { kind, name, version, definition: JSON.stringify(definition), created_at_ms: clock.now(), created_by: scope.caller.subject }
        await tx.insertInto('catalog_version').values(row).execute()
        await tx.insertInto('catalog_entry').values({ kind, name, version, dropped: 0 })
          .onConflict(conflict => conflict.columns(['kind', 'name']).doUpdateSet({ version, dropped: 0 })).execute()
        await record(tx, scope, { action: `${kind}.${live === 0 ? 'create' : 'update'}`, subject: name, detail: { version } })
        return entryOf(row)
      })
    },

    async dropEntry(scope, kind, name) {
      scope.signal.throwIfAborted()
      return write(async tx => {
        const there = await standing(tx, kind, name)
        if (!there || there.dropped === 1) return false
        await tx.updateTable('catalog_entry').set({ dropped: 1 }).where('kind', '=', kind).where('name', '=', name).execute()
        await record(tx, scope, { action: `${kind}.drop`, subject: name, detail: { version: there.version } })
        return true
      })
    },

    async audit(scope, event) {
      scope.signal.throwIfAborted()
      return write(tx => record(tx, scope, event))
    },

    async auditTrail(scope, limit, before) {
      scope.signal.throwIfAborted()
      let query = db.selectFrom('audit_event').selectAll().orderBy('number', 'desc').limit(limit)
      if (before !== undefined) query = query.where('number', '<', before)
      return (await query.execute()).map(({ at_ms, request_id, detail, ...same }) => ({ ...same, atMs: Number(at_ms), requestId: request_id, detail: JSON.parse(detail) as Json }))
    },

    async setting(name, initial) {
      const stored = `of.${name}`
      const known = await db.selectFrom('setting').select('value').where('name', '=', stored).executeTakeFirst()
      if (known) return known.value
      return write(async tx => {
        const meanwhile = await tx.selectFrom('setting').select('value').where('name', '=', stored).executeTakeFirst()
        if (meanwhile) return meanwhile.value
        const value = initial()
        await tx.insertInto('setting').values({ name: stored, value }).execute()
        return value
      })
    },

    async keptAnswer(scope, key) {
      scope.signal.throwIfAborted()
      const row = await db.selectFrom('kept_answer').select(['request', 'answer']).where('tenant', '=', scope.tenant).where('client_key', '=', key).where('at_ms', '>', clock.now() - keptMs).executeTakeFirst()
      return row && { request: row.request, answer: JSON.parse(row.answer) as Json }
    },

    async keepAnswer(scope, key, { request, answer }) {
      await write(async tx => {
        await tx.deleteFrom('kept_answer').where('at_ms', '<=', clock.now() - keptMs).execute()
        await tx.insertInto('kept_answer').values({ tenant: scope.tenant, client_key: key, request, answer: JSON.stringify(answer), at_ms: clock.now() })
          .onConflict(conflict => conflict.columns(['tenant', 'client_key']).doNothing()).execute()
      })
    },

    close: () => db.destroy(),
  }
}

function entryOf(row: VersionRow): CatalogEntry {
  return { kind: row.kind as EntryKind, name: row.name, definition: JSON.parse(row.definition) as Json, version: row.version, createdAtMs: Number(row.created_at_ms), createdBy: row.created_by }
}

function notExpected(kind: EntryKind, name: string, expected: number, found: number): HubError {
  const said = (version: number) => (version === 0 ? 'not to exist' : `at version ${version}`)
  return new HubError('CONFLICT', `The ${kind} "${name}" was expected ${said(expected)}, but ${found === 0 ? 'does not exist' : `is at version ${found}`}. Read it again and repeat the change on what is there.`, { kind, name, expected, found })
}
