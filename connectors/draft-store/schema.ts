import type { Migration } from 'kysely'

/** The store's own table, as kysely knows it. Moments are milliseconds since 1970; approvals are JSON text. */
export interface Database {
  pipeline_draft: DraftTable
}

interface DraftTable {
  tenant: string
  id: string
  application: string
  pipeline_id: string
  version: string
  xml: string
  comment: string
  base_commit: string | null
  base_content: string | null
  state: string
  revision: number
  author: string
  created_at_ms: number
  changed_at_ms: number
  approvals: string
  commit_id: string | null
  failure: string | null
}

/** Where the store's migrations are noted, apart from those of the tables it stands beside. */
export const migrationTables = { migrationTableName: 'draft_store_migration', migrationLockTableName: 'draft_store_migration_lock' } as const

/** In order of their names; what one wrote stays as it is for ever. */
export const migrations: Record<string, Migration> = {
  '0001-drafts': {
    async up(db) {
      await db.schema.createTable('pipeline_draft')
        .addColumn('tenant', 'varchar(64)', column => column.notNull())
        .addColumn('id', 'varchar(64)', column => column.notNull())
        .addColumn('application', 'varchar(255)', column => column.notNull())
        .addColumn('pipeline_id', 'varchar(255)', column => column.notNull())
        .addColumn('version', 'varchar(255)', column => column.notNull())
        .addColumn('xml', 'text', column => column.notNull())
        .addColumn('comment', 'text', column => column.notNull())
        .addColumn('base_commit', 'varchar(64)')
        .addColumn('base_content', 'varchar(64)')
        .addColumn('state', 'varchar(16)', column => column.notNull())
        .addColumn('revision', 'integer', column => column.notNull())
        .addColumn('author', 'text', column => column.notNull())
        .addColumn('created_at_ms', 'bigint', column => column.notNull())
        .addColumn('changed_at_ms', 'bigint', column => column.notNull())
        .addColumn('approvals', 'text', column => column.notNull())
        .addColumn('commit_id', 'varchar(64)')
        .addColumn('failure', 'text')
        .addPrimaryKeyConstraint('pipeline_draft_key', ['tenant', 'id'])
        .execute()
      await db.schema.createIndex('pipeline_draft_newest').on('pipeline_draft').columns(['tenant', 'created_at_ms', 'id']).execute()
    },
  },
}
