import { type Migration, sql } from 'kysely'

/** The store's own tables, as kysely knows them. Moments are milliseconds since 1970; documents are JSON text. */
export interface Database {
  run: RunTable
  run_writer: RunWriterTable
  run_lineage: RunLineageTable
  run_watermark: WatermarkTable
  run_span: SpanTable
  run_worker: RunWorkerTable
  run_log: RunLogTable
}

interface RunTable {
  tenant: string
  run_id: string
  kind: string
  application: string
  subject: string
  version: string
  layer: string | null
  trigger: string
  parameters: string
  run_key: string | null
  job_run_id: string | null
  rerun_of: string | null
  started_by: string
  state: string
  attempt: number
  most_attempts: number
  queued_at_ms: number
  /** Null: it may begin at once. */
  not_before_ms: number | null
  started_at_ms: number | null
  ended_at_ms: number | null
  sla_at_ms: number | null
  worker: string | null
  /** Until when it is the worker's; null: it is nobody's. */
  lease_until_ms: number | null
  /** 0 or 1. */
  asked_to_stop: number
  category: string | null
  message: string | null
  rows_read: number
  rows_written: number
  rows_rejected: number
  record: string
  lineage_id: string | null
}

/** Lineages of pipelines, each once. */
interface RunLineageTable {
  tenant: string
  lineage_id: string
  application: string
  subject: string
  /** Of the run that ended last with it. */
  run_id: string
  ended_at_ms: number
  lineage: string
}

interface WatermarkTable {
  tenant: string
  application: string
  subject: string
  source: string
  column_name: string
  type: string
  value: string
  run_id: string
  moved_at_ms: number
}

/** What runs read that have not succeeded yet. */
interface SpanTable {
  tenant: string
  mark: string
  source: string
  column_name: string
  type: string
  after: string
  up_to: string | null
}

/** Workers, and when each told last that it is there. */
interface RunWorkerTable {
  worker: string
  seen_at_ms: number
}

/** What runs logged, line by line. */
interface RunLogTable {
  tenant: string
  run_id: string
  attempt: number
  line: number
  at_ms: number
  level: string
  message: string
  fields: string
  /** Of message and fields together; more than there may be of the line that says that others are left out. */
  bytes: number
}

/** One row, which whoever moves runs changes first, so that they do so one after the other in any engine. */
interface RunWriterTable {
  turns: number
}

// SQLite takes an index of some of the rows where a statement has the index's own words, so both have them from here.
export const isWaiting = sql<boolean>`state = 'QUEUED'`
export const isUnderWay = sql<boolean>`state = 'RUNNING'`
export const hasFailed = sql<boolean>`state = 'FAILED'`
export const hasNotEnded = sql<boolean>`state in ('QUEUED', 'RUNNING')`

/** Where the store's migrations are noted, apart from those of the tables it stands beside. */
export const migrationTables = { migrationTableName: 'run_store_migration', migrationLockTableName: 'run_store_migration_lock' } as const

