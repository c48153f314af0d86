import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { TopicSettings } from '../ports/event-log.ts'

export interface StoredTopic extends TopicSettings {
  /** Names the topic's directory; never given twice, so that a topic made anew finds nothing of the old one. */
  readonly id: number
}

/** Topics and the groups' offsets, in one SQLite file. Every method but `commit` is durable when it returns. */
export interface Offsets {
  topics(): StoredTopic[]
  create(settings: TopicSettings): StoredTopic
  /** Keeps the limits as they are given. */
  alter(topic: StoredTopic): void
  delete(id: number): void
  committed(topicId: number, group: string): { partition: number; offset: number }[]
  /** Durable when it ends; commits of one turn of the event loop share a transaction. */
  commit(topicId: number, group: string, partition: number, offset: number): Promise<void>
  close(): void
}

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS topics (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL, retention_ms INTEGER, retention_bytes INTEGER
  ) STRICT;
  CREATE TABLE IF NOT EXISTS offsets (
    topic_id INTEGER NOT NULL, group_name TEXT NOT NULL, partition INTEGER NOT NULL, next_offset INTEGER NOT NULL, PRIMARY KEY (topic_id, group_name, partition)
  ) STRICT, WITHOUT ROWID;
`

export function openOffsets(directory: string): Offsets {
  const database = new DatabaseSync(join(directory, 'groups.sqlite'))
  database.exec(schema)
  const selectTopics = database.prepare('SELECT id, name, partitions, retention_ms, retention_bytes FROM topics ORDER BY name')
  const insertTopic = database.prepare('INSERT INTO topics (name, partitions, retention_ms, retention_bytes) VALUES (?, ?, ?, ?)')
  const updateLimits = database.prepare('UPDATE topics SET retention_ms = ?, retention_bytes = ? WHERE id = ?')
  const deleteTopic = database.prepare('DELETE FROM topics WHERE id = ?')
  const deleteOffsets = database.prepare('DELETE FROM offsets WHERE topic_id = ?')
  const selectOffsets = database.prepare('SELECT partition, next_offset FROM offsets WHERE topic_id = ? AND group_name = ?')
  const upsertOffset = database.prepare('INSERT INTO offsets VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET next_offset = excluded.next_offset')
  let queued: { readonly rows: (readonly [number, string, number, number])[]; readonly done: PromiseWithResolvers<void> } | undefined

  function transaction(work: () => void): void {
    database.exec('BEGIN IMMEDIATE')
    try {
      work()
      database.exec('COMMIT')
    } catch (error) {
      database.exec('ROLLBACK')
      throw error
    }
  }

  function flush(): void {
    const batch = queued
    if (!batch) return
    queued = undefined
    try {
      transaction(() => {
        for (const row of batch.rows) upsertOffset.run(...row)
      })
      batch.done.resolve()
    } catch (error) {
      batch.done.reject(error)
    }
  }

  return {
    topics: () => selectTopics.all().map(row => ({
      id: Number(row['id']),
      name: String(row['name']),
      partitions: Number(row['partitions']),
      ...(row['retention_ms'] !== null && { retentionMs: Number(row['retention_ms']) }),
      ...(row['retention_bytes'] !== null && { retentionBytes: Number(row['retention_bytes']) }),
    })),
    create(settings) {
      const { name, partitions, retentionMs = null, retentionBytes = null } = settings
      return { ...settings, id: Number(insertTopic.run(name, partitions, retentionMs, retentionBytes).lastInsertRowid) }
    },
    alter({ id, retentionMs = null, retentionBytes = null }) {
      updateLimits.run(retentionMs, retentionBytes, id)
    },
    delete(id) {
      transaction(() => {
        deleteTopic.run(id)
        deleteOffsets.run(id)
      })
    },
    committed: (topicId, group) => selectOffsets.all(topicId, group).map(row => ({ partition: Number(row['partition']), offset: Number(row['next_offset']) })),
    commit(topicId, group, partition, offset) {
      if (!queued) {
        queued = { rows: [], done: Promise.withResolvers() }
        setImmediate(flush)
      }
      queued.rows.push([topicId, group, partition, offset])
      return queued.done.promise
    },
    close() {
      flush()
      database.close()
    },
  }
}
