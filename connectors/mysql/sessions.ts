import type { Duplex, Readable } from 'node:stream'
import { type Connection, createConnection, type ExecuteValues, type FieldPacket, type QueryError } from 'mysql2'
import type { z } from 'zod'
import type { HubError } from '../../schema/errors.ts'
import { upperFirst } from '../../schema/names.ts'
import type { Log, Scope } from '../ports/scope.ts'
import { untilLeft } from '../signals/until-left.ts'
import type { Upstream } from '../sql-text/upstream.ts'
import { asMysqlFailure } from './errors.ts'
import { connectionOptions, type mysqlDatabaseOptions } from './options.ts'
import type { Cell } from './types.ts'

/** Runs a statement and answers its rows. With values it is prepared, and they are bound. */
export type Ask = (sql: string, values: readonly ExecuteValues[]) => Promise<readonly (readonly Cell[])[]>

/** What a statement answers, told before it is run. */
export interface Prepared {
  readonly columns: readonly FieldPacket[]
  readonly parameters: readonly unknown[]
}

/** A connection of one's own, made for one piece of work: nothing of it is left for the next. */
export interface Session {
  readonly ask: Ask
  prepare(sql: string): Promise<Prepared>
  /** Rows of one statement as they come, no more of them than are read. It breaks when the connection does. */
  stream(sql: string, values: readonly ExecuteValues[], geometry: boolean): { readonly fields: Promise<readonly FieldPacket[]>; readonly rows: Readable }
  /** Whether it ended before its work did, because all were closed. */
  readonly isClosed: boolean
  /** Ends it, where it stands unless it is at rest. The server undoes what is not committed, and frees what it locked. Twice is once. */
  done(atRest: boolean): Promise<void>
}

export interface Sessions {
  /** When the scope's signal aborts, the server ends the connection and what runs on it, until it is done. */
  open(scope: Scope, settings: string): Promise<Session>
  /** Sessions that are not done fail with UPSTREAM_UNAVAILABLE. Twice is once. */
  close(): Promise<void>
}

/** Rows that wait for their reader; what else has come waits in the connection, and the rest at the server. */
const waitingRows = 64

const geometryAsBytes = { typeCast: (field: { type: string; buffer(): Buffer | null }, next: () => unknown) => (field.type === 'GEOMETRY' ? field.buffer() : next()) }

export function openSessions(of: Upstream, options: z.output<typeof mysqlDatabaseOptions>, log: Log): Sessions {
  const held = new Set<() => void>()
  const stopping = new Set<Promise<void>>()

  function failureOf(error: unknown): HubError {
    return asMysqlFailure(of, error)
  }

  async function connect({ signal }: Pick<Scope, 'signal'>): Promise<Connection> {
    const connection = createConnection(connectionOptions(options))
    // What breaks between two statements is told by the next one.
    connection.on('error', () => {})
    try {
      await untilLeft(signal, new Promise<void>((resolve, reject) => { connection.connect(error => (error ? reject(error) : resolve())) }))
      return connection
    } catch (error) {
      cut(connection)
      signal.throwIfAborted()
      throw failureOf(error)
    }
  }

  /** Ends the other connection, and what runs on it, over one that is made for that. The caller has left: that it cannot be asked is told to the log. */
  async function stop(threadId: number): Promise<void> {
    try {
      const other = await connect({ signal: new AbortController().signal })
      try {
        await answered(other, `KILL ${threadId}`, [])
      } finally {
        other.end()
      }
    } catch (error) {
      const { code, message: reason, details } = failureOf(error)
      if (details['mysqlCode'] !== 'ER_NO_SUCH_THREAD') log.warn(`${upperFirst(of.called)} could not be asked to stop a statement; the connection is ended instead.`, { ...of.details, code, reason })
    }
  }

  async function open(scope: Scope, settings: string): Promise<Session> {
    scope.signal.throwIfAborted()
    const connection = await connect(scope)
    let isClosed = false
    let stopped: Promise<void> | undefined
    const close = () => {
      isClosed = true
      cut(connection)
    }
    const leave = () => {
      const ended = stop(connection.threadId).finally(() => {
        cut(connection)
        stopping.delete(ended)
      })
      stopped = ended
      stopping.add(ended)
    }
    scope.signal.addEventListener('abort', leave, { once: true })
    held.add(close)
    const session: Session = {
      async ask(sql, values) {
        try {
          return await answered(connection, sql, values)
        } catch (error) {
          throw failureOf(error)
        }
      },
      prepare: sql => new Promise((resolve, reject) => {
        connection.prepare(sql, (error, statement) => (error ? reject(failureOf(error)) : resolve(statement as unknown as Prepared)))
      }),
      stream(sql, values, geometry) {
        const command = connection.execute({ sql, values: [...values], ...(geometry && geometryAsBytes) })
        const rows = command.stream({ highWaterMark: waitingRows })
        // Whoever reads is told; when nobody does any more, nobody is.
        rows.on('error', () => {})
        const fields = Promise.withResolvers<readonly FieldPacket[]>()
        const broke = (error: unknown) => {
          fields.reject(failureOf(error))
          rows.destroy(failureOf(error))
        }
        connection.on('error', broke)
        command.on('error', broke)
        command.on('fields', (found: readonly FieldPacket[]) => fields.resolve(found))
        return { fields: fields.promise, rows }
      },
      get isClosed() { return isClosed },
      async done(atRest) {
        if (!held.delete(close)) return
        scope.signal.removeEventListener('abort', leave)
        await stopped
        if (atRest && !stopped) connection.end()
        else cut(connection)
      },
    }
    try {
      await session.ask(settings, [])
      return session
    } catch (error) {
      await session.done(false)
      scope.signal.throwIfAborted()
      throw error
    }
  }

  return {
    open,
    async close() {
      for (const close of held) close()
      await Promise.all(stopping)
    },
  }
}

function answered(connection: Connection, sql: string, values: readonly ExecuteValues[]): Promise<readonly (readonly Cell[])[]> {
  return new Promise((resolve, reject) => {
    const tell = (error: QueryError | null, rows: unknown) => (error ? reject(error) : resolve(Array.isArray(rows) ? (rows as (readonly Cell[])[]) : []))
    if (values.length === 0) connection.query(sql, tell)
    else connection.execute(sql, [...values], tell)
  })
}

/** Ends the connection where it stands, so that whoever waits for its server is told at once. */
function cut(connection: Connection): void {
  const { stream } = connection as Connection & { readonly stream: Duplex }
  stream.destroy()
}
