import { hash } from 'node:crypto'
import type { ChangeLog } from '../../connectors/ports/change-log.ts'
import { HubError } from '../../schema/errors.ts'
import type { Filter } from '../../schema/filter.ts'
import type { CursorSealer } from '../cursor.ts'
import { canonical } from './canonical.ts'

/** A place in a log: the first entry, and the first change inside it, not yet consumed. */
export interface Place {
  readonly next: number
  readonly skip: number
}

export function isBeyond(place: Place, other: Place): boolean {
  return place.next > other.next || (place.next === other.next && place.skip > other.skip)
}

/** Where a subscription begins: with a snapshot, or behind what its client has. */
export type Start = 'snapshot' | Place

/** `every`: one event per change. `latest`: changes of one key that wait together become one. */
export type Mode = 'every' | 'latest'

/** What a cursor is good for: the same rows of the same region for the same tenant, told the same way. */
export interface Audience {
  readonly region: string
  readonly tenant: string
  readonly mode: Mode
  readonly filter?: Filter
}

/** Cursors of one audience over one log. */
export interface PlaceCodec {
  /** Names the audience; equal for equal ones. */
  readonly audience: string
  seal(start: Start): string
  /** A token of another audience, or no token → BAD_CURSOR. A place that the log does not hold any more, never promised, or that is another log's → GONE. */
  open(token: string): Start
}

const fromStart = 'snapshot'

export function placeCodec(sealer: CursorSealer, changes: ChangeLog, audience: Audience): PlaceCodec {
  const { region, tenant, mode, filter } = audience
  const scope = hash('sha256', JSON.stringify(['changes', region, tenant, mode, canonical(filter)]), 'base64url')
  return {
    audience: scope,
    seal: start => sealer.seal(scope, start === 'snapshot' ? fromStart : `${start.next.toString(36)}.${start.skip.toString(36)}.${changes.id}`),
    open(token) {
      const payload = sealer.open(scope, token)
      if (payload === fromStart) return 'snapshot'
      const [next = '', skip = '', ...id] = payload.split('.')
      const place = { next: Number.parseInt(next, 36), skip: Number.parseInt(skip, 36) }
      if (id.join('.') !== changes.id) throw gone(region, 'was given out for a log that has been begun anew')
      if (place.next < changes.start) throw gone(region, 'is older than what the log still holds')
      if (place.next > changes.durable || (place.next === changes.durable && place.skip > 0)) throw gone(region, 'lies behind the end of the log')
      return place
    },
  }
}

/** The error of a place that cannot be read from: `why` completes "The place in the changes of region … ". */
export function gone(region: string, why: string): HubError {
  return new HubError('GONE', `The place in the changes of region "${region}" ${why}. Subscribe again without a cursor: a snapshot follows.`, { region })
}
