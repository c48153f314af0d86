import { randomUUID } from 'node:crypto'
import { type Kysely, Migrator } from 'kysely'
import type { RevealLog } from '../ports/reveal-log.ts'
import type { Scope } from '../ports/scope.ts'
import type { TokenVault } from '../ports/token-vault.ts'
import { type Database, migrations, migrationTables } from './schema.ts'

/** The vault, and beside it who asked for what is in it. */
export interface OpenedTokenVault extends TokenVault, RevealLog {
  close(): Promise<void>
}

/** Rows of one statement. SQLite takes 32,766 values in one, PostgreSQL 65,535. */
const rowsAtOnce = 1_000

/** The vault over any engine kysely speaks to, its tables brought up to date first. Closing it closes `db`. */
export async function openVault(db: Kysely<Database>): Promise<OpenedTokenVault> {
  const { error } = await new Migrator({ db, provider: { getMigrations: async () => migrations }, ...migrationTables }).migrateToLatest()
  if (error) throw error

  return {
    async put(scope, tokens) {
      scope.signal.throwIfAborted()
      // Two who put the same tokens in wait for each other at the first of them, and not each for the other.
      const rows = tokens.map(({ token, sealed }) => ({ tenant: scope.tenant, token, sealed })).sort((a, b) => (a.token < b.token ? -1 : a.token > b.token ? 1 : 0))
      await db.transaction().execute(async tx => {
        for (const some of inParts(scope, rows)) await tx.insertInto('sealed_token').values([...some]).onConflict(conflict => conflict.columns(['tenant', 'token']).doNothing()).execute()
      })
    },

    async find(scope, tokens) {
      scope.signal.throwIfAborted()
      const found = new Map<string, string>()
      // PostgreSQL has no texts with a NUL, and refuses to look for one.
      for (const some of inParts(scope, [...new Set(tokens)].filter(token => !token.includes('\0')))) {
        const rows = await db.selectFrom('sealed_token').select(['token', 'sealed']).where('tenant', '=', scope.tenant).where('token', 'in', some).execute()
        for (const { token, sealed } of rows) found.set(token, sealed)
      }
      return tokens.map(token => found.get(token))
    },

    async append({ signal, tenant, caller, clock, requestId }, { application, outcome, reason, count, keys, hashes }) {
      signal.throwIfAborted()
      await db.insertInto('reveal').values({
        tenant, reveal_id: randomUUID(), at_ms: clock.now(), actor: keptText(caller.subject), request_id: keptText(requestId), application: keptText(application), outcome: keptText(outcome), reason: keptText(reason), count,
        keys: JSON.stringify(keys), hashes: JSON.stringify(hashes),
      }).execute()
    },

    async attempts({ signal, tenant }, limit) {
      signal.throwIfAborted()
      const rows = await db.selectFrom('reveal').selectAll().where('tenant', '=', tenant).orderBy('at_ms', 'desc').orderBy('reveal_id').limit(limit).execute()
      return rows.map(({ at_ms, actor, request_id, application, outcome, reason, count, keys, hashes }) => ({ atMs: Number(at_ms), actor, requestId: request_id, application, outcome, reason, count, keys: JSON.parse(keys) as string[], hashes: JSON.parse(hashes) as string[] }))
    },

    close: () => db.destroy(),
  }
}

/** One statement's worth after the other, while the caller is there. */
function* inParts<T>({ signal }: Scope, rows: readonly T[]): Generator<readonly T[]> {
  for (let begin = 0; begin < rows.length; begin += rowsAtOnce) {
    signal.throwIfAborted()
    yield rows.slice(begin, begin + rowsAtOnce)
  }
}

/** A text for people, with a sign in the place of what cannot be stored. */
function keptText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd')
}
