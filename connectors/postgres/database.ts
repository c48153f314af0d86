import type { PoolClient } from 'pg'
import { HubError } from '../../schema/errors.ts'
import type { Column, Row } from '../../schema/values.ts'
import type { Database, Query, Rows } from '../ports/database.ts'
import type { Log } from '../ports/scope.ts'
import { checkNames } from '../sql-text/columns.ts'
import { identifier } from '../sql-text/filter.ts'
import { pickTargets } from '../sql-text/table-write.ts'
import { masked, type Upstream } from '../sql-text/upstream.ts'
import { takeSteps } from '../sql-text/write-steps.ts'
import { asked, asking, openConnections } from './connections.ts'
import { asFailure } from './errors.ts'
import type { Ask } from './introspect.ts'
import { databaseConfig, type PostgresDatabaseOptions, postgresDatabaseOptions, secretsOf } from './options.ts'
import { fetched, selectList, textForms } from './rows.ts'
import { begin, beginSql, leaveMark, makeMarks, parameterOf, writeBatches } from './table-write.ts'
import { findTarget } from './target.ts'
import { mappingOf, type PostgresColumn } from './types.ts'

/**
 * A PostgreSQL database. A read runs behind a cursor, its rows typed and written as those of a source are. A write that empties the table, or that merges by columns without a unique
 * index, has the table to itself among writers until it ends; truncateInsert holds up its readers too. Of two transactions that cannot both be, the later → TX_CONFLICT.
 */
export function openPostgresDatabase(given: PostgresDatabaseOptions & { log: Log }): Database {
  const { log, ...rest } = given
  const options = postgresDatabaseOptions.parse(rest)
  const secrets = secretsOf(options)
  const [database, host] = [masked(options.database, secrets), masked(options.host, secrets)]
  const of: Upstream = { called: `database "${database}" at ${host}`, details: { database }, secrets }
  const path = options.schemas ? `; SET search_path TO ${options.schemas.map(identifier).join(', ')}` : ''
  const { maxConnections, connectTimeoutMs } = options
  const connections = openConnections({ of, config: databaseConfig(options), maxConnections, connectTimeoutMs, session: textForms + path, log })

  return {
    driver: 'postgresql',

    async read(scope, query): Promise<Rows> {
      let columns: readonly Column[] = []
      const batches = connections.stream<readonly Row[]>(scope, async function* (client) {
        await client.query(beginSql(query.isolation, 'READ ONLY'))
        try {
          const { text, values } = statementOf(query)
          const found = await describe(client, text, values)
          columns = found.map(({ name, type, nullable }) => ({ name, type, nullable }))
          yield []
          const select = `SELECT ${selectList(found)} FROM (\n${text}\n) AS q${found.length > 0 ? `(${found.map((_, index) => place(index)).join(', ')})` : ''}`
          for await (const batch of fetched(asking(client), found, select, values, query.fetchSize)) {
            yield batch
            scope.signal.throwIfAborted()
          }
        } finally {
          // After an abort the connection is given up, and with it the transaction.
          if (!scope.signal.aborted) await client.query('ROLLBACK')
        }
      })
      // Up to where the columns are known: from here on the iteration has the connection, and gives it back when it is ended or closed.
      await batches.next()
      return { columns, batches }
    },

    async write(scope, into, rows) {
      const { client, done } = await connections.take(scope)
      const ask: Ask = (sql, values) => asking(client)(sql, values).catch((error: unknown) => { throw failureOf(error) })
      const rollback = async () => {
        const isBroken = await ask('ROLLBACK', []).then(() => false, () => true)
        await done(isBroken)
      }
      return takeSteps(scope, into, rows, {
        async begin() {
          const target = await findTarget(ask, of.called, into.table)
          pickTargets(into, target.columns)
          await makeMarks(ask, target)
          await begin(ask, target, into)
          return target
        },
        leaveMark: target => leaveMark(ask, target, into.mark),
        writeBatches: (target, batches) => writeBatches(ask, target, into, batches),
        async commit() {
          let isBroken = true
          try {
            await ask('COMMIT', [])
            isBroken = false
          } finally {
            await done(isBroken)
          }
        },
        rollback,
      })
    },

    close: () => connections.close(),
  }

  function failureOf(error: unknown): HubError {
    const failure = asFailure(of, error)
    if (!conflicts.has(String(failure.details['sqlState']))) return failure
    return new HubError('TX_CONFLICT', `${failure.message} Nothing was written. Write it again.`, failure.details, { cause: error })
  }
}

/** serialization_failure, deadlock_detected */
const conflicts = new Set(['40001', '40P01'])

/** The text with a place for each value. A `;` at its end is not part of the statement. */
function statementOf({ texts, values }: Query) {
  const text = texts.reduce((before, after, index) => `${before} $${index} ${after}`)
  return { text: text.replace(/[;\s]+$/, ''), values: values.map(parameterOf) }
}

const place = (index: number) => identifier(`c${index}`)

/** The columns of the statement, each read from its place, without running it. */
async function describe(client: PoolClient, text: string, values: Parameters<Ask>[1]): Promise<readonly PostgresColumn[]> {
  const ask = asking(client)
  const { fields } = await asked(client, `SELECT * FROM (\n${text}\n) AS q LIMIT 0`, values)
  checkNames(fields.map(({ name }) => name))
  const types = new Map((await ask('SELECT oid::text, typname, typtype::text, typcategory::text FROM pg_type WHERE oid = ANY($1::oid[])', [fields.map(({ dataTypeID }) => String(dataTypeID))])).map(([oid, ...type]) => [oid, type]))
  return fields.map(({ name, dataTypeID }, index): PostgresColumn => {
    const [base, typtype, typcategory] = types.get(String(dataTypeID)) ?? []
    const { type, bound, read } = mappingOf(base ?? '', typtype ?? '', typcategory ?? '')
    return { name, type, bound, nullable: true, expression: read?.(place(index)) ?? place(index) }
  })
}
