import { type Code, HubError } from '../../schema/errors.ts'
import { type OpName, status } from './wire/codes.ts'

const codeOfStatus: Partial<Record<number, Code>> = {
  [status.invalidNodeState]: 'UPSTREAM_UNAVAILABLE',
  [status.nodeInRecoveryMode]: 'UPSTREAM_UNAVAILABLE',
  [status.cacheDoesNotExist]: 'NOT_FOUND',
  [status.cacheExists]: 'CONFLICT',
  [status.tooManyCursors]: 'POOL_EXHAUSTED',
  [status.txLimitExceeded]: 'POOL_EXHAUSTED',
  [status.txNotFound]: 'TX_TIMEOUT',
}

/** Most failures have one status; only their text tells them apart. The first that fits decides. */
const codeOfText: readonly (readonly [RegExp, Code])[] = [
  [/Null value is not allowed for column|Value for a column .* is (?:out of range|too long)/, 'VALIDATION_ERROR'],
  [/deadlock detected|TransactionDeadlockException/i, 'TX_CONFLICT'],
  [/Failed to acquire lock within provided timeout|transaction timed out|has been timed out|TransactionTimeoutException|rolled back due to timeout/i, 'TX_TIMEOUT'],
  [/read\/write conflict|optimistic|Transaction has been already completed|Transaction is closed|rolled back|MARKED_ROLLBACK|ROLLED_BACK/i, 'TX_CONFLICT'],
  [/^57014:|QueryCancelledException|query was cancelled while executing/, 'TIMEOUT'],
  [/left (?:the )?grid|left the topology|Failed to commit transaction\.?$|topology (?:was )?changed|all (?:partition|server|affinity) nodes|Failed to (?:find|map) .*nodes|Lost partition|partitions? .*(?:lost|has been lost)|node is stopping|grid is stopping|cluster (?:is )?inactive|Client is (?:re|dis)connect|Failed to send message/i, 'UPSTREAM_UNAVAILABLE'],
  [/^(?:42|22|23|50)\w{3}:|Failed to parse query/, 'SQL_ERROR'],
]

/** What an answer with the error flag means to a caller. The server's text may hold data of the request; it is the caller's own. */
export function refusal(operation: OpName, code: number, text: string | null, server: string): HubError {
  const found = text ?? 'without a reason'
  const meaning = codeOfStatus[code] ?? codeOfText.find(([pattern]) => pattern.test(found))?.[1] ?? 'UPSTREAM_REJECTED'
  return new HubError(meaning, `Ignite at ${server} refused "${operation}": ${found}`, { engine: 'ignite', engineStatus: code })
}

export function unavailable(server: string, reason: string, cause?: unknown): HubError {
  return new HubError('UPSTREAM_UNAVAILABLE', `Ignite at ${server} ${reason}`, { engine: 'ignite' }, { cause })
}

export function timedOut(operation: OpName, server: string, afterMs: number): HubError {
  return new HubError('TIMEOUT', `Ignite at ${server} gave no answer to "${operation}" within ${Math.round(afterMs)} ms. What was asked for may still happen there.`, { engine: 'ignite' })
}
