import { HubError } from '../../schema/errors.ts'
import { upperFirst } from '../../schema/names.ts'

/** Codes of Node and of PostgreSQL that mean: not there, not now. */
const absent = /^(ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|ENOENT|57P0[1-5]|08...|53...)$/
const lost = /connection terminated|connection ended|timeout expired|not queryable|connection error/i

/** Whose failure it is. */
export interface Upstream {
  /** As messages have it: `source "crm"`. */
  readonly called: string
  readonly details: Readonly<Record<string, unknown>>
  /** Texts that may stand in no message. */
  readonly secrets: readonly string[]
}

export function asSourceError(source: string, error: unknown, secrets: readonly string[]): HubError {
  return asFailure({ called: `source "${source}"`, details: { source }, secrets }, error)
}

/** The failure of a call as the ports have it. Secrets never appear in the message, whoever wrote it. */
export function asFailure({ called, details, secrets }: Upstream, error: unknown): HubError {
  if (error instanceof HubError) return error
  const { code, message, errors } = shapeOf(error)
  const said = masked(message || errors.map(one => shapeOf(one).message).join('; ') || 'no reason given', secrets)
  if (/timeout exceeded when trying to connect/.test(message)) return new HubError('POOL_EXHAUSTED', `Every connection to ${called} is in use, and none came free in time. Ask again later.`, details, { cause: error })
  if (absent.test(code) || lost.test(message)) return new HubError('UPSTREAM_UNAVAILABLE', `${upperFirst(called)} does not answer: ${said}. Check that PostgreSQL runs and can be reached from here.`, details, { cause: error })
  return new HubError('UPSTREAM_REJECTED', `${upperFirst(called)} refused: ${said}.`, { ...details, ...(code ? { sqlState: code } : {}) }, { cause: error })
}

export function masked(text: string, secrets: readonly string[]): string {
  return secrets.reduce((said, secret) => said.replaceAll(secret, '***'), text)
}

function shapeOf(error: unknown): { code: string; message: string; errors: readonly unknown[] } {
  if (typeof error !== 'object' || error === null) return { code: '', message: String(error), errors: [] }
  const { code, message, errors } = error as { code?: unknown; message?: unknown; errors?: unknown }
  return { code: typeof code === 'string' ? code : '', message: typeof message === 'string' ? message : '', errors: Array.isArray(errors) ? errors : [] }
}
