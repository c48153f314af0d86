import { HubError } from '../../schema/errors.ts'
import { upperFirst } from '../../schema/names.ts'
import type { Row } from '../../schema/values.ts'
import type { Database, Isolation, Query } from '../ports/database.ts'
import type { Log, Scope } from '../ports/scope.ts'
import { checkNames } from '../sql-text/columns.ts'
import { pickTargets } from '../sql-text/table-write.ts'
import { masked, type Upstream } from '../sql-text/upstream.ts'
import { takeSteps } from '../sql-text/write-steps.ts'
import { type MysqlDatabaseOptions, mysqlDatabaseOptions, secretsOf } from './options.ts'
import { openSessions, type Session } from './sessions.ts'
import { leaveMark, makeTables, takeTurn, writeBatches } from './table-write.ts'
import { findTarget } from './target.ts'
import { type Cell, columnOf, type MysqlColumn, parameterOf } from './types.ts'

/** Times are those of UTC, and a reader who is slow is waited for: the server would give him a minute. */
const reading = `SET SESSION time_zone = '+00:00', net_write_timeout = 86400`
/** What a column cannot hold fails; a 0 stays one; names are quoted as everywhere else here. */
const writing = `SET SESSION time_zone = '+00:00', wait_timeout = 86400, sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO'`

const levels: Record<Isolation, string> = { READ_COMMITTED: 'READ COMMITTED', READ_UNCOMMITTED: 'READ UNCOMMITTED', REPEATABLE_READ: 'REPEATABLE READ', SERIALIZABLE: 'SERIALIZABLE' }

/**
 * A MySQL or MariaDB database. Each read and each write has a connection of its own. Rows come as the reader takes them, the rest waits at the server. A query is in the server's dialect: names in
 * backticks. Zero dates, and times beyond a day, are read as null. Of writes of the hub that empty a table or merge into it there is one at a time; others are kept apart by InnoDB. Of two that cannot
 * both be, the later → TX_CONFLICT.
 */
export function openMysqlDatabase(given: MysqlDatabaseOptions & { log: Log }): Database {
  const { log, ...rest } = given
  const options = mysqlDatabaseOptions.parse(rest)
  const secrets = secretsOf(options)
  const [database, host] = [masked(options.database, secrets), masked(options.host, secrets)]
  const of: Upstream = { called: `database "${database}" at ${host}`, details: { database }, secrets }
  const sessions = openSessions(of, options, log)

  async function* read(scope: Scope, query: Query, know: (columns: readonly MysqlColumn[]) => void): AsyncGenerator<readonly Row[], void, void> {
    const session = await sessions.open(scope, reading)
    let atRest = false
    try {
      await begin(session, query.isolation, 'READ ONLY')
      const sql = statementOf(query)
      const values = query.values.map(parameterOf)
      const columns = await check(session, sql, values.length)
      const { fields, rows } = session.stream(sql, values, columns.some(({ columnType }) => columnType === geometryType))
      const found = (await fields).map(columnOf)
      know(found)
      yield []
      let batch: Row[] = []
      for await (const cells of rows as AsyncIterable<readonly Cell[]>) {
        batch.push(rowOf(found, cells))
        if (batch.length < query.fetchSize) continue
        stillThere(scope, session)
        yield batch
        batch = []
      }
      stillThere(scope, session)
      atRest = true
      if (batch.length > 0) yield batch
    } catch (error) {
      stillThere(scope, session)
      throw error
    } finally {
      await session.done(atRest)
    }
  }

  function stillThere({ signal }: Scope, { isClosed }: Session): void {
    signal.throwIfAborted()
    if (isClosed) throw new HubError('UPSTREAM_UNAVAILABLE', `${upperFirst(of.called)} was closed while it was read.`, of.details)
  }

  /** Refuses what is no reading statement, without running it: it has to be one by itself, and one that another can read from. Answers the columns. */
  async function check(session: Session, sql: string, values: number) {
    const { columns, parameters } = await session.prepare(sql)
    if (parameters.length !== values) throw new HubError('UPSTREAM_REJECTED', `The query has ${parameters.length} places for values, "?" as MySQL has them, and ${values} values. Write values as parameters with a name, as in :runDate.`, of.details)
    checkNames(columns.map(({ name }) => name))
    await session.prepare(`SELECT * FROM (\n${sql}\n) AS q`)
    return columns
  }

  return {
    driver: 'mysql',

    async read(scope, query) {
      let columns: readonly MysqlColumn[] = []
      const batches = read(scope, query, found => { columns = found })
      // Up to where the columns are known: from here on the iteration has the connection, and ends it when it is ended or closed.
      await batches.next()
      return { columns: columns.map(({ name, type, nullable }) => ({ name, type, nullable })), batches }
    },

    async write(scope, into, rows) {
      const session = await sessions.open(scope, writing)
      // MySQL's words name a column, and seldom its table.
      const ask: Session['ask'] = (sql, values) => session.ask(sql, values).catch((error: HubError) => {
        throw error.code === 'UPSTREAM_REJECTED' ? new HubError(error.code, `${error.message} It was asked to write into table "${into.table}".`, error.details, { cause: error.cause }) : error
      })
      return takeSteps(scope, into, rows, {
        async begin() {
          const target = await findTarget(ask, of.called, options.database, into.table)
          pickTargets(into, target.columns)
          await makeTables(ask, target, into)
          await takeTurn(scope, ask, of.called, target, into)
          await begin(session, into.isolation, 'READ WRITE')
          return target
        },
        leaveMark: (target) => leaveMark(ask, target, into.mark),
        writeBatches: (target, batches) => writeBatches(ask, target, into, batches),
        async commit() {
          let atRest = false
          try {
            await ask('COMMIT', [])
            atRest = true
          } finally {
            await session.done(atRest)
          }
        },
        async rollback() {
          const atRest = !scope.signal.aborted && await ask('ROLLBACK', []).then(() => true, () => false)
          await session.done(atRest)
        },
      })
    },

    close: () => sessions.close(),
  }
}

const geometryType = 255

async function begin({ ask }: Session, isolation: Isolation | undefined, access: 'READ ONLY' | 'READ WRITE'): Promise<void> {
  if (isolation) await ask(`SET TRANSACTION ISOLATION LEVEL ${levels[isolation]}`, [])
  await ask(`START TRANSACTION ${access}`, [])
}

/** The text with a place for each value. A `;` at its end is not part of the statement. */
function statementOf({ texts }: Query): string {
  return texts.join(' ? ').replace(/[;\s]+$/, '')
}

function rowOf(columns: readonly MysqlColumn[], cells: readonly Cell[]): Row {
  return Object.fromEntries(columns.map(({ name, read }, index) => {
    const cell = cells[index] ?? null
    return [name, cell === null ? null : read(cell)]
  }))
}
