import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { HubError } from '../../schema/errors.ts'
import type { Log, Scope } from '../ports/scope.ts'

/** The schema the hub's tables stand in, so that they meet nobody else's. */
const schema = 'tributary'
const connectMs = 5_000
/** No statement of the hub's tables takes this long; one that does waits for a server that is gone. */
const statementMs = 10_000
/** Others wait for what a transaction holds; whoever says nothing in the middle of one has stopped. */
const idleMs = 5_000

const uniqueViolation = '23505'

/** The work's answer, its failure as an error of ours; the reason of a scope that has ended meanwhile comes first. */
export type Told = <T>(work: Promise<T>, scope?: Scope) => Promise<T>

/**
 * What `open` makes of the hub's own tables in a PostgreSQL database; closing it has to destroy the database it was given. Every hub that names the database shares them. A server that cannot
 * be reached → UPSTREAM_UNAVAILABLE, one that refuses → UPSTREAM_REJECTED, now and by `told` later; the password is in neither.
 */
export async function openPostgresDatabase<Tables, T>({ url, log }: { readonly url: string; readonly log: Log }, open: (db: Kysely<Tables>) => Promise<T>): Promise<{ readonly opened: T; readonly told: Told }> {
  if (!URL.canParse(url) || !/^postgres(ql)?:\/\//.test(url)) throw new HubError('VALIDATION_ERROR', 'The address of the metadata store is not of the form postgresql://user:password@host:port/database.')
  const { host, password } = new URL(url)
  const failure = (error: unknown): HubError => asFailure(error, host, password)
  const pool = new pg.Pool({
    connectionString: url, max: 4, application_name: 'tributary', allowExitOnIdle: true, connectionTimeoutMillis: connectMs, statement_timeout: statementMs, query_timeout: statementMs, idle_in_transaction_session_timeout: idleMs,
    onConnect: async client => {
      // Whoever waits for an answer is told besides; a loss nobody listens to would end the process.
      client.on('error', error => log.warn('A connection to the metadata store was lost.', { reason: failure(error).message }))
      await client.query(`SET search_path TO ${schema}`)
    },
  })
  pool.on('error', error => log.debug('The pool of the metadata store let go of a connection.', { reason: failure(error).message }))
  const told: Told = (work, scope) => work.catch((error: unknown) => {
    scope?.signal.throwIfAborted()
    throw failure(error)
  })
  try {
    await pool.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`).catch((error: unknown) => {
      // Another hub made it between the look and the making.
      if ((error as { readonly code?: unknown }).code !== uniqueViolation) throw error
    })
    return { opened: await open(new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })), told }
  } catch (error) {
    await pool.end()
    throw failure(error)
  }
}

/** Codes of Node and of PostgreSQL that mean: not there, not now. */
const absent = /^(ECONN.*|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|57P0[1-5]|57014|25P03|08...|53...)$/
const lost = /connection terminated|connection ended|timeout|not queryable/i

function asFailure(error: unknown, host: string, password: string): HubError {
  // An abort's reason is one already, and so is what the store itself refuses.
  if (error instanceof HubError) return error
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
  const secrets = [password, decodeURIComponent(password)].filter(secret => secret !== '')
  const said = secrets.reduce((text, secret) => text.replaceAll(secret, '***'), String(message || code || 'no reason given'))
  if (absent.test(String(code)) || lost.test(said)) return new HubError('UPSTREAM_UNAVAILABLE', `The metadata store at ${host} does not answer: ${said}. Check that PostgreSQL runs and can be reached from here.`, {}, { cause: error })
  return new HubError('UPSTREAM_REJECTED', `The metadata store at ${host} refused: ${said}.`, {}, { cause: error })
}