/** In order of their names; what one wrote stays as it is for ever. */
export const migrations: Record<string, Migration> = {
  '0001-runs': {
    async up(db) {
      await db.schema.createTable('run')
        .addColumn('tenant', 'varchar(64)', column => column.notNull())
        .addColumn('run_id', 'varchar(64)', column => column.notNull())
        .addColumn('kind', 'varchar(16)', column => column.notNull())
        .addColumn('application', 'varchar(255)', column => column.notNull())
        .addColumn('subject', 'varchar(255)', column => column.notNull())
        .addColumn('version', 'varchar(255)', column => column.notNull())
        .addColumn('layer', 'varchar(255)')
        .addColumn('trigger', 'varchar(16)', column => column.notNull())
        .addColumn('parameters', 'text', column => column.notNull())
        .addColumn('run_key', 'varchar(512)')
        .addColumn('job_run_id', 'varchar(64)')
        .addColumn('rerun_of', 'varchar(64)')
        .addColumn('started_by', 'text', column => column.notNull())
        .addColumn('state', 'varchar(16)', column => column.notNull())
        .addColumn('attempt', 'integer', column => column.notNull())
        .addColumn('most_attempts', 'integer', column => column.notNull())
        .addColumn('queued_at_ms', 'bigint', column => column.notNull())
        .addColumn('not_before_ms', 'bigint')
        .addColumn('started_at_ms', 'bigint')
        .addColumn('ended_at_ms', 'bigint')
        .addColumn('sla_at_ms', 'bigint')
        .addColumn('worker', 'text')
        .addColumn('lease_until_ms', 'bigint')
        .addColumn('asked_to_stop', 'integer', column => column.notNull())
        .addColumn('category', 'text')
        .addColumn('message', 'text')
        .addColumn('rows_read', 'bigint', column => column.notNull())
        .addColumn('rows_written', 'bigint', column => column.notNull())
        .addColumn('rows_rejected', 'bigint', column => column.notNull())
        .addColumn('record', 'text', column => column.notNull())
        .addPrimaryKeyConstraint('run_primary', ['tenant', 'run_id'])
        .execute()
      await db.schema.createIndex('run_by_key').on('run').columns(['tenant', 'run_key']).unique().execute()
      const behind = ['queued_at_ms', 'run_id']
      await db.schema.createIndex('run_by_time').on('run').columns(['tenant', ...behind]).execute()
      await db.schema.createIndex('run_by_application').on('run').columns(['tenant', 'application', ...behind]).execute()
      await db.schema.createIndex('run_by_subject').on('run').columns(['tenant', 'subject', ...behind]).execute()
      await db.schema.createIndex('run_by_state').on('run').columns(['tenant', 'state', ...behind]).execute()
      await db.schema.createIndex('run_by_job').on('run').columns(['tenant', 'job_run_id', ...behind]).where('job_run_id', 'is not', null).execute()
      // These stay small, however many runs have ended.
      await db.schema.createIndex('run_waiting').on('run').columns([...behind, 'tenant']).where(isWaiting).execute()
      await db.schema.createIndex('run_under_way').on('run').columns(['tenant', 'application', 'lease_until_ms']).where(isUnderWay).execute()
      await db.schema.createIndex('run_not_ended').on('run').columns(['tenant', 'application', 'subject']).where(hasNotEnded).execute()

      await db.schema.createTable('run_writer').addColumn('turns', 'bigint', column => column.notNull()).execute()
      await db.insertInto('run_writer').values({ turns: 0 }).execute()
    },
  },
  '0002-lineage': {
    async up(db) {
      await db.schema.alterTable('run').addColumn('lineage_id', 'varchar(64)').execute()
      await db.schema.createTable('run_lineage')
        .addColumn('tenant', 'varchar(64)', column => column.notNull())
        .addColumn('lineage_id', 'varchar(64)', column => column.notNull())
        .addColumn('application', 'varchar(255)', column => column.notNull())
        .addColumn('subject', 'varchar(255)', column => column.notNull())
        .addColumn('run_id', 'varchar(64)', column => column.notNull())
        .addColumn('ended_at_ms', 'bigint', column => column.notNull())
        .addColumn('lineage', 'text', column => column.notNull())
        .addPrimaryKeyConstraint('run_lineage_primary', ['tenant', 'lineage_id'])
        .execute()
      await db.schema.createIndex('run_lineage_by_subject').on('run_lineage').columns(['tenant', 'application', 'subject', 'ended_at_ms']).execute()
    },
  },
  '0003-watermarks': {
    async up(db) {
      await db.schema.createTable('run_watermark')
        .addColumn('tenant', 'varchar(64)', column => column.notNull())
        .addColumn('application', 'varchar(255)', column => column.notNull())
        .addColumn('subject', 'varchar(255)', column => column.notNull())
        .addColumn('source', 'varchar(255)', column => column.notNull())
        .addColumn('column_name', 'text', column => column.notNull())
        .addColumn('type', 'varchar(16)', column => column.notNull())
        .addColumn('value', 'text', column => column.notNull())
        .addColumn('run_id', 'varchar(64)', column => column.notNull())
        .addColumn('moved_at_ms', 'bigint', column => column.notNull())
        .addPrimaryKeyConstraint('run_watermark_primary', ['tenant', 'application', 'subject', 'source'])
        .execute()
      await db.schema.createTable('run_span')
        .addColumn('tenant', 'varchar(64)', column => column.notNull())
        .addColumn('mark', 'varchar(255)', column => column.notNull())
        .addColumn('source', 'varchar(255)', column => column.notNull())
        .addColumn('column_name', 'text', column => column.notNull())
        .addColumn('type', 'varchar(16)', column => column.notNull())
        .addColumn('after', 'text', column => column.notNull())
        .addColumn('up_to', 'text')
        .addPrimaryKeyConstraint('run_span_primary', ['tenant', 'mark', 'source'])
        .execute()
    },
  },
  '0004-alerts': {
    async up(db) {
      await db.schema.createIndex('run_by_sla').on('run').columns(['sla_at_ms']).where('sla_at_ms', 'is not', null).execute()
      await db.schema.createIndex('run_by_failure').on('run').columns(['ended_at_ms']).where(hasFailed).execute()
      await db.schema.createIndex('run_by_end').on('run').columns(['tenant', 'application', 'subject', 'state', 'ended_at_ms']).execute()
    },
  },
  '0005-workers': {
    async up(db) {
      await db.schema.createTable('run_worker')
        .addColumn('worker', 'varchar(255)', column => column.primaryKey())
        .addColumn('seen_at_ms', 'bigint', column => column.notNull())
        .execute()
    },
  },
  '0006-logs': {
    async up(db) {
      await db.schema.createTable('run_log')
        .addColumn('tenant', 'varchar(64)', column => column.notNull())
        .addColumn('run_id', 'varchar(64)', column => column.notNull())
        .addColumn('attempt', 'integer', column => column.notNull())
        .addColumn('line', 'integer', column => column.notNull())
        .addColumn('at_ms', 'bigint', column => column.notNull())
        .addColumn('level', 'varchar(16)', column => column.notNull())
        .addColumn('message', 'text', column => column.notNull())
        .addColumn('fields', 'text', column => column.notNull())
        .addColumn('bytes', 'integer', column => column.notNull())
        .addPrimaryKeyConstraint('run_log_primary', ['tenant', 'run_id', 'attempt', 'line'])
        .execute()
    },
  },
}
