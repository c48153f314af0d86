import { type Kysely, Migrator, type Selectable } from 'kysely'
import type { Json } from '../../schema/values.ts'
import type { AuditAnchor, AuditEntry, AuditLog, AuditVerdict } from '../ports/audit-log.ts'
import type { Scope } from '../ports/scope.ts'
import { isKept, keptText } from '../run-store/rows.ts'
import { canonical, hashOf, noHash } from './chain.ts'
import { type Database, migrations, migrationTables } from './schema.ts'

type Row = Selectable<Database['audit_entry']>

/** Entries that are compared at a time. */
const batch = 1_000
const longestText = 255

/** The log over any engine kysely speaks to, its tables brought up to date first. Closing it closes `db`. */
export async function openAudit(db: Kysely<Database>): Promise<AuditLog> {
  const { error } = await new Migrator({ db, provider: { getMigrations: async () => migrations }, ...migrationTables }).migrateToLatest()
  if (error) throw error

  return {
    async append({ tenant, caller, clock, requestId, signal }, { action, application, subject, outcome, detail }) {
      signal.throwIfAborted()
      return db.transaction().execute(async tx => {
        await tx.insertInto('audit_head').values({ tenant, sequence: 0, hash: noHash }).onConflict(conflict => conflict.column('tenant').doNothing()).execute()
        const head = await tx.updateTable('audit_head').set(eb => ({ sequence: eb('sequence', '+', 1) })).where('tenant', '=', tenant).returningAll().executeTakeFirstOrThrow()
        const entry = {
          sequence: Number(head.sequence), atMs: clock.now(), actor: keptText(caller.subject), action, application: keptText(application.slice(0, longestText)), subject: keptText(subject.slice(0, longestText)), outcome,
          detail: JSON.parse(canonical(detail)) as Json, requestId: keptText(requestId), previousHash: head.hash,
        }
        const own = { ...entry, hash: hashOf(tenant, entry) }
        await tx.insertInto('audit_entry').values(rowOf(tenant, own)).execute()
        await tx.updateTable('audit_head').set({ hash: own.hash }).where('tenant', '=', tenant).execute()
        return own
      })
    },

    async entries({ tenant, signal }, { applications, action, actor, subject, outcome, sinceMs, untilMs }, limit, before) {
      signal.throwIfAborted()
      const own = applications?.filter(isKept)
      if (own?.length === 0 || [action, actor, subject].some(text => text !== undefined && !isKept(text))) return []
      let query = db.selectFrom('audit_entry').selectAll().where('tenant', '=', tenant)
      if (own) query = query.where('application', 'in', own)
      if (action !== undefined) query = query.where('action', '=', action)
      if (actor !== undefined) query = query.where('actor', '=', actor)
      if (subject !== undefined) query = query.where('subject', '=', subject)
      if (outcome) query = query.where('outcome', '=', outcome)
      if (sinceMs !== undefined) query = query.where('at_ms', '>=', sinceMs)
      if (untilMs !== undefined) query = query.where('at_ms', '<', untilMs)
      if (before !== undefined) query = query.where('sequence', '<', before)
      return (await query.orderBy('sequence', 'desc').limit(limit).execute()).map(entryOf)
    },

    verify: (scope, anchors) => verified(db, scope, anchors),
    close: () => db.destroy(),
  }
}

async function verified(db: Kysely<Database>, { tenant, signal }: Scope, anchors: readonly AuditAnchor[]): Promise<AuditVerdict> {
  const remembered = Map.groupBy(anchors, ({ sequence }) => sequence)
  // What is put in meanwhile is not looked at: the head is read first.
  const head = await db.selectFrom('audit_head').selectAll().where('tenant', '=', tenant).executeTakeFirst()
  const last = head === undefined ? undefined : Number(head.sequence)
  let [checked, previousHash] = [0, noHash]
  const broken = (sequence: number, reason: string) => ({ checked, broken: { sequence, reason } })
  for (;;) {
    signal.throwIfAborted()
    let next = db.selectFrom('audit_entry').selectAll().where('tenant', '=', tenant).where('sequence', '>', checked)
    if (last !== undefined) next = next.where('sequence', '<=', last)
    const rows = await next.orderBy('sequence').limit(batch).execute()
    for (const row of rows) {
      const sequence = checked + 1
      if (Number(row.sequence) !== sequence) return broken(sequence, `Entry ${sequence} is missing: behind ${checked} comes ${row.sequence}.`)
      if (row.previous_hash !== previousHash) return broken(sequence, `Entry ${sequence} does not follow the one before it: it names another hash.`)
      if (!isWhole(tenant, row)) return broken(sequence, `Entry ${sequence} is not as it was written: its hash is another one.`)
      if (remembered.get(sequence)?.some(({ hash }) => hash !== row.hash)) return broken(sequence, `Entry ${sequence} is another one than a commit of the definitions names.`)
      checked = sequence
      previousHash = row.hash
    }
    if (rows.length < batch) break
  }
  return anchored()

  function anchored(): AuditVerdict {
    const furthest = Math.max(last ?? 0, ...remembered.keys())
    if (furthest > checked) return broken(checked + 1, `Entry ${checked + 1} is missing: there were ${furthest}, as ${furthest === last ? 'the log itself' : 'a commit of the definitions'} remembers.`)
    if (checked > 0 && last === undefined) return broken(checked, 'Where the log ends is not known: what remembers it was taken away.')
    if (head && head.hash !== previousHash) return broken(checked, `Entry ${checked} is another one than the log remembers as its last.`)
    return { checked }
  }
}

/** A row that cannot be an entry was not written as one. */
function isWhole(tenant: string, row: Row): boolean {
  try {
    return hashOf(tenant, entryOf(row)) === row.hash
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

function rowOf(tenant: string, { atMs, requestId, previousHash, detail, ...entry }: AuditEntry): Row {
  return { tenant, ...entry, at_ms: atMs, request_id: requestId, previous_hash: previousHash, detail: canonical(detail) }
}

/** PostgreSQL answers long integers as texts. */
function entryOf({ sequence, at_ms: atMs, actor, action, application, subject, outcome, detail, request_id: requestId, previous_hash: previousHash, hash }: Row): AuditEntry {
  return { sequence: Number(sequence), atMs: Number(atMs), actor, action, application, subject, outcome: outcome as AuditEntry['outcome'], detail: JSON.parse(detail) as Json, requestId, previousHash, hash }
}
