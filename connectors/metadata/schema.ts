import type { Migration } from 'kysely'

/** The hub's own tables, as kysely knows them. Times are milliseconds since 1970; documents are JSON text. */
export interface Database {
  catalog_entry: CatalogEntryTable
  catalog_version: CatalogVersionTable
  audit_event: AuditEventTable
  setting: SettingTable
  kept_answer: KeptAnswerTable
}

/** Where each entry stands; one that was dropped keeps its number. */
interface CatalogEntryTable {
  kind: string
  name: string
  version: number
  /** 0 or 1. */
  dropped: number
}

/** Every version of every entry, never changed. */
interface CatalogVersionTable {
  kind: string
  name: string
  version: number
  definition: string
  created_at_ms: number
  created_by: string
}

/** Numbers have no gaps and are in the order of commits. */
interface AuditEventTable {
  number: number
  at_ms: number
  actor: string
  tenant: string
  request_id: string
  action: string
  subject: string
  detail: string
}

interface SettingTable {
  name: string
  value: string
}

/** Answers of mutations by the key their client gave them. */
interface KeptAnswerTable {
  tenant: string
  client_key: string
  request: string
  answer: string
  at_ms: number
}

/** The row every writing transaction changes first, so that they run one after the other in any engine. */
export const writerLock = 'hub.writer'

/** In order of their names; what one wrote stays as it is for ever. */
export const migrations: Record<string, Migration> = {
  '0001-catalog': {
    async up(db) {
      await db.schema.createTable('catalog_entry')
        .addColumn('kind', 'varchar(32)', column => column.notNull())
        .addColumn('name', 'varchar(255)', column => column.notNull())
        .addColumn('version', 'integer', column => column.notNull())
        .addColumn('dropped', 'integer', column => column.notNull())
        .addPrimaryKeyConstraint('catalog_entry_key', ['kind', 'name'])
        .execute()
      await db.schema.createTable('catalog_version')
        .addColumn('kind', 'varchar(32)', column => column.notNull())
        .addColumn('name', 'varchar(255)', column => column.notNull())
        .addColumn('version', 'integer', column => column.notNull())
        .addColumn('definition', 'text', column => column.notNull())
        .addColumn('created_at_ms', 'bigint', column => column.notNull())
        .addColumn('created_by', 'text', column => column.notNull())
        .addPrimaryKeyConstraint('catalog_version_key', ['kind', 'name', 'version'])
        .execute()
      await db.schema.createTable('audit_event')
        .addColumn('number', 'integer', column => column.primaryKey())
        .addColumn('at_ms', 'bigint', column => column.notNull())
        .addColumn('actor', 'text', column => column.notNull())
        .addColumn('tenant', 'text', column => column.notNull())
        .addColumn('request_id', 'text', column => column.notNull())
        .addColumn('action', 'text', column => column.notNull())
        .addColumn('subject', 'text', column => column.notNull())
        .addColumn('detail', 'text', column => column.notNull())
        .execute()
      await db.schema.createTable('setting')
        .addColumn('name', 'varchar(255)', column => column.primaryKey())
        .addColumn('value', 'text', column => column.notNull())
        .execute()
      await db.insertInto('setting').values({ name: writerLock, value: '' }).execute()
    },
  },
  '0002-kept-answers': {
    async up(db) {
      await db.schema.createTable('kept_answer')
        .addColumn('tenant', 'varchar(64)', column => column.notNull())
        .addColumn('client_key', 'varchar(255)', column => column.notNull())
        .addColumn('request', 'varchar(64)', column => column.notNull())
        .addColumn('answer', 'text', column => column.notNull())
        .addColumn('at_ms', 'bigint', column => column.notNull())
        .addPrimaryKeyConstraint('kept_answer_key', ['tenant', 'client_key'])
        .execute()
      await db.schema.createIndex('kept_answer_age').on('kept_answer').column('at_ms').execute()
    },
  },
}
