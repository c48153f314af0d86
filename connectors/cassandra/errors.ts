import { errors } from 'cassandra-driver'
import { HubError } from '../../schema/errors.ts'

/** Codes of the protocol that mean: not now. Unavailable, overloaded, bootstrapping, read timeout. */
const passing: ReadonlySet<number> = new Set([0x1000, 0x1001, 0x1002, 0x1200])

/** The failure of a call as the port has it. `secrets` never appear in the message, whoever wrote it. */
export function asSourceError(source: string, error: unknown, secrets: readonly string[]): HubError {
  if (error instanceof HubError) return error
  const failure = error instanceof errors.NoHostAvailableError ? (causeOf(error) ?? error) : error
  const words = failure instanceof Error ? failure.message : String(failure)
  const said = secrets.reduce((text, secret) => text.replaceAll(secret, '***'), words).replace(/\.$/, '')
  if (isAbsent(failure)) return new HubError('UPSTREAM_UNAVAILABLE', `Source "${source}" does not answer: ${said}. Check that Cassandra runs and can be reached from here.`, { source }, { cause: error })
  return new HubError('UPSTREAM_REJECTED', `Source "${source}" refused: ${said}.`, { source }, { cause: error })
}

/** Why the last host could not be used, if one said so. */
function causeOf({ innerErrors }: errors.NoHostAvailableError): Error | undefined {
  return Object.values((innerErrors ?? {}) as Readonly<Record<string, unknown>>).findLast(inner => inner instanceof Error)
}

function isAbsent(failure: unknown): boolean {
  if (failure instanceof errors.ResponseError) return passing.has(failure.code)
  return !(failure instanceof errors.AuthenticationError || failure instanceof errors.ArgumentError || failure instanceof errors.NotSupportedError || failure instanceof TypeError)
}
