import { HubError } from '../../schema/errors.ts'
import { upperFirst } from '../../schema/names.ts'
import { saidBy, shapeOf, type Upstream } from '../sql-text/upstream.ts'

/** Codes of Node, of mysql2 and of MySQL that mean: not there, not now. */
const absent = /^(ECONN.*|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|ENOENT|PROTOCOL_CONNECTION_LOST|ERR_STREAM_DESTROYED|ER_SERVER_SHUTDOWN|ER_NORMAL_SHUTDOWN|ER_CON_COUNT_ERROR|ER_TOO_MANY_USER_CONNECTIONS|ER_CONNECTION_KILLED|ER_NEW_ABORTING_CONNECTION)$/
const lost = /closed state|connection lost|secure TLS connection was established/i

/** Deadlock, lock wait timeout, and of MariaDB: changed since it was read. */
const conflicts = new Set(['ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT', 'ER_USER_LOCK_DEADLOCK', 'ER_CHECKREAD'])

/** The failure of a call as the port has it. Secrets never appear in the message, whoever wrote it. */
export function asMysqlFailure({ called, details, secrets }: Upstream, error: unknown): HubError {
  if (error instanceof HubError) return error
  const { code, message } = shapeOf(error)
  const said = saidBy(error, secrets)
  if (absent.test(code) || lost.test(message)) return new HubError('UPSTREAM_UNAVAILABLE', `${upperFirst(called)} does not answer: ${said}. Check that MySQL runs and can be reached from here.`, details, { cause: error })
  const more = { ...details, ...(code && { mysqlCode: code }) }
  if (conflicts.has(code)) return new HubError('TX_CONFLICT', `${upperFirst(called)} refused: ${said}. Nothing was written. Write it again.`, more, { cause: error })
  return new HubError('UPSTREAM_REJECTED', `${upperFirst(called)} refused: ${said}.`, more, { cause: error })
}
