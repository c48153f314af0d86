import { DatabaseSync } from 'node:sqlite'
import { HubError } from '../../schema/errors.ts'
import type { Batch, BufferedEvent, BufferState, CounterStore, Due } from '../ports/counter-store.ts'
import type { Scope } from '../ports/scope.ts'

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA busy_timeout = 5000;
  CREATE TABLE IF NOT EXISTS buffers (
    name TEXT PRIMARY KEY, first_at_ms INTEGER, batches INTEGER NOT NULL DEFAULT 0, batch INTEGER, reason TEXT, lease_until_ms INTEGER
  ) STRICT;
  CREATE TABLE IF NOT EXISTS buffered (
    nth INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, partition INTEGER NOT NULL, "offset" INTEGER NOT NULL, value BLOB NOT NULL, batch INTEGER
  ) STRICT;
  CREATE INDEX IF NOT EXISTS buffered_by_name ON buffered (name, batch, nth);
  CREATE TABLE IF NOT EXISTS seen (name TEXT NOT NULL, partition INTEGER NOT NULL, "offset" INTEGER NOT NULL, PRIMARY KEY (name, partition)) STRICT, WITHOUT ROWID;
`

/** Buffers in one SQLite file, or in memory for `:memory:`; processes may share the file. Every method is one transaction, durable when it ends. */
export function openCounters({ file }: { readonly file: string }): CounterStore {
  const database = new DatabaseSync(file)
  database.exec(schema)
  const remembered = database.prepare('SELECT "offset" FROM seen WHERE name = ? AND partition = ?')
  const remember = database.prepare('INSERT INTO seen VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET "offset" = excluded."offset"')
  const insert = database.prepare('INSERT INTO buffered (name, partition, "offset", value) VALUES (?, ?, ?, ?)')
  const touch = database.prepare('INSERT INTO buffers (name, first_at_ms) VALUES (?, ?) ON CONFLICT DO UPDATE SET first_at_ms = coalesce(first_at_ms, excluded.first_at_ms)')
  const waiting = database.prepare('SELECT count(*) AS count, coalesce(sum(length(value)), 0) AS bytes FROM buffered WHERE name = ? AND batch IS NULL')
  const bufferOf = database.prepare('SELECT * FROM buffers WHERE name = ?')
  const begin = database.prepare('UPDATE buffers SET batches = batches + 1, batch = batches + 1, reason = ?, lease_until_ms = ?, first_at_ms = NULL WHERE name = ?')
  const assign = database.prepare('UPDATE buffered SET batch = ? WHERE name = ? AND batch IS NULL')
  const renew = database.prepare('UPDATE buffers SET lease_until_ms = ? WHERE name = ?')
  const inBatch = database.prepare('SELECT partition, "offset", value FROM buffered WHERE name = ? AND batch = ? ORDER BY nth')
  const end = database.prepare('UPDATE buffers SET batch = NULL, reason = NULL, lease_until_ms = NULL WHERE name = ? AND batch = ?')
  const forget = ['buffers', 'buffered', 'seen'].map(table => database.prepare(`DELETE FROM ${table} WHERE name = ?`))
  const forgetBatch = database.prepare('DELETE FROM buffered WHERE name = ? AND batch = ?')
  let closed = false

  function transaction<T>(scope: Scope, work: () => T): T {
    scope.signal.throwIfAborted()
    if (closed) throw new HubError('SHUTTING_DOWN', 'The counter store is closed.')
    database.exec('BEGIN IMMEDIATE')
    try {
      const answer = work()
      database.exec('COMMIT')
      return answer
    } catch (error) {
      database.exec('ROLLBACK')
      throw error
    }
  }

  function stateOf(name: string): BufferState {
    const { count, bytes } = waiting.get(name) ?? {}
    const first = bufferOf.get(name)?.['first_at_ms']
    return { count: Number(count), bytes: Number(bytes), ...(typeof first === 'number' && { firstAtMs: first }) }
  }

  function batchOf(name: string, id: number, reason: unknown): Batch {
    const events = inBatch.all(name, id).map((row): BufferedEvent => ({ partition: Number(row['partition']), offset: Number(row['offset']), value: row['value'] as Uint8Array }))
    return { id: String(id), reason: reason as Batch['reason'], events }
  }

  return {
    async add(scope, buffer, events, nowMs) {
      const name = nameOf(scope, buffer)
      return transaction(scope, () => {
        for (const { partition, offset, value } of events) {
          const last = remembered.get(name, partition)?.['offset']
          if (typeof last === 'number' && offset <= last) continue
          remember.run(name, partition, offset)
          insert.run(name, partition, offset, value)
          touch.run(name, nowMs)
        }
        return stateOf(name)
      })
    },
    async state(scope, buffer) {
      return transaction(scope, () => stateOf(nameOf(scope, buffer)))
    },
    async claim(scope, buffer, due, nowMs, leaseMs) {
      const name = nameOf(scope, buffer)
      return transaction(scope, () => {
        const held = bufferOf.get(name)
        if (typeof held?.['batch'] === 'number') {
          if (Number(held['lease_until_ms']) > nowMs) return undefined
          renew.run(nowMs + leaseMs, name)
          return batchOf(name, held['batch'], held['reason'])
        }
        const reason = reasonFor(due, stateOf(name), nowMs)
        if (!reason) return undefined
        begin.run(reason, nowMs + leaseMs, name)
        const id = Number(bufferOf.get(name)?.['batch'])
        assign.run(id, name)
        return batchOf(name, id, reason)
      })
    },
    async finish(scope, buffer, batch) {
      const name = nameOf(scope, buffer)
      return transaction(scope, () => {
        forgetBatch.run(name, Number(batch))
        return end.run(name, Number(batch)).changes === 1
      })
    },
    async drop(scope, buffer) {
      transaction(scope, () => {
        for (const statement of forget) statement.run(nameOf(scope, buffer))
      })
    },
    async check(scope) {
      transaction(scope, () => waiting.get(''))
    },
    async close() {
      if (!closed) database.close()
      closed = true
    },
  }
}

function nameOf({ tenant }: Scope, buffer: string): string {
  return JSON.stringify([tenant, buffer])
}

function reasonFor({ count, ageMs }: Due, { count: held, firstAtMs }: BufferState, nowMs: number): Batch['reason'] | undefined {
  if (held === 0 || firstAtMs === undefined) return undefined
  if (count === undefined && ageMs === undefined) return 'MANUAL'
  if (count !== undefined && held >= count) return 'COUNT'
  return ageMs !== undefined && nowMs - firstAtMs >= ageMs ? 'TIME' : undefined
}
