import type { Migration } from 'kysely'

/** The vault's own tables, as kysely knows them. */
export interface Database {
  sealed_token: SealedTokenTable
  reveal: RevealTable
}

interface SealedTokenTable {
  tenant: string
  token: string
  sealed: string
}

interface RevealTable {
  tenant: string
  reveal_id: string
  at_ms: number
  actor: string
  request_id: string
  application: string
  outcome: string
  reason: string
  count: number
  /** JSON text, as the next one. */
  keys: string
  hashes: string
}

/** Where the vault's migrations are noted, apart from those of the tables it stands beside. */
export const migrationTables = { migrationTableName: 'token_vault_migration', migrationLockTableName: 'token_vault_migration_lock' } as const

/** In order of their names; what one wrote stays as it is for ever. */
export const migrations: Record<string, Migration> = {
  '0001-sealed-tokens': {
    async up(db) {
      await db.schema.createTable('sealed_token')
        .addColumn('tenant', 'varchar(64)', column => column.notNull())
        .addColumn('token', 'text', column => column.notNull())
        .addColumn('sealed', 'text', column => column.notNull())
        .addPrimaryKeyConstraint('sealed_token_key', ['tenant', 'token'])
        .execute()
    },
  },
  '0002-reveals': {
    async up(db) {
      await db.schema.createTable('reveal')
        .addColumn('tenant', 'varchar(64)', column => column.notNull())
        .addColumn('reveal_id', 'varchar(64)', column => column.notNull())
        .addColumn('at_ms', 'bigint', column => column.notNull())
        .addColumn('actor', 'text', column => column.notNull())
        .addColumn('request_id', 'text', column => column.notNull())
        .addColumn('application', 'text', column => column.notNull())
        .addColumn('outcome', 'varchar(64)', column => column.notNull())
        .addColumn('reason', 'text', column => column.notNull())
        .addColumn('count', 'integer', column => column.notNull())
        .addColumn('keys', 'text', column => column.notNull())
        .addColumn('hashes', 'text', column => column.notNull())
        .addPrimaryKeyConstraint('reveal_primary', ['tenant', 'reveal_id'])
        .execute()
      await db.schema.createIndex('reveal_by_time').on('reveal').columns(['tenant', 'at_ms', 'reveal_id']).execute()
    },
  },
}
