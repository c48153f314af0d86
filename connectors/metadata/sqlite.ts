import type { MetadataStore } from '../ports/metadata-store.ts'
import type { Clock } from '../ports/scope.ts'
import type { Database } from './schema.ts'
import { openSqliteDatabase } from './sqlite-database.ts'
import { openMetadata } from './store.ts'

/** The store in one SQLite file, made if there is none; what was answered survives a loss of power. A file that is no such store → UPSTREAM_REJECTED. */
export async function openSqliteMetadata({ file, clock }: { file: string; clock: Clock }): Promise<MetadataStore> {
  return openSqliteDatabase<Database, MetadataStore>({ file, called: 'the metadata store' }, db => openMetadata(db, clock))
}
