import { HubError } from '../../schema/errors.ts'
import { upperFirst } from '../../schema/names.ts'
import { saidBy, shapeOf, type Upstream } from '../sql-text/upstream.ts'

/** Codes of Node and of PostgreSQL that mean: not there, not now. */
const absent = /^(ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|ENOENT|57P0[1-5]|08...|53...)$/
const lost = /connection terminated|connection ended|timeout expired|not queryable|connection error/i

export function asSourceError(source: string, error: unknown, secrets: readonly string[]): HubError {
  return asFailure({ called: `source "${source}"`, details: { source }, secrets }, error)
}

/** The failure of a call as the ports have it. Secrets never appear in the message, whoever wrote it. */
export function asFailure({ called, details, secrets }: Upstream, error: unknown): HubError {
  if (error instanceof HubError) return error
  const { code, message } = shapeOf(error)
  const said = saidBy(error, secrets)
  if (/timeout exceeded when trying to connect/.test(message)) return new HubError('POOL_EXHAUSTED', `Every connection to ${called} is in use, and none came free in time. Ask again later.`, details, { cause: error })
  if (absent.test(code) || lost.test(message)) return new HubError('UPSTREAM_UNAVAILABLE', `${upperFirst(called)} does not answer: ${said}. Check that PostgreSQL runs and can be reached from here.`, details, { cause: error })
  return new HubError('UPSTREAM_REJECTED', `${upperFirst(called)} refused: ${said}.`, { ...details, ...(code ? { sqlState: code } : {}) }, { cause: error })
}
