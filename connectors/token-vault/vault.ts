import { type Kysely, Migrator } from 'kysely'
import type { Scope } from '../ports/scope.ts'
import type { TokenVault } from '../ports/token-vault.ts'
import { type Database, migrations, migrationTables } from './schema.ts'

export interface OpenedTokenVault extends TokenVault {
  close(): Promise<void>
}

/** Rows of one statement. SQLite takes 32,766 values in one, PostgreSQL 65,535. */
const rowsAtOnce = 1_000

/** The vault over any engine kysely speaks to, its table brought up to date first. Closing it closes `db`. */
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
