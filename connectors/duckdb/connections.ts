import type { DuckDBConnection, DuckDBPreparedStatement } from '@duckdb/node-api'
import { HubError } from '../../schema/errors.ts'
import type { Scope } from '../ports/scope.ts'
import type { DuckDatabase } from './database.ts'

/** Statements kept prepared on one connection. */
const keptStatements = 100

/** Who waits for a connection. */
interface Waiting {
  hand(connection: DuckDBConnection): void
  fail(error: unknown): void
}

/** A bounded set of connections, each with one statement at a time. */
export class Connections {
  readonly #database: DuckDatabase
  readonly #most: number
  readonly #free: DuckDBConnection[] = []
  readonly #waiting: Waiting[] = []
  readonly #prepared = new Map<DuckDBConnection, Map<string, DuckDBPreparedStatement>>()
  #open = 0
  #closed = false

  constructor(database: DuckDatabase, most: number) {
    this.#database = database
    this.#most = most
  }

  /** A free connection, at once or when one is given back. None before the deadline → POOL_EXHAUSTED; the signal aborted → its reason. */
  async take(scope: Scope): Promise<DuckDBConnection> {
    scope.signal.throwIfAborted()
    if (this.#closed) throw new HubError('SHUTTING_DOWN', 'The SQL engine is closed.')
    const free = this.#free.pop()
    if (free) return free
    if (this.#open < this.#most) return this.#connect()
    const exhausted = () => new HubError('POOL_EXHAUSTED', `All ${this.#most} connections of the SQL engine stayed in use until the deadline. Ask again later, or allow more.`)
    const leftMs = scope.deadlineMs - scope.clock.now()
    if (leftMs <= 0) throw exhausted()
    return new Promise((resolve, reject) => {
      const leave = () => {
        cancelTimer()
        scope.signal.removeEventListener('abort', abort)
        const place = this.#waiting.indexOf(waiting)
        if (place >= 0) this.#waiting.splice(place, 1)
      }
      const waiting: Waiting = {
        hand(connection) {
          leave()
          resolve(connection)
        },
        fail(error) {
          leave()
          reject(error)
        },
      }
      const abort = () => {
        leave()
        reject(scope.signal.reason)
      }
      const cancelTimer = scope.clock.after(leftMs, () => {
        leave()
        reject(exhausted())
      })
      scope.signal.addEventListener('abort', abort, { once: true })
      this.#waiting.push(waiting)
    })
  }

  /** The statement, prepared on a connection that was taken: anew, or as kept from an earlier use. DuckDB plans a kept one again where its tables changed. */
  async prepare(connection: DuckDBConnection, sql: string): Promise<DuckDBPreparedStatement> {
    const kept = this.#prepared.get(connection) ?? new Map<string, DuckDBPreparedStatement>()
    this.#prepared.set(connection, kept)
    const known = kept.get(sql)
    const statement = known ?? (await connection.prepare(sql))
    kept.delete(sql)
    kept.set(sql, statement)
    const [oldest] = kept
    if (kept.size > keptStatements && oldest) {
      kept.delete(oldest[0])
      oldest[1].destroySync()
    }
    if (known) statement.clearBindings()
    return statement
  }

  #disconnect(connection: DuckDBConnection): void {
    for (const statement of this.#prepared.get(connection)?.values() ?? []) statement.destroySync()
    this.#prepared.delete(connection)
    connection.disconnectSync()
  }

  async #connect(): Promise<DuckDBConnection> {
    this.#open += 1
    try {
      return await this.#database.connect()
    } catch (error) {
      this.#open -= 1
      throw error
    }
  }

  /** Gives it back for the next statement; one that is not clean is thrown away. */
  give(connection: DuckDBConnection, clean: boolean): void {
    if (clean && !this.#closed) {
      const next = this.#waiting.shift()
      if (next) next.hand(connection)
      else this.#free.push(connection)
      return
    }
    this.#disconnect(connection)
    this.#open -= 1
    const next = this.#waiting.shift()
    if (next) this.#connect().then(next.hand, next.fail)
  }

  close(): void {
    this.#closed = true
    for (const connection of this.#free.splice(0)) this.#disconnect(connection)
  }
}
