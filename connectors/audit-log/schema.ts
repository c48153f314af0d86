import type { Migration } from 'kysely'

/** The log's own tables, as kysely knows them. Moments are milliseconds since 1970; details are JSON text. */
export interface Database {
  audit_entry: EntryTable
  audit_head: HeadTable
}

interface EntryTable {
  tenant: string
  sequence: number
  at_ms: number
  actor: string
  action: string
  application: string
  subject: string
  outcome: string
  detail: string
  request_id: string
  previous_hash: string
  hash: string
}

/** Of each tenant the newest entry. Whoever puts one in changes it first, so that they do so one after the other in any engine. */
interface HeadTable {
  tenant: string
  sequence: number
  hash: string
}

/** Where the log's migrations are noted, apart from those of the tables it stands beside. */
export const migrationTables = { migrationTableName: 'audit_log_migration', migrationLockTableName: 'audit_log_migration_lock' } as const

/** In order of their names; what one wrote stays as it is for ever. */
export const migrations: Record<string, Migration> = {
  '0001-audit': {
    async up(db) {
      await db.schema.createTable('audit_entry')
        .addColumn('tenant', 'varchar(64)', column => column.notNull())
        .addColumn('sequence', 'bigint', column => column.notNull())
        .addColumn('at_ms', 'bigint', column => column.notNull())
        .addColumn('actor', 'text', column => column.notNull())
        .addColumn('action', 'varchar(64)', column => column.notNull())
        .addColumn('application', 'varchar(255)', column => column.notNull())
        .addColumn('subject', 'varchar(255)', column => column.notNull())
        .addColumn('outcome', 'varchar(16)', column => column.notNull())
        .addColumn('detail', 'text', column => column.notNull())
        .addColumn('request_id', 'text', column => column.notNull())
        .addColumn('previous_hash', 'varchar(64)', column => column.notNull())
        .addColumn('hash', 'varchar(64)', column => column.notNull())
        .addPrimaryKeyConstraint('audit_entry_key', ['tenant', 'sequence'])
        .execute()
      await db.schema.createTable('audit_head')
        .addColumn('tenant', 'varchar(64)', column => column.primaryKey())
        .addColumn('sequence', 'bigint', column => column.notNull())
        .addColumn('hash', 'varchar(64)', column => column.notNull())
        .execute()
    },
  },
}
