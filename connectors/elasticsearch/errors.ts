import { errors } from '@elastic/elasticsearch'
import { HubError } from '../../schema/errors.ts'

/** States of HTTP that mean: not now. */
const passing: ReadonlySet<number> = new Set([408, 429, 502, 503, 504])

/** The failure of a call as the port has it. `secrets` never appear in the message, whoever wrote it. */
export function asSourceError(source: string, error: unknown, secrets: readonly string[]): HubError {
  if (error instanceof HubError) return error
  const words = error instanceof Error ? error.message : String(error)
  const said = secrets.reduce((text, secret) => text.replaceAll(secret, '***'), words.replaceAll(/\s*\n\s*/g, ' ')).replace(/\.$/, '')
  if (isAbsent(error)) return new HubError('UPSTREAM_UNAVAILABLE', `Source "${source}" does not answer: ${said}. Check that Elasticsearch runs and can be reached from here.`, { source }, { cause: error })
  return new HubError('UPSTREAM_REJECTED', `Source "${source}" refused: ${said}.`, { source }, { cause: error })
}

function isAbsent(error: unknown): boolean {
  if (error instanceof errors.ResponseError) return passing.has(error.statusCode ?? 0)
  return error instanceof errors.ConnectionError || error instanceof errors.TimeoutError || error instanceof errors.NoLivingConnectionsError || error instanceof errors.RequestAbortedError
}
