import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Scope } from '../../connectors/ports/scope.ts'
import { HubError } from '../../schema/errors.ts'
import { consistencyLevel, defaultConsistency, nearerConsistency, type ConsistencyLevel } from '../../schema/consistency.ts'
import { SessionToken, sessionHeader } from './session.ts'

export const consistencyHeader = 'X-Consistency'
export const windowHeader = 'X-Max-Staleness-Ms'

/** What a request's headers say of its reads. */
export type Reading = (headers: IncomingHttpHeaders) => Pick<Scope, 'consistency' | 'session'>

/** How one hub reads them; `level` holds where they say none. Headers that are not to be understood → VALIDATION_ERROR. */
export function readingOf(level: ConsistencyLevel): Reading {
  const hub = randomBytes(6).toString('base64url')
  const usual = defaultConsistency(level)
  const words = { level: consistencyHeader, window: windowHeader }
  return headers => {
    const said = headers['x-consistency']
    const window = headers['x-max-staleness-ms']
    const session = new SessionToken(hub, headers['x-session-token'])
    if (said === undefined && window === undefined) return { consistency: usual, session }
    const asked = { ...(said !== undefined && { level: consistencyLevel(String(said), words.level) }), ...(window !== undefined && { maxStalenessMs: windowIn(String(window)) }) }
    return { consistency: nearerConsistency(usual, asked, 'header', words), session }
  }
}

function windowIn(text: string): number {
  if (/^\s*-?\d{1,15}\s*$/.test(text)) return Number(text)
  throw new HubError('VALIDATION_ERROR', `${windowHeader} is "${text.slice(0, 100)}"; it takes a whole number of milliseconds above 0.`, { field: windowHeader })
}

/** Headers of an answer: what the caller must say from now on to read what this request wrote; none where it wrote nothing. */
export function sessionHeaders({ session }: Pick<Scope, 'session'>): Readonly<Record<string, string>> {
  return session?.added === undefined ? {} : { [sessionHeader.toLowerCase()]: session.added }
}
