import type { Migration } from 'kysely'

/** The store's own tables, as kysely knows them. Moments are milliseconds since 1970. */
export interface Database {
  alert_rule: AlertRuleTable
  alert: AlertTable
  alert_event: AlertEventTable
  alert_writer: AlertWriterTable
  dead_notice: DeadNoticeTable
}

interface AlertRuleTable {
  tenant: string
  application: string
  name: string
  /** What it says, as JSON. */
  rule: string
  changed_by: string
  changed_at_ms: number
}

interface AlertTable {
  tenant: string
  alert_id: string
  application: string
  rule: string
  kind: string
  subject_kind: string
  subject: string
  /** Of rule and group, as a digest. */
  group_key: string
  run_id: string
  message: string
  count: number
  first_at_ms: number
  last_at_ms: number
  raised_at_ms: number
  acknowledged_by: string | null
  acknowledged_at_ms: number | null
  comment: string | null
}

/** What was taken note of, as a digest. */
interface AlertEventTable {
  tenant: string
  event_key: string
  at_ms: number
}

/** One row, which whoever raises changes first, so that they do so one after the other in any engine. */
interface AlertWriterTable {
  turns: number
}

interface DeadNoticeTable {
  tenant: string
  notice_id: string
  application: string
  /** As JSON. */
  notice: string
  attempts: number
  code: string
  message: string
  died_at_ms: number
}

/** Where the store's migrations are noted, apart from those of the tables it stands beside. */
export const migrationTables = { migrationTableName: 'alert_store_migration', migrationLockTableName: 'alert_store_migration_lock' } as const

/** In order of their names; what one wrote stays as it is for ever. */
export const migrations: Record<string, Migration> = {
  '0001-alerts': {
    async up(db) {
      await db.schema.createTable('alert_rule')
        .addColumn('tenant', 'varchar(64)', column => column.notNull())
        .addColumn('application', 'varchar(255)', column => column.notNull())
        .addColumn('name', 'varchar(255)', column => column.notNull())
        .addColumn('rule', 'text', column => column.notNull())
        .addColumn('changed_by', 'text', column => column.notNull())
        .addColumn('changed_at_ms', 'bigint', column => column.notNull())
        .addPrimaryKeyConstraint('alert_rule_primary', ['tenant', 'application', 'name'])
        .execute()
      await db.schema.createTable('alert')
        .addColumn('tenant', 'varchar(64)', column => column.notNull())
        .addColumn('alert_id', 'varchar(64)', column => column.notNull())
        .addColumn('application', 'varchar(255)', column => column.notNull())
        .addColumn('rule', 'varchar(255)', column => column.notNull())
        .addColumn('kind', 'varchar(32)', column => column.notNull())
        .addColumn('subject_kind', 'varchar(16)', column => column.notNull())
        .addColumn('subject', 'varchar(255)', column => column.notNull())
        .addColumn('group_key', 'varchar(64)', column => column.notNull())
        .addColumn('run_id', 'varchar(64)', column => column.notNull())
        .addColumn('message', 'text', column => column.notNull())
        .addColumn('count', 'integer', column => column.notNull())
        .addColumn('first_at_ms', 'bigint', column => column.notNull())
        .addColumn('last_at_ms', 'bigint', column => column.notNull())
        .addColumn('raised_at_ms', 'bigint', column => column.notNull())
        .addColumn('acknowledged_by', 'text')
        .addColumn('acknowledged_at_ms', 'bigint')
        .addColumn('comment', 'text')
        .addPrimaryKeyConstraint('alert_primary', ['tenant', 'alert_id'])
        .execute()
      await db.schema.createIndex('alert_by_time').on('alert').columns(['tenant', 'raised_at_ms', 'alert_id']).execute()
      await db.schema.createIndex('alert_by_application').on('alert').columns(['tenant', 'application', 'raised_at_ms', 'alert_id']).execute()
      await db.schema.createIndex('alert_by_group').on('alert').columns(['tenant', 'group_key', 'first_at_ms']).execute()
      await db.schema.createTable('alert_event')
        .addColumn('tenant', 'varchar(64)', column => column.notNull())
        .addColumn('event_key', 'varchar(64)', column => column.notNull())
        .addColumn('at_ms', 'bigint', column => column.notNull())
        .addPrimaryKeyConstraint('alert_event_primary', ['tenant', 'event_key'])
        .execute()
      await db.schema.createTable('alert_writer').addColumn('turns', 'bigint', column => column.notNull()).execute()
      await db.insertInto('alert_writer').values({ turns: 0 }).execute()
    },
  },
  '0002-dead-notices': {
    async up(db) {
      await db.schema.createTable('dead_notice')
        .addColumn('tenant', 'varchar(64)', column => column.notNull())
        .addColumn('notice_id', 'varchar(255)', column => column.notNull())
        .addColumn('application', 'varchar(255)', column => column.notNull())
        .addColumn('notice', 'text', column => column.notNull())
        .addColumn('attempts', 'integer', column => column.notNull())
        .addColumn('code', 'varchar(64)', column => column.notNull())
        .addColumn('message', 'text', column => column.notNull())
        .addColumn('died_at_ms', 'bigint', column => column.notNull())
        .addPrimaryKeyConstraint('dead_notice_primary', ['tenant', 'notice_id'])
        .execute()
      await db.schema.createIndex('dead_notice_by_time').on('dead_notice').columns(['tenant', 'died_at_ms', 'notice_id']).execute()
    },
  },
}
