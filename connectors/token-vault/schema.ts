import type { Migration } from 'kysely'

/** The vault's own table, as kysely knows it. */
export interface Database {
  sealed_token: SealedTokenTable
}

interface SealedTokenTable {
  tenant: string
  token: string
  sealed: string
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
}
